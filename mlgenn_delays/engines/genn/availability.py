"""Whether PyGeNN and mlGeNN are installed, and which of GeNN's backends can run here."""

from __future__ import annotations

import ctypes
import re
import sys
from importlib import import_module
from typing import Any

PYGENN_INSTALLATION = "https://genn-team.github.io/genn/documentation/5/installation.html"
ML_GENN_INSTALLATION = "https://github.com/genn-team/ml_genn#installation"

#: Oldest PyGeNN that works.
PYGENN_VERSION = (5, 3)

#: What tells ml_genn 2.4 from those before it: a loss that came with it. It calls itself 2.3.1, as
#: the release before it does, and so do the sources after it.
_NEW_LOSS = "RelativeMeanSquareError"

#: Names of the GeNN engine that ``backend=`` takes.
GENN_BACKENDS = ("genn", "genn:cpu", "genn:cuda")

_CPU, _CUDA = "single_threaded_cpu", "cuda"

#: The CUDA driver's numbers of the parts of the compute capability.
_CAPABILITY = (75, 76)


def require_ml_genn() -> None:
    """Make sure that PyGeNN and mlGeNN can be imported and are new enough.

    Raises:
        ImportError: they cannot, or are not; one line that says which, and where to get them
    """
    problem = _problem()
    if problem is not None:
        raise ImportError(
            f"GeNN needs PyGeNN >= {'.'.join(map(str, PYGENN_VERSION))} and ml_genn >= 2.4: "
            f"{problem}; to install them see {PYGENN_INSTALLATION} (PyGeNN) and "
            f"{ML_GENN_INSTALLATION} (mlGeNN)"
        )


def genn_backends() -> tuple[str, ...]:
    """Backends that PyGeNN was built with: "cuda", "hip" and "single_threaded_cpu", best first.

    Raises:
        ImportError: see :func:`require_ml_genn`
    """
    require_ml_genn()
    return tuple(import_module("pygenn.genn_model").backend_modules)


def gpu_present() -> bool:
    """Whether the CUDA driver is there and finds a GPU; False where that cannot be told."""
    try:
        return _count_gpus(_load_driver()) > 0
    except (OSError, AttributeError):
        return False


def gpu_kinds() -> tuple[str, ...]:
    """Names and compute capabilities of the GPUs; none where they cannot be told."""
    try:
        driver = _load_driver()
        return tuple(_gpu_kind(driver, i) for i in range(_count_gpus(driver)))
    except (OSError, AttributeError):
        return ()


def _load_driver() -> Any:
    return ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")


def _count_gpus(driver: Any) -> int:
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value


def _gpu_kind(driver: Any, number: int) -> str:
    device, name = ctypes.c_int(0), ctypes.create_string_buffer(256)
    version = ctypes.c_int(0), ctypes.c_int(0)
    driver.cuDeviceGet(ctypes.byref(device), number)
    driver.cuDeviceGetName(name, len(name), device)
    for attribute, part in zip(_CAPABILITY, version):
        driver.cuDeviceGetAttribute(ctypes.byref(part), attribute, device)
    return f"{name.value.decode(errors='replace')} {version[0].value}.{version[1].value}"


def choose_backend(name: str) -> str:
    """GeNN's name of the backend that ``backend=name`` asks for.

    Args:
        name: "genn:cpu", "genn:cuda", or "genn": CUDA where it is built in and a GPU is
            there, else the CPU

    Raises:
        ValueError: unknown name, or a backend that cannot run here
        ImportError: see :func:`require_ml_genn`
    """
    if name not in GENN_BACKENDS:
        raise ValueError(f"backend is {name!r}, allowed are {', '.join(map(repr, GENN_BACKENDS))}")
    built = genn_backends()
    if name == "genn:cuda":
        _check_built(name, _CUDA, built)
        if not gpu_present():
            raise ValueError("backend is 'genn:cuda', but no GPU was found by the CUDA driver")
        return _CUDA
    if name == "genn" and _CUDA in built and gpu_present():
        return _CUDA
    _check_built(name, _CPU, built)
    return _CPU


def _check_built(name: str, needed: str, built: tuple[str, ...]) -> None:
    if needed not in built:
        raise ValueError(
            f"backend is {name!r}, but PyGeNN was built without {needed!r}, it has "
            f"{', '.join(map(repr, built)) or 'no backend'}"
        )


def _problem() -> str | None:
    """What is missing or too old, None where nothing is."""
    try:
        pygenn = import_module("pygenn")
    except ImportError as error:
        return _import_problem("pygenn", error)
    version = str(getattr(pygenn, "__version__", "of unknown version"))
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if numbers is None or tuple(map(int, numbers.groups())) < PYGENN_VERSION:
        return f"pygenn is {version}"
    try:
        import_module("ml_genn")
        losses = import_module("ml_genn.losses")
    except ImportError as error:
        return _import_problem("ml_genn", error)
    if not hasattr(losses, _NEW_LOSS):
        return (
            f"ml_genn is too old, it has no {_NEW_LOSS}, which is what is checked, since 2.4 calls "
            "itself 2.3.1"
        )
    return None


def _import_problem(package: str, error: ImportError) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name == package:
        return f"{package} is not installed"
    lines = str(error).splitlines() or [type(error).__name__]
    return f"{package} cannot be imported ({lines[0]})"
