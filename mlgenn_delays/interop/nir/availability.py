"""Whether the package nir is installed, in a version whose nodes are known here."""

from __future__ import annotations

from importlib import import_module, metadata

#: The first version that reads graphs without checking their types, and keeps metadata of nodes.
OLDEST = (1, 0, 7)

_INSTALL = "pip install 'mlgenn_delays[nir]'"


def require_nir() -> None:
    """Check that nir can be imported.

    Raises:
        ImportError: it is not installed, cannot be imported, or is too old
    """
    try:
        import_module("nir")
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name == "nir"
        lines = str(error).splitlines() or [type(error).__name__]
        reason = "it is not installed" if missing else f"it cannot be imported ({lines[0]})"
        raise ImportError(f"NIR graphs need the package nir, but {reason}: {_INSTALL}") from None
    version = metadata.version("nir")
    if _numbers(version) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise ImportError(f"nir is version {version}, needed is {oldest} or newer: {_INSTALL}")


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split("+")[0].split(".")[:3]
    return tuple(int("".join(c for c in part if c.isdigit()) or 0) for part in parts)
