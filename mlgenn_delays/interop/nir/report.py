"""What a network lost on its way into a file for a chip.

In the table, spikes are per example, and so are those that changed from the line before: of another
neuron or in another timestep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...summary import Table
from .quantise import ConnectionChange, Precision
from .stages import Stage


@dataclass(frozen=True)
class RoundTripReport:
    """What :func:`.export_nir` found; prints as tables.

    Attributes:
        path:        of the file
        precision:   delays and weights that the file may have
        stages:      the network as it was, with delays rounded, with weights quantised, too, and as
            it is read back from the file; empty without data
        connections: what became of the values of each connection
        notes:       what other programs that read the file will not know of, a sentence each
    """

    path: str
    precision: Precision
    stages: tuple[Stage, ...]
    connections: tuple[ConnectionChange, ...]
    notes: tuple[str, ...]

    @property
    def is_exact(self) -> bool:
        """Whether what is read back from the file has every spike of what was written.

        Raises:
            ValueError: there are no data to tell from
        """
        if not self.stages:
            raise ValueError("the report has no data to tell from: pass x to export_nir")
        return self.stages[-1].changed == 0

    def __str__(self) -> str:
        parts = [f"NIR file {self.path}: {self.precision}"]
        if self.stages:
            parts.append(str(_table_of_stages(self.stages)))
        changes = tuple(map(_change, self.connections))
        parts.append(str(Table("Connections", _CHANGES, changes, frozenset(_CHANGES[1:]))))
        return "\n\n".join([*parts, *self.notes])


def _table_of_stages(stages: Sequence[Stage]) -> Table:
    first = stages[0]
    numbers = (
        *(f"{first.metric_names[n]} of {n}" for n in first.metrics),
        *(f"spikes of {n}" for n in first.spikes),
        "changed",
    )
    rows = tuple(
        (
            stage.name,
            *(f"{value:.4g}" for value in stage.metrics.values()),
            *(f"{value:.2f}" for value in stage.spikes.values()),
            "" if stage.changed is None else f"{stage.changed / stage.examples:.3g}",
        )
        for stage in stages
    )
    title = f"The way into the file and back, {first.examples:,} examples"
    return Table(title, ("network", *numbers), rows, frozenset(numbers))


_CHANGES = (
    "connection",
    "delays clipped",
    "delay error [timesteps]",
    "weight scale",
    "weight error",
)


def _change(change: ConnectionChange) -> tuple[str, ...]:
    return (
        change.name,
        str(change.delays_clipped),
        f"{change.delay_error:.3g}",
        f"{change.weight_scale:.3g}",
        f"{change.weight_error:.2%}",
    )
