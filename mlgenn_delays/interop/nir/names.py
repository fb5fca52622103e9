"""Names of nodes and populations."""

from __future__ import annotations

from itertools import count


class Names:
    """Names that differ, and can be those of groups in an HDF5 file."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def new(self, wanted: str) -> str:
        """``wanted``, or where that is taken, with a number."""
        # HDF5 takes "/" for a path and "." for where one is
        base = wanted.replace("/", "_").replace("\\", "_")
        base = base if base.strip(".") else f"_{base}"
        name = base
        for number in count(1):
            if name not in self._taken:
                break
            name = f"{base}_{number}"
        self._taken.add(name)
        return name
