"""Data sets of structured events, such as those of tonic, as inputs and targets of one call.

``train({x: dataset}, {y: dataset})`` reads the data set once, for events and labels. It is read
anew by the next call: transforms may be random. :func:`mlgenn_delays.interop.tonic.from_tonic`
reads it once for all, and can keep what it has read on disk.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from tqdm import tqdm

from ..events.chunks import join
from ..events.dataset import EventDataset
from ..events.labels import as_labels, find_class_names
from ..events.structured import (
    SensorSize,
    StructuredReader,
    find_sensor_size,
    number_of_examples,
    read_targets,
)
from ..program.program import PopulationProgram

#: Reading that takes longer shows its progress [s].
_SECONDS_IN_SILENCE = 2.0


class ReadOnce:
    """Reads the data sets of a call, each of them once.

    Args:
        duration: of a trial [ms]
    """

    def __init__(self, duration: float) -> None:
        self._duration = duration
        self._events: dict[tuple[int, SensorSize], EventDataset] = {}
        self._targets: dict[int, list[Any]] = {}

    def events(self, dataset: Any, population: PopulationProgram, name: str) -> EventDataset:
        """Flat events for an input population.

        Args:
            dataset:    of structured events; whoever calls keeps it
            population: that gets them
            name:       how to call them in errors

        Raises:
            ValueError: no sensor size that fits the population; see also
                :meth:`.StructuredReader.pieces`.
        """
        sensor = fit_sensor(dataset, population, name)
        key = id(dataset), sensor
        if key not in self._events:
            reader = StructuredReader(sensor, self._duration, name=name)
            with tqdm(
                desc=f"reading {name}",
                total=number_of_examples(dataset, name),
                unit=" examples",
                delay=_SECONDS_IN_SILENCE,
                leave=False,
            ) as bar:
                self._events[key] = join(reader.pieces(dataset, bar.update))
            self._targets[id(dataset)] = reader.targets
        return self._events[key]

    def labels(self, dataset: Any, name: str) -> np.ndarray:
        """Labels of a data set that has them beside its events, (examples,) int64.

        Raises:
            ValueError, TypeError: see :func:`.as_labels`.
        """
        targets = self._targets.get(id(dataset))
        if targets is None:
            targets = read_targets(dataset)
        return as_labels(targets, find_class_names(dataset), name)


def fit_sensor(dataset: Any, population: PopulationProgram, name: str) -> SensorSize:
    """The sensor size of a data set whose events a population takes: its own, or else the one that
    the population's shape (height, width, polarities) says, as where transforms change the size.

    Raises:
        ValueError: neither fits.
    """
    own = find_sensor_size(dataset)
    if len(population.shape) == 3:
        height, width, polarities = population.shape
        return SensorSize(width, height, polarities)
    if own is not None and own.num_channels == population.size:
        return own
    has = "does not say how large its sensor is" if own is None else f"has the sensor {tuple(own)}"
    raise ValueError(
        f"{name} {has}, the input population {population.size} neurons; give the population the "
        "shape (height, width, polarities) that events have after all transforms, or use "
        "interop.tonic.from_tonic with sensor_size"
    )
