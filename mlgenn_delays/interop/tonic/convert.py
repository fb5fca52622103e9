"""Data sets of tonic as flat events with labels."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ...checks import check_path, whole_numbers
from ...datasets.event_cache import EventWriter, StoredEvents, described_events, without_cache
from ...datasets.labelled_events import LabelledEvents
from ...events.labels import as_labels, find_class_names
from ...events.structured import (
    StructuredReader,
    check_sensor_size,
    find_sensor_size,
    number_of_examples,
    within,
)
from .description import describe_dataset


def from_tonic(
    dataset: Any,
    *,
    sensor_size: Sequence[int] | None = None,
    duration: float | None = None,
    late: str = "refuse",
    start: str = "zero",
    time_scale: float = 1e-3,
    class_names: Sequence[str] | None = None,
    groups: np.ndarray | Sequence[int] | None = None,
    cache: str | os.PathLike[str] | None = None,
    progressbar: bool = True,
) -> LabelledEvents:
    """Read a data set of structured events once, with its transforms, into flat events and labels::

        data = from_tonic(tonic.datasets.NMNIST("data", train=True), cache="data/events")
        compiled.train({x: data.events}, {y: data.labels}, num_epochs=10)

    ``dataset`` may slice or cache another one (``tonic.SlicedDataset``,
    ``tonic.MemoryCachedDataset``, ``tonic.DiskCachedDataset``) or choose some of its examples
    (``torch.utils.data.Subset``). Transforms that change events are applied once: those that are
    to change them anew in every epoch are given to ``train(augmentation=...)``. Transforms that
    make frames of events do not belong here.

    The channel of an event is ``p + polarities * (x + width * y)``.

    Args:
        dataset:     has a length and gives pairs of structured events (fields ``t``, ``x`` and, as
                     the sensor needs them, ``y`` and ``p``) and labels by index
        sensor_size: (width, height, polarities) after all transforms; default that of the data set
        duration:    of a trial [ms]; default: to the last of all events, in whole ms
        late:        ``"refuse"`` events after the trial, or ``"drop"`` all from its end on:
                     ``num_late_events`` in ``source`` of the result says how many there were
        start:       times count from ``"zero"``, or from the ``"first_event"`` of each example, as
                     is wanted of slices, whose times go on
        time_scale:  factor from the unit of times to ms (default: from microseconds)
        class_names: default ``dataset.classes``, else numbers; labels that are names are numbered
                     by their places in it
        groups:      who or what each example is of, for :func:`.hold_out_groups`, (examples,) int
        cache:       folder in which what was read is kept, as arrays that are mapped into memory.
                     It is found again by what the data set and its transforms say of themselves:
                     other transforms are read anew. Default: nothing is kept.
        progressbar: whether reading shows its progress

    Returns:
        Times are float32 [ms], exact to a microsecond up to 16 s.

    Raises:
        ValueError: no examples; no sensor size, or events beyond it; times that are negative or not
            finite, events after the trial; no labels, or labels without a name; another number of
            groups; a ``cache`` for transforms that do not say what they are. Names the example.
        TypeError: something else than structured events and labels, or of the wrong type.
    """
    size = number_of_examples(dataset, "dataset")
    own = find_sensor_size(dataset) if sensor_size is None else check_sensor_size(sensor_size)
    if own is None:
        raise ValueError(
            f"dataset: {type(dataset).__name__} does not say how large its sensor is, give "
            "sensor_size=(width, height, polarities)"
        )
    checked_groups = None if groups is None else _check_groups(groups, size)
    if class_names is None:
        class_names = find_class_names(dataset)
    options = {"duration": duration, "late": late, "start": start, "time_scale": time_scale}
    StructuredReader(own, duration, late=late, start=start, time_scale=time_scale)  # before reading

    def fill(writer: EventWriter) -> Mapping[str, Any]:
        reader = StructuredReader(own, duration, late=late, start=start, time_scale=time_scale)
        with _bar(dataset, size, progressbar) as bar:
            for piece in reader.pieces(dataset, bar.update):
                writer.add(piece)
        writer.add_array("labels", as_labels(reader.targets, class_names))
        return {"num_late": reader.num_late, "latest": reader.latest}

    if cache is None:
        stored = without_cache(own.num_channels, fill)
    else:
        about = describe_dataset(dataset)
        text = repr((about, tuple(own), class_names, sorted(options.items())))
        folder = Path(check_path(cache, "cache")).expanduser()
        stored = described_events(folder, _name(dataset), text, own.num_channels, fill)
    return LabelledEvents(
        events=stored.events,
        labels=stored.arrays["labels"],
        class_names=_class_names(stored, class_names),
        duration=_duration(stored) if duration is None else float(duration),
        kind="real",
        source={
            "dataset": "real",
            "description": f"{_name(dataset)}, read from a data set of tonic's kind",
            "sensor_size": list(own),
            "start": start,
            "num_events": len(stored.events.times),
            "num_late_events": stored.about["num_late"],
        },
        groups=checked_groups,
    )


def _name(dataset: Any) -> str:
    """Class of the innermost data set, that is, which recordings these are."""
    *_, innermost = within(dataset)
    return type(innermost).__name__


def _bar(dataset: Any, size: int, progressbar: bool) -> Any:
    return tqdm(
        desc=f"reading {_name(dataset)}",
        total=size,
        unit=" examples",
        disable=not progressbar,
        leave=False,
    )


def _check_groups(groups: np.ndarray | Sequence[int], size: int) -> np.ndarray:
    checked = whole_numbers(groups, "groups")
    if checked.shape != (size,):
        raise ValueError(f"groups has shape {checked.shape}, the data set has {size} examples")
    return checked.astype(np.int64)


def _class_names(stored: StoredEvents, given: Sequence[str] | None) -> tuple[str, ...]:
    if given is not None:
        return tuple(given)
    return tuple(map(str, range(int(stored.arrays["labels"].max()) + 1)))


def _duration(stored: StoredEvents) -> float:
    return float(max(1, math.ceil(stored.about["latest"])))
