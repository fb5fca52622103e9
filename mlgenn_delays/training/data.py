"""Data sets as engines take them, checked completely before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ..checks import ArgumentError, as_array, check_number, describe
from ..events.augmentation import Augmentation
from ..events.dataset import EventDataset
from ..events.flatten import flatten_spikes
from ..events.structured import is_structured
from ..layer import get_underlying_pop
from ..program.exchange import Batch
from ..program.program import PopulationProgram, Program
from .built_network import BuiltNetwork
from .kept_events import KEPT
from .structured_data import ReadOnce


@dataclass(frozen=True)
class TrialData:
    """Inputs and targets of a data set; ``rows`` says which examples belong to it."""

    inputs: dict[int, EventDataset]  #: by population index
    targets: dict[int, np.ndarray]  #: by population index; rows are examples
    keys: dict[int, Hashable]  #: population index -> key the caller used (population or layer)
    rows: np.ndarray  #: (examples,) int64

    def __len__(self) -> int:
        return len(self.rows)

    def batches(self, batch_size: int, order: np.ndarray | None = None) -> list[Batch]:
        """All examples in batches; the last one may be smaller.

        Args:
            batch_size: examples per batch
            order:      (examples,) permutation to apply first; None: as they are
        """
        rows = self.rows if order is None else self.rows[order]
        return [
            Batch(self.inputs, rows[start : start + batch_size])
            for start in range(0, len(rows), batch_size)
        ]

    def num_batches(self, batch_size: int) -> int:
        """Number of batches; the last one may be smaller."""
        return -(-len(self) // batch_size)

    def split(self, fraction: float) -> tuple[TrialData, TrialData]:
        """All but the last ``fraction`` of the examples, and the last ``fraction``.

        Raises:
            ValueError: ``fraction`` is not between 0 and 1, or leaves one part empty.
        """
        if not 0.0 < fraction < 1.0:
            raise ArgumentError(
                f"validation_split is {fraction}, allowed are numbers from 0 to below 1"
            )
        first = round((1.0 - fraction) * len(self))
        if first in (0, len(self)):
            raise ValueError(
                f"validation_split {fraction} of {len(self)} examples leaves no examples to "
                f"{'train with' if first == 0 else 'validate with'}"
            )
        return replace(self, rows=self.rows[:first]), replace(self, rows=self.rows[first:])

    def augmented(
        self, augmentation: Augmentation, rng: np.random.Generator, program: Program
    ) -> TrialData:
        """The same examples with changed events; targets and order stay.

        Raises:
            ValueError: the augmentation gave other examples or events outside the trial
        """
        inputs = {}
        for index, events in self.inputs.items():
            name = f"augmented x[{program.populations[index].name!r}]"
            changed = augmentation(events, rng)
            if len(changed) != len(events):
                raise ValueError(f"{name} has {len(changed)} examples, x has {len(events)}")
            population = program.populations[index]
            inputs[index] = _checked_events(changed, population, program.duration, name)
        return replace(self, inputs=inputs)

    def compact(self) -> TrialData:
        """The same without examples that do not belong to it."""
        return TrialData(
            {index: events.select(self.rows) for index, events in self.inputs.items()},
            {index: targets[self.rows] for index, targets in self.targets.items()},
            self.keys,
            np.arange(len(self), dtype=np.int64),
        )

    @property
    def num_bytes(self) -> int:
        """Memory of events and targets [bytes]."""
        events = sum(
            e.offsets.nbytes + e.times.nbytes + e.neurons.nbytes for e in self.inputs.values()
        )
        return events + sum(t.nbytes for t in self.targets.values())


def with_labels(
    data: TrialData, augmentation: Augmentation, program: Program
) -> tuple[TrialData, Augmentation]:
    """Give labels to an augmentation that needs them, as ``needs_labels`` of it says.

    Returns:
        data to be augmented, and an augmentation that is called without labels. It never sees
        examples that are kept for validation: it may mix those that it sees.

    Raises:
        ValueError: no output has labels.
    """
    if not getattr(augmentation, "needs_labels", False):
        return data, augmentation
    if any(len(events) != len(data) for events in data.inputs.values()):
        data = data.compact()
    needs_labels: Any = augmentation
    for targets in data.targets.values():
        if targets.ndim == 1 and np.issubdtype(targets.dtype, np.integer):
            return data, partial(needs_labels, labels=targets)
    shapes = {program.populations[i].name: t.shape for i, t in data.targets.items()}
    raise ValueError(
        f"augmentation {augmentation!r} needs labels, one whole number per example; y has targets "
        f"of shape {shapes}"
    )


def prepare(
    built: BuiltNetwork,
    x: Mapping[Any, Any],
    y: Mapping[Any, Any],
    x_name: str = "x",
    y_name: str = "y",
    num_threads: int = 1,
) -> TrialData:
    """Check and convert a data set; spikes that were converted before are kept (see
    :mod:`.kept_events`).

    Args:
        built: the compiled network
        x: input population or layer -> sequence of ``PreprocessedSpikes`` (or an ``EventDataset``,
            or a data set of structured events such as those of tonic, see
            :mod:`.structured_data`); every input of the network must be there
        y: output population or layer -> labels or targets, or the data set that has them beside
            its structured events; with losses every output must be there
        x_name, y_name: how to call them in errors
        num_threads: that convert them

    Raises:
        ValueError: missing or unknown populations, no examples, numbers of examples that
            differ, spikes outside the trial, labels out of range or not whole numbers.
        TypeError: inputs that are not sequences of ``PreprocessedSpikes``.
    """
    once = ReadOnce(built.program.duration)
    data = _prepare_inputs(built, x, x_name, num_threads, once)
    size = len(data)
    outputs = built.program.outputs
    given_y = _by_population(built, y, outputs, "output", y_name)
    _check_complete(given_y, [p for p in outputs if p.index in built.losses], "output", y_name)
    if not given_y:
        raise ValueError(f"{y_name} is empty: it needs targets for at least one output population")
    chosen = [p for p in outputs if p.index in given_y]
    for population in chosen:
        length = _length(given_y[population.index][1], f"{y_name}[{population.name!r}]")
        if length != size:
            raise ArgumentError(
                f"{y_name}[{population.name!r}] has {length} examples, {x_name} has {size}"
            )
    given_y = {p.index: _with_labels(given_y[p.index], p, y_name, once) for p in chosen}
    targets = {p.index: _targets(built, p, given_y[p.index][1], size, y_name) for p in chosen}
    return replace(data, targets=targets, keys={p.index: given_y[p.index][0] for p in chosen})


def prepare_inputs(
    built: BuiltNetwork, x: Mapping[Any, Any], x_name: str = "x", num_threads: int = 1
) -> TrialData:
    """As :func:`prepare`, without targets."""
    return _prepare_inputs(built, x, x_name, num_threads, ReadOnce(built.program.duration))


def _prepare_inputs(
    built: BuiltNetwork, x: Mapping[Any, Any], x_name: str, num_threads: int, once: ReadOnce
) -> TrialData:
    given_x = _by_population(built, x, built.program.inputs, "input", x_name)
    _check_complete(given_x, built.program.inputs, "input", x_name)
    inputs = {
        p.index: _events(built, p, given_x[p.index][1], f"{x_name}[{p.name!r}]", num_threads, once)
        for p in built.program.inputs
    }
    size = _common_size({p.name: len(inputs[p.index]) for p in built.program.inputs}, x_name)
    return TrialData(inputs, {}, {}, np.arange(size, dtype=np.int64))


def prepare_with_validation(
    prepare_data: Callable[[Any, Any, str, str], TrialData],
    x: Any,
    y: Any,
    validation_split: float,
    validation_x: Any,
    validation_y: Any,
) -> tuple[TrialData, TrialData | None]:
    """Data to train and to validate with; None where nothing is validated.

    Args:
        prepare_data: function (x, y, and how to call them in errors) -> data
        x, y, validation_split, validation_x, validation_y: as given to ``train``

    Raises:
        ValueError: one of ``validation_x`` and ``validation_y`` alone, or both and
            ``validation_split``. Also what ``prepare_data`` raises.
    """
    if (validation_x is None) != (validation_y is None):
        missing = "validation_x" if validation_x is None else "validation_y"
        raise ArgumentError(f"{missing} is missing: give both validation_x and validation_y")
    validation_split = check_number(validation_split, "validation_split")
    if validation_split != 0.0 and validation_x is not None:
        raise ArgumentError("give either validation_split or validation_x and validation_y")
    data = prepare_data(x, y, "x", "y")
    if validation_split != 0.0:
        return data.split(validation_split)
    if validation_x is None:
        return data, None
    return data, prepare_data(validation_x, validation_y, "validation_x", "validation_y")


def _by_population(
    built: BuiltNetwork,
    data: Mapping[Any, Any],
    allowed: Sequence[PopulationProgram],
    kind: str,
    name: str,
) -> dict[int, tuple[Hashable, Any]]:
    """Entries of ``data`` by population index, with the key they had."""
    if not isinstance(data, Mapping):
        raise TypeError(f"{name} must be a dictionary of {kind} populations, not {describe(data)}")
    indices = {built.populations[p.index]: p.index for p in allowed}
    result: dict[int, tuple[Hashable, Any]] = {}
    for key, value in data.items():
        population = get_underlying_pop(key)
        if population not in indices:
            raise ValueError(
                f"{name} has the key {population.name!r}, which is no {kind} population of the "
                f"network; allowed are {_names(allowed)}"
            )
        if indices[population] in result:
            raise ValueError(f"{name} has population {population.name!r} twice")
        result[indices[population]] = (key, value)
    return result


def _check_complete(
    given: Mapping[int, Any], needed: Sequence[PopulationProgram], kind: str, name: str
) -> None:
    missing = [p for p in needed if p.index not in given]
    if missing:
        raise ValueError(f"{name} has no data for the {kind} population(s) {_names(missing)}")


def _names(populations: Sequence[PopulationProgram]) -> str:
    return ", ".join(repr(p.name) for p in populations) or "none"


def _length(value: Any, name: str) -> int:
    try:
        return len(value)
    except TypeError:
        raise TypeError(f"{name} must be a sequence with one entry per example") from None


def _common_size(sizes: Mapping[str, int], name: str) -> int:
    if len(set(sizes.values())) > 1:
        raise ArgumentError(
            f"{name} has different numbers of examples per population: {dict(sizes)}"
        )
    return next(iter(sizes.values()))


def _events(
    built: BuiltNetwork,
    population: PopulationProgram,
    value: Any,
    name: str,
    num_threads: int,
    once: ReadOnce,
) -> EventDataset:
    if isinstance(value, EventDataset):
        return _checked_events(value, population, built.program.duration, name)
    if hasattr(value, "end_spikes"):
        raise TypeError(f"{name} is one PreprocessedSpikes, it must be a sequence of them")
    if isinstance(value, (str, Mapping)) or not hasattr(value, "__getitem__"):
        raise TypeError(
            f"{name} should be a sequence of PreprocessedSpikes or an EventDataset, or a data set "
            f"of structured events, not {describe(value)}"
        )
    if is_structured(value):
        events = once.events(value, population, name)
        return _checked_events(events, population, built.program.duration, name)
    examples = [value[i] for i in range(_length(value, name))]
    for i, example in enumerate(examples):
        if not hasattr(example, "end_spikes"):
            raise TypeError(
                f"{name}: example {i} is {type(example).__name__}, it must be "
                "PreprocessedSpikes (see utils.data.preprocess_spikes) or structured events "
                "(fields t, x, y and p, no frames)"
            )
    settings = population.size, built.program.duration
    return KEPT.get(
        examples, settings, lambda: flatten_spikes(examples, *settings, name, num_threads)
    )


def time_range(events: EventDataset) -> tuple[float, float]:
    """First and last spike time [ms]; infinity and 0 where there are no spikes."""
    times = events.times
    first, last = events.derived(
        "range", lambda: np.array([times.min(initial=np.inf), times.max(initial=0.0)])
    )
    return first, last


def _checked_events(
    events: EventDataset, population: PopulationProgram, duration: float, name: str
) -> EventDataset:
    if len(events) == 0:
        raise ValueError(f"{name}: the data set is empty")
    if events.num_neurons != population.size:
        raise ValueError(
            f"{name} has {events.num_neurons} channels, the input population {population.size}"
        )
    first, last = time_range(events)
    if len(events.times) and not (first >= 0.0 and last <= duration * (1.0 + 1e-6)):
        raise ValueError(
            f"{name} has spike times from {first} to {last} ms, "
            f"allowed are finite times from 0 to {duration} ms"
        )
    events.check_structure(name)
    return events


def _with_labels(
    given: tuple[Hashable, Any], population: PopulationProgram, name: str, once: ReadOnce
) -> tuple[Hashable, Any]:
    """Labels in the place of a data set that has them beside structured events."""
    key, value = given
    if not is_structured(value):
        return given
    return key, once.labels(value, f"{name}[{population.name!r}]")


def _targets(
    built: BuiltNetwork, population: PopulationProgram, value: Any, size: int, name: str
) -> np.ndarray:
    loss = built.losses.get(population.index)
    if loss is None:
        return _labels_without_loss(population, value, f"{name}[{population.name!r}]")
    assert population.readout is not None
    return loss.check(
        value,
        population.name,
        population.shape,
        size,
        built.program.timesteps,
        population.readout,
        population.trace,
    )


def _labels_without_loss(population: PopulationProgram, value: Any, name: str) -> np.ndarray:
    """Targets for metrics alone: one whole number per example must be a valid label."""
    targets = as_array(value, name)
    if targets.ndim == 1 and np.issubdtype(targets.dtype, np.integer):
        bad = (targets < 0) | (targets >= population.size)
        if np.any(bad):
            first = int(np.flatnonzero(bad)[0])
            raise ValueError(
                f"{name}: label {targets[first]} of example {first} is out of range, "
                f"allowed are 0 to {population.size - 1}"
            )
    return targets
