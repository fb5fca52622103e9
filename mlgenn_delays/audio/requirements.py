"""Optional packages that only sounds need."""

from __future__ import annotations

from types import ModuleType


def scipy_signal() -> ModuleType:
    """``scipy.signal``.

    Raises:
        ImportError: SciPy is not installed; says how to install it.
    """
    try:
        from scipy import signal
    except ImportError as error:
        raise _missing(error) from error
    return signal


def scipy_fft() -> ModuleType:
    """``scipy.fft``, which unlike NumPy's keeps single precision.

    Raises:
        ImportError: SciPy is not installed; says how to install it.
    """
    try:
        from scipy import fft
    except ImportError as error:
        raise _missing(error) from error
    return fft


def scipy_sparse() -> ModuleType:
    """``scipy.sparse``.

    Raises:
        ImportError: SciPy is not installed; says how to install it.
    """
    try:
        from scipy import sparse
    except ImportError as error:
        raise _missing(error) from error
    return sparse


def _missing(error: ImportError) -> ImportError:
    return ImportError(
        f"sounds are encoded with SciPy, which cannot be imported ({error}); "
        "install it with: pip install 'mlgenn_delays[speech]'"
    )
