"""Spike trains with labels, as loaders return them, and the notice that they are synthetic."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TextIO

import numpy as np

from ..events.dataset import EventDataset

#: Characters in a line of a notice.
_WIDTH = 74


@dataclass(frozen=True)
class LabelledEvents:
    """A data set, or a part of one."""

    events: EventDataset
    labels: np.ndarray  #: (examples,) int64
    class_names: tuple[str, ...]
    duration: float  #: length of a trial [ms]
    kind: str  #: "real", "synthetic" (a stand-in) or "generated" (the task itself)
    source: Mapping[str, Any] = field(default_factory=dict)  #: where it is from, JSON types only
    groups: np.ndarray | None = None  #: (examples,) int64: who spoke or recorded the example

    def __post_init__(self) -> None:
        if len(self.labels) != len(self.events):
            raise ValueError(f"there are {len(self.labels)} labels for {len(self.events)} examples")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def num_channels(self) -> int:
        """Input channels."""
        return self.events.num_neurons

    def select(self, indices: np.ndarray) -> LabelledEvents:
        """The examples ``indices``, in their order."""
        return replace(
            self,
            events=self.events.select(indices),
            labels=self.labels[indices],
            groups=None if self.groups is None else self.groups[indices],
        )


def synthetic_notice(text: str, reason: str | None = None, advice: str | None = None) -> str:
    """A box of lines that say that data are synthetic.

    Args:
        text: what they are, and what they are not
        reason: why they took the place of recordings; None: they were asked for
        advice: what to do
    """
    why = None if reason is None else f"Why: {reason}"
    paragraphs = [p for p in ("SYNTHETIC DATA", text, why, advice) if p is not None]
    rule = "#" * (_WIDTH + 6)
    lines = [rule]
    for paragraph in paragraphs:
        lines += ["", *textwrap.wrap(paragraph, _WIDTH, break_on_hyphens=False)]
    lines += ["", rule]
    return "\n".join(x if x == rule else f"## {x:<{_WIDTH}} ##" for x in lines)


def print_synthetic_notice(
    text: str,
    reason: str | None = None,
    advice: str | None = None,
    file: TextIO | None = None,
) -> None:
    """Print :func:`synthetic_notice`; ``file``: where to, default ``sys.stderr``."""
    print_notice(synthetic_notice(text, reason, advice), file)


def print_notice(text: str, file: TextIO | None) -> None:
    """Print the text of a notice, nothing where it is empty, to ``sys.stderr`` unless ``file``."""
    if text:
        print(text, file=sys.stderr if file is None else file)
