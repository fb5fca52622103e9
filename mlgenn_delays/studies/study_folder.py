"""The folder of a study: what it is of, and the records of its runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .config import RunConfig, describe_differences, differences, flat_json
from .errors import FolderError, RunError
from .executors.calls import Outcome
from .record import RunRecord, read_record
from .results import ResultsFolder, read_json, write_json
from .run_files import now, settings_of_run
from .study import PlannedRun, Study
from .worker import Job, run_folder

#: Ends of runs after which they are not run again.
_ENDS = ("finished", "diverged")


def check_folder(results: ResultsFolder, study: Study) -> None:
    """See that a folder is empty or has this study.

    Raises:
        RunError: it has something else.
    """
    path = results.path / "study.json"
    if not path.is_file():
        results.check_empty(advice="choose another --out for the study")
        return
    stored = read_json(path).get("study")
    wanted = study.describe()
    if not isinstance(stored, dict):
        raise RunError(f"{str(path)!r} is damaged: it does not say which study it is of")
    before, now_ = _flat(stored), _flat(wanted)
    pairs = {name: (before.get(name), now_.get(name)) for name in {**before, **now_}}
    different = {name: (b, n) for name, (b, n) in pairs.items() if b != n}
    if different:
        raise FolderError(
            f"{str(results.path)!r} has another study: {describe_differences(different)}; choose "
            "another folder"
        )


def _flat(described: dict[str, object]) -> dict[str, object]:
    """What a study is, each of its settings by name; how it is reported does not matter."""
    settings = described.get("settings")
    named = settings if isinstance(settings, dict) else {}
    return {**described, "settings": None, "pool": None, **named}


def write_description(
    folder: Path, study: Study, runs: Sequence[PlannedRun], command: str | None
) -> None:
    """Write ``study.json``: what the study is, its runs so far, and the commands that made it.

    Raises:
        OSError: it cannot be written.
    """
    path = folder / "study.json"
    known = read_json(path) if path.is_file() else {}
    commands = [*known.get("commands", []), *([command] if command else [])]
    write_json(
        path,
        {
            "study": study.describe(),
            "commands": list(dict.fromkeys(commands)),
            "runs": {**known.get("runs", {}), **{run.name: run.labels() for run in runs}},
        },
    )


def read_records(
    folder: Path, runs: Sequence[PlannedRun]
) -> tuple[dict[str, RunRecord], dict[str, str]]:
    """Records of the runs that are done, and what is wrong with those that cannot be read, which
    are put aside: such runs go on from their checkpoints, or begin anew.

    Raises:
        RunError: a run with other settings; nothing of it is changed.
    """
    records: dict[str, RunRecord] = {}
    damaged: dict[str, str] = {}
    for run in runs:
        results = ResultsFolder(run_folder(folder, run.name))
        reason = _find_damage(results, run.config)
        if reason is not None:
            damaged[run.name] = reason
        elif results.summary.is_file():
            record = read_record(results.summary, run.config)
            if record.status in _ENDS:
                records[run.name] = record
            elif record.status == "failed" and not results.config.exists():
                results.summary.unlink()  # it failed before it began
    return records, damaged


def _find_damage(results: ResultsFolder, config: RunConfig) -> str | None:
    """Put aside what cannot be read of a run that no process has, and say why.

    Raises:
        RunError: it can be read, but has other settings.
    """
    if results.config.exists():
        try:
            stored = settings_of_run(read_json(results.config), str(results.path))
        except RunError as error:
            with results.locked():
                time = now().replace(":", "")
                aside = results.path.with_name(f"{results.path.name}.damaged-{time}")
                results.path.rename(aside)
            return str(error)
        changes = differences(stored, flat_json(config))
        if changes:
            raise RunError(
                f"the run in {str(results.path)!r} has other settings: "
                f"{describe_differences(changes)}; choose another --out for the study"
            )
    if results.summary.is_file():
        try:
            read_record(results.summary, config)
        except RunError as error:
            with results.locked():
                results.summary.unlink()
            return str(error)
    return None


def record_failure(job: Job, outcome: Outcome) -> RunRecord:
    """Write down that a run failed, and why."""
    folder = ResultsFolder(run_folder(job.folder, job.name))
    folder.prepare()
    record = RunRecord(
        job.config, "failed", message=str(outcome.error), ended=now(), folder=folder.path
    )
    write_json(folder.summary, {**record.to_json(), "traceback": outcome.traceback})
    return record
