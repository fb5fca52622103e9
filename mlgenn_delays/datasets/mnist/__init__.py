"""Handwritten digits (MNIST), and images as events."""

from .encode import ENCODINGS, encode_pixels
from .load import Mnist, MnistNotFoundError, load_mnist, mnist_notice
from .parse import CLASS_NAMES
from .simulate import generate_digits

__all__ = [
    "CLASS_NAMES",
    "ENCODINGS",
    "Mnist",
    "MnistNotFoundError",
    "encode_pixels",
    "generate_digits",
    "load_mnist",
    "mnist_notice",
]
