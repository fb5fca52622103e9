"""Settings for Braille letters read by a fingertip (24 channels, 27 classes, trials of 1.3 s)."""

from __future__ import annotations

from typing import Any

from .classifier import ClassifierNetwork, build_classifier
from .methods import method_settings
from .settings import (
    AugmentationSettings,
    ClassifierSettings,
    LearningSettings,
    Method,
    NetworkSettings,
    NeuronSettings,
)

#: Input channels: taxel + 12 * polarity.
NUM_CHANNELS = 24

#: Mean and standard deviation of input weights by threshold of the encoding: the fewer events,
#: the larger the weights must be for hidden neurons to spike.
INPUT_WEIGHT = {1: (0.02, 0.07), 2: (0.04, 0.14), 5: (0.1, 0.35), 10: (0.2, 0.7)}

#: In which methods with surrogate gradients differ here, besides :func:`.method_settings`: the best
#: of eight settings on validation, for each of them. They want a value for every timestep of every
#: neuron, so that 10 ms are as fine as is practical.
_SURROGATE: dict[str, Any] = {"dt": 10.0, "lr": 0.02, "batch_size": 128, "batch_norm": True}
METHODS: dict[str, dict[str, Any]] = {"dcls": _SURROGATE, "delrec": _SURROGATE}


def braille_settings(threshold: int = 10, method: Method = "eventprop") -> ClassifierSettings:
    """Published settings, tuned on real recordings at threshold 10, with the input weights for a
    threshold of the encoding.

    Args:
        threshold: of the encoding
        method: that the network is trained with

    Raises:
        ValueError: a threshold at which the data were not encoded.
    """
    if threshold not in INPUT_WEIGHT:
        raise ValueError(f"threshold is {threshold}, allowed are {sorted(INPUT_WEIGHT)}")
    own = METHODS.get(method, {})
    settings = _settings_of_eventprop(threshold).change(own)
    return settings.change({**method_settings(method, settings.network.dt), **own})


def _settings_of_eventprop(threshold: int) -> ClassifierSettings:
    return ClassifierSettings(
        NetworkSettings(
            max_delay=500.0,
            input_weight=INPUT_WEIGHT[threshold],
            hidden_weight=(0.05, 0.2),
            recurrent_weight=(0.0, 0.2),
            output_weight=(0.0, 0.1),
            input_delay=(0.0, 200.0),
            hidden_delay=(0.0, 200.0),
            recurrent_delay=(0.0, 200.0),
        ),
        NeuronSettings(tau_mem=100.0, tau_mem_output=1000.0, tau_syn=50.0, tau_syn_output=20.0),
        LearningSettings(
            epochs=40,
            lr=0.02,
            recurrent_lr=0.2,
            delay_lr=2.0,
            lr_ease_in=1e-3,
            lr_final=0.05,
            temperature=1.0 / 65.0,
            i_minus_thresh_min=0.3,
        ),
        AugmentationSettings(jitter=20.0, shift=40.0, stretch=0.08),
    )


def build_network(
    settings: ClassifierSettings | None = None, num_output: int = 27
) -> ClassifierNetwork:
    """Describe a network for Braille letters.

    Args:
        settings: default ``braille_settings()``.
        num_output: classes, 27 letters (with 'Space') unless the data lack some.

    Raises:
        ValueError: see :func:`.build_classifier`.
    """
    return build_classifier(settings or braille_settings(), NUM_CHANNELS, num_output)
