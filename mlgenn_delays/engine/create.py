"""Choosing an engine by name."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..compilers.program import Parameters, Program
    from .engine import Engine

#: Names that ``backend=`` takes.
BACKENDS = ("auto", "cpu", "reference")


def check_backend(backend: str) -> None:
    """Raise ValueError unless ``backend`` is one of :data:`BACKENDS`."""
    if backend not in BACKENDS:
        raise ValueError(f"backend is {backend!r}, allowed are {', '.join(map(repr, BACKENDS))}")


def default_num_threads() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def create_engine(
    program: Program,
    parameters: Parameters,
    backend: str = "auto",
    num_threads: int | None = None,
) -> Engine:
    """Engine for a program, holding the given parameters.

    Args:
        backend:     "cpu" (generated C++), "reference" (float64, event-driven, slow) or
                     "auto" (the CPU engine)
        num_threads: threads of the CPU engine, default all processors this process may use

    Raises:
        ValueError: unknown backend, or fewer than one thread
        CompilerError: no C++ compiler for the CPU engine
    """
    check_backend(backend)
    if num_threads is None:
        num_threads = default_num_threads()
    if num_threads < 1:
        raise ValueError(f"num_threads is {num_threads}, allowed are whole numbers from 1")
    if backend == "reference":
        from .reference import ReferenceEngine

        return ReferenceEngine(program, parameters)
    from .cpu import CpuEngine

    return CpuEngine(program, parameters, num_threads)
