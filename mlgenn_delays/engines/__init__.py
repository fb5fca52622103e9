"""Engines: a program turned into running code."""

from .base import Engine
from .create import BACKENDS, create_engine

__all__ = ["BACKENDS", "Engine", "create_engine"]
