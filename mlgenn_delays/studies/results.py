"""The results folder of a run. Every file is written completely or not at all."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mlgenn_delays.files import atomic_write, clear_temporary, is_temporary

from .errors import FolderBusy, FolderError, RunError
from .folder_lock import LOCK_FILE, FolderInUse, folder_lock

#: How deep lists and tables of JSON files lie in one another, at most; ours have about five levels.
_DEEPEST = 50


class ResultsFolder:
    """Names of the files in a results folder, and how they are written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.json"
        self.metrics = path / "metrics.csv"
        self.summary = path / "summary.json"
        self.best = path / "checkpoint_best.npz"
        self.last = path / "checkpoint_last.npz"
        self.spikes = path / "spikes.npz"
        self.raster = path / "raster.png"
        self.learning_curve = path / "learning_curve.png"
        self.delays = path / "delays.png"
        self.confusion = path / "confusion.png"

    def prepare(self) -> None:
        """Make the folder and see that it can be written.

        Raises:
            FolderError: it cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path):
                pass
            str(self.path).encode()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise FolderError(
                f"the results folder {str(self.path)!r} cannot be written ({reason})"
            ) from error
        clear_temporary(self.path)

    @contextmanager
    def locked(self, wait: float = 0.0) -> Iterator[None]:
        """Keep other runs out of the folder, which must be there.

        Args:
            wait: how long to wait for others [s].

        Raises:
            FolderBusy: another process has it; the message says which.
        """
        try:
            with folder_lock(self.path, wait):
                yield
        except FolderInUse as holder:
            raise FolderBusy(
                f"the results folder {str(self.path)!r} is in use by {holder}; wait for it to end, "
                "or choose another folder"
            ) from holder

    @contextmanager
    def prepared(self) -> Iterator[None]:
        """:meth:`prepare`; folders that it made are removed if there is an error before anything
        is written to them.

        Raises:
            FolderError: it cannot be written.
        """
        made = [folder for folder in (self.path, *self.path.parents) if not os.path.exists(folder)]
        try:
            self.prepare()
            yield
        except BaseException:
            for folder in made:
                try:
                    folder.rmdir()
                except (OSError, ValueError):  # not empty, or not even made
                    break
            raise

    def check_empty(self, replaceable: Sequence[str] = (), advice: str = "") -> None:
        """See that nothing would be lost.

        Args:
            replaceable: names of files that may be there.
            advice: what to do if there are others.

        Raises:
            FolderError: there is something in the folder.
        """
        ours = (LOCK_FILE, *replaceable)
        names = sorted(path.name for path in self.path.iterdir())
        present = [n for n in names if n not in ours and not is_temporary(n)]
        if present:
            raise FolderError(
                f"the results folder {str(self.path)!r} is not empty, it has "
                f"{', '.join(present[:3])}{', ...' if len(present) > 3 else ''}; {advice}"
            )


@contextmanager
def summary_last(folder: ResultsFolder, summary: Mapping[str, Any]) -> Iterator[None]:
    """Write the summary, which may say that nothing is missing, once all else is written."""
    yield
    write_json(folder.summary, summary)


def reopen(folder: ResultsFolder) -> None:
    """Take the word "finished" back of a run that goes on, before anything else of it changes."""
    if folder.summary.is_file():
        summary = read_json(folder.summary)
        if summary.get("status") == "finished":
            write_json(folder.summary, {**summary, "status": "interrupted"})


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON file; numbers that are not finite become null."""
    with atomic_write(path, "w") as file:
        json.dump(plain(values), file, indent=2, ensure_ascii=False, allow_nan=False)
        file.write("\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a file that :func:`write_json` wrote.

    Raises:
        RunError: it cannot be read or is damaged.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        _check_text(values)
    except (OSError, ValueError) as error:
        raise RunError(f"{str(path)!r} cannot be read: {error}") from error
    except RecursionError as error:
        raise RunError(f"{str(path)!r} is damaged: it is nested too deeply") from error
    if not isinstance(values, dict):
        raise RunError(f"{str(path)!r} is damaged: it has no settings")
    return values


def _check_text(values: Any, depth: int = 0) -> None:
    """See that values can be handled and printed.

    Raises:
        RecursionError: lists in lists in lists ...
        UnicodeEncodeError: text with half characters.
    """
    if depth > _DEEPEST:
        raise RecursionError
    if isinstance(values, str):
        values.encode()
    elif isinstance(values, (list, dict)):
        for value in values:
            _check_text(value, depth + 1)
        if isinstance(values, dict):
            _check_text(list(values.values()), depth)


def plain(value: Any) -> Any:
    """The same in JSON types."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return plain(value.tolist())
    if isinstance(value, (str, Path)):  # a name of a file may have bytes that are no text
        return str(value).encode(errors="backslashreplace").decode()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a compressed ``.npz`` file."""
    with atomic_write(path) as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type] # no entry is "allow_pickle"
