"""``--seeds``: runs that differ in their seed alone, one after the other."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import RunError
from ..reports.comparing import compare
from ..reports.comparing_text import to_markdown
from ..reports.gathering import gather
from ..reports.table import write_table
from ..results import ResultsFolder
from ..run_files import allowed_settings
from ..task import Task
from .command import INTERRUPTED
from .on_screen import configure, run_on_screen

#: Tables of all seeds.
TABLES = ("runs.csv", "runs.parquet")

#: How long to wait for others that summarise the same folder [s].
_WAIT = 10.0


def run_seeds(
    task: Task, given: Mapping[str, Any], seeds: Sequence[int], out: Path, resume: bool
) -> int:
    """Run several seeds, each in a folder of its own below ``out``, and say what they gave.

    Args:
        task: what is run
        given: settings by name
        seeds: which
        out: made if it is not there
        resume: settings that are not given are those of the runs there

    Returns:
        Exit code: 0 if all seeds are finished, otherwise the last other one.

    Raises:
        RunError: bad settings, or a folder that is something else.
    """
    folders = {seed: ResultsFolder(out / f"seed-{seed}") for seed in seeds}
    result = 0
    with ResultsFolder(out).prepared():
        _check_folder(out)
        stored = _stored(task, out, folders) if resume else {}
        try:
            for number, (seed, folder) in enumerate(folders.items(), start=1):
                print(f"\nSeed {seed} ({number} of {len(seeds)})", flush=True)
                config = configure(task, {**stored, **given, "seed": seed})
                code = run_on_screen(task, config, folder.path, folder.config.is_file())
                result = code or result
                if code == INTERRUPTED:
                    break
        finally:
            _summarise(out)
    return result


def _check_folder(out: Path) -> None:
    """See that a folder has nothing but runs of single seeds."""
    runs = [path.name for path in out.glob("seed-*") if path.is_dir()]
    ResultsFolder(out).check_empty((*runs, *TABLES), "choose another --out for several seeds")


def _stored(task: Task, out: Path, folders: Mapping[int, ResultsFolder]) -> dict[str, Any]:
    """Settings of the runs that are there already."""
    for folder in folders.values():
        if folder.config.is_file():
            return allowed_settings(task, folder)
    raise RunError(f"argument --resume: there is no run of these seeds in {str(out)!r}")


def _summarise(out: Path) -> None:
    """Write and print what the runs of a folder gave, with those of seeds that were there before,
    if they gave anything."""
    runs, skipped = gather([out])
    if not runs:
        return
    # others may summarise the same folder
    with ResultsFolder(out).locked(_WAIT):
        note = write_table(out, [run.row for run in runs])
    print()
    print(to_markdown(compare(runs), skipped, settings=False), end="")
    if note:
        print(f"Note: {note}", file=sys.stderr)
    print(f"Results are in {out}, one folder per seed; runs.csv is a table of them", flush=True)
