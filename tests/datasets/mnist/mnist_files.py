"""Small files in the form of MNIST."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np


def write_part(folder: Path, part: str, labels: np.ndarray, **other: np.ndarray) -> None:
    """Write images and labels of a part; ``other``: ``images`` in the place of random ones."""
    rng = np.random.default_rng(len(labels))
    images = other.get("images", rng.integers(0, 256, (len(labels), 28, 28)))
    folder.mkdir(parents=True, exist_ok=True)
    for kind, values in (("images-idx3", images), ("labels-idx1", np.asarray(labels))):
        header = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
        content = header + values.astype(np.uint8).tobytes()
        (folder / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(content))
