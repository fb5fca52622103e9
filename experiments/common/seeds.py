"""``--seeds``: runs that differ in their seed alone, one after the other."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgenn_delays.files import atomic_write

from .configuration import differ_in_seed_alone, stored_options
from .experiment import ExperimentError, kind_note
from .results import ResultsFolder, read_json, read_summary, write_json
from .spread import Spread

#: Summaries over seeds, beside the folders ``seed-N``. None is called as a file of a run.
JSON_FILE, CSV_FILE = "seeds.json", "seeds.csv"

#: How long to wait for others that summarise the same folder [s].
_WAIT = 10.0

_FOLDER_NAME = re.compile(r"seed-(0|[1-9]\d*)")

#: What the table over seeds has of each run's ``summary.json``.
_COLUMNS = (
    "seed",
    "status",
    "test_accuracy",
    "test_loss",
    "validation_accuracy",
    "best_epoch",
    "epochs",
    "seconds_per_epoch",
    "n_parameters",
)


@dataclass(frozen=True)
class SeedRun:
    """One of several runs: its seed and its folder."""

    seed: int
    folder: ResultsFolder

    def summary(self) -> dict[str, Any]:
        """Its ``summary.json``; a status alone where there is none."""
        if self.folder.summary.is_file():
            return {**read_summary(self.folder.summary), "seed": self.seed}
        return {"seed": self.seed, "status": "interrupted" if self._has_begun() else "not run"}

    def _has_begun(self) -> bool:
        return self.folder.config.is_file()


def run_seeds(
    folder: Path,
    seeds: Sequence[int],
    resume: bool,
    run_one: Callable[[int, ResultsFolder, Mapping[str, Any]], int],
    interrupted: int,
) -> int:
    """Run several seeds, each in a folder of its own below ``folder``, and write a summary.

    Args:
        folder: made if it is not there.
        seeds: which.
        resume: options that the command line does not mention are those of the runs there.
        run_one: runs, continues or leaves alone a seed, in its folder, with options that hold
            where the command line is silent; returns an exit code.
        interrupted: exit code after which no further seed is run.

    Returns:
        Exit code: 0 if all seeds are finished, otherwise the last other one.

    Raises:
        ExperimentError: bad arguments, or a folder that is something else.
    """
    runs = [SeedRun(seed, ResultsFolder(folder / f"seed-{seed}")) for seed in seeds]
    with ResultsFolder(folder).prepared():
        # not for the whole time: others may run other seeds
        with ResultsFolder(folder).locked(_WAIT):
            _check_folder(folder)
        earlier = _earlier_options(folder, runs) if resume else {}
        return _run_all(folder, runs, earlier, run_one, interrupted)


def _run_all(
    folder: Path,
    runs: Sequence[SeedRun],
    earlier: Mapping[str, Any],
    run_one: Callable[[int, ResultsFolder, Mapping[str, Any]], int],
    interrupted: int,
) -> int:
    result = 0
    try:
        for number, run in enumerate(runs, start=1):
            print(f"\nSeed {run.seed} ({number} of {len(runs)})", flush=True)
            code = run_one(run.seed, run.folder, earlier)
            result = code or result
            if code == interrupted:
                break
    except KeyboardInterrupt:
        # the second Ctrl-C, or one before training
        _summarise(folder, runs)
        raise
    _summarise(folder, runs)
    return result


def _summarise(folder: Path, runs: Sequence[SeedRun]) -> None:
    # one after the other, so that none writes what was true before another had ended
    with ResultsFolder(folder).locked(_WAIT):
        _write_summary(folder, runs)


def _check_folder(folder: Path) -> None:
    """See that a folder has nothing but runs of single seeds."""
    runs = [path.name for path in folder.glob("seed-*") if path.is_dir()]
    ResultsFolder(folder).check_empty(
        (*runs, JSON_FILE, CSV_FILE), "choose another --out for several seeds"
    )


def _earlier_options(folder: Path, runs: Sequence[SeedRun]) -> dict[str, Any]:
    """Options of the runs that are there already."""
    for run in runs:
        if run.folder.config.is_file():
            return stored_options(read_json(run.folder.config))
    raise ExperimentError(f"argument --resume: there is no run of these seeds in {str(folder)!r}")


def _write_summary(folder: Path, runs: Sequence[SeedRun]) -> None:
    """Print and write what the runs gave, with those of other seeds that were there before, if
    they gave anything."""
    summaries = [run.summary() for run in runs] + _other_summaries(folder, runs)
    summaries.sort(key=lambda summary: summary["seed"])
    rows = [{name: summary.get(name) for name in _COLUMNS} for summary in summaries]
    finished = [s for s in summaries if s.get("status") == "finished"]
    if not any(row["test_accuracy"] is not None for row in rows):
        return
    spread = Spread.of([s["test_accuracy"] for s in finished])
    first = finished[0] if finished else {}
    with atomic_write(folder / CSV_FILE, "w") as file:
        writer = csv.DictWriter(file, fieldnames=_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    write_json(
        folder / JSON_FILE,
        {
            "experiment": first.get("experiment"),
            "dataset": first.get("dataset"),
            "validated_on_test": first.get("validated_on_test"),
            "n_finished": len(finished),
            "test_accuracy_mean": None if spread is None else spread.mean,
            "test_accuracy_std": None if spread is None else spread.deviation,
            "seeds": rows,
        },
    )
    print(_describe(rows, spread, first))
    print(f"Results are in {folder}, one folder per seed, and in {JSON_FILE} and {CSV_FILE}")


def _other_summaries(folder: Path, runs: Sequence[SeedRun]) -> list[dict[str, Any]]:
    """Of the runs in a folder that were not asked for this time."""
    configs = [run.folder.config for run in runs if run.folder.config.is_file()]
    if not configs:
        return []
    config = read_json(configs[0])
    found = {int(m[1]) for path in folder.iterdir() if (m := _FOLDER_NAME.fullmatch(path.name))}
    others = [
        SeedRun(seed, ResultsFolder(folder / f"seed-{seed}"))
        for seed in found - {run.seed for run in runs}
    ]
    return [_other_summary(run, config) for run in others if run.folder.config.is_file()]


def _other_summary(other: SeedRun, config: Mapping[str, Any]) -> dict[str, Any]:
    """Of one that was not asked for: it is kept, but counts only if all else is the same."""
    try:
        summary = other.summary()
        if summary.get("status") == "finished":
            same = differ_in_seed_alone(read_json(other.folder.config), config)
            summary["status"] = "finished" if same else "other settings"
        return summary
    except ExperimentError:
        # no reason to lose what the others gave
        return {"seed": other.seed, "status": "damaged"}


def _describe(
    rows: Sequence[Mapping[str, Any]], spread: Spread | None, finished: Mapping[str, Any]
) -> str:
    """A table, a line per seed, and the mean."""
    lines = ["", "  seed  test accuracy  epochs  s/epoch  status"]
    for row in rows:
        accuracy, seconds = row["test_accuracy"], row["seconds_per_epoch"]
        lines.append(
            f"{row['seed']:6d}  {'-' if accuracy is None else f'{accuracy:.1%}':>13}"
            f"  {'-' if row['epochs'] is None else row['epochs']:>6}"
            f"  {'-' if seconds is None else f'{seconds:.2f}':>7}  {row['status']}"
        )
    if spread is not None:
        lines.append(
            f"Test accuracy {spread.percent()} (mean"
            + (" ± standard deviation" if spread.deviation is not None else "")
            + f" of {spread.number} finished seed{'s' if spread.number > 1 else ''})"
            + kind_note(str(finished.get("dataset")))
            + (" (CHOSEN ON THE TEST PART)" if finished.get("validated_on_test") else "")
        )
    return "\n".join(lines)
