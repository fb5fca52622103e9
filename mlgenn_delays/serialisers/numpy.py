"""Arrays in individual ``.npy`` files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..checks import as_array, check_path, check_sequence, describe
from ..files import atomic_write, read_array, reading
from .serialiser import Serialiser

_SUFFIX = ".npy"


class Numpy(Serialiser):
    """Stores each array in a file ``key1-key2-....npy``, named as mlGeNN names them.

    Args:
        path: folder of the files, created where missing; "": the current folder

    Raises:
        OSError: the folder cannot be created
    """

    def __init__(self, path: str | os.PathLike[str] = ""):
        self.path = check_path(path, "Numpy: path")
        if self.path:
            try:
                os.makedirs(self.path, exist_ok=True)
            except OSError as error:
                raise type(error)(
                    error.errno, f"Numpy: path cannot be created ({error.strerror})", self.path
                ) from error

    def serialise(self, keys: Sequence[Any], data: np.ndarray) -> None:
        # A full disk must not leave half a file in place of a good one
        path, array = self._filename(keys), as_array(data, "Numpy: data")
        if array.dtype.hasobject:
            raise TypeError(
                f"Numpy: data should be an array of numbers or text, not of {array.dtype}"
            )
        with atomic_write(path) as file:
            np.save(file, array, allow_pickle=False)

    def check_writable(self, keys: Sequence[Any]) -> None:
        folder = self._filename(keys).parent
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise type(error)(
                error.errno, f"Numpy: path cannot be written ({error.strerror})", os.fspath(folder)
            ) from error

    def deserialise(self, keys: Sequence[Any]) -> np.ndarray:
        return _load(self._filename(keys))

    def deserialise_all(self, keys: Sequence[Any]) -> dict[str, np.ndarray]:
        prefix = self._title(keys) + "-"
        folder = Path(self.path or ".")
        names = sorted(os.listdir(folder)) if folder.is_dir() else []
        data = {}
        for name in names:
            if not (name.startswith(prefix) and name.endswith(_SUFFIX)):
                continue
            key = name[len(prefix) : -len(_SUFFIX)]
            # Anything longer belongs to other keys, e.g. to "a-b" when "a" is asked for
            if key and "-" not in key:
                data[key] = _load(folder / name)
        return data

    def _title(self, keys: Sequence[Any]) -> str:
        title = "-".join(map(_text, check_sequence(keys, "Numpy: keys", "keys")))
        try:
            title.encode()
        except UnicodeEncodeError:
            separators: tuple[str, ...] = ("",)
        else:
            separators = ("/", "\\", "\0")
        if any(separator in title for separator in separators):
            raise ValueError(f"keys {describe(title)} cannot be part of a file name")
        return title

    def _filename(self, keys: Sequence[Any]) -> Path:
        return Path(self.path) / (self._title(keys) + _SUFFIX)


def _text(key: Any) -> str:
    try:
        return str(key)
    except Exception:  # classes of users may do anything
        raise TypeError(f"Numpy: keys should have a text, {describe(key)}") from None


def _load(path: Path) -> np.ndarray:
    # np.load would open archives and pickles, too; a checkpoint must not run code
    with (
        open(path, "rb") as file,
        reading(str(path), f"file '{path}' is damaged or not an array of numbers"),
    ):
        return read_array(file)
