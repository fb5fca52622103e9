"""Networks with the settings they were published with."""

from .braille import BrailleSettings, braille_settings
from .classifier import ClassifierNetwork, ClassifierSettings, build_classifier

__all__ = [
    "BrailleSettings",
    "ClassifierNetwork",
    "ClassifierSettings",
    "braille_settings",
    "build_classifier",
]
