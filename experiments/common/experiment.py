"""What an experiment says about itself."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mlgenn_delays.callbacks import Callback
from mlgenn_delays.datasets.labelled_events import LabelledEvents
from mlgenn_delays.engines.code_cache import CompilerError
from mlgenn_delays.events.augmentation import Augmentation
from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.losses import Loss, SparseCategoricalCrossentropy
from mlgenn_delays.models import ClassifierNetwork, ClassifierSettings

from .data_checks import check_classes, check_parts
from .options import Options

if TYPE_CHECKING:
    from mlgenn_delays.compilers import CompiledTrainingNetwork

    from .evaluation import TestResult
    from .results import ResultsFolder


#: Kinds of data that need no warning: recordings, and data that are the task itself.
_GENUINE = ("real", "generated")


class ExperimentError(Exception):
    """Something the user can put right; shown in one line, without traceback."""


@contextmanager
def user_errors(what: str = "") -> Iterator[None]:
    """Turn errors of arguments, data and files into :class:`ExperimentError`.

    Args:
        what: put before the message, e.g. ``"data: "``
    """
    try:
        yield
    except (ValueError, TypeError, OSError, ImportError, CompilerError, MemoryError) as error:
        raise ExperimentError(f"{what}{error}") from error


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


def _no_notice() -> None:
    """There is nothing to say."""


@dataclass(frozen=True)
class ExperimentData:
    """What an experiment trains and tests with.

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
    #: prints what the user must know before anything is trained (e.g. that data are synthetic)
    notice: Callable[[], None] = _no_notice

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


def kind_note(kind: str) -> str:
    """What follows a test accuracy on the screen: a warning where data are a stand-in."""
    return f" ({kind.upper()} DATA)" if is_stand_in(kind) else ""


def crossentropy(settings: ClassifierSettings) -> Loss:
    """The loss of classifiers that read out voltages."""
    return SparseCategoricalCrossentropy(settings.temperature)


def augment_events(
    options: Options, settings: ClassifierSettings, data: ExperimentData
) -> Augmentation | None:
    """The augmentation that the settings describe; None where they ask for none.

    Raises:
        ValueError, TypeError: settings that are not allowed.
    """
    return settings.augmentation(data.duration)


@dataclass(frozen=True)
class Experiment:
    """All that is an experiment's own; :func:`.runner.main` does the rest."""

    name: str  #: of the script and of results folders
    description: str  #: first lines of ``--help``
    #: its published settings for given options (``options.own`` has the experiment's arguments)
    settings: Callable[[Options], ClassifierSettings]
    #: loads data; ``options.quick``: a small subset, nothing is fetched;
    #: ``options.validate_on_test``: no need to hold training samples back for a validation part,
    #: the test part takes its place
    load: Callable[[Options, ClassifierSettings], ExperimentData]
    #: describes the network
    build: Callable[[Options, ClassifierSettings, ExperimentData], ClassifierNetwork]
    #: adds the experiment's own arguments
    add_arguments: Callable[[argparse._ArgumentGroup], None] = field(default=lambda group: None)
    #: defaults of common options that differ from those in ``options.py``
    defaults: Mapping[str, Any] = field(default_factory=dict)
    #: the same with ``--quick``
    quick_defaults: Mapping[str, Any] = field(default_factory=dict)
    #: common options that make no sense here, and why, as in ``{"recurrent": "there is no hidden
    #: layer"}``: ``--help`` does not show them, and they are refused
    without: Mapping[str, str] = field(default_factory=dict)
    #: names of entries of ``source``, or ``"duration_ms"``, which say how examples were made into
    #: spikes: a checkpoint is tested only with data that have the same ones as those it was
    #: trained with
    same_source: Sequence[str] = ()
    #: how training samples are varied; gives None where they are not
    augmentation: Callable[[Options, ClassifierSettings, ExperimentData], Augmentation | None] = (
        augment_events
    )
    #: what networks are trained and tested with
    loss: Callable[[ClassifierSettings], Loss] = crossentropy
    #: further arguments of ``EventPropCompiler``
    compiler_arguments: Callable[[ClassifierSettings], Mapping[str, Any]] = field(
        default=lambda settings: {}
    )
    #: further callbacks of training; one with a ``state_dict`` survives interruptions
    callbacks: Callable[
        [Options, ClassifierSettings, ExperimentData, ClassifierNetwork], Sequence[Callback]
    ] = field(default=lambda options, settings, data, network: [])
    #: writes further pictures after training and test; the network has its best parameters
    pictures: (
        Callable[
            [
                ResultsFolder,
                CompiledTrainingNetwork,
                ClassifierNetwork,
                ExperimentData,
                TestResult,
            ],
            None,
        ]
        | None
    ) = None


def load_data(
    experiment: Experiment, options: Options, settings: ClassifierSettings
) -> ExperimentData:
    """Data of a run, with as many samples to train with as wanted, validated on what is wanted."""
    with user_errors():
        data = experiment.load(options, settings)
        check_parts({"training": data.train, "validation": data.validation, "test": data.test})
        if options.limit is None:  # few examples need not have all classes
            check_classes(data.train, (data.validation, data.test), data.class_names)
    data.notice()
    validation = data.test if options.validate_on_test else data.validation
    return replace(
        data,
        train=data.train.first(options.limit),
        validation=validation,
        notice=_no_notice,  # it may hold all that was loaded
    )
