"""Settings for spoken words, by encoder (280 or 700 channels, trials of 1 s)."""

from __future__ import annotations

from dataclasses import dataclass

from .classifier import ClassifierSettings


@dataclass(frozen=True)
class SpeechSettings(ClassifierSettings):
    """Settings for the mel spectrogram, chosen on a validation part of spoken digits."""

    tau_mem: float = 50.0
    tau_mem_output: float = 500.0
    tau_syn: float = 10.0
    tau_syn_output: float = 10.0
    readout: str = "avg_var"
    temperature: float = 1.0 / 30.0
    input_weight: tuple[float, float] = (0.03, 0.1)
    recurrent_weight: tuple[float, float] = (0.0, 0.1)
    output_weight: tuple[float, float] = (0.0, 0.1)
    max_delay: float = 300.0
    input_delay: tuple[float, float] | None = (0.0, 50.0)
    recurrent_delay: tuple[float, float] | None = (0.0, 50.0)
    epochs: int = 30
    lr: float = 0.01
    recurrent_lr: float = 0.2
    delay_lr: float = 5.0
    lr_ease_in: float = 1e-3
    lr_final: float = 0.05
    i_minus_thresh_min: float = 0.3
    jitter: float = 8.0
    shift: float = 20.0
    stretch: float = 0.2


@dataclass(frozen=True)
class CochleaSettings(SpeechSettings):
    """The same for the artificial cochlea, which gives four times as many spikes."""

    tau_mem: float = 20.0
    tau_syn: float = 5.0
    input_weight: tuple[float, float] = (0.015, 0.05)


def speech_settings(encoder: str = "mel") -> SpeechSettings:
    """Settings for an encoder, ``"mel"`` or ``"cochlea"``.

    Raises:
        ValueError: another encoder.
    """
    settings = {"mel": SpeechSettings, "cochlea": CochleaSettings}
    if encoder not in settings:
        raise ValueError(f"encoder is {encoder!r}, allowed are {sorted(settings)}")
    return settings[encoder]()
