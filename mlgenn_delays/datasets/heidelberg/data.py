"""The form of the Heidelberg data sets, recorded or generated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TextIO

import numpy as np

from ...events.chunks import count_kept
from ...events.dataset import EventDataset
from ...events.ordering import order_by_time
from ..labelled_events import LabelledEvents, print_notice, synthetic_notice

NUM_CHANNELS = 700
#: Length of a trial [ms]; later events are left out, as in publications on these data.
DURATION = 1000.0


@dataclass(frozen=True)
class HeidelbergData:
    """The parts of a data set: 700 channels, times in ms, trials of 1,000 ms."""

    train: LabelledEvents
    validation: LabelledEvents | None  #: None: the data set has no such part
    test: LabelledEvents
    fallback_reason: str | None = None  #: why generated data took the place of recordings

    @property
    def kind(self) -> str:
        """``"real"`` or ``"synthetic"``."""
        return self.train.kind

    @property
    def source(self) -> dict[str, Any]:
        """Where the data are from, for files of results (JSON types only)."""
        common = {k: v for k, v in self.train.source.items() if k != "file"}
        files = {n: p.source["file"] for n, p in self._parts.items() if "file" in p.source}
        return {**common, **({"files": files} if files else {})}

    @property
    def num_events(self) -> int:
        """Events in all parts."""
        return sum(len(p.events.times) for p in self._parts.values())

    @property
    def num_late(self) -> int:
        """Events that were left out since they come after 1,000 ms."""
        files = [p.source.get("file", {}) for p in self._parts.values()]
        return sum(file.get("num_late_events", 0) for file in files)

    @property
    def _parts(self) -> dict[str, LabelledEvents]:
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: part for name, part in parts.items() if part is not None}


def keep_events(
    offsets: np.ndarray, times: np.ndarray, channels: np.ndarray, kept: np.ndarray
) -> EventDataset:
    """Those events that are kept, of each example in order.

    Args:
        offsets: (examples + 1,) where the events of each example begin
        times: [ms], (events,)
        channels: from 0 to 699 of those that are kept, (events,)
        kept: which are, (events,) bool
    """
    offsets = count_kept(offsets, kept)
    times = times[kept].astype(np.float32)
    order = order_by_time(offsets, times)
    neurons = channels[kept].astype(np.uint16)[order]
    return EventDataset.adopt(offsets, times[order], neurons, NUM_CHANNELS)


def heidelberg_notice(data: HeidelbergData, advice: str | None = None) -> str:
    """Lines that say that data are generated, in a box, or how many events of recordings were
    left out; empty where there were none.

    Args:
        data: what is going to be used.
        advice: what to do where generated data took the place of recordings.
    """
    if data.kind == "synthetic":
        return synthetic_notice(
            "These are generated patterns, not the recordings of Cramer et al. 2022. Results are "
            "not results on the real data.",
            data.fallback_reason,
            None if data.fallback_reason is None else advice,
        )
    if not data.num_late:
        return ""
    return (
        f"{data.num_late:,} of {data.num_events + data.num_late:,} events come after "
        f"{DURATION:g} ms and are left out."
    )


def print_heidelberg_notice(
    data: HeidelbergData, file: TextIO | None = None, advice: str | None = None
) -> None:
    """Print :func:`heidelberg_notice`; ``file``: where to, default ``sys.stderr``."""
    print_notice(heidelberg_notice(data, advice), file)
