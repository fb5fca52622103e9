"""Engines: a program turned into running code."""

from .create import BACKENDS, create_engine
from .engine import (
    Batch,
    Engine,
    ForwardResult,
    OutputGradient,
    Recording,
    RecordRequest,
    Trace,
)

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
