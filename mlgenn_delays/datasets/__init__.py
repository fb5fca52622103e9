"""Data sets: loaders, encoders, simulations and splits."""

from .augmentation import AugmentEvents
from .braille import BrailleNotFoundError, load_braille
from .braille_data import BrailleData, print_notice
from .fingertip import BRAILLE_CLASSES, BRAILLE_DOTS, Fingertip
from .sigma_delta import Events, sigma_delta
from .splits import Split, stratified_split
from .synthetic_braille import Scan, generate_braille, simulate_taxels

__all__ = [
    "BRAILLE_CLASSES",
    "BRAILLE_DOTS",
    "AugmentEvents",
    "BrailleData",
    "BrailleNotFoundError",
    "Events",
    "Fingertip",
    "Scan",
    "Split",
    "generate_braille",
    "load_braille",
    "print_notice",
    "sigma_delta",
    "simulate_taxels",
    "stratified_split",
]
