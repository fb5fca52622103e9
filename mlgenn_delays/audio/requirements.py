"""Optional packages that only sounds need."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


def scipy_module(name: str) -> ModuleType:
    """A part of SciPy, e.g. ``"fft"``, which unlike NumPy's keeps single precision.

    Raises:
        ImportError: SciPy is not installed; says how to install it.
    """
    try:
        return import_module(f"scipy.{name}")
    except ImportError as error:
        raise ImportError(
            f"sounds are encoded with SciPy, which cannot be imported ({error}); "
            "install it with: pip install 'mlgenn_delays[speech]'"
        ) from error
