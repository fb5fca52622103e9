"""Finding the results folders of finished runs, and reading what they say."""

from __future__ import annotations

import math
import re
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
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ExperimentError(f"damaged: {type(error).__name__}: {error}") from error


def _to_run(path: Path, config: Mapping[str, Any], summary: Mapping[str, Any]) -> FinishedRun:
    options, settings = config["options"], config["settings"]
    accuracy = summary["test_accuracy"]
    if not 0.0 <= accuracy <= 1.0:
        raise ValueError(f"test_accuracy is {accuracy}")
    _check_hidden(options.get("hidden", []))
    return FinishedRun(
        folder=path,
        experiment=_experiment(config),
        seed=int(options["seed"]),
        options={k: v for k, v in options.items() if k not in _NOT_DESCRIBED},
        settings={k: v for k, v in settings.items() if k not in options or k in FREE_OPTIONS},
        found={
            "dataset": config["dataset"],
            "backend": config["backend"],
            "data": config["data"]["fingerprint"],
        },
        test_accuracy=float(accuracy),
        numbers={name: _number(summary, name) for name in _NUMBERS},
    )


def _experiment(config: Mapping[str, Any]) -> str:
    """The name of the experiment, which files of the report are named after."""
    name = config["experiment"]
    # nothing that leads out of the folder of the report
    if not isinstance(name, str) or not re.fullmatch(r"\w[\w-]*", name):
        raise ValueError(f"experiment is {name!r}, allowed are letters, digits, _ and -")
    return name


def _check_hidden(hidden: Any) -> None:
    """See that the sizes of the layers, which pictures are drawn over, are sizes."""
    if not isinstance(hidden, list) or any(
        type(n) is not int or not 1 <= n < 2**31 for n in hidden
    ):
        raise ValueError(f"hidden is {hidden!r}, allowed are sizes of layers, [] for none")


def _number(summary: Mapping[str, Any], name: str) -> float | None:
    if summary.get(name) is None:
        return None
    value = float(summary[name])
    if not math.isfinite(value):
        raise ValueError(f"{name} is {value}")
    return value
