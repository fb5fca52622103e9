"""Text that says what a data set consists of, to find again what was read from it."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...datasets.event_cache import file_key
from ...events.structured import within

#: Where an object lies in memory, as texts of functions and of objects without one of their own
#: say it: they are others in every process, and the same for other contents.
_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")


def describe_dataset(dataset: Any) -> str:
    """Text that changes with the attributes of a data set, and of those that it slices or caches:
    its files, transforms and slicers.

    Dictionaries of tonic's own classes are left out: they hold what was read before.

    Raises:
        ValueError: an attribute, such as a transform that is a function, has a text that says
            nothing about it.
    """
    parts = []
    for inner in within(dataset):
        kind = type(inner)
        parts.append(f"{kind.__module__}.{kind.__qualname__} {len(inner)}")
        is_tonic = kind.__module__.partition(".")[0] == "tonic"
        parts += [
            f"{name}={_describe(value, f'{kind.__name__}.{name}')}"
            for name, value in sorted(getattr(inner, "__dict__", {}).items())
            if name != "dataset" and not (is_tonic and isinstance(value, Mapping))
        ]
        parts.append(_describe_archive(inner))
    return "\n".join(parts)


def _describe(value: Any, name: str) -> str:
    """The whole value: texts of arrays, tensors and of lists of them leave out most of it."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key!r}: {_describe(v, name)}' for key, v in value.items())}}}"
    if isinstance(value, (set, frozenset)):
        return f"{{{', '.join(sorted(_describe(v, name) for v in value))}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_describe(v, name) for v in value)}]"
    if hasattr(value, "__array__") and not isinstance(value, type):
        array = np.asarray(value)
        if array.dtype.hasobject:
            return _describe(array.tolist(), name)
        digest = hashlib.blake2b(np.ascontiguousarray(array).tobytes(), digest_size=12)
        return f"{array.dtype} {array.shape} {digest.hexdigest()}"
    with np.printoptions(threshold=sys.maxsize, floatmode="unique"):
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
