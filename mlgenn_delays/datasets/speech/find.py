"""Finding recordings of speech: which WAV files there are, what was said in them, and by whom."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from ...audio import Sound, read_wav

#: Names of files of known data sets: expressions with the groups of :func:`find_recordings`.
PATTERNS = {
    # Free Spoken Digit Dataset
    "fsdd": r"(?P<class>\d)_(?P<speaker>[^_]+)_\d+\.wav",
    # Google Speech Commands, whose classes are folders
    "gsc": r"(?P<speaker>[^_]+)_nohash_\d+\.wav",
}
#: Names of test files, for patterns whose data set says which they are.
TEST_PATTERNS = {"fsdd": r"_[0-4]\.wav"}

#: Folders of noise and the like that are no classes.
_NO_CLASS = re.compile(r"[._]")
#: Lists of Google Speech Commands, and the part that they name.
LISTS = {"validation_list.txt": "validation", "testing_list.txt": "test"}
#: Entries of a list that are named when there are no such files.
_MOST_NAMED = 5


@dataclass(frozen=True)
class Recording:
    """A file with one word."""

    path: Path  #: without links above and in the name of the folder of all recordings
    name: str  #: path relative to the folder of all recordings, with '/'
    class_name: str
    speaker: str = ""  #: empty where it is not known
    part: str | None = None  #: ``"validation"`` or ``"test"`` where a list says so

    def read(self) -> Sound:
        """The sound.

        Raises:
            WavError, OSError: the file cannot be used or read.
        """
        return read_wav(self.path)

    def identity(self) -> list[Any]:
        """What changes whenever the file does, and where it is another one (JSON types).

        Place, size and time of change rather than what is in it: this is asked of all files of a
        data set, which may be a hundred thousand, each time it is loaded.
        """
        try:
            status = os.stat(self.path)
        except OSError:
            return [str(self.path), None, None]
        return [str(self.path), status.st_size, status.st_mtime_ns]


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
    ``_`` (``_background_noise_``) or ``.`` are passed over, as are hidden files. Sub-folders may be
    links; none is searched twice. The lists ``validation_list.txt`` and ``testing_list.txt``
    beside the sub-folders are read if they are there.

    Args:
        folder: with recordings.
        pattern: regular expression for whole names of files, with the named groups ``class``
            (without it: the first sub-folder) and ``speaker``, e.g.
            ``(?P<class>[a-z]+)-(?P<speaker>\\w+)-\\d+\\.wav``, or a name of ``PATTERNS``.
            Default: ``"fsdd"`` if most files are in the folder itself, or all in its sub-folder
            ``recordings``, else classes are sub-folders and files named as in ``"gsc"`` have
            speakers.

    Raises:
        ValueError: no such folder, no WAV files, none that fit, a wrong expression, fewer than
            two classes, or lists that disagree, are no text or name files that are not there.
        OSError: a list cannot be read.
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise ValueError(f"{root}: there is no such folder with recordings")
    names = _wav_names(root)
    if not names:
        raise ValueError(f"{root}: there are no WAV files in this folder and its sub-folders")
    layout = _layout(names, pattern)
    expression = compile_pattern(
        PATTERNS.get(layout, PATTERNS["gsc"] if pattern is None else pattern)
    )
    lists = _read_lists(root, names)
    found, unmatched = [], []
    resolved = root.resolve()
    for name in names:
        recording = _describe(resolved, name, expression, strict=layout != "folders")
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
    for where, files in _walk(root):
        for file in files:
            if file.lower().endswith(".wav") and not file.startswith("."):
                names.append(Path(where, file).relative_to(root).as_posix())
    return sorted(names)


def _walk(root: Path) -> Iterator[tuple[str, list[str]]]:
    """Folders with their files. Links are followed; what was seen is left out, also in loops."""
    seen = set()
    for where, folders, files in os.walk(root, followlinks=True):
        status = os.stat(where)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        # of a folder and a link to it beside it, the folder
        folders[:] = sorted(
            (folder for folder in folders if not _NO_CLASS.match(folder)),
            key=lambda folder: (os.path.islink(os.path.join(where, folder)), folder),
        )
        yield where, files


def _layout(names: Sequence[str], pattern: str | None) -> str:
    if pattern is not None:
        return pattern if pattern in PATTERNS else "pattern"
    folders = [name.rpartition("/")[0] for name in names]
    # FSDD has its files in a folder "recordings"; beside folders of classes there may be a file
    is_flat = set(folders) <= {"", "recordings"} or folders.count("") > len(folders) / 2
    return "fsdd" if is_flat else "folders"


def compile_pattern(pattern: str, name: str = "pattern") -> re.Pattern[str]:
    """Regular expression for names of files; capitals do not matter.

    Args:
        pattern: the expression.
        name: of the argument, for the message.

    Raises:
        ValueError: it is no regular expression.
    """
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"{name}: {pattern!r} is no regular expression: {error}") from error


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
    return Recording(
        path=root / name,
        name=name,
        class_name=class_name,
        speaker=groups.get("speaker") or "",
    )


def _read_lists(root: Path, names: Sequence[str]) -> dict[str, str]:
    """Part of each file that a list names."""
    known = set(names)
    parts: dict[str, str] = {}
    for file, part in LISTS.items():
        listed = _read_list(root / file)
        # else recordings that are meant for the test would be trained with
        missing = [name for name in listed if name not in known]
        if missing:
            shown = ", ".join(missing[:_MOST_NAMED]) + (", ..." * (len(missing) > _MOST_NAMED))
            raise ValueError(
                f"{root / file}: {len(missing)} of {len(listed)} entries name no WAV file in "
                f"{root}: {shown}; put them right, or remove the list"
            )
        for name in listed:
            if parts.setdefault(name, part) != part:
                raise ValueError(f"{root}: {name} is both in {' and in '.join(LISTS)}")
    return parts


def _read_list(path: Path) -> list[str]:
    """Entries as names of :func:`_wav_names`; none where there is no such list."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: it is no text in UTF-8: {error}") from error
    entries = (line.strip().replace("\\", "/") for line in lines)
    return [posixpath.normpath(entry) for entry in entries if entry]
