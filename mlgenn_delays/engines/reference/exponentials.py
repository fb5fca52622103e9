"""Sums of decaying exponentials: the response of a leaky membrane, and exact roots.

A membrane of rate a = 1/tau_m driven by a current exp(-b s) from V(0) = 0 has::

    response(s) = a (exp(-a s) - exp(-b s)) / (b - a)          limit b -> a: a s exp(-a s)

which is evaluated as a exp(-min(a, b) s) (1 - exp(-|b - a| s)) / |b - a|, free of
cancellation for rates that are nearly equal.

Roots of f(s) = sum_i c_i exp(-r_i s) are isolated by recursion: with r_0 the smallest
rate, g(s) = exp(r_0 s) f(s) has the roots of f, and its derivative is a sum with one term
less. Between two roots of g' the function g is monotone, so that it has a root there
exactly if its signs at the ends differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

#: Accuracy of roots [ms], relative beyond 1 ms; far below the 1e-12 ms asked of spike times.
_ROOT_TOLERANCE = 1e-15

_MAX_ITERATIONS = 200


def response(a: float, b: float, s: float) -> float:
    """Membrane of rate ``a`` [1/ms], ``s`` ms after a unit current of rate ``b`` [1/ms]."""
    gap = abs(b - a)
    slow = a if a < b else b
    if gap == 0.0:
        return a * s * math.exp(-slow * s)
    return -a * math.exp(-slow * s) * math.expm1(-gap * s) / gap


def response_array(a: float, b: float, s: np.ndarray) -> np.ndarray:
    """:func:`response` for an array of times, of the same shape."""
    gap = abs(b - a)
    slow = a if a < b else b
    if gap == 0.0:
        return a * s * np.exp(-slow * s)
    return -a * np.exp(-slow * s) * np.expm1(-gap * s) / gap


def response_peak(a: float, b: float) -> float:
    """Largest value that :func:`response` ever takes (below 1)."""
    # dV/ds = a (I - V) vanishes at the peak, so V equals exp(-b s) there
    relative = (b - a) / a
    peak_time = 1.0 / a if relative == 0.0 else math.log1p(relative) / (b - a)
    return math.exp(-b * peak_time)


def solve(
    function: Callable[[float], tuple[float, float]], low: float, high: float, rising: bool
) -> float:
    """Root of a function that changes sign once in [low, high]: Newton within a bracket.

    Args:
        function: x -> (value, derivative)
        low:      lower end of the bracket
        high:     upper end of the bracket
        rising:   whether the function is negative at ``low``
    """
    x = 0.5 * (low + high)
    for _ in range(_MAX_ITERATIONS):
        value, slope = function(x)
        if value == 0.0:
            return x
        if (value < 0.0) == rising:
            low = x
        else:
            high = x
        step = -value / slope if slope != 0.0 else math.inf
        if not low < x + step < high:  # also where the Newton step is not finite
            step = 0.5 * (low + high) - x
        x += step
        if abs(step) <= _ROOT_TOLERANCE * (1.0 + abs(x)):
            break
    return x


def merge_terms(
    coefficients: Sequence[float], rates: Sequence[float]
) -> tuple[list[float], list[float]]:
    """Add up terms of equal rate, drop those that vanish and sort by rate."""
    merged: dict[float, float] = {}
    for coefficient, rate in zip(coefficients, rates, strict=True):
        merged[rate] = merged.get(rate, 0.0) + coefficient
    terms = sorted((rate, coefficient) for rate, coefficient in merged.items() if coefficient)
    return [c for _, c in terms], [r for r, _ in terms]


def sum_roots(coefficients: Sequence[float], rates: Sequence[float], end: float) -> list[float]:
    """Roots in (0, end) of sum_i c_i exp(-r_i s), increasing.

    Args:
        coefficients: factors c_i, not zero
        rates:        rates r_i [1/ms], strictly increasing
        end:          end of the interval [ms]
    """
    positive = sum(c > 0.0 for c in coefficients)
    if positive in (0, len(coefficients)):
        return []
    if len(coefficients) == 2:
        s = math.log(-coefficients[1] / coefficients[0]) / (rates[1] - rates[0])
        return [s] if 0.0 < s < end else []
    shifted = [r - rates[0] for r in rates]
    slopes = [-c * r for c, r in zip(coefficients[1:], shifted[1:], strict=True)]

    def value_and_slope(s: float) -> tuple[float, float]:
        decays = [math.exp(-r * s) for r in shifted]
        value = sum(c * e for c, e in zip(coefficients, decays, strict=True))
        return value, sum(c * e for c, e in zip(slopes, decays[1:], strict=True))

    # multiplied by exp(r_0 s), a sum of which the derivative has one term less
    return monotone_roots(value_and_slope, sum_roots(slopes, shifted[1:], end), end)


def monotone_roots(
    function: Callable[[float], tuple[float, float]], extrema: Sequence[float], end: float
) -> list[float]:
    """Roots in [0, end] of a function that changes sign at most once between extrema.

    Zero counts as positive, so that the number of roots always fits the signs at the ends.

    Args:
        function: s -> (value, derivative)
        extrema:  points in (0, end) that part the stretches, increasing
        end:      end of the interval
    """
    roots = []
    low, low_negative = 0.0, function(0.0)[0] < 0.0
    for high in (*extrema, end):
        high_negative = function(high)[0] < 0.0
        if low_negative != high_negative:
            roots.append(solve(function, low, high, low_negative))
        low, low_negative = high, high_negative
    return roots
