"""Settings for spoken words, by encoder (280 or 700 channels, trials of 1 s)."""

from __future__ import annotations

from .settings import (
    AugmentationSettings,
    ClassifierSettings,
    LearningSettings,
    NetworkSettings,
    NeuronSettings,
)

#: For the mel spectrogram, chosen on a validation part of spoken digits.
_MEL = ClassifierSettings(
    NetworkSettings(
        input_weight=(0.03, 0.1),
        recurrent_weight=(0.0, 0.1),
        output_weight=(0.0, 0.1),
        max_delay=300.0,
        input_delay=(0.0, 50.0),
        recurrent_delay=(0.0, 50.0),
    ),
    NeuronSettings(
        tau_mem=50.0, tau_mem_output=500.0, tau_syn=10.0, tau_syn_output=10.0, readout="avg_var"
    ),
    LearningSettings(
        epochs=30,
        lr=0.01,
        recurrent_lr=0.2,
        delay_lr=5.0,
        lr_ease_in=1e-3,
        lr_final=0.05,
        temperature=1.0 / 30.0,
        i_minus_thresh_min=0.3,
    ),
    AugmentationSettings(jitter=8.0, shift=20.0, stretch=0.2),
)

#: The same for the artificial cochlea, which gives four times as many spikes.
_COCHLEA = _MEL.change(tau_mem=20.0, tau_syn=5.0, input_weight=(0.015, 0.05))


def speech_settings(encoder: str = "mel") -> ClassifierSettings:
    """Settings for an encoder, ``"mel"`` or ``"cochlea"``.

    Raises:
        ValueError: another encoder.
    """
    settings = {"mel": _MEL, "cochlea": _COCHLEA}
    if encoder not in settings:
        raise ValueError(f"encoder is {encoder!r}, allowed are {sorted(settings)}")
    return settings[encoder]
