"""Spoken words as spikes: Spiking Heidelberg Digits (SHD) and Spiking Speech Commands (SSC)."""

from .data import HeidelbergData, heidelberg_notice, print_heidelberg_notice
from .load import HeidelbergNotFoundError, load_shd, load_ssc
from .simulate import generate_shd, generate_ssc

__all__ = [
    "HeidelbergData",
    "HeidelbergNotFoundError",
    "generate_shd",
    "generate_ssc",
    "heidelberg_notice",
    "load_shd",
    "load_ssc",
    "print_heidelberg_notice",
]
