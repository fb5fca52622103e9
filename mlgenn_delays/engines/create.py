"""Choosing an engine by name."""

from __future__ import annotations

import os

from ..checks import check_choice
from ..program.program import Program, Timing
from .base import Engine
from .genn.availability import GENN_BACKENDS, choose_backend

#: Names that ``backend=`` takes.
BACKENDS = ("auto", "cpu", "reference", *GENN_BACKENDS)


def check_backend(backend: str) -> None:
    """Whether there is such an engine, and what it needs.

    Raises:
        ValueError: ``backend`` is not one of :data:`BACKENDS`, or cannot run here
        ImportError: PyGeNN or ml_genn, which "genn" needs, is not installed
    """
    check_choice(backend, "backend", BACKENDS)
    if backend in GENN_BACKENDS:
        choose_backend(backend)


def check_timing(timing: Timing, backend: str) -> None:
    """Whether an engine has a timing.

    Raises:
        ValueError: it has not
    """
    if timing == "substep" and backend in GENN_BACKENDS:
        raise ValueError(
            f"timing is 'substep', which GeNN cannot do: backend is {backend!r}, allowed are 'cpu' "
            "and 'reference', or timing 'grid'"
        )


def default_num_threads() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def create_engine(
    program: Program, backend: str = "auto", num_threads: int | None = None
) -> Engine:
    """Engine for a program, holding its initial parameters.

    Args:
        backend:     "cpu" (generated C++), "reference" (float64, event-driven, slow), "genn"
                     (GeNN's CUDA backend where there is one, else its CPU backend),
                     "genn:cpu", "genn:cuda" or "auto" (the CPU engine)
        num_threads: threads of the CPU engine, default all processors this process may use

    Raises:
        ValueError: unknown backend, one that cannot run here, or fewer than one thread
        ImportError: PyGeNN or ml_genn, which "genn" needs, is not installed
        CompilerError: no C++ compiler
    """
    check_backend(backend)
    if num_threads is None:
        num_threads = default_num_threads()
    if num_threads < 1:
        raise ValueError(f"num_threads is {num_threads}, allowed are whole numbers from 1")
    # engines are imported late: GeNN may be missing, and nobody needs all of them
    if backend == "reference":
        from .reference import ReferenceEngine

        return ReferenceEngine(program)
    if backend in GENN_BACKENDS:
        check_timing(program.timing, backend)
        from .genn.engine import GennEngine

        return GennEngine(program, backend)
    from .cpu import CpuEngine

    return CpuEngine(program, num_threads)
