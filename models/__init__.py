"""Networks with the settings they were published with."""

from .braille import braille_settings
from .classifier import ClassifierNetwork, build_classifier
from .nmnist import nmnist_settings
from .psmnist import psmnist_settings
from .sequence_detection import sequence_settings
from .settings import (
    AugmentationSettings,
    ClassifierSettings,
    LearningSettings,
    NetworkSettings,
    NeuronSettings,
    SurrogateSettings,
)
from .shd import shd_settings
from .speech import speech_settings
from .ssc import ssc_settings
from .yin_yang import yin_yang_settings

__all__ = [
    "AugmentationSettings",
    "ClassifierNetwork",
    "ClassifierSettings",
    "LearningSettings",
    "NetworkSettings",
    "NeuronSettings",
    "SurrogateSettings",
    "braille_settings",
    "build_classifier",
    "nmnist_settings",
    "psmnist_settings",
    "sequence_settings",
    "shd_settings",
    "speech_settings",
    "ssc_settings",
    "yin_yang_settings",
]
