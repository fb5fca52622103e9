"""What a study is: the runs of every combination of sizes, variants, seeds and further settings."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from .config import FREE, RunConfig, flat_json
from .matching import Match, closest_sizes, count_described
from .sizes import size_text
from .task import Task, find_data, load_data
from .variants import COMPARED_SETTINGS, fitting_variant, variant_settings

#: Settings that are axes of a study, and the options that say them.
AXES = {"hidden": "sizes", "seed": "seeds"}

#: Settings that a variant decides.
OF_VARIANTS = ("recurrent", "delays", "recurrent_delays")

#: Characters of a value in the name of a folder, at most.
_LONGEST_VALUE = 40


@dataclass(frozen=True)
class Study:
    """A set of runs.

    Attributes:
        task: what is studied
        settings: of all runs, by name; all others are as published
        sizes: neurons of the hidden layers
        variants: names of kinds of networks, see ``VARIANTS``
        seeds: of the runs of each network
        over: further axes: name of a setting -> its values
        pool: those of ``over`` whose values are replications, such as the speaker that was left
            out of training: reports average over them
        match_parameters: networks get the hidden size whose number of parameters (weights,
            learned delays, and whatever else is learned) is the closest to that of the first
            variant, with the first value of each of ``COMPARED_SETTINGS`` that ``over`` has, such
            as the method
    """

    task: Task
    sizes: tuple[tuple[int, ...], ...]
    variants: tuple[str, ...]
    seeds: tuple[int, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    over: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    match_parameters: bool = False
    pool: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for what in ("sizes", "variants", "seeds"):
            values = getattr(self, what)
            if not values:
                raise ValueError(f"{what} is empty")
            if len(set(values)) < len(values):
                raise ValueError(f"{what} has a value twice: {values}")
        for name in (*AXES, *OF_VARIANTS):
            if name in self.settings or name in self.over:
                raise ValueError(f"{name}: in a study, {AXES.get(name, 'variants')} say it")
        for name, values in self.over.items():
            if name in self.settings:
                raise ValueError(f"{name} is a setting of all runs and an axis of the study")
            if not values:
                raise ValueError(f"over: no values of {name}")
        for name in self.pool:
            if name not in self.over:
                raise ValueError(f"pool has {name!r}, allowed are axes: {', '.join(self.over)}")
        for variant in self.variants:
            for name in variant_settings(self.task, variant):
                if name in self.settings or name in self.over:
                    raise ValueError(f"{name}: the variant {variant!r} says it")
        for variant in self.variants:
            method = self.settings.get("method", "eventprop")
            if (fitting := fitting_variant(method, variant)) != variant:
                raise ValueError(
                    f"variant {variant!r}: method {method!r} learns no delays from a hidden layer "
                    f"to itself: take method 'delrec', or the variant {fitting!r}"
                )

    def trained_variant(self, variant: str, values: Mapping[str, Any]) -> str:
        """The variant that is trained where one is asked for with some values of ``over``: a method
        that cannot have it has the one that fits."""
        return fitting_variant(values["method"], variant) if "method" in values else variant

    @property
    def matched_to(self) -> tuple[str, dict[str, Any]]:
        """Which networks' numbers of parameters others are to have: their variant, and how they
        learn where there are several ways."""
        return self.variants[0], {n: v[0] for n, v in self.over.items() if n in COMPARED_SETTINGS}

    def describe(self) -> dict[str, Any]:
        """What all runs of the study share, in JSON types: two studies that differ in it cannot
        be one. Where runs are done and where their data lie may change."""
        asked = {n: v for n, v in self.settings.items() if n not in FREE or n == "epochs"}
        variant, learning = self.matched_to
        matched = {f"match_{n}": v for n, v in learning.items()} if self.match_parameters else {}
        return {
            "task": self.task.name,
            "settings": {n: list(v) if isinstance(v, tuple) else v for n, v in asked.items()},
            "axes": sorted(self.over),
            "pool": list(self.pool),
            "match_parameters": (
                self.trained_variant(variant, learning) if self.match_parameters else None
            ),
            **matched,
        }


@dataclass(frozen=True)
class PlannedRun:
    """One run of a study."""

    config: RunConfig
    variant: str
    size: str  #: that was asked for, as ``"64"`` or ``"128x2"``
    axes: Mapping[str, Any]  #: value of each further axis, in JSON types
    in_place_of: str = ""  #: variant that was asked for, where the method cannot have it
    match: Match | None = None  #: where numbers of parameters are matched

    @property
    def name(self) -> str:
        """Of its folder."""
        axes = [f"{name}={_file_text(value)}" for name, value in self.axes.items()]
        return "-".join([self.variant, self.size, *axes, f"seed{self.config.seed}"])

    def labels(self) -> dict[str, Any]:
        """What a row of the table says besides the record."""
        return {"variant": self.variant, "size": self.size, **self.axes}


def _file_text(value: Any) -> str:
    """A value in the name of a file; where characters are replaced, another value has another."""
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    plain = "".join(c if c.isalnum() or c in ".,+_" else "_" for c in text)
    if plain == text and len(text) <= _LONGEST_VALUE:
        return text
    return f"{plain[:_LONGEST_VALUE]}_{hashlib.sha256(text.encode()).hexdigest()[:6]}"


def plan(study: Study) -> list[PlannedRun]:
    """All runs of a study; those of one network stand together, seed after seed. Data are loaded
    where it depends on them what runs are: to match numbers of parameters, and to find out which
    data ``"auto"`` stands for, which must be the same for all workers.

    Raises:
        ValueError, TypeError: a setting, size, variant or seed that is not allowed; two runs that
            would be the same.
        RunError: data cannot be loaded.
    """
    runs = []
    for size, variant, values in product(study.sizes, study.variants, _combinations(study.over)):
        trained = study.trained_variant(variant, values)
        if trained != variant and trained in study.variants:
            continue  # it is there already
        hidden, match = _match(study, size, trained, values)
        for seed in study.seeds:
            config = _located(study.task, _configure(study, hidden, trained, values, seed))
            axes = {name: flat_json(config)[name] for name in study.over}
            asked = "" if trained == variant else variant
            runs.append(PlannedRun(config, trained, size_text(size), axes, asked, match))
    _check_different(runs)
    return runs


def _check_different(runs: Sequence[PlannedRun]) -> None:
    known: dict[str, PlannedRun] = {}
    for run in runs:
        if run.name in known:
            raise ValueError(f"two runs would be the same: {run.name}; a value is there twice")
        known[run.name] = run


def _located(task: Task, config: RunConfig) -> RunConfig:
    """The same for workers elsewhere: with whole paths, and with the kind of data that is found
    here."""
    paths = {
        name: Path(os.path.abspath(value))
        for name, value in config.flat().items()
        if isinstance(value, Path)
    }
    config = config.change(paths)
    if config.flat().get("kind") == "auto":
        config = config.change(kind=find_data(task, config)[0])
    return config


def _combinations(over: Mapping[str, tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    for values in product(*over.values()):
        yield dict(zip(over, values, strict=True))


def _configure(
    study: Study, hidden: tuple[int, ...], variant: str, values: Mapping[str, Any], seed: int
) -> RunConfig:
    sizes = {} if "hidden" in study.task.without else {"hidden": hidden}
    return study.task.config(
        {
            "threads": 1,  # of which there are as many at once as processors
            **study.settings,
            **variant_settings(study.task, variant),
            **values,
            **sizes,
            "seed": seed,
        }
    )


def _match(
    study: Study, size: tuple[int, ...], variant: str, values: Mapping[str, Any]
) -> tuple[tuple[int, ...], Match | None]:
    """Sizes of the layers of a network, and how close its number of parameters comes to what is
    wanted, where that matters."""
    if not study.match_parameters:
        return size, None

    def count(hidden: tuple[int, ...], variant: str, values: Mapping[str, Any]) -> int:
        config = _configure(study, hidden, variant, values, study.seeds[0])
        return count_described(study.task, config, load_data(study.task, config))

    first, learning = study.matched_to
    reference = study.trained_variant(first, learning), {**values, **learning}
    wanted = count(size, *reference)
    if (variant, values) == reference or not size:
        return size, Match(count(size, variant, values), wanted)
    hidden = closest_sizes(size, lambda sizes: count(sizes, variant, values), wanted)
    return hidden, Match(count(hidden, variant, values), wanted)
