"""Settings for the Yin-Yang points (Kriener, Göltz & Petrovici 2022, 10.1145/3517343.3517380).

A point becomes the times of five single spikes. The output that spikes first tells its class; the
network learns by a loss of first spike times (Göltz et al. 2021, 10.1038/s42256-021-00388-x, and
Nowotny, Turner & Knight 2024, arXiv 2212.01232).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .classifier import ClassifierNetwork, build_classifier
from .settings import (
    ClassifierSettings,
    LearningSettings,
    NetworkSettings,
    NeuronSettings,
    NotNegative,
    Positive,
    Timing,
)

#: Input channels: one whose spike marks the beginning, x, y, 1 - x and 1 - y.
NUM_CHANNELS = 5
#: Classes: yang, yin and the dots of both.
CLASS_NAMES = ("yang", "yin", "dots")
#: Time of the earliest spike, and time by which a unit of length delays one [ms].
OFFSET, SCALE = 2.0, 30.0
#: Length of a trial [ms].
DURATION = 50.0


@dataclass(frozen=True)
class SpikeTimeLearning(LearningSettings):
    """How first spike times are learned."""

    spike_time_temperature: Positive = 0.5  #: of the softmax over first spike times [ms]
    spike_time_push: NotNegative = 0.2  #: strength with which the true output is to spike early


def yin_yang_settings(
    num_hidden: Sequence[int] = (30,), timing: Timing = "substep"
) -> ClassifierSettings:
    """Settings chosen on a validation part, with weights from hidden neurons that suit their
    number. Spike times are real numbers, or else want a fine timestep.

    Args:
        num_hidden: neurons of each hidden layer.
        timing: "substep" with a timestep of 1 ms, or "grid" with one of 0.05 ms.

    Raises:
        ValueError: no layer, or one without neurons.
    """
    if len(num_hidden) == 0 or min(num_hidden) < 1:
        raise ValueError(f"num_hidden is {tuple(num_hidden)}, at least one neuron is needed")

    def weight(number: int) -> tuple[float, float]:
        return 6.0 / number, 2.0 / math.sqrt(number)

    delay = (0.0, 5.0)
    return ClassifierSettings(
        NetworkSettings(
            hidden=tuple(num_hidden),
            recurrent=False,
            dt=1.0 if timing == "substep" else 0.05,
            timing=timing,
            input_weight=(5.0, 5.0),
            hidden_weight=weight(num_hidden[0]),
            output_weight=weight(num_hidden[-1]),
            recurrent_weight=(0.0, 0.2),
            max_delay=30.0,
            input_delay=delay,
            hidden_delay=delay,
            recurrent_delay=delay,
            output_delay=delay,
        ),
        NeuronSettings(readout="first_spike_time"),
        SpikeTimeLearning(
            epochs=60,
            batch_size=50,
            lr=0.02,
            delay_lr=0.1,
            lr_final=0.05,
            i_minus_thresh_min=0.3,
        ),
    )


def build_network(settings: ClassifierSettings | None = None) -> ClassifierNetwork:
    """Describe a network for the Yin-Yang points.

    Args:
        settings: default ``yin_yang_settings()``.

    Raises:
        ValueError: see :func:`.build_classifier`.
    """
    return build_classifier(settings or yin_yang_settings(), NUM_CHANNELS, len(CLASS_NAMES))
