"""Small HDF5 files in the form in which SHD and SSC are published."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

h5py = pytest.importorskip("h5py", reason="the Heidelberg data sets are read with h5py")

CLASSES = ("null", "eins", "zwei")
#: Times [s] and channels of each example; all fit half precision.
EXAMPLES: tuple[tuple[list[float], list[int]], ...] = (
    ([0.25, 0.125, 0.5], [3, 699, 0]),
    ([], []),
    ([0.75, 1.0, 1.25], [10, 11, 12]),
    ([0.0], [350]),
)
LABELS = (0, 2, 1, 0)
SPEAKERS = (4, 4, 5, 7)


def write_file(
    path: Path,
    change: Callable[[Any], None] | None = None,
    examples: Sequence[tuple[Sequence[float], Sequence[int]]] = EXAMPLES,
    labels: Sequence[int] = LABELS,
    speakers: Sequence[int] = SPEAKERS,
    classes: Sequence[str] = CLASSES,
    time_type: type = np.float16,
) -> Path:
    """Write a file.

    Args:
        change: called with the open file, to damage it
        time_type: of the times, half precision in the published files
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        put_ragged(file, "spikes/times", [times for times, _ in examples], time_type)
        put_ragged(file, "spikes/units", [units for _, units in examples], np.uint16)
        file["labels"] = np.array(labels, dtype=np.uint16)
        file["extra/keys"] = np.array([name.encode() for name in classes])
        file["extra/speaker"] = np.array(speakers, dtype=np.uint16)
        file["extra/meta_info/gender"] = np.array([b"f", b"m"])
        file["extra/meta_info/age"] = np.array([30, 40], dtype=np.uint16)
        file["extra/meta_info/body_height"] = np.array([1.7, 1.8], dtype=np.float32)
        if change is not None:
            change(file)
    return path


def put_ragged(file: Any, name: str, rows: Sequence[Sequence[Any]], kind: type) -> None:
    """Write, or write anew, a data set with one array of any length per example."""
    if name in file:
        del file[name]
    data = file.create_dataset(name, (len(rows),), h5py.vlen_dtype(kind))
    for i, row in enumerate(rows):
        data[i] = np.array(row, dtype=kind)


def put(file: Any, name: str, values: Any) -> None:
    """Write a data set anew."""
    if name in file:
        del file[name]
    file[name] = values
