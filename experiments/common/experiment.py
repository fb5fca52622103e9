"""What an experiment says about itself."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mlgenn_delays.engine.cpu.toolchain import CompilerError
from mlgenn_delays.models import ClassifierNetwork, ClassifierSettings
from mlgenn_delays.utils.data import PreprocessedSpikes

from .options import Options


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
    except (ValueError, TypeError, OSError, CompilerError, MemoryError) as error:
        raise ExperimentError(f"{what}{error}") from error


@dataclass(frozen=True)
class Part:
    """Examples for one purpose: training, validation or test."""

    spikes: list[PreprocessedSpikes]
    labels: np.ndarray  #: (examples,) int

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, number: int | None) -> Part:
        """The first ``number`` examples, all for None."""
        return self if number is None else Part(self.spikes[:number], self.labels[:number])


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
    kind: str  #: ``"real"`` or ``"synthetic"``
    source: Mapping[str, Any]  #: where the data are from, JSON types only
    #: prints what the user must know before anything is trained (e.g. that data are synthetic)
    notice: Callable[[], None] = field(default=lambda: None)

    def fingerprint(self) -> str:
        """Text that changes with any event or label."""
        digest = hashlib.blake2b(digest_size=16)
        for part in (self.train, self.validation, self.test):
            digest.update(np.ascontiguousarray(part.labels, dtype=np.int64).data)
            for example in part.spikes:
                digest.update(np.ascontiguousarray(example.end_spikes, dtype=np.int64).data)
                digest.update(np.ascontiguousarray(example.spike_times, dtype=np.float64).data)
        return digest.hexdigest()


@dataclass(frozen=True)
class Experiment:
    """All that is an experiment's own; :func:`.runner.main` does the rest."""

    name: str  #: of the script and of results folders
    description: str  #: first lines of ``--help``
    #: its published settings for given options (``options.own`` has the experiment's arguments)
    settings: Callable[[Options], ClassifierSettings]
    #: loads data; ``options.quick``: a small subset, nothing is fetched
    load: Callable[[Options, ClassifierSettings], ExperimentData]
    #: describes the network
    build: Callable[[Options, ClassifierSettings, ExperimentData], ClassifierNetwork]
    #: adds the experiment's own arguments
    add_arguments: Callable[[argparse._ArgumentGroup], None] = field(default=lambda group: None)
    #: defaults of common options that differ from those in ``options.py``
    defaults: Mapping[str, Any] = field(default_factory=dict)
    #: the same with ``--quick``
    quick_defaults: Mapping[str, Any] = field(default_factory=dict)
    #: own arguments that say what data are used, so that a resumed run must have the same
    data_arguments: Sequence[str] = ()


def load_data(
    experiment: Experiment, options: Options, settings: ClassifierSettings
) -> ExperimentData:
    """Data of a run, with as many samples to train with as wanted."""
    with user_errors():
        data = experiment.load(options, settings)
    data.notice()
    return replace(data, train=data.train.first(options.limit))
