"""What a task says about itself: its data, its network, its published settings."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from mlgenn_delays.callbacks import Callback
from mlgenn_delays.compilers import CompiledTrainingNetwork
from mlgenn_delays.datasets.labelled_events import LabelledEvents
from mlgenn_delays.datasets.splits import alternating
from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.losses import Loss, SparseCategoricalCrossentropy
from mlgenn_delays.models import ClassifierNetwork, ClassifierSettings
from mlgenn_delays.models.methods import method_settings

from .config import OTHER_NAMES, DataSettings, RecordedDataSettings, RunConfig
from .errors import user_errors
from .evaluation import TestResult
from .methods import check_method

#: Kinds of data that need no warning: recordings, and data that are the task itself.
_GENUINE = ("real", "generated")

#: For those who did not ask for synthetic data and get them.
SYNTHETIC_ADVICE = (
    "Settings that were published for the recordings make too few steps to learn from so few "
    "samples; --data synthetic has settings for them."
)

#: What quick runs have that is not said: seconds in all, every file is there.
_QUICK = {"hidden": (32,), "epochs": 2, "batch_size": 32, "limit": 128}


@dataclass(frozen=True)
class Part:
    """Examples for one purpose: training, validation or test."""

    events: EventDataset
    labels: np.ndarray  #: (examples,) int

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, number: int | None) -> Part:
        """The first ``number`` examples, all for None. Nothing is copied."""
        if number is None or number >= len(self):
            return self
        events, last = self.events, self.events.offsets[number]
        first = EventDataset(
            events.offsets[: number + 1],
            events.times[:last],
            events.neurons[:last],
            events.num_neurons,
        )
        return Part(first, self.labels[:number])

    @staticmethod
    def of(examples: LabelledEvents) -> Part:
        """What a loader of a data set returned."""
        return Part(examples.events, examples.labels)

    @staticmethod
    def take(examples: LabelledEvents, indices: Sequence[int] | np.ndarray) -> Part:
        """The examples ``indices``, in their order."""
        chosen = np.asarray(indices, dtype=np.int64)
        return Part(examples.events.select(chosen), examples.labels[chosen])

    @staticmethod
    def take_first(examples: LabelledEvents, number: int | None) -> Part:
        """Some examples, of each class the same share; all for None, which copies nothing."""
        if number is None or number >= len(examples):
            return Part.of(examples)
        return Part.take(examples, alternating(examples.labels)[:number])


@dataclass(frozen=True)
class TaskData:
    """What a run trains and tests with.

    Examples of the parts are in an order in which classes alternate, so that the first ones of a
    part stand for all of it.
    """

    train: Part
    validation: Part
    test: Part
    class_names: tuple[str, ...]
    num_channels: int
    duration: float  #: length of a trial [ms]
    #: ``"real"``, ``"synthetic"`` (a stand-in for real data) or ``"generated"`` (such data are the
    #: task itself)
    kind: str
    source: Mapping[str, Any]  #: where the data are from, JSON types only
    notice: str = ""  #: what the user must know before anything is trained

    @cached_property
    def fingerprint(self) -> str:
        """Text that changes with any event or label."""
        digest = hashlib.blake2b(digest_size=16)
        for part in (self.train, self.validation, self.test):
            digest.update(np.ascontiguousarray(part.labels, dtype=np.int64).data)
            events = part.events
            for values in (events.offsets, events.times, events.neurons):
                digest.update(values.dtype.str.encode())
                # data sets are large: no conversion, that would be a copy
                digest.update(np.ascontiguousarray(values).data)
        return digest.hexdigest()


def is_stand_in(kind: Any) -> bool:
    """Whether data of a kind only stand in for real ones, so that results must say so."""
    return kind not in _GENUINE


class Observer(Protocol):
    """What a task records of a training, and draws of it, besides what all runs do."""

    #: further callbacks of training; one with a ``state_dict`` survives interruptions
    callbacks: Sequence[Callback]

    def draw(self, folder: Path, compiled: CompiledTrainingNetwork, test: TestResult) -> None:
        """Write further pictures; the network has its best parameters.

        Raises:
            OSError: a file cannot be written.
        """


class NothingMore:
    """The observer of tasks that want nothing besides."""

    callbacks: Sequence[Callback] = ()

    def draw(self, folder: Path, compiled: CompiledTrainingNetwork, test: TestResult) -> None:
        """There is nothing to draw."""


@dataclass(frozen=True)
class Task:
    """All that is a task's own; :func:`.run` does the rest."""

    name: str  #: of its script and of results folders
    description: str  #: first lines of ``--help``
    #: its published settings for EventProp for a configuration, of which the data, the backend, and
    #: what was asked for of the network count
    settings: Callable[[RunConfig], ClassifierSettings]
    #: loads data; with ``quick`` a small subset, nothing is fetched; with ``validate_on_test`` no
    #: samples need to be held back for a validation part, the test part takes its place
    load: Callable[[Any], TaskData]
    #: describes the network
    build: Callable[[ClassifierSettings, TaskData], ClassifierNetwork]
    #: which data where nothing else is said; its class says what there is to choose
    data: DataSettings = field(default_factory=RecordedDataSettings)
    #: further settings that hold where nothing else is said, by name
    defaults: Mapping[str, Any] = field(default_factory=dict)
    #: the same for quick runs
    quick: Mapping[str, Any] = field(default_factory=dict)
    #: settings with which training is faster and, as was measured, as good: what ``--fast`` means
    fast: Mapping[str, Any] = field(default_factory=dict)
    #: method -> settings in which it differs from EventProp here, besides those of
    #: :func:`.method_settings`
    methods: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: settings that make no sense here, and why, as in ``{"recurrent": "there is no hidden
    #: layer"}``: they are refused
    without: Mapping[str, str] = field(default_factory=dict)
    #: names of entries of ``source``, or ``"duration_ms"``, which say how examples were made into
    #: spikes: a checkpoint is tested only with data that have the same ones as those it was
    #: trained with
    same_source: Sequence[str] = ()
    #: what networks are trained and tested with
    loss: Callable[[ClassifierSettings], Loss] = field(
        default=lambda settings: SparseCategoricalCrossentropy(settings.learning.temperature)
    )
    #: further arguments of compilers; those of first spike times are ``EventPropCompiler``'s alone
    compiler_arguments: Callable[[ClassifierSettings], Mapping[str, Any]] = field(
        default=lambda settings: {}
    )
    #: arguments of ``SurrogateCompiler`` that are others than settings can say
    surrogate_arguments: Callable[[ClassifierNetwork, RunConfig], Mapping[str, Any]] = field(
        default=lambda network, config: {}
    )
    #: what is recorded and drawn besides
    observe: Callable[[RunConfig, TaskData, ClassifierNetwork], Observer] = field(
        default=lambda config, data, network: NothingMore()
    )

    def config(self, changes: Mapping[str, Any] | None = None, **further: Any) -> RunConfig:
        """The configuration of a run: published settings but for some changes.

        Args:
            changes: settings by name, such as ``{"hidden": 64, "lr": 0.01}``; ``data`` is ``kind``,
                as on the command line
            further: the same

        Raises:
            ValueError, TypeError: there is no such setting, it makes no sense for this task, or a
                value that is not allowed; names it. Those that make no sense may be said to be as
                they are anyway.
        """
        said = {**(changes or {}), **further}
        given = {OTHER_NAMES.get(name, name): value for name, value in said.items()}
        unwanted = {name: given.pop(name) for name in self.without if name in given}
        if given.pop("task", self.name) != self.name:
            raise ValueError(f"task is not {self.name!r}")
        quick = {**_QUICK, **self.quick} if given.get("quick") else {}
        method = given.get("method", "eventprop")
        own = {**self.methods.get(method, {}), **quick, **given}
        plain = RunConfig(task=self.name, data=self.data)
        known = plain.flat()
        # what is published for a network depends on what the method makes of it
        asked = {**self.defaults, **self._of_method(method, plain.network.dt), **own}
        published = self.settings(plain.change({k: v for k, v in asked.items() if k in known}))
        dt = asked.get("dt", published.network.dt)
        asked = {**self.defaults, **self._of_method(method, dt), **own}
        config = RunConfig(
            task=self.name,
            data=self.data,
            network=published.network,
            neuron=published.neuron,
            learning=published.learning,
            augmentation=published.augmentation,
            surrogate=published.surrogate,
        ).change(asked)
        for name, value in unwanted.items():
            if name not in known or config.change({name: value}) != config:
                raise ValueError(f"{name}: not for {self.name}: {self.without[name]}")
        check_method(config)
        return config

    def _of_method(self, method: Any, dt: float) -> dict[str, Any]:
        """What methods change of any task, as far as it makes sense here."""
        settings = method_settings(method, dt)
        return {name: value for name, value in settings.items() if name not in self.without}


def load_data(task: Task, config: RunConfig) -> TaskData:
    """Data of a run, with as many samples to train with as wanted, validated on what is wanted.
    They are kept, for further runs with the same.

    Raises:
        RunError: there are none, or none that can be learned from.
    """
    with user_errors():
        return _load(task.load, config.data.for_seed(config.seed))


def find_data(task: Task, config: RunConfig) -> tuple[str, str]:
    """Kind and fingerprint of the data of a run. They are kept for all data that were looked for:
    a study has many runs of more sets of data than memory keeps.

    Raises:
        RunError: see :func:`load_data`.
    """
    with user_errors():
        return _find(task.load, config.data.for_seed(config.seed))


@cache
def _find(load: Callable[[DataSettings], TaskData], wanted: DataSettings) -> tuple[str, str]:
    data = _load(load, wanted)
    return data.kind, data.fingerprint


@lru_cache(maxsize=2)
def _load(load: Callable[[DataSettings], TaskData], wanted: DataSettings) -> TaskData:
    data = load(wanted)
    _check_parts({"training": data.train, "validation": data.validation, "test": data.test})
    if wanted.limit is None:  # few examples need not have all classes
        _check_classes(data.train, (data.validation, data.test), data.class_names)
    validation = data.test if wanted.validate_on_test else data.validation
    return replace(data, train=data.train.first(wanted.limit), validation=validation)


def _check_parts(parts: Mapping[str, Part]) -> None:
    """See that no part of the data is empty or silent."""
    for name, part in parts.items():
        if len(part) == 0:
            raise ValueError(f"the {name} part of the data has no examples")
        if len(part.events.times) == 0:
            raise ValueError(f"the {name} part of the data has no events in its {len(part)} trials")


def _check_classes(train: Part, tested: Sequence[Part], class_names: Sequence[str]) -> None:
    """See that there is something to tell apart, and training examples of all that is tested."""
    trained = np.unique(train.labels)
    if len(trained) < 2:
        raise ValueError(
            f"all training examples belong to the class {class_names[trained[0]]!r}, at least two "
            "classes are needed"
        )
    missing = np.setdiff1d(np.concatenate([part.labels for part in tested]), trained)
    if len(missing):
        names = ", ".join(repr(class_names[i]) for i in missing[:20])
        raise ValueError(f"there are no training examples of the classes {names}")
