"""Braille letters read by a sliding fingertip."""

from .data import BrailleData, braille_notice, print_braille_notice
from .fingertip import BRAILLE_CLASSES, BRAILLE_DOTS, Fingertip
from .load import BrailleNotFoundError, load_braille
from .simulate import Scan, generate_braille, simulate_taxels

__all__ = [
    "BRAILLE_CLASSES",
    "BRAILLE_DOTS",
    "BrailleData",
    "BrailleNotFoundError",
    "Fingertip",
    "Scan",
    "braille_notice",
    "generate_braille",
    "load_braille",
    "print_braille_notice",
    "simulate_taxels",
]
