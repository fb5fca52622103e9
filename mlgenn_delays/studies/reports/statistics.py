"""Means over seeds with 95 % intervals, and paired differences between variants.

**Which interval.** Studies have 3 to 10 seeds. For so few, the percentile bootstrap is too narrow:
it cannot leave the range of the values, which for three seeds has the true mean inside in 75 % of
all cases at most. What is used here is the bootstrap-t (Efron & Tibshirani 1993, An Introduction to
the Bootstrap, section 12.5): the distribution of (mean* - mean) / (standard error*) over resamples
takes the place of Student's distribution, so that a skewed spread, as that of accuracies near
100 %, gives a skewed interval. A resample whose values happen to lie close together would make an
interval of any length: the standard deviation of a resample counts as at least a quarter of that of
all values, which leaves the coverage as it is and intervals below about twice Student's. Where more
than 1 % of the resamples have no spread at all (fewer than five seeds, or most values equal) the
interval is Student's; a single seed has none.

**Measured coverage** of intervals that should hold the true mean in 95 % of all cases (2,000 draws
each; ``tests/studies/reports/test_statistics.py`` repeats a part):

===================== ============= ============= =============
percentile / used     3 seeds       5 seeds       10 seeds
===================== ============= ============= =============
normal                76 % / 95 %   83 % / 93 %   89 % / 94 %
skewed, near 100 %    71 % / 91 %   81 % / 94 %   88 % / 94 %
15 % of seeds fail    61 % / 88 %   67 % / 84 %   81 % / 85 %
rounded to 0.4 %      75 % / 94 %   83 % / 95 %   91 % / 95 %
===================== ============= ============= =============

Where a seed now and then does not learn at all, no interval from few seeds is to be relied on.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

#: Share of intervals that hold the true value, and of resamples without a spread at most.
_LEVEL, _WITHOUT_SPREAD = 0.95, 0.01

#: Spread of a resample at least, as a share of that of all values.
_LEAST_SPREAD = 0.25

#: Resamples of a bootstrap, and the seed with which they are drawn: the same rows give the same
#: report.
_RESAMPLES, _SEED = 10_000, 0


@dataclass(frozen=True)
class Estimate:
    """Mean of some values, and the interval in which the true mean lies with 95 %."""

    mean: float
    low: float | None  #: None for a single value, like ``high``
    high: float | None
    number: int  #: of values
    method: str  #: ``"bootstrap-t"``, ``"Student's t"``; ``""`` for a single value

    def text(self, factor: float = 1.0, digits: int = 1, sign: bool = False) -> str:
        """As text, e.g. ``"93.1 [92.5, 93.6]"``.

        Args:
            factor: that values are multiplied with, 100 for per cent.
            digits: after the point.
            sign: whether a mean above 0 has one, for differences.
        """
        mean = _number(factor * self.mean, digits, sign)
        if self.low is None or self.high is None:
            return mean
        low, high = (_number(factor * v, digits) for v in (self.low, self.high))
        return f"{mean} [{low}, {high}]"

    @property
    def includes_zero(self) -> bool:
        """Whether the sign of the mean is not known."""
        return self.low is None or self.high is None or self.low <= 0.0 <= self.high


def _number(value: float, digits: int, sign: bool = False) -> str:
    # no "-0.0"
    value = round(value, digits) + 0.0
    return f"{value:{'+' if sign else ''}.{digits}f}".replace("-", "−")


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation (divided by n - 1) of n values."""

    mean: float
    deviation: float | None  #: None for a single value
    number: int

    @staticmethod
    def of(values: Sequence[float]) -> Spread | None:
        """Spread of some values; None where there are none."""
        if len(values) == 0:
            return None
        deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
        return Spread(float(np.mean(values)), deviation, len(values))

    def percent(self) -> str:
        """As text, for shares, e.g. ``"93.1 ± 0.4 %"``."""
        spread = "" if self.deviation is None else f" ± {100.0 * self.deviation:.1f}"
        return f"{100.0 * self.mean:.1f}{spread} %"


def estimate(
    values: Iterable[float], bounds: tuple[float, float] = (-math.inf, math.inf)
) -> Estimate | None:
    """Mean and its 95 % interval, see above.

    Args:
        values: one for each seed, finite.
        bounds: between which the true mean lies for sure, (0, 1) for shares; intervals end there.

    Returns:
        None where there are no values.

    Raises:
        ValueError: a value is not finite.
    """
    x = np.array(list(values), dtype=np.float64)
    if not np.all(np.isfinite(x)):
        raise ValueError(f"values has {x[~np.isfinite(x)][0]}, allowed are finite numbers")
    n = len(x)
    if n == 0:
        return None
    mean = float(np.mean(x))
    if n == 1:
        return Estimate(mean, None, None, 1, "")
    error = float(np.std(x, ddof=1)) / math.sqrt(n)
    if _share_without_spread(x) > _WITHOUT_SPREAD:
        method, tails = "Student's t", (-_student(n - 1), _student(n - 1))
    else:
        method, tails = "bootstrap-t", _bootstrap_tails(x)
    low, high = (float(np.clip(mean - t * error, *bounds)) for t in tails[::-1])
    return Estimate(mean, min(low, mean), max(high, mean), n, method)


def _share_without_spread(x: np.ndarray) -> float:
    """Share of all resamples in which all values are the same."""
    return sum((number / len(x)) ** len(x) for number in Counter(x.tolist()).values())


def _bootstrap_tails(x: np.ndarray) -> tuple[float, float]:
    """Quantiles of (mean* - mean) / (standard error*) over resamples."""
    chosen = np.random.default_rng(_SEED).integers(0, len(x), (_RESAMPLES, len(x)))
    resamples = x[chosen]
    spread = np.std(resamples, axis=1, ddof=1)
    spread = np.maximum(spread, _LEAST_SPREAD * np.std(x, ddof=1))
    differences = np.mean(resamples, axis=1) - np.mean(x)
    statistic = differences / (spread / math.sqrt(len(x)))
    low, high = np.quantile(statistic, [0.5 - _LEVEL / 2, 0.5 + _LEVEL / 2])
    return float(low), float(high)


@cache
def _student(degrees: int) -> float:
    """Value that Student's distribution does not exceed with 97.5 %.

    With t = sqrt(degrees) tan(a), the density over a is that of cos(a) ** (degrees - 1).
    """
    angles = np.linspace(0.0, math.pi / 2.0, 200_001)
    density = np.cos(angles) ** (degrees - 1)
    share = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    angle = float(np.interp(_LEVEL * share[-1], share, angles))
    return math.sqrt(degrees) * math.tan(angle)


def pair(
    rows: Sequence[Mapping[str, Any]],
    reference: Sequence[Mapping[str, Any]],
    name: str = "test_accuracy",
    pool: Sequence[str] = (),
) -> dict[tuple[Any, ...], float]:
    """Differences between runs that have seed and data in common.

    Args:
        rows: of one variant at one size, see :mod:`.table`.
        reference: of the variant to compare with.
        name: column that is compared; runs without it are left out.
        pool: further columns that both runs must have in common.

    Returns:
        (seed, fingerprint of the data, values of ``pool``) -> value of ``rows`` minus value of
        ``reference``. What both runs owe to their split of the data drops out.
    """

    def key(row: Mapping[str, Any]) -> tuple[Any, ...]:
        return row["seed"], row.get("data_fingerprint"), *(row.get(column) for column in pool)

    values, others = (
        {key(r): r[name] for r in some if r.get(name) is not None} for some in (rows, reference)
    )
    return {k: values[k] - others[k] for k in values if k in others}


def mean_by_seed(values: Iterable[tuple[Any, float]]) -> list[float]:
    """Mean of all values of each seed: those of one seed are no independent draws.

    Args:
        values: (seed, value).

    Returns:
        one for each seed, in the order in which seeds come first.
    """
    by_seed: dict[Any, list[float]] = {}
    for seed, value in values:
        by_seed.setdefault(seed, []).append(value)
    return [float(np.mean(some)) for some in by_seed.values()]
