"""Derivatives in place of that of a spike; formulas in :mod:`mlgenn_delays.program.surrogate`."""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor


def arctangent(x: Tensor, slope: float) -> Tensor:
    """Derivative of arctan(pi a x / 2) / pi + 1/2."""
    return 0.5 * slope / (1.0 + (0.5 * math.pi * slope * x) ** 2)


def triangular(x: Tensor, slope: float) -> Tensor:
    """A triangle of height a that ends at 1/a on either side."""
    return slope * (1.0 - slope * x.abs()).clamp(min=0.0)


def fast_sigmoid(x: Tensor, slope: float) -> Tensor:
    """SuperSpike: Zenke & Ganguli 2018, 10.1162/neco_a_01086."""
    return 1.0 / (1.0 + slope * x.abs()) ** 2


#: By name, of V - theta and a slope.
DERIVATIVES: dict[str, Callable[[Tensor, float], Tensor]] = {
    "arctangent": arctangent,
    "triangular": triangular,
    "fast_sigmoid": fast_sigmoid,
}
