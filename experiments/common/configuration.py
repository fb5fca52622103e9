"""``config.json``: what a run was asked for, and what it found."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Any

from mlgenn_delays.compilers import CompiledNetwork
from mlgenn_delays.models import ClassifierSettings

from .environment import describe_environment
from .experiment import Experiment, ExperimentData, ExperimentError
from .options import FREE_OPTIONS, Options


def describe_run(
    experiment: Experiment, options: Options, settings: ClassifierSettings, data: ExperimentData
) -> dict[str, Any]:
    """What was trained: the part that checkpoints hold, too. JSON types only."""
    description = {
        "experiment": experiment.name,
        "options": options.to_json(),
        "settings": asdict(settings),
        "dataset": data.kind,
        "data": {
            "source": dict(data.source),
            "fingerprint": data.fingerprint(),
            "class_names": data.class_names,
            "num_channels": data.num_channels,
            "duration_ms": data.duration,
            "n_train": len(data.train),
            "n_validation": len(data.validation),
            "n_test": len(data.test),
        },
    }
    return _as_json(description)


def _as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """As it is when read again, so that both can be compared."""
    return dict(json.loads(json.dumps(values, default=str)))


def make_config(description: Mapping[str, Any], compiled: CompiledNetwork) -> dict[str, Any]:
    """Content of ``config.json``."""
    engine = compiled.engine
    return {
        **description,
        "backend": engine.name,
        "threads": engine.num_threads,
        "versions": describe_environment(engine.name),
        "command": shlex.join(sys.argv),
        "started": datetime.now().astimezone().isoformat(timespec="seconds"),
    }


def stored_options(description: Mapping[str, Any]) -> dict[str, Any]:
    """Options of an earlier run as defaults of the command line. The data set that
    ``--data auto`` found then is asked for now."""
    with damaged_config():
        options = dict(description.get("options", {}))
    for name in ("out", "resume", "evaluate"):
        options.pop(name, None)
    found = description.get("dataset", "auto")
    # generated data are not asked for, there are no others
    return options if found == "generated" else {**options, "data": found}


def stored_settings(
    settings: ClassifierSettings, description: Mapping[str, Any]
) -> ClassifierSettings:
    """``settings`` with the values an earlier run had."""
    known = {f.name for f in fields(settings)}
    stored = description.get("settings", {})
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in stored.items() if k in known}
    return replace(settings, **values)


def check_same(stored: Mapping[str, Any], current: Mapping[str, Any], folder: str) -> None:
    """See that a run can be resumed: all that decides the weights must be the same.

    Args:
        stored: ``config.json`` of the run.
        current: the run that is to continue it.
        folder: where ``stored`` is, for the message.

    Raises:
        ExperimentError: names what differs.
    """
    _compare({**_chosen(stored), **_found(stored)}, {**_chosen(current), **_found(current)}, folder)


def check_same_options(
    stored: Mapping[str, Any],
    experiment: Experiment,
    options: Options,
    settings: ClassifierSettings,
    folder: str,
) -> None:
    """The same for what is known before data are loaded and a network is compiled.

    Raises:
        ExperimentError: names what differs.
    """
    current = {
        "experiment": experiment.name,
        "options": options.to_json(),
        "settings": asdict(settings),
    }
    _compare(_chosen(stored), _chosen(_as_json(current)), folder)


def _compare(before: Mapping[str, Any], now: Mapping[str, Any], folder: str) -> None:
    different = [k for k in {**before, **now} if before.get(k) != now.get(k)]
    if different:
        changes = ", ".join(f"{k} was {before.get(k)!r} and is {now.get(k)!r}" for k in different)
        raise ExperimentError(
            f"argument --out: the run in {folder!r} was started with other settings: {changes}"
        )


def _chosen(config: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked for that decides the weights, by name."""
    with damaged_config():
        return {
            "experiment": config["experiment"],
            **{k: v for k, v in config["settings"].items() if k != "epochs"},
            **{k: v for k, v in config["options"].items() if k not in FREE_OPTIONS},
        }


def _found(config: Mapping[str, Any]) -> dict[str, Any]:
    """What turned out and decides the weights, by name."""
    with damaged_config():
        return {
            "dataset": config["dataset"],
            "data": config["data"]["fingerprint"],
            "backend": config["backend"],
        }


def differ_in_seed_alone(config: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two runs, by their ``config.json``, may be averaged over.

    Raises:
        ExperimentError: an entry is missing or damaged.
    """
    described = []
    for values in (config, other):
        with damaged_config():
            epochs = values["settings"]["epochs"]
        described.append({**_chosen(values), **_found(values), "epochs": epochs, "seed": None})
    return described[0] == described[1]


@contextmanager
def damaged_config() -> Iterator[None]:
    """Turn errors of reading what an earlier run says of itself into :class:`ExperimentError`."""
    try:
        yield
    except KeyError as error:
        raise ExperimentError(f"config.json of the earlier run lacks {error}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise ExperimentError(f"config.json of the earlier run is damaged: {error}") from error
