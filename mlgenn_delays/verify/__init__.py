"""Checking gradients of a network of your own."""

from .comparison import check_gradients
from .table import GradientCheck

__all__ = ["GradientCheck", "check_gradients"]
