"""Choosing an engine by name."""

from __future__ import annotations

import os

from ..checks import check_choice
from ..program.program import Program, Timing
from .base import Engine
from .genn.availability import GENN_BACKENDS, choose_backend
from .torch.availability import TORCH_BACKENDS, choose_device

#: Names that ``backend=`` takes, ...
BACKENDS = ("auto", "cpu", "reference", *GENN_BACKENDS, *TORCH_BACKENDS)
#: ... of programs that are trained with EventProp, and with surrogate gradients.
EVENT_PROP_BACKENDS = ("auto", "cpu", "reference", *GENN_BACKENDS)
SURROGATE_BACKENDS = ("auto", *TORCH_BACKENDS)


def check_backend(backend: str, allowed: tuple[str, ...] = BACKENDS) -> None:
    """Whether there is such an engine, and what it needs.

    Raises:
        ValueError: ``backend`` is not one of those ``allowed``, or cannot run here
        ImportError: PyGeNN or ml_genn, which "genn" needs, or PyTorch, which "torch" needs, is not
            installed
    """
    if isinstance(backend, str) and backend in TORCH_BACKENDS and backend not in allowed:
        raise ValueError(
            f"backend is {backend!r}, which learns with surrogate gradients: take "
            f"SurrogateCompiler; allowed are {', '.join(map(repr, allowed))}"
        )
    check_choice(backend, "backend", allowed)
    if backend in GENN_BACKENDS:
        choose_backend(backend)
    if backend in TORCH_BACKENDS or allowed == SURROGATE_BACKENDS:
        choose_device("torch" if backend == "auto" else backend)


def check_timing(timing: Timing, backend: str) -> None:
    """Whether an engine has a timing.

    Raises:
        ValueError: it has not
    """
    if timing == "substep" and backend in (*GENN_BACKENDS, *TORCH_BACKENDS):
        engine = "GeNN" if backend in GENN_BACKENDS else "PyTorch's engine"
        raise ValueError(
            f"timing is 'substep', which {engine} cannot do: backend is {backend!r}, allowed are "
            "'cpu' and 'reference', or timing 'grid'"
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
                     "genn:cpu", "genn:cuda", "torch" (PyTorch, on a GPU where it finds one, for
                     surrogate gradients), "torch:cpu", "torch:cuda" or "auto": "torch" for programs
                     with surrogate gradients, else "cpu"
        num_threads: threads of the CPU engine, default all processors this process may use

    Raises:
        ValueError: unknown backend, one that cannot run here, or fewer than one thread
        ImportError: what "genn" or "torch" needs is not installed
        CompilerError: no C++ compiler
    """
    check_backend(backend)
    of_surrogates = program.surrogate is not None
    of_event_prop = program.training and not of_surrogates
    check_backend(
        backend,
        SURROGATE_BACKENDS if of_surrogates else EVENT_PROP_BACKENDS if of_event_prop else BACKENDS,
    )
    if num_threads is None:
        num_threads = default_num_threads()
    if num_threads < 1:
        raise ValueError(f"num_threads is {num_threads}, allowed are whole numbers from 1")
    # engines are imported late: GeNN may be missing, and nobody needs all of them
    if of_surrogates or backend in TORCH_BACKENDS:
        from .torch.engine import TorchEngine

        device = choose_device("torch" if backend == "auto" else backend)
        return TorchEngine(program, num_threads, device)
    if backend == "reference":
        from .reference import ReferenceEngine

        return ReferenceEngine(program)
    if backend in GENN_BACKENDS:
        check_timing(program.timing, backend)
        from .genn.engine import GennEngine

        return GennEngine(program, backend)
    from .cpu import CpuEngine

    return CpuEngine(program, num_threads)
