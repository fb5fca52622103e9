"""Data sets: loaders, encoders, simulations, augmentation and splits."""

from ..events.augmentation import AugmentEvents, Compose, DropEvents, JitterTimes, ShiftChannels
from ..events.blending import BlendExamples
from ..events.sigma_delta import Events, sigma_delta
from .braille import (
    BRAILLE_CLASSES,
    BRAILLE_DOTS,
    BrailleData,
    BrailleNotFoundError,
    Fingertip,
    Scan,
    braille_notice,
    generate_braille,
    load_braille,
    print_braille_notice,
    simulate_taxels,
)
from .fetching import DataNotFoundError
from .heidelberg import (
    HeidelbergData,
    HeidelbergNotFoundError,
    generate_shd,
    generate_ssc,
    heidelberg_notice,
    load_shd,
    load_ssc,
    print_heidelberg_notice,
)
from .labelled_events import LabelledEvents, print_synthetic_notice, synthetic_notice
from .mnist import (
    Mnist,
    MnistNotFoundError,
    encode_pixels,
    generate_digits,
    load_mnist,
    mnist_notice,
)
from .speech import SpeechData, SpeechNotFoundError, load_speech, print_speech_notice, speech_notice
from .spike_orders import generate_spike_orders
from .splits import HoldOut, Split, hold_out_groups, hold_out_random, stratified_split

__all__ = [
    "BRAILLE_CLASSES",
    "BRAILLE_DOTS",
    "AugmentEvents",
    "BlendExamples",
    "BrailleData",
    "BrailleNotFoundError",
    "Compose",
    "DataNotFoundError",
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
    "braille_notice",
    "encode_pixels",
    "generate_braille",
    "generate_digits",
    "generate_shd",
    "generate_spike_orders",
    "generate_ssc",
    "heidelberg_notice",
    "hold_out_groups",
    "hold_out_random",
    "load_braille",
    "load_mnist",
    "load_shd",
    "load_speech",
    "load_ssc",
    "mnist_notice",
    "print_braille_notice",
    "print_heidelberg_notice",
    "print_speech_notice",
    "print_synthetic_notice",
    "sigma_delta",
    "simulate_taxels",
    "speech_notice",
    "stratified_split",
    "synthetic_notice",
]
