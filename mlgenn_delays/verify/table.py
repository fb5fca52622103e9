"""Outcome of ``check_gradients``: rows that compare, and the table made of them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class GradientRow:
    """One parameter: its gradient by finite differences and by EventProp.

    Relative errors are relative to the larger of the two values, or to a share of the
    largest gradient of the same kind in the connection where both are far below that.
    """

    connection: str
    parameter: str  #: name of the parameter, "g" of weights and "d" of delays
    index: tuple[int, ...]  #: (pre, post), or (synapse,) where sparse
    finite_difference: float
    reference: float
    engine: float
    reference_error: float
    engine_error: float
    reference_agrees: bool
    engine_agrees: bool

    @property
    def agrees(self) -> bool:
        """Whether reference and engine both agree with the finite difference."""
        return self.reference_agrees and self.engine_agrees


@dataclass(frozen=True)
class SkippedParameter:
    """A parameter that could not be compared, and why."""

    connection: str
    parameter: str
    index: tuple[int, ...]
    reason: str


@dataclass(frozen=True)
class Similarity:
    """Engine and reference over all parameters of one kind in a connection."""

    connection: str
    parameter: str
    cosine: float  #: cosine of the angle between the two gradients
    ratio: float  #: norm of the engine's gradient over that of the reference


@dataclass(frozen=True)
class GradientCheck:
    """What ``check_gradients`` found; its string is the table."""

    engine_name: str
    loss_reference: float
    loss_engine: float
    reference_tolerance: float
    engine_tolerance: float
    dt: float  #: timestep of the engine [ms]
    rows: list[GradientRow] = field(default_factory=list)
    skipped: list[SkippedParameter] = field(default_factory=list)
    similarities: list[Similarity] = field(default_factory=list)
    #: population -> spikes of all examples in (reference, engine)
    spikes: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether gradients that are not all 0 were compared, and all of them agree."""
        return self.has_gradient and all(row.agrees for row in self.rows)

    @property
    def has_gradient(self) -> bool:
        """Whether any gradient that was compared is not 0: zeros agree, and say nothing."""
        return any(row.finite_difference != 0.0 or row.reference != 0.0 for row in self.rows)

    def __str__(self) -> str:
        names = max((len(row.parameter) for row in self.rows), default=1)
        rows = [self._row(row, names) for row in self.rows]
        return "\n".join([*self._header(names), *rows, "", *self._footer()])

    def _header(self, names: int) -> list[str]:
        columns = (
            f"{'parameter of':<24} {'':<{names}} {'index':<12} {'finite diff.':>13} "
            f"{'reference':>13} {'error':>8}    {self.engine_name:>13} {'error':>8}"
        )
        return [columns, "-" * (len(columns) + 3)]

    @staticmethod
    def _row(row: GradientRow, names: int) -> str:
        marks = ["ok" if agrees else "NO" for agrees in (row.reference_agrees, row.engine_agrees)]
        index = ", ".join(map(str, row.index))
        return (
            f"{row.connection:<24.24} {row.parameter:<{names}} {index:<12} "
            f"{row.finite_difference:>13.5e} {row.reference:>13.5e} {row.reference_error:>8.1e} "
            f"{marks[0]} {row.engine:>13.5e} {row.engine_error:>8.1e} {marks[1]}"
        )

    def _footer(self) -> list[str]:
        reference = sum(r.reference_agrees for r in self.rows)
        engine = sum(r.engine_agrees for r in self.rows)
        lines = [
            f"loss: reference {self.loss_reference:.6f}, {self.engine_name} {self.loss_engine:.6f}",
            f"agree with finite differences: reference {reference} of {len(self.rows)} "
            f"(to {self.reference_tolerance:g}), {self.engine_name} {engine} of "
            f"{len(self.rows)} (to {self.engine_tolerance:g})",
        ]
        if self.rows and not self.has_gradient:
            lines.append("all gradients are 0, so that nothing was checked: do neurons spike?")
        if self.engine_name != "reference":
            lines.append(
                f"({self.engine_name} has timesteps of {self.dt:g} ms: spikes come up to that much "
                "later than in the reference, and some appear or vanish)"
            )
        lines += [
            f"{name}: {a} spikes in the reference, {b} in {self.engine_name}"
            for name, (a, b) in self.spikes.items()
        ]
        lines += [
            f"all of {s.connection} {s.parameter}: cosine of {self.engine_name} and reference "
            f"{s.cosine:.4f}, ratio of norms {s.ratio:.4f}"
            for s in self.similarities
        ]
        lines += [
            f"skipped {s.connection} {s.parameter} [{', '.join(map(str, s.index))}]: {s.reason}"
            for s in self.skipped
        ]
        return lines
