"""Names of nodes and populations."""

from __future__ import annotations

from itertools import count


class Names:
    """Names that differ."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def unique(self, wanted: str) -> str:
        """``wanted``, or where that is taken, with a number."""
        name, numbers = wanted, count(1)
        while name in self._taken:
            name = f"{wanted}_{next(numbers)}"
        self._taken.add(name)
        return name


def file_name(wanted: str) -> str:
    """A name that HDF5 does not take for a path, and populations and files may have."""
    name = wanted.replace("/", "_").replace("\\", "_")
    return name if name.strip(".") else f"_{name}"
