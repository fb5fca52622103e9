"""DelRec: recurrent networks with a delay per axon, learned with a triangle that spreads it over
time and narrows from epoch to epoch.

Queant, Rancon, Cottereau & Masquelier 2025 (arXiv 2509.24852); settings are those of their code,
alexmaxad/DelRec at e427881.
"""

from __future__ import annotations

from mlgenn_delays.initializers import HalfNormal, Uniform

from .psmnist import THRESHOLDS
from .recipe import (
    KAIMING_GAIN,
    LINEAR_GAIN,
    LONGEST_RECURRENT_DELAY,
    Published,
    Recipe,
    membrane_time_constant,
    without_membrane,
)
from .settings import (
    AugmentationSettings,
    ClassifierSettings,
    LearningSettings,
    NetworkSettings,
    NeuronSettings,
    SurrogateSettings,
)

_SOURCE = "Queant, Rancon, Cottereau & Masquelier 2025, arXiv 2509.24852"
_DIFFERENCES = (
    "learning rates move from batch to batch; published ones from epoch to epoch",
    "beta1 of Adam stays at 0.9; published, it goes down to 0.85 and up again with the one cycle",
    "biases are 0 at first, not drawn",
    "validation rounds a copy of the delays; published, it rounds the learned ones, still spread",
)


def delrec_shd(feed_forward_delays: bool = True) -> Recipe:
    """Two layers of 256 for the Spiking Heidelberg Digits; the second one is recurrent.

    Published epochs have every example three times: as it is, changed, and blended with another
    one. Here they have it once, in one of these forms, and there are three times as many epochs.

    Args:
        feed_forward_delays: whether there are delays from the first layer to the second, too, one
            per synapse, as in the network of 0.24 million parameters. The other one, of 0.17
            million, is what the published script trains as it stands.
    """
    dt, longest = 10.0, 24
    tau_mem = membrane_time_constant(1.05, dt)
    settings = ClassifierSettings(
        NetworkSettings(
            hidden=(256, 256),
            recurrent_delay_sharing="axonal",
            max_delay=dt * LONGEST_RECURRENT_DELAY,
            dt=dt,
        ),
        NeuronSettings(tau_mem=tau_mem, tau_mem_output=tau_mem, readout="sum_softmax_var"),
        LearningSettings(
            epochs=450,
            batch_size=256,
            lr=5e-3,
            delay_lr=0.05 * dt,
            schedule="one_cycle",
            lr_final=0.0,
            weight_decay=1e-5,
        ),
        AugmentationSettings(
            blend=1.0 / 3.0, channel_time_shift=1000.0, channel_time_shift_rate=1.0 / 3.0
        ),
        SurrogateSettings(
            spread_width=10.0,
            spread_min_width=0.05,
            synapse="delta",
            batch_norm=True,
            bias=True,
            dropout=0.4,
            recurrent_dropout=0.2,
        ),
    )
    return Recipe(
        name="delrec_shd" if feed_forward_delays else "delrec_shd_recurrent",
        task="shd",
        method="delrec",
        settings=settings,
        published=Published(
            93.73 if feed_forward_delays else None,
            0.69 if feed_forward_delays else None,
            0.24e6 if feed_forward_delays else 0.17e6,
            _SOURCE,
            (
                "an example in nine is blended and changed",
                "trials end at 1,000 ms; published ones last as long as the longest of their batch",
                "weight decay is of scales and shifts of batch normalisation, too",
                *_DIFFERENCES,
            ),
        ),
        gain=KAIMING_GAIN,
        delays={"hidden": longest} if feed_forward_delays else {},
        recurrent_layers=(2,),
        recurrent_delays=Uniform(10.0, 30.0),
        grouped_channels=5,
        tail_steps=(longest // 2 if feed_forward_delays else 0) + 4,
        optimiser="adamw",
    )


def delrec_ssc() -> Recipe:
    """Three recurrent layers of 256 for the Spiking Speech Commands."""
    dt = 5.6
    return Recipe(
        name="delrec_ssc",
        task="ssc",
        method="delrec",
        settings=_soft_reset_settings(
            (256, 256, 256),
            dt,
            0.3,
            LearningSettings(epochs=100, batch_size=128, weight_decay=1e-5),
        ),
        published=Published(82.58, 0.08, 0.37e6, _SOURCE, _DIFFERENCES),
        gain=LINEAR_GAIN,
        delays={},
        recurrent_layers=(1, 2, 3),
        recurrent_delays=HalfNormal(12.0),
        grouped_channels=5,
        duration=250 * dt,
        tail_steps=5,
    )


def delrec_psmnist() -> Recipe:
    """Three recurrent layers, of 64, 212 and 212, for permuted sequential MNIST.

    The published input is the brightness of a pixel, from 0 to 1. Here it is as many events as it
    reaches thresholds, all of the same channel.
    """
    dt = 1.0
    return Recipe(
        name="delrec_psmnist",
        task="psmnist",
        method="delrec",
        settings=_soft_reset_settings(
            (64, 212, 212), dt, 0.2, LearningSettings(epochs=200, batch_size=256, weight_decay=1e-2)
        ),
        published=Published(
            96.21,
            None,
            0.16e6,
            _SOURCE,
            (f"brightness has {len(THRESHOLDS) + 1} levels", *_DIFFERENCES),
        ),
        gain=LINEAR_GAIN,
        delays={},
        recurrent_layers=(1, 2, 3),
        recurrent_delays=HalfNormal(12.0),
        grouped_channels=len(THRESHOLDS),
        event_size=1.0 / len(THRESHOLDS),
        duration=784 * dt,
        tail_steps=4,  # events are at the ends of timesteps
        optimiser="adamw",
    )


def _soft_reset_settings(
    hidden: tuple[int, ...], dt: float, recurrent_dropout: float, learning: LearningSettings
) -> ClassifierSettings:
    """Settings of the networks for SSC and PS-MNIST, whose outputs are sums of currents."""
    return ClassifierSettings(
        NetworkSettings(
            hidden=hidden,
            recurrent_delay_sharing="axonal",
            max_delay=dt * LONGEST_RECURRENT_DELAY,
            dt=dt,
        ),
        NeuronSettings(
            tau_mem=membrane_time_constant(2.0, dt),
            tau_mem_output=without_membrane(dt),
            readout="sum_var",
        ),
        learning.change(lr=1e-3, delay_lr=0.05 * dt, schedule="one_cycle_delays"),
        surrogate=SurrogateSettings(
            surrogate="triangular",
            spread_width=10.0,
            spread_min_width=0.05,
            learned_widths=True,
            synapse="delta",
            soft_reset=True,
            differentiate_reset=True,
            bias=True,
            current_dropout=0.1,
            recurrent_dropout=recurrent_dropout,
        ),
    )
