"""Settings for the Yin-Yang points (Kriener, Göltz & Petrovici 2022, 10.1145/3517343.3517380).

A point becomes the times of five single spikes. The output that spikes first tells its class; the
network learns by a loss of first spike times (Göltz et al. 2021, 10.1038/s42256-021-00388-x, and
Nowotny, Turner & Knight 2024, arXiv 2212.01232).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .classifier import ClassifierNetwork, ClassifierSettings, build_classifier

#: Input channels: one whose spike marks the beginning, x, y, 1 - x and 1 - y.
NUM_CHANNELS = 5
#: Classes: yang, yin and the dots of both.
CLASS_NAMES = ("yang", "yin", "dots")
#: Time of the earliest spike, and time by which a unit of length delays one [ms].
OFFSET, SCALE = 2.0, 30.0
#: Length of a trial [ms].
DURATION = 50.0


@dataclass(frozen=True)
class YinYangSettings(ClassifierSettings):
    """Settings chosen on a validation part. Spike times want a fine timestep."""

    dt: float = 0.05
    readout: str = "first_spike_time"
    spike_time_temperature: float = 0.5  #: of the softmax over first spike times [ms]
    spike_time_push: float = 0.2  #: strength with which the true output is pushed to spike early
    input_weight: tuple[float, float] = (5.0, 5.0)
    hidden_weight: tuple[float, float] = (0.2, 0.4)
    output_weight: tuple[float, float] = (0.2, 0.4)
    recurrent_weight: tuple[float, float] = (0.0, 0.2)
    max_delay: float = 30.0
    input_delay: tuple[float, float] | None = (0.0, 5.0)
    hidden_delay: tuple[float, float] = (0.0, 5.0)
    recurrent_delay: tuple[float, float] | None = (0.0, 5.0)
    output_delay: tuple[float, float] | None = (0.0, 5.0)
    epochs: int = 60
    batch_size: int = 50
    lr: float = 0.02
    delay_lr: float = 0.1
    lr_final: float = 0.05
    i_minus_thresh_min: float = 0.3


def yin_yang_settings(num_hidden: Sequence[int] = (30,)) -> YinYangSettings:
    """Settings whose weights from hidden neurons suit their number.

    Args:
        num_hidden: neurons of each hidden layer.

    Raises:
        ValueError: no layer, or one without neurons.
    """
    if len(num_hidden) == 0 or min(num_hidden) < 1:
        raise ValueError(f"num_hidden is {tuple(num_hidden)}, at least one neuron is needed")

    def weight(number: int) -> tuple[float, float]:
        return 6.0 / number, 2.0 / math.sqrt(number)

    return replace(
        YinYangSettings(), hidden_weight=weight(num_hidden[0]), output_weight=weight(num_hidden[-1])
    )


def build_network(
    settings: ClassifierSettings | None = None,
    num_hidden: Sequence[int] = (30,),
    recurrent: bool = False,
    delays: str = "learned",
) -> ClassifierNetwork:
    """Describe a network for the Yin-Yang points.

    Args:
        settings: default ``yin_yang_settings(num_hidden)``.
        num_hidden, recurrent, delays: see :func:`.build_classifier`.

    Raises:
        ValueError: see :func:`.build_classifier`.
    """
    return build_classifier(
        yin_yang_settings(num_hidden) if settings is None else settings,
        NUM_CHANNELS,
        len(CLASS_NAMES),
        num_hidden,
        recurrent,
        delays,
    )
