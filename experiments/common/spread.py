"""Mean and spread of a result over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


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
