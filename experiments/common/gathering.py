"""Finding the results folders of finished runs, and reading what they say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .experiment import ExperimentError
from .options import FREE_OPTIONS
from .results import ResultsFolder, read_json

#: Options that do not belong to the description of a run: where and how, and what is averaged over.
_NOT_DESCRIBED = (*FREE_OPTIONS, "seed")

#: Entries of ``summary.json`` that are numbers, and may be missing.
_NUMBERS = ("n_parameters", "n_weights", "n_delays", "epochs", "seconds_per_epoch")


@dataclass(frozen=True)
class FinishedRun:
    """What is compared of a run."""

    folder: Path
    experiment: str
    seed: int
    options: Mapping[str, Any]  #: those that decide what was trained, without the seed
    settings: Mapping[str, Any]  #: those that are no options
    found: Mapping[str, Any]  #: data set, engine
    test_accuracy: float
    numbers: Mapping[str, float | None]  #: number of parameters, time per epoch, ...


@dataclass(frozen=True)
class SkippedFolder:
    """A folder that is not compared."""

    folder: Path
    reason: str


def gather(paths: Sequence[Path]) -> tuple[list[FinishedRun], list[SkippedFolder]]:
    """All finished runs in some folders and the folders in them.

    Args:
        paths: where to search.

    Returns:
        runs, and folders that hold a run that is damaged or not finished, both sorted by path.

    Raises:
        ExperimentError: a path is no folder.
    """
    runs: list[FinishedRun] = []
    skipped: list[SkippedFolder] = []
    for folder in _run_folders(paths):
        try:
            runs.append(_read(ResultsFolder(folder)))
        except ExperimentError as error:
            skipped.append(SkippedFolder(folder, str(error)))
    return runs, skipped


def _run_folders(paths: Sequence[Path]) -> Iterator[Path]:
    """Folders that hold a run or what is left of one, each once."""
    known = set()
    for path in paths:
        if not path.is_dir():
            raise ExperimentError(f"argument RESULTS: there is no folder {str(path)!r}")
        names = ("config.json", "summary.json")
        for folder in sorted({file.parent for name in names for file in path.rglob(name)}):
            if folder.resolve() not in known:
                known.add(folder.resolve())
                yield folder


def _read(folder: ResultsFolder) -> FinishedRun:
    """The run in a folder.

    Raises:
        ExperimentError: says why it cannot be compared.
    """
    if not folder.config.is_file():
        raise ExperimentError(f"there is no {folder.config.name}")
    if not folder.summary.is_file():
        raise ExperimentError(f"not finished: there is no {folder.summary.name}")
    config, summary = read_json(folder.config), read_json(folder.summary)
    status = summary.get("status")
    if status == "evaluated":
        raise ExperimentError("a test of a checkpoint, not a training")
    if status != "finished":
        raise ExperimentError(f"not finished: {status}")
    try:
        return _to_run(folder.path, config, summary)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ExperimentError(f"damaged: {type(error).__name__}: {error}") from error


def _to_run(path: Path, config: Mapping[str, Any], summary: Mapping[str, Any]) -> FinishedRun:
    options, settings = config["options"], config["settings"]
    accuracy = summary["test_accuracy"]
    if not 0.0 <= accuracy <= 1.0:
        raise ValueError(f"test_accuracy is {accuracy}")
    return FinishedRun(
        folder=path,
        experiment=str(config["experiment"]),
        seed=int(options["seed"]),
        options={k: v for k, v in options.items() if k not in _NOT_DESCRIBED},
        settings={k: v for k, v in settings.items() if k not in options or k in FREE_OPTIONS},
        found={
            "dataset": config["dataset"],
            "backend": config["backend"],
            "data": config["data"]["fingerprint"],
        },
        test_accuracy=float(accuracy),
        numbers={n: None if summary.get(n) is None else float(summary[n]) for n in _NUMBERS},
    )
