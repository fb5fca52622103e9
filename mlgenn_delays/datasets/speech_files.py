"""Finding recordings of speech: which WAV files there are, what was said in them, and by whom."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from ..audio import Sound, read_wav

#: Names of files of known data sets: expressions with the groups of :func:`find_recordings`.
PATTERNS = {
    # Free Spoken Digit Dataset
    "fsdd": r"(?P<class>\d)_(?P<speaker>[^_]+)_(?P<index>\d+)\.wav",
    # Google Speech Commands, whose classes are folders
    "gsc": r"(?P<speaker>[^_]+)_nohash_(?P<index>\d+)\.wav",
}
#: Names of test files, for patterns whose data set says which they are.
TEST_PATTERNS = {"fsdd": r"_[0-4]\.wav"}

#: Folders of noise and the like that are no classes.
_NO_CLASS = re.compile(r"[._]")
#: Lists of Google Speech Commands, and the part that they name.
_LISTS = {"validation_list.txt": "validation", "testing_list.txt": "test"}


@dataclass(frozen=True)
class Recording:
    """A file with one word."""

    path: Path
    name: str  #: path relative to the folder of all recordings, with '/'
    class_name: str
    speaker: str = ""  #: empty where it is not known
    index: int | None = None  #: number of the repetition
    part: str | None = None  #: ``"validation"`` or ``"test"`` where a list says so

    def read(self) -> Sound:
        """The sound.

        Raises:
            WavError, OSError: the file cannot be used or read.
        """
        return read_wav(self.path)

    def identity(self) -> list[Any]:
        """What changes whenever the file does (JSON types)."""
        try:
            status = os.stat(self.path)
        except OSError:
            return [self.name, None, None]
        return [self.name, status.st_size, status.st_mtime_ns]


class Word(Protocol):
    """A recording, or what stands for one."""

    @property
    def name(self) -> str: ...
    @property
    def class_name(self) -> str: ...
    @property
    def speaker(self) -> str: ...
    @property
    def part(self) -> str | None: ...
    def read(self) -> Sound: ...
    def identity(self) -> list[Any]: ...


@dataclass(frozen=True)
class Recordings:
    """What was found in a folder."""

    folder: Path | None  #: None: nowhere, the words are made up
    recordings: Sequence[Word]  #: in the order of their names
    layout: str  #: name of the pattern, ``"folders"``, ``"pattern"`` or ``"synthetic"``
    pattern: str = ""  #: regular expression
    unmatched: Sequence[str] = ()  #: names of WAV files that do not fit the pattern


def find_recordings(folder: str | os.PathLike[str], pattern: str | None = None) -> Recordings:
    """Search a folder and its sub-folders for WAV files.

    The class of a file is said by its name or by its sub-folder. Folders whose name begins with
    ``_`` (``_background_noise_``) or ``.`` are passed over, as are hidden files. The lists
    ``validation_list.txt`` and ``testing_list.txt`` beside the sub-folders are read if they are
    there.

    Args:
        folder: with recordings.
        pattern: regular expression for whole names of files, with the named groups ``class``
            (without it: the first sub-folder), ``speaker`` and ``index`` (a number), e.g.
            ``(?P<class>[a-z]+)-(?P<speaker>\\w+)-(?P<index>\\d+)\\.wav``, or a name of
            ``PATTERNS``. Default: ``"fsdd"`` if there are files in the folder itself, else classes
            are sub-folders and files named as in ``"gsc"`` have speakers.

    Raises:
        ValueError: no such folder, no WAV files, none that fit, a wrong expression, or fewer
            than two classes.
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise ValueError(f"{root}: there is no such folder with recordings")
    names = _wav_names(root)
    if not names:
        raise ValueError(f"{root}: there are no WAV files in this folder and its sub-folders")
    layout = _layout(names, pattern)
    expression = _compile(PATTERNS.get(layout, PATTERNS["gsc"] if pattern is None else pattern))
    lists = _read_lists(root)
    found, unmatched = [], []
    for name in names:
        recording = _describe(root, name, expression, strict=layout != "folders")
        if recording is None:
            unmatched.append(name)
        else:
            found.append(replace(recording, part=lists.get(name)))
    if not found:
        raise ValueError(
            f"{root}: none of {len(names)} WAV files (e.g. {names[0]}) fits the pattern "
            f"{expression.pattern!r}"
            + ("" if pattern else "; name a pattern, or put each class into a folder of its own")
        )
    classes = {recording.class_name for recording in found}
    if len(classes) < 2:
        raise ValueError(
            f"{root}: all {len(found)} recordings are of one class, {classes.pop()!r}; at least "
            "two are needed"
        )
    return Recordings(root, found, layout, expression.pattern, unmatched)


def _wav_names(root: Path) -> list[str]:
    """Relative paths, sorted, with '/'."""
    names = []
    for where, folders, files in os.walk(root):
        folders[:] = [folder for folder in folders if not _NO_CLASS.match(folder)]
        for file in files:
            if file.lower().endswith(".wav") and not file.startswith("."):
                names.append(Path(where, file).relative_to(root).as_posix())
    return sorted(names)


def _layout(names: Sequence[str], pattern: str | None) -> str:
    if pattern is not None:
        return pattern if pattern in PATTERNS else "pattern"
    # FSDD has its files in a folder "recordings"
    top = {name.rpartition("/")[0] for name in names}
    return "fsdd" if top in ({""}, {"recordings"}) or "" in top else "folders"


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"pattern: {pattern!r} is no regular expression: {error}") from error


def _describe(root: Path, name: str, expression: re.Pattern[str], strict: bool) -> Recording | None:
    """None where the name does not fit, or nothing says the class."""
    folder, _, file = name.rpartition("/")
    match = expression.fullmatch(file)
    if match is None and strict:
        return None
    groups = match.groupdict() if match else {}
    class_name = groups.get("class") or folder.split("/")[0]
    if not class_name:
        return None
    index = groups.get("index")
    return Recording(
        path=root / name,
        name=name,
        class_name=class_name,
        speaker=groups.get("speaker") or "",
        index=int(index) if index and index.isdecimal() else None,
    )


def _read_lists(root: Path) -> dict[str, str]:
    """Part of each file that a list names."""
    parts: dict[str, str] = {}
    for file, part in _LISTS.items():
        try:
            lines = (root / file).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        for line in lines:
            name = line.strip()
            if parts.setdefault(name, part) != part:
                raise ValueError(f"{root}: {name} is both in {' and in '.join(_LISTS)}")
    return parts
