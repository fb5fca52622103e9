"""``config.json``: what a run was asked for, and what it found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from mlgenn_delays.compilers import CompiledNetwork

from .config import RunConfig, describe_differences, differences, flat_json, stored_settings
from .environment import describe_environment
from .errors import RunError
from .record import RunRecord, damaged_record, read_record
from .results import ResultsFolder, plain, read_json
from .task import Task, TaskData


def now() -> str:
    """The time, ISO 8601."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def describe_run(config: RunConfig, data: TaskData) -> dict[str, Any]:
    """What is trained: the part that checkpoints hold, too. JSON types only."""
    description = {
        "config": config.to_json(),
        "config_hash": config.config_hash(),
        "data": {
            "kind": data.kind,
            "fingerprint": data.fingerprint,
            "n_train": len(data.train),
            "n_validation": len(data.validation),
            "n_test": len(data.test),
            "class_names": list(data.class_names),
            "num_channels": data.num_channels,
            "duration_ms": data.duration,
            "source": data.source,
        },
    }
    return dict(plain(description))


def started_config(
    description: Mapping[str, Any], compiled: CompiledNetwork, command: str | None
) -> dict[str, Any]:
    """Content of ``config.json``.

    Args:
        description: see :func:`describe_run`
        compiled: what is run
        command: that was typed, None where none was
    """
    engine = compiled.engine
    return {
        **description,
        "backend": engine.name,
        "threads": engine.num_threads,
        "versions": describe_environment(engine.name),
        "command": command,
        "started": now(),
    }


def settings_of_run(stored: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """Settings by name of a run.

    Args:
        stored: its ``config.json``.
        folder: where it is, for messages.

    Raises:
        RunError: it is damaged, or an earlier version wrote it.
    """
    with damaged_config(folder):
        if "config" not in stored:
            version = stored["versions"]["mlgenn_delays"]
            raise RunError(
                f"the run in {folder!r} was written by version {version}: this version compares "
                "and tests such runs, but does not continue them; continue it with that version"
            )
        return stored_settings(stored)


def allowed_settings(task: Task, folder: ResultsFolder) -> dict[str, Any]:
    """Settings by name of the run in a folder, for a run that continues it.

    Raises:
        RunError: see :func:`settings_of_run`; or they are not allowed.
    """
    settings = settings_of_run(read_json(folder.config), str(folder.path))
    with damaged_config(str(folder.path)):
        task.config(settings)
    return settings


def check_same_settings(stored: Mapping[str, Any], config: RunConfig, folder: str) -> None:
    """See that a run can be continued: what was asked for that decides the weights is the same.

    Args:
        stored: ``config.json`` of the run, or what a checkpoint of it says.
        config: of the run that is to continue it.
        folder: where the run is, for the message.

    Raises:
        RunError: names what differs.
    """
    _refuse(differences(settings_of_run(stored, folder), flat_json(config)), folder)


def check_same_data(stored: Mapping[str, Any], begun: Mapping[str, Any], folder: str) -> None:
    """The same for what is known once data are loaded and a network is compiled.

    Args:
        stored: ``config.json`` of the run.
        begun: that of the run that is to continue it.
        folder: where the run is, for the message.

    Raises:
        RunError: names what differs.
    """
    with damaged_config(folder):
        before, found = (
            {**{n: c["data"][n] for n in ("kind", "fingerprint")}, "engine": c["backend"]}
            for c in (stored, begun)
        )
        for name in ("started", "threads"):
            stored[name]  # what continues it needs them, too
    _refuse({n: (before[n], found[n]) for n in before if before[n] != found[n]}, folder)


def note_threads(stored: Mapping[str, Any], begun: Mapping[str, Any]) -> str:
    """What the user must know if a run goes on with another number of threads."""
    threads = stored["threads"], begun["threads"]
    if threads[0] == threads[1]:
        return ""
    return (
        f"Note: the run was started with {threads[0]} threads and goes on with {threads[1]}; "
        "results agree with an uninterrupted run up to rounding only."
    )


def _refuse(different: Mapping[str, tuple[Any, Any]], folder: str) -> None:
    if different:
        changes = describe_differences(different)
        raise RunError(f"the run in {folder!r} was started with other settings: {changes}")


def finished_record(folder: ResultsFolder, config: RunConfig) -> RunRecord | None:
    """Record of the run in a folder if it has nothing left to do, with as many epochs as are wanted
    or more; None where something is left.

    Raises:
        RunError: its summary is damaged.
    """
    if not folder.summary.is_file():
        return None
    summary = read_json(folder.summary)
    if summary.get("status") != "finished":
        return None
    epochs = summary.get("requested_epochs")
    if type(epochs) is not int or epochs < 1:
        raise damaged_record(folder.summary, f"requested_epochs is {epochs!r}")
    if epochs < config.learning.epochs:
        return None
    return read_record(folder.summary, config.change(epochs=epochs))


@contextmanager
def damaged_config(folder: str) -> Iterator[None]:
    """Turn errors of reading what an earlier run says of itself into :class:`RunError`."""
    try:
        yield
    except KeyError as error:
        raise RunError(f"config.json of the run in {folder!r} lacks {error}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise RunError(f"config.json of the run in {folder!r} is damaged: {error}") from error
