"""Settings for Braille letters read by a fingertip (24 channels, 27 classes, trials of 1.3 s)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .classifier import ClassifierNetwork, ClassifierSettings, build_classifier

#: Input channels: taxel + 12 * polarity.
NUM_CHANNELS = 24

#: Mean and standard deviation of input weights by threshold of the encoding: the fewer events,
#: the larger the weights must be for hidden neurons to spike.
INPUT_WEIGHT = {1: (0.02, 0.07), 2: (0.04, 0.14), 5: (0.1, 0.35), 10: (0.2, 0.7)}


@dataclass(frozen=True)
class BrailleSettings(ClassifierSettings):
    """Published settings, tuned on real recordings at threshold 10."""

    tau_mem: float = 100.0
    tau_mem_output: float = 1000.0
    tau_syn: float = 50.0
    tau_syn_output: float = 20.0
    temperature: float = 1.0 / 65.0
    input_weight: tuple[float, float] = INPUT_WEIGHT[10]
    hidden_weight: tuple[float, float] = (0.05, 0.2)
    recurrent_weight: tuple[float, float] = (0.0, 0.2)
    output_weight: tuple[float, float] = (0.0, 0.1)
    max_delay: float = 500.0
    input_delay: tuple[float, float] = (0.0, 200.0)
    hidden_delay: tuple[float, float] = (0.0, 200.0)
    recurrent_delay: tuple[float, float] = (0.0, 200.0)
    epochs: int = 40
    batch_size: int = 32
    lr: float = 0.02
    recurrent_lr: float = 0.2
    delay_lr: float = 2.0
    lr_ease_in: float = 1e-3
    lr_final: float = 0.05
    i_minus_thresh_min: float = 0.3
    jitter: float = 20.0
    shift: float = 40.0
    stretch: float = 0.08


def braille_settings(threshold: int = 10) -> BrailleSettings:
    """Published settings, with the input weights for a threshold of the encoding.

    Raises:
        ValueError: a threshold at which the data were not encoded.
    """
    if threshold not in INPUT_WEIGHT:
        raise ValueError(f"threshold is {threshold}, allowed are {sorted(INPUT_WEIGHT)}")
    return replace(BrailleSettings(), input_weight=INPUT_WEIGHT[threshold])


def build_network(
    settings: ClassifierSettings | None = None,
    num_hidden: Sequence[int] = (128,),
    recurrent: bool = True,
    delays: str = "learned",
    num_output: int = 27,
) -> ClassifierNetwork:
    """Describe a network for Braille letters.

    Args:
        settings: default ``BrailleSettings()``.
        num_hidden, recurrent, delays: see :func:`.build_classifier`.
        num_output: classes, 27 letters (with 'Space') unless the data lack some.

    Raises:
        ValueError: see :func:`.build_classifier`.
    """
    return build_classifier(
        BrailleSettings() if settings is None else settings,
        NUM_CHANNELS,
        num_output,
        num_hidden,
        recurrent,
        delays,
    )
