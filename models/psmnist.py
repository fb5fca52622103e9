"""Settings for permuted sequential MNIST (784 timesteps of 1 ms, 10 classes).

A pixel is as bright as the number of thresholds that it reaches; every threshold has a channel.
Without delays this is the injection of a current in proportion to brightness. With delays a neuron
sees each threshold of a bright pixel at another time, which is why many thresholds do better than
few, although most pixels are black or white.
"""

from __future__ import annotations

from .classifier import ClassifierNetwork, build_classifier
from .settings import ClassifierSettings, LearningSettings, NetworkSettings, NeuronSettings

#: Thresholds of brightness, a channel each.
THRESHOLDS = tuple(range(8, 256, 16))
#: Length of a trial [ms]: 784 pixels, and some time in which the last ones take effect.
DURATION = 800.0
#: Classes.
NUM_CLASSES = 10


def psmnist_settings() -> ClassifierSettings:
    """Settings chosen on a validation part, for networks with learned delays.

    They suit networks with input delays alone, too, which slower synapses do not help. Networks
    without any delay want a lower learning rate (``lr=0.003``), since all channels then do
    the same; slower synapses (``tau_syn=20``) raise their accuracy by some percent.
    """
    return ClassifierSettings(
        NetworkSettings(
            input_weight=(0.0, 0.45),
            hidden_weight=(0.0, 0.3),
            recurrent_weight=(0.0, 0.3),
            output_weight=(0.0, 0.03),
            max_delay=784.0,
            input_delay=(0.0, 780.0),
            hidden_delay=(0.0, 300.0),
            recurrent_delay=(0.0, 300.0),
        ),
        NeuronSettings(tau_mem=20.0, tau_mem_output=500.0, tau_syn=10.0, tau_syn_output=10.0),
        LearningSettings(
            epochs=25,
            batch_size=50,
            lr=0.01,
            recurrent_lr=0.3,
            delay_lr=1.0,
            lr_ease_in=0.02,
            lr_final=0.03,
            temperature=0.05,
            i_minus_thresh_min=0.3,
        ),
    )


def build_network(
    settings: ClassifierSettings | None = None, num_channels: int = len(THRESHOLDS)
) -> ClassifierNetwork:
    """Describe a network for permuted sequential MNIST.

    Args:
        settings: default ``psmnist_settings()``.
        num_channels: input channels, which depend on the encoding.

    Raises:
        ValueError: see :func:`.build_classifier`.
    """
    return build_classifier(settings or psmnist_settings(), num_channels, NUM_CLASSES)
