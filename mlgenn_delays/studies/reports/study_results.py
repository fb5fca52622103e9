"""What a study has given: table, figures, report, and a summary on the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import RunError
from ..results import read_json
from ..variants import COMPARED_SETTINGS
from .gathering import GatheredRun, SkippedFolder, gather
from .report_text import StudyText
from .study_report import write_study_report
from .table import axis_column

#: Runs in the table: all that have ended in some way.
_STATUSES = ("finished", "diverged", "failed", "interrupted")

#: What a study says of every run, besides the values of its axes.
_OF_ALL = ("variant", "size")


def gather_study(folder: Path) -> tuple[list[GatheredRun], list[SkippedFolder]]:
    """The runs of a study that have ended, with the columns ``variant``, ``size`` and those of
    further axes as the study says, named by :func:`.axis_column`.

    Returns:
        runs, and folders among theirs that are left out: damaged, not finished, or not of the study

    Raises:
        RunError: there is no study, or its description is damaged.
    """
    labels = read_json(folder / "study.json").get("runs", {})
    if not (folder / "runs").is_dir():
        return [], []
    found, skipped = gather([folder / "runs"], _STATUSES)
    runs = []
    for run in found:
        if run.folder.name in labels:
            runs.append(replace(run, row={**run.row, **_columns(labels[run.folder.name])}))
        else:
            skipped.append(SkippedFolder(run.folder, "study.json does not say what it is"))
    return runs, skipped


def _columns(labels: Mapping[str, Any]) -> dict[str, Any]:
    """What a study says of a run as columns of the table; lists become tuples, by which runs can
    be told apart."""
    return {
        name if name in _OF_ALL else axis_column(name): _freeze(value)
        for name, value in labels.items()
    }


def _freeze(value: Any) -> Any:
    return tuple(map(_freeze, value)) if isinstance(value, list) else value


def report_study(folder: Path, pool: Sequence[str] = ()) -> bool:
    """Write table, figures and report of a study, and print what they say in short.

    Args:
        folder: of the study
        pool: further axes whose values are replications, besides those that the study says, see
            :func:`.write_study_report`

    Returns:
        whether there are runs, and all that began are finished

    Raises:
        RunError: there is no study, its description is damaged, or ``pool`` has no axis of it.
        OSError: a file cannot be written.
    """
    described = read_json(folder / "study.json")
    study, commands = described.get("study", {}), list(described.get("commands", []))
    runs, skipped = gather_study(folder)
    left_out = [(str(s.folder), s.reason) for s in skipped]
    if not runs:
        print("\n".join(["No run has ended yet.", *(f"{path}: {why}" for path, why in left_out)]))
        return False
    rows, axes = [run.row for run in runs], [axis_column(a) for a in study.get("axes", [])]
    pooled = [axis_column(p) for p in dict.fromkeys([*study.get("pool", []), *pool])]
    if unknown := [p for p in pooled if p not in axes]:
        raise RunError(f"pool has {unknown[0]!r}, allowed are axes: {', '.join(axes) or 'none'}")
    matched_to = study.get("match_parameters")
    matched_axes = {
        axis_column(name): study[f"match_{name}"]
        for name in COMPARED_SETTINGS
        if f"match_{name}" in study and axis_column(name) not in pooled
    }
    files = write_study_report(
        folder,
        rows,
        {str(run.row["folder"]): run.delays for run in runs},
        axes=axes,
        commands=commands,
        settings=_common([run.described for run in runs]),
        matched_to=matched_to,
        matched_axes=matched_axes,
        pool=pooled,
        left_out=left_out,
    )
    text = StudyText(
        rows,
        axes,
        matched_to=matched_to,
        matched_axes=matched_axes,
        pool=pooled,
        left_out=left_out,
    )
    print(text.screen(), flush=True)
    print(f"\nResults are in {folder}: {', '.join(p.name for p in files if p.suffix != '.pdf')}")
    labels = described.get("runs", {})
    return all(row["status"] == "finished" for row in rows) and not any(
        s.folder.name in labels for s in skipped
    )


def _common(settings: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Settings that have the same value in all runs."""
    return {n: v for n, v in settings[0].items() if all(s.get(n) == v for s in settings)}
