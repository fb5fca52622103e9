"""Data sets: loaders, encoders, simulations, augmentation and splits."""

from ..events.augmentation import AugmentEvents, Compose, DropEvents, JitterTimes, ShiftChannels
from ..events.blending import BlendExamples
from ..events.sigma_delta import Events, sigma_delta
from .braille import BrailleNotFoundError, load_braille
from .braille_data import BrailleData, print_braille_notice
from .fingertip import BRAILLE_CLASSES, BRAILLE_DOTS, Fingertip
from .heidelberg import HeidelbergNotFoundError, load_shd, load_ssc
from .heidelberg_data import HeidelbergData, print_heidelberg_notice
from .hold_out import HoldOut, hold_out_groups, hold_out_random
from .labelled_events import LabelledEvents
from .mnist import Mnist, MnistNotFoundError, load_mnist
from .notice import print_synthetic_notice
from .pixel_events import encode_pixels
from .speech import SpeechData, SpeechNotFoundError, load_speech, print_speech_notice
from .spike_orders import generate_spike_orders
from .splits import Split, stratified_split
from .synthetic_braille import Scan, generate_braille, simulate_taxels
from .synthetic_digits import generate_digits
from .synthetic_heidelberg import generate_shd, generate_ssc

__all__ = [
    "BRAILLE_CLASSES",
    "BRAILLE_DOTS",
    "AugmentEvents",
    "BlendExamples",
    "BrailleData",
    "BrailleNotFoundError",
    "Compose",
    "DropEvents",
    "Events",
    "Fingertip",
    "HeidelbergData",
    "HeidelbergNotFoundError",
    "HoldOut",
    "JitterTimes",
    "LabelledEvents",
    "Mnist",
    "MnistNotFoundError",
    "Scan",
    "ShiftChannels",
    "SpeechData",
    "SpeechNotFoundError",
    "Split",
    "encode_pixels",
    "generate_braille",
    "generate_digits",
    "generate_shd",
    "generate_spike_orders",
    "generate_ssc",
    "hold_out_groups",
    "hold_out_random",
    "load_braille",
    "load_mnist",
    "load_shd",
    "load_speech",
    "load_ssc",
    "print_braille_notice",
    "print_heidelberg_notice",
    "print_speech_notice",
    "print_synthetic_notice",
    "sigma_delta",
    "simulate_taxels",
    "stratified_split",
]
