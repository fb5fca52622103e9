"""Finding the folders of runs, of this version and of earlier ones, and reading what they say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config import LATER
from ..errors import RunError
from ..results import ResultsFolder, read_json
from ..rows import row_of, settings_of

#: Settings that do not describe what was trained: where and how, and what is averaged over.
_NOT_DESCRIBED = (
    *("task", "experiment", "seed", "threads", "backend", "out", "resume", "evaluate"),
    *("data", "kind", "data_dir"),  # what was found is described
)

#: Settings that earlier versions did not have, with what they did.
_BEFORE: Mapping[str, Any] = {"method": "eventprop"}
_BEFORE_BRAILLE: Mapping[str, Any] = {"split_seed": 0}


@dataclass(frozen=True)
class GatheredRun:
    """What a run left."""

    folder: Path
    task: str
    seed: int
    described: Mapping[str, Any]  #: all that decides what was trained, but the seed
    row: Mapping[str, Any]  #: of the table, see :mod:`.table`
    delays: Mapping[str, Mapping[str, Any]]  #: their statistics and histograms by connection


@dataclass(frozen=True)
class SkippedFolder:
    """A folder whose run is not among those gathered."""

    folder: Path
    reason: str


def gather(
    paths: Sequence[Path], statuses: Sequence[str] = ("finished",)
) -> tuple[list[GatheredRun], list[SkippedFolder]]:
    """All runs in some folders and the folders in them.

    Args:
        paths: where to search.
        statuses: of runs that are wanted; others are skipped as not finished.

    Returns:
        runs, and folders that hold a run that is damaged or not finished, both sorted by path.

    Raises:
        RunError: a path is no folder.
    """
    runs: list[GatheredRun] = []
    skipped: list[SkippedFolder] = []
    for folder in _run_folders(paths):
        try:
            runs.append(read_run(folder, statuses))
        except RunError as error:
            skipped.append(SkippedFolder(folder, str(error)))
    return runs, skipped


def _run_folders(paths: Sequence[Path]) -> Iterator[Path]:
    """Folders that hold a run or what is left of one, each once."""
    known = set()
    for path in paths:
        if not path.is_dir():
            raise RunError(f"argument RESULTS: there is no folder {str(path)!r}")
        names = ("config.json", "summary.json")
        for folder in sorted({file.parent for name in names for file in path.rglob(name)}):
            if folder.resolve() not in known:
                known.add(folder.resolve())
                yield folder


def read_run(path: Path, statuses: Sequence[str] = ("finished",)) -> GatheredRun:
    """The run in a folder.

    Raises:
        RunError: there is none, it is damaged, or has another status; says which.
    """
    folder = ResultsFolder(path)
    if not folder.summary.is_file():
        raise RunError(f"not finished: there is no {folder.summary.name}")
    summary = read_json(folder.summary)
    if folder.config.is_file():
        config = read_json(folder.config)
    elif summary.get("status") == "failed" and "config" in summary:
        config = summary  # it failed before it began
    else:
        raise RunError(f"there is no {folder.config.name}")
    status = summary.get("status")
    if status == "evaluated":
        raise RunError("a test of a checkpoint, not a training")
    if status not in statuses:
        raise RunError(f"not finished: {status}")
    try:
        return _to_run(path, config, summary)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise RunError(f"damaged: {type(error).__name__}: {error}") from error


def _to_run(path: Path, config: Mapping[str, Any], summary: Mapping[str, Any]) -> GatheredRun:
    settings = settings_of(config)
    row = row_of(summary, path, config)
    described = {
        **_BEFORE,
        **(_BEFORE_BRAILLE if row["task"] == "braille" else {}),
        **{n: v for n, v in {**LATER, **settings}.items() if n not in _NOT_DESCRIBED},
        "dataset": row["data_kind"],
        "backend": config["backend"] if "backend" in config else summary["backend"],
    }
    if settings.get("split_seed", 0) is not None:  # otherwise each seed has a split of its own
        described["data"] = row["data_fingerprint"]
    delays = summary.get("delay_statistics") or {}
    return GatheredRun(path, row["task"], row["seed"], described, row, delays)
