"""Engines: a program turned into running code."""

from .base import (
    Batch,
    Engine,
    ForwardResult,
    OutputGradient,
    Recording,
    RecordRequest,
    Trace,
)
from .create import BACKENDS, create_engine

__all__ = [
    "BACKENDS",
    "Batch",
    "Engine",
    "ForwardResult",
    "OutputGradient",
    "RecordRequest",
    "Recording",
    "Trace",
    "create_engine",
]
