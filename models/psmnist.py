"""Settings for permuted sequential MNIST (784 timesteps of 1 ms, 10 classes).

A pixel is as bright as the number of thresholds that it reaches; every threshold has a channel.
Without delays this is the injection of a current in proportion to brightness. With delays a neuron
sees each threshold of a bright pixel at another time, which is why many thresholds do better than
few, although most pixels are black or white.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .classifier import ClassifierNetwork, ClassifierSettings, build_classifier

#: Thresholds of brightness, a channel each.
THRESHOLDS = tuple(range(8, 256, 16))
#: Length of a trial [ms]: 784 pixels, and some time in which the last ones take effect.
DURATION = 800.0
#: Classes.
NUM_CLASSES = 10


@dataclass(frozen=True)
class PSMNISTSettings(ClassifierSettings):
    """Settings chosen on a validation part, for networks with learned delays.

    They suit networks with input delays alone, too, which slower synapses do not help. Networks
    without any delay want a lower learning rate (``lr=0.003``), since all channels then do
    the same; slower synapses (``tau_syn=20``) raise their accuracy by some percent.
    """

    tau_mem: float = 20.0
    tau_mem_output: float = 500.0
    tau_syn: float = 10.0
    tau_syn_output: float = 10.0
    readout: str = "avg_var_exp_weight"
    temperature: float = 0.05
    input_weight: tuple[float, float] = (0.0, 0.45)
    hidden_weight: tuple[float, float] = (0.0, 0.3)
    recurrent_weight: tuple[float, float] = (0.0, 0.3)
    output_weight: tuple[float, float] = (0.0, 0.03)
    max_delay: float = 784.0
    input_delay: tuple[float, float] | None = (0.0, 780.0)
    hidden_delay: tuple[float, float] = (0.0, 300.0)
    recurrent_delay: tuple[float, float] | None = (0.0, 300.0)
    epochs: int = 25
    batch_size: int = 50
    lr: float = 0.01
    recurrent_lr: float = 0.3
    delay_lr: float = 1.0
    lr_ease_in: float = 0.02
    lr_final: float = 0.03
    i_minus_thresh_min: float = 0.3


def build_network(
    settings: ClassifierSettings | None = None,
    num_channels: int = len(THRESHOLDS),
    num_hidden: Sequence[int] = (128,),
    recurrent: bool = True,
    delays: str = "learned",
) -> ClassifierNetwork:
    """Describe a network for permuted sequential MNIST.

    Args:
        settings: default ``PSMNISTSettings()``.
        num_channels: input channels, which depend on the encoding.
        num_hidden, recurrent, delays: see :func:`.build_classifier`.

    Raises:
        ValueError: see :func:`.build_classifier`.
    """
    return build_classifier(
        PSMNISTSettings() if settings is None else settings,
        num_channels,
        NUM_CLASSES,
        num_hidden,
        recurrent,
        delays,
    )
