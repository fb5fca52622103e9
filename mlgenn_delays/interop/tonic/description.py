"""Text that says what a data set consists of, to find again what was read from it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...datasets.event_cache import file_key

#: Where an object lies in memory, as texts of functions and of objects without one of their own
#: say it: they are others in every process, and the same for other contents.
_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")
#: Data sets within one another.
_DEEPEST = 20


def describe_dataset(dataset: Any) -> str:
    """Text that changes with the attributes of a data set, and of those that it slices or caches:
    its files, transforms and slicers.

    Dictionaries and sets are left out: they hold what was read before.

    Raises:
        ValueError: an attribute, such as a transform that is a function, has a text that says
            nothing about it.
    """
    parts = []
    for _ in range(_DEEPEST):
        parts.append(f"{type(dataset).__module__}.{type(dataset).__qualname__} {len(dataset)}")
        parts += [
            f"{name}={_describe(value, f'{type(dataset).__name__}.{name}')}"
            for name, value in sorted(getattr(dataset, "__dict__", {}).items())
            if name != "dataset"
        ]
        parts.append(_describe_archive(dataset))
        dataset = getattr(dataset, "dataset", None)
        if dataset is None:
            break
    return "\n".join(parts)


def _describe(value: Any, name: str) -> str:
    if isinstance(value, (Mapping, set)):
        return ""
    if isinstance(value, np.ndarray) and value.dtype.kind != "O":
        digest = hashlib.blake2b(np.ascontiguousarray(value).tobytes(), digest_size=12)
        return f"{value.dtype} {value.shape} {digest.hexdigest()}"
    text = repr(value)
    if _ADDRESS.search(text):
        raise ValueError(
            f"cache: {name} is {text[:200]}, which does not say what it does, so that it could not "
            "be told from others; leave cache out, or make it a class with a __repr__ that says it "
            "(as a dataclass has)"
        )
    return text


def _describe_archive(dataset: Any) -> str:
    """Key of the file that a data set of tonic was fetched as."""
    folder, name = (getattr(dataset, n, None) for n in ("location_on_system", "filename"))
    if not isinstance(folder, str) or not isinstance(name, str):
        return ""
    path = Path(folder, name)
    return file_key(path) if path.is_file() else ""
