"""Handwritten digits seen by an event camera that moves (N-MNIST), and a simulation of it.

The recordings are read with tonic, see :mod:`mlgenn_delays.interop.tonic`.
"""

from .data import (
    CLASS_NAMES,
    DURATION,
    SENSOR_SIZE,
    NMNISTData,
    nmnist_notice,
    only_first_saccade,
)
from .simulate import generate_nmnist

__all__ = [
    "CLASS_NAMES",
    "DURATION",
    "SENSOR_SIZE",
    "NMNISTData",
    "generate_nmnist",
    "nmnist_notice",
    "only_first_saccade",
]
