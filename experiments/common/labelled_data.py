"""Parts of an experiment's data out of what loaders of data sets return."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlgenn_delays.datasets.labelled_events import LabelledEvents
from mlgenn_delays.datasets.splits import alternating

from .experiment import Part

#: For those who did not ask for synthetic data and get them.
SYNTHETIC_ADVICE = (
    "Settings that were published for the recordings make too few steps to learn from so few "
    "samples; --data synthetic has settings for them."
)


def take(examples: LabelledEvents, indices: Sequence[int] | np.ndarray) -> Part:
    """The examples ``indices``, in their order."""
    chosen = np.asarray(indices, dtype=np.int64)
    return Part(examples.events.select(chosen), examples.labels[chosen])


def take_first(examples: LabelledEvents, number: int | None) -> Part:
    """Some examples, of each class the same share; all for None, which copies nothing."""
    if number is None or number >= len(examples):
        return Part.of(examples)
    return take(examples, alternating(examples.labels)[:number])
