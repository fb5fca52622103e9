"""The row of a run in the table that :mod:`.reports.table` describes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .config import flatten
from .sizes import size_text

#: Entries of ``summary.json`` that are columns of the table under the same name.
_SAME = (
    *("status", "message", "test_accuracy", "test_loss", "validation_accuracy", "validation_loss"),
    *("test_accuracy_rounded", "test_accuracy_fractional"),
    *("best_epoch", "epochs", "n_parameters", "n_weights", "n_delays", "n_others", "seconds"),
    *("seconds_per_epoch", "config_hash", "backend", "threads"),
)

#: Statistics of a connection's delays in ``summary.json`` -> start of their columns.
_DELAYS = {
    "mean_ms": "delay_mean_ms",
    "std_ms": "delay_std_ms",
    "min_ms": "delay_min_ms",
    "max_ms": "delay_max_ms",
    "at_zero": "delays_at_zero",
    "at_cap": "delays_at_cap",
}

#: Entries of ``summary.json`` that are numbers, and may be missing.
_NUMBERS = (
    *("n_parameters", "n_weights", "n_delays", "n_others", "epochs", "seconds_per_epoch"),
    *("test_accuracy_rounded", "test_accuracy_fractional"),
)

_MEGABYTE = 1e6


def row_of(
    summary: Mapping[str, Any], folder: Path | None, config: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The row of a run.

    Args:
        summary: what its ``summary.json`` has
        folder: of the run
        config: what its ``config.json`` has; None: ``summary`` says that, too

    Raises:
        KeyError, TypeError, ValueError, AttributeError, OverflowError: it is damaged.
    """
    config = summary if config is None else config
    settings = settings_of(config)
    hidden = settings.get("hidden", [])
    _check_accuracy(summary)
    _check_hidden(hidden)
    for name in _NUMBERS:
        _check_number(summary, name)
    data = config.get("data") or summary.get("data") or {}
    memory, versions = summary.get("peak_memory_bytes"), config.get("versions") or {}
    return {
        "task": _task(settings),
        "variant": variant_of(settings),
        "method": settings.get("method", "eventprop"),
        "hidden": size_text(hidden),
        "n_hidden": sum(hidden),
        "seed": int(settings["seed"]),
        **{name: summary.get(name) for name in _SAME},
        "warnings": _warnings(summary.get("warnings") or ()),
        **_spikes(summary),
        **_delays(summary.get("delay_statistics") or {}),
        "peak_memory_mb": None if memory is None else memory / _MEGABYTE,
        "data_kind": config["dataset"] if "dataset" in config else summary["dataset"],
        "data_fingerprint": data.get("fingerprint"),
        "validated_on_test": settings.get("validate_on_test"),
        "quick": settings.get("quick"),
        "version": versions.get("mlgenn_delays"),
        "processor": versions.get("processor"),
        "folder": str(folder or Path()),
    }


def _warnings(texts: Sequence[str]) -> str | None:
    """What is wrong, without what to do, which follows after a semicolon."""
    return "; ".join(text.split(";")[0] for text in texts) or None


def _spikes(summary: Mapping[str, Any]) -> dict[str, Any]:
    """By layer; earlier versions have the mean over all layers alone."""
    columns = {
        f"{name}_{layer}": value
        for name in ("spikes_per_neuron", "silent_neurons")
        for layer, value in (summary.get(name) or {}).items()
    }
    if "test_spikes_per_neuron" in summary:
        columns["spikes_per_neuron"] = summary["test_spikes_per_neuron"]
    return columns


def _delays(delays: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        f"{column}_{connection}": values.get(name)
        for connection, values in delays.items()
        for name, column in _DELAYS.items()
    }


def _task(settings: Mapping[str, Any]) -> str:
    """The name of the task, which files of the report are named after."""
    name = settings["task"]
    # nothing that leads out of the folder of the report
    if not isinstance(name, str) or not re.fullmatch(r"\w[\w-]*", name):
        raise ValueError(f"experiment is {name!r}, allowed are letters, digits, _ and -")
    return name


def _check_accuracy(summary: Mapping[str, Any]) -> None:
    accuracy: Any = summary.get("test_accuracy")
    is_needed = summary["status"] == "finished"
    if (is_needed or accuracy is not None) and not 0.0 <= accuracy <= 1.0:
        raise ValueError(f"test_accuracy is {accuracy}")


def _check_hidden(hidden: Any) -> None:
    """See that the sizes of the layers, which pictures are drawn over, are sizes."""
    if not isinstance(hidden, list) or any(
        type(n) is not int or not 1 <= n < 2**31 for n in hidden
    ):
        raise ValueError(f"hidden is {hidden!r}, allowed are sizes of layers, [] for none")


def _check_number(summary: Mapping[str, Any], name: str) -> None:
    value = summary.get(name)
    if value is not None and not math.isfinite(float(value)):
        raise ValueError(f"{name} is {float(value)}")


def settings_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of a ``config.json`` by name: of this version, where they stand in groups below
    ``config``, or of an earlier one, in ``options`` and ``settings``.

    Raises:
        KeyError, TypeError, AttributeError: it is damaged.
    """
    if "config" in config:
        return flatten(config["config"])
    options, settings = config["options"], config["settings"]
    # "epochs" of the options are those that were asked for, or None
    further = {k: v for k, v in settings.items() if k not in options or k == "epochs"}
    return {"task": config["experiment"], **options, **further}


def variant_of(settings: Mapping[str, Any]) -> str:
    """The variant of a network by its settings, e.g. ``"recurrent-learned"``."""
    recurrent, delays = settings.get("recurrent"), settings.get("delays", "none")
    kind = "recurrent" if recurrent else "feedforward"
    between = recurrent and settings.get("recurrent_delays") is False and delays != "none"
    if between:
        return f"{kind}-input" if delays == "learned" else f"{kind}-{delays}-input"
    return f"{kind}-{delays}"
