"""Sounds: reading WAV files, and encoding them into spikes."""

from .cochlea import Cochlea
from .encoder import Encoder, SpikeTrain
from .filter_bank import FilterBank, centre_frequencies
from .hair_cell import HairCell
from .mel import MelEvents
from .sound import Sound, crop, normalise, resample
from .wav import WavError, read_wav

__all__ = [
    "Cochlea",
    "Encoder",
    "FilterBank",
    "HairCell",
    "MelEvents",
    "Sound",
    "SpikeTrain",
    "WavError",
    "centre_frequencies",
    "crop",
    "normalise",
    "read_wav",
    "resample",
]
