"""Settings for N-MNIST (34 x 34 pixels of two polarities, 10 classes, trials of 340 ms)."""

from __future__ import annotations

from .classifier import ClassifierNetwork, build_classifier
from .settings import ClassifierSettings, LearningSettings, NetworkSettings, NeuronSettings

#: Side of the squares of pixels that are one to the network.
POOL = 2
#: Channels: 17 x 17 squares of two polarities.
NUM_CHANNELS = 17 * 17 * 2
#: Classes.
NUM_CLASSES = 10


def nmnist_settings() -> ClassifierSettings:
    """Settings chosen on a validation part of simulated recordings.

    Events of one edge arrive at a pixel in each of three saccades, some 100 ms apart: delays as
    long as a saccade let a neuron see them together.
    """
    return ClassifierSettings(
        NetworkSettings(
            input_weight=(0.02, 0.06),
            recurrent_weight=(0.0, 0.05),
            output_weight=(0.0, 0.05),
            recurrent=False,
            max_delay=300.0,
            input_delay=(0.0, 200.0),
            recurrent_delay=(0.0, 200.0),
        ),
        NeuronSettings(
            tau_mem=20.0, tau_mem_output=100.0, tau_syn=5.0, tau_syn_output=5.0, readout="avg_var"
        ),
        LearningSettings(
            epochs=20,
            batch_size=64,
            lr=0.003,
            delay_lr=1.0,
            lr_ease_in=1e-2,
            lr_final=0.05,
            temperature=0.05,
            i_minus_thresh_min=0.3,
        ),
    )


def build_network(
    settings: ClassifierSettings | None = None, num_channels: int = NUM_CHANNELS
) -> ClassifierNetwork:
    """Describe a network for N-MNIST.

    Args:
        settings: default ``nmnist_settings()``.
        num_channels: input channels, which depend on how many pixels are one.

    Raises:
        ValueError: see :func:`.build_classifier`.
    """
    return build_classifier(settings or nmnist_settings(), num_channels, NUM_CLASSES)
