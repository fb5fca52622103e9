"""Checking gradients of a network of your own."""

from .comparison import check_gradients
from .table import GradientCheck
from .timesteps import TimestepTable, compare_timesteps

__all__ = ["GradientCheck", "TimestepTable", "check_gradients", "compare_timesteps"]
