"""Checking gradients of a network of your own."""

from .check_gradients import check_gradients
from .gradient_table import GradientCheck

__all__ = ["GradientCheck", "check_gradients"]
