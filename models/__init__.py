"""Networks with the settings they were published with."""

from .braille import BrailleSettings, braille_settings
from .classifier import ClassifierNetwork, ClassifierSettings, build_classifier
from .psmnist import PSMNISTSettings
from .sequence_detection import SequenceSettings
from .shd import SHDSettings, shd_settings
from .speech import CochleaSettings, SpeechSettings, speech_settings
from .ssc import SSCSettings, ssc_settings
from .yin_yang import YinYangSettings, yin_yang_settings

__all__ = [
    "BrailleSettings",
    "ClassifierNetwork",
    "ClassifierSettings",
    "CochleaSettings",
    "PSMNISTSettings",
    "SHDSettings",
    "SSCSettings",
    "SequenceSettings",
    "SpeechSettings",
    "YinYangSettings",
    "braille_settings",
    "build_classifier",
    "shd_settings",
    "speech_settings",
    "ssc_settings",
    "yin_yang_settings",
]
