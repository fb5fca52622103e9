"""Settings for spoken words, by encoder (280 or 700 channels, trials of 1 s)."""

from __future__ import annotations

from dataclasses import dataclass

from .classifier import ClassifierSettings


@dataclass(frozen=True)
class SpeechSettings(ClassifierSettings):
    """Settings tuned on the Free Spoken Digit Dataset, mel spectrogram."""

    input_weight: tuple[float, float] = (0.03, 0.06)
    recurrent_weight: tuple[float, float] = (0.0, 0.02)
    output_weight: tuple[float, float] = (0.0, 0.03)
    max_delay: float = 300.0
    input_delay: tuple[float, float] = (0.0, 100.0)
    epochs: int = 30
    delay_lr: float = 1.0
    lr: float = 2e-3
    lr_ease_in: float = 1e-2


@dataclass(frozen=True)
class CochleaSettings(SpeechSettings):
    """The same for the artificial cochlea."""

    input_weight: tuple[float, float] = (0.01, 0.02)


def speech_settings(encoder: str = "mel") -> SpeechSettings:
    """Settings for an encoder, ``"mel"`` or ``"cochlea"``.

    Raises:
        ValueError: another encoder.
    """
    settings = {"mel": SpeechSettings, "cochlea": CochleaSettings}
    if encoder not in settings:
        raise ValueError(f"encoder is {encoder!r}, allowed are {sorted(settings)}")
    return settings[encoder]()
