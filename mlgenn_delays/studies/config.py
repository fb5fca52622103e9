"""What a run is: one frozen value, which is written to JSON and read back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from tyro.conf import Suppress, arg

from mlgenn_delays.models.settings import (
    ClassifierSettings,
    CountOrNone,
    Method,
    Settings,
    SurrogateSettings,
    Whole,
    or_none,
)

#: Settings that say where and how, not what is trained: a run goes on with others, too.
FREE = ("data_dir", "epochs", "threads", "backend")

#: Settings that are no part of a configuration's hash.
_NOT_HASHED = ("data_dir", "threads", "backend")

#: What else settings are called: by their options, which stand among others.
OTHER_NAMES = {"data": "kind"}

#: What settings were called in files of versions before 0.2.
_EARLIER_NAMES = {**OTHER_NAMES, "experiment": "task"}

#: Settings that were added later: name -> value, in JSON types, with which a run is as it was
#: before there was the setting. Without an entry here, a new setting changes the hash of every
#: configuration, and no run that was begun before can be continued.
LATER: dict[str, Any] = {
    "timing": "grid",
    "delay_sharing": "synaptic",
    "recurrent_delay_sharing": None,
    "tau_mem_range": None,
    "tau_syn_range": None,
    "learn_time_constants": False,
    "constant_lr": 1e-3,
    "schedule": "warm_up_cosine",
    "weight_decay": 0.0,
    "channel_time_shift": 0.0,
    "channel_time_shift_rate": 1.0,
    **SurrogateSettings().flat(),
}

D = TypeVar("D", bound="DataSettings")


@dataclass(frozen=True)
class DataSettings(Settings):
    """Which data."""

    # tasks derive from this class what only they can choose
    limit: CountOrNone = None  #: train on at most so many samples; None: all
    #: choose the best network, and when to stop, on the test part, for comparison with papers
    #: that did: the test accuracy is then too good, and results say so
    validate_on_test: bool = False
    #: only to see that things work: a small network, few samples, seconds; nothing is fetched
    quick: bool = False

    def for_seed(self: D, seed: int) -> D:
        """The same for a run of this seed: those that decide which data are loaded."""
        return self


@dataclass(frozen=True)
class RecordedDataSettings(DataSettings):
    """Which data, where there are recordings."""

    #: real: recorded data, found or fetched; synthetic: a simulated stand-in; auto: real if they
    #: can be had, otherwise synthetic
    kind: Annotated[Literal["auto", "real", "synthetic"], arg(name="data")] = "auto"
    #: folder with real data; None: $MLGENN_DELAYS_DATA, then the user's cache
    data_dir: Annotated[Path | None, or_none("PATH")] = None


@dataclass(frozen=True)
class TonicDataSettings(DataSettings):
    """Which data, where there are recordings that tonic can fetch and read, too."""

    #: real: recorded data, found or fetched; tonic: the same, as tonic fetches, keeps and reads
    #: them (needs tonic); synthetic: a simulated stand-in; auto: real if they can be had, otherwise
    #: synthetic
    kind: Annotated[Literal["auto", "real", "tonic", "synthetic"], arg(name="data")] = "auto"
    #: folder with real data; None: $MLGENN_DELAYS_DATA, then the user's cache
    data_dir: Annotated[Path | None, or_none("PATH")] = None


@dataclass(frozen=True, kw_only=True)
class RunConfig(ClassifierSettings):
    """All that decides a run. Two runs of equal configurations, on one engine and with as many
    threads, give equal networks.

    Entries are checked when a configuration is made: ValueError and TypeError name them. Make
    one with :func:`.make_config`, which knows the published settings of a task.
    """

    task: Suppress[str]
    data: DataSettings = DataSettings()
    #: how gradients are computed; eventprop: exactly, from spikes; dcls, delrec: with a smooth
    #: function in place of a spike's derivative and with delays that are spread over timesteps, by
    #: DCLS-Delays a Gaussian (no recurrent delays), by DelRec a triangle (PyTorch)
    method: Method = "eventprop"
    #: seed of initial weights and delays and of the order of samples; the split into training,
    #: validation and test stays as it is (but with --split-seed None, where there is this option)
    seed: Whole = 0
    #: engine; auto: cpu, with --method dcls and delrec torch; reference: event-driven in double
    #: precision, slow; genn: GeNN (needs PyGeNN and ml_genn); torch: PyTorch; both on a GPU where
    #: there is one, genn:cpu, genn:cuda, torch:cpu and torch:cuda say which
    backend: Literal[
        "auto",
        "cpu",
        "reference",
        "genn",
        "genn:cpu",
        "genn:cuda",
        "torch",
        "torch:cpu",
        "torch:cuda",
    ] = "auto"
    #: threads of the CPU engine and of PyTorch; None: all processors this process may use
    threads: CountOrNone = None

    def to_json(self) -> dict[str, Any]:
        """In groups, JSON types only; :func:`.read_config` reads it."""
        return dict(_plain(self))

    def config_hash(self) -> str:
        """Sixteen characters that say what was asked for: they differ between configurations that
        differ in anything but the folder of the data, the engine and its threads. Of engines it
        counts whether it is ``"reference"``, which has no timestep; all others agree up to
        rounding.

        Equal ones need not give equal results: ``"auto"`` may have found other data.
        """
        values = {name: v for name, v in flat_json(self).items() if name not in _NOT_HASHED}
        values = {n: v for n, v in values.items() if n not in LATER or v != LATER[n]}
        if self.backend == "reference":
            values["backend"] = self.backend
        text = json.dumps(values, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def flat_json(settings: Settings) -> dict[str, Any]:
    """Settings by name, in JSON types."""
    return {name: _plain(value) for name, value in settings.flat().items()}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return str(value) if isinstance(value, Path) else value


def stored_settings(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by name from a ``config.json`` or checkpoint, of this version (groups) or an
    earlier one (options and settings). Where ``"auto"`` found data, it is what it found.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is damaged.
    """
    if "config" in stored:
        settings = flatten(stored["config"])
        found = (stored.get("data") or {}).get("kind")
        if settings.get("kind") == "auto" and found in ("real", "synthetic"):
            settings["kind"] = found
        # what checkouts before 0.2 called it
        if settings.pop("axonal", False):
            settings["recurrent_delay_sharing"] = "axonal"
        return settings
    options = {"experiment": stored["experiment"], **stored.get("options", {})}
    # what "auto" found then is asked for now; tasks that generate their data have no choice
    if stored.get("dataset") == "generated":
        options = {k: v for k, v in options.items() if k not in ("data", "data_dir")}
    elif "dataset" in stored:
        options["data"] = stored["dataset"]
    values = {**stored.get("settings", {}), **options}
    values["patience"] = values.get("patience") or 0
    for unwanted in ("out", "resume", "evaluate"):
        values.pop(unwanted, None)
    return {_EARLIER_NAMES.get(name, name): value for name, value in values.items()}


def flatten(groups: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by name, out of the groups in which files have them."""
    flat: dict[str, Any] = {}
    for name, value in groups.items():
        flat.update(flatten(value) if isinstance(value, Mapping) else {name: value})
    return flat


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What differs of two sets of settings and decides the weights: name -> before, now.

    Data of kind ``"auto"`` are no others: what was found is compared when they are loaded.
    """
    before, now = {**LATER, **before}, {**LATER, **now}
    names = [name for name in {**before, **now} if name not in FREE]
    pairs = {name: (before.get(name), now.get(name)) for name in names}
    if "auto" in pairs.get("kind", ()):
        del pairs["kind"]
    return {name: (b, n) for name, (b, n) in pairs.items() if b != n}


def describe_differences(different: Mapping[str, tuple[Any, Any]]) -> str:
    """What :func:`differences` found, in words."""
    return ", ".join(f"{k} was {before!r} and is {now!r}" for k, (before, now) in different.items())
