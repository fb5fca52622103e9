"""Closed forms and roots of the reference engine against independent solutions."""

from __future__ import annotations

import math
from decimal import Decimal, getcontext

import numpy as np
import pytest

from mlgenn_delays.engines.reference.exponentials import (
    merge_terms,
    monotone_roots,
    response,
    response_array,
    response_peak,
    solve,
    sum_roots,
)
from mlgenn_delays.engines.reference.membrane import Membrane

EQUAL_AND_CLOSE_RATES = [(0.1, 0.2), (0.2, 0.1), (0.1, 0.1 + 1e-15), (0.1, 0.1 + 1e-9), (1e-3, 5.0)]


def _exact_response(a: float, b: float, s: float) -> float:
    getcontext().prec = 60
    x, y, t = Decimal(a), Decimal(b), Decimal(s)
    return float(x * ((-x * t).exp() - (-y * t).exp()) / (y - x))


@pytest.mark.parametrize("a, b", EQUAL_AND_CLOSE_RATES)
@pytest.mark.parametrize("s", [1e-6, 0.3, 20.0, 900.0])
def test_response_is_exact_for_equal_close_and_distant_rates(a, b, s):
    exact = _exact_response(a, b, s)
    assert response(a, b, s) == pytest.approx(exact, rel=1e-13)
    np.testing.assert_allclose(response_array(a, b, np.array([s])), exact, rtol=1e-13)


def test_response_of_equal_rates_is_the_limit():
    assert response(0.1, 0.1, 7.0) == pytest.approx(0.7 * math.exp(-0.7), rel=1e-15)
    assert response_array(0.1, 0.1, np.array([7.0]))[0] == response(0.1, 0.1, 7.0)


@pytest.mark.parametrize("a, b", [(0.1, 0.1), *EQUAL_AND_CLOSE_RATES])
def test_response_peak_is_the_maximum(a, b):
    values = response_array(a, b, np.linspace(0.0, 10.0 / a, 200001))
    assert response_peak(a, b) == pytest.approx(np.max(values), rel=1e-6)


def test_solve_is_exact_where_newton_alone_diverges():
    root = solve(lambda x: (math.atan(x - 2.0), 1.0 / (1.0 + (x - 2.0) ** 2)), -50.0, 60.0, True)
    assert root == pytest.approx(2.0, abs=1e-14)


@pytest.mark.parametrize("roots", [(0.3,), (0.3, 2.5), (0.1, 0.2, 0.7, 3.0)])
def test_sum_roots_finds_all_roots(roots):
    # a polynomial in exp(-s) is a sum of exponentials with whole rates
    coefficients = np.polynomial.polynomial.polyfromroots(np.exp(-np.array(roots)))
    rates = np.arange(len(coefficients), dtype=float) + 0.5
    found = sum_roots(coefficients.tolist(), rates.tolist(), 10.0)
    np.testing.assert_allclose(found, roots, rtol=1e-11)
    np.testing.assert_allclose(sum_roots(coefficients.tolist(), rates.tolist(), 2.0), [
        r for r in roots if r < 2.0
    ], rtol=1e-11)  # fmt: skip


def test_sum_roots_of_terms_of_one_sign_is_empty():
    assert sum_roots([1.0, 2.0, 0.5], [0.1, 0.2, 0.3], 100.0) == []


def test_merge_terms_adds_equal_rates_and_drops_zeros():
    assert merge_terms([1.0, 2.0, -1.0, 0.0], [0.3, 0.1, 0.3, 0.2]) == ([2.0], [0.1])


def test_monotone_roots_counts_a_root_at_the_end_of_a_stretch_once():
    roots = monotone_roots(lambda s: (s - 1.0, 1.0), [1.0], 3.0)
    np.testing.assert_allclose(roots, [1.0], atol=1e-14)


@pytest.mark.parametrize("taus", [(5.0,), (10.0,), (3.0, 10.0, 14.0)])
def test_advance_solves_the_equations(taus):
    membrane = Membrane(10.0, taus)
    currents = [3.0, -1.0, 0.5][: len(taus)]
    v, steps = 0.4, 4000
    state = np.array([v, *currents])
    h = 8.0 / steps
    for _ in range(steps):  # classical Runge-Kutta
        k1 = _flow(membrane, state)
        k2 = _flow(membrane, state + 0.5 * h * k1)
        k3 = _flow(membrane, state + 0.5 * h * k2)
        k4 = _flow(membrane, state + h * k3)
        state = state + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    later = list(currents)
    assert membrane.advance(v, later, 8.0) == pytest.approx(state[0], rel=1e-11)
    np.testing.assert_allclose(later, state[1:], rtol=1e-11)
    vectorised = membrane.voltage_array(np.array([v]), np.array([currents]), np.array([8.0]))
    assert vectorised[0] == pytest.approx(state[0], rel=1e-11)


def _flow(membrane: Membrane, state: np.ndarray) -> np.ndarray:
    v, currents = state[0], state[1:]
    return np.array([(np.sum(currents) - v) / membrane.tau, *(-currents / membrane.taus)])


@pytest.mark.parametrize("taus", [(5.0,), (10.0,), (3.0, 10.0, 14.0)])
def test_advance_back_is_the_adjoint_of_advance(taus):
    # dL = -(tau_m lambda_V dV + sum tau_r lambda_I dI) is the same at both ends
    membrane = Membrane(10.0, taus)
    rng = np.random.default_rng(0)
    v, currents = 0.7, rng.normal(size=len(taus)).tolist()
    lambda_v, lambda_i = -0.3, rng.normal(size=len(taus)).tolist()
    later, earlier = list(currents), list(lambda_i)
    v_later = membrane.advance(v, later, 4.0)
    lambda_v_earlier = membrane.advance_back(lambda_v, earlier, 4.0)
    at_end = membrane.tau * lambda_v * v_later + np.dot(np.multiply(taus, lambda_i), later)
    at_start = membrane.tau * lambda_v_earlier * v + np.dot(np.multiply(taus, earlier), currents)
    assert at_start == pytest.approx(at_end, rel=1e-13)


def _spike_time(weight: float, threshold: float) -> float:
    # tau_mem = 2 tau_syn: V = weight (x - x^2) with x = exp(-t / tau_mem)
    return -10.0 * math.log(0.5 * (1.0 + math.sqrt(1.0 - 4.0 * threshold / weight)))


@pytest.mark.parametrize("weight, threshold", [(5.0, 1.0), (4.0000001, 1.0), (300.0, 0.7)])
def test_crossing_has_its_closed_form(weight, threshold):
    membrane = Membrane(10.0, (5.0,), threshold=threshold)
    expected = _spike_time(weight, threshold)
    # near the peak the time is ill-conditioned: |dt| is rounding over the slope of V
    slope = membrane.slope(threshold, [weight * math.exp(-expected / 5.0)])
    accuracy = 1e-14 + 4e-16 * threshold / slope
    assert membrane.next_crossing(0.0, [weight], 100.0) == pytest.approx(expected, abs=accuracy)
    assert membrane.next_crossing(0.0, [weight], 0.99 * expected) == math.inf


def test_no_crossing_where_the_peak_stays_below_threshold():
    membrane = Membrane(10.0, (5.0,), threshold=1.0)
    assert membrane.next_crossing(0.0, [3.9999999], 100.0) == math.inf


@pytest.mark.parametrize("threshold", [0.3, -0.2])
@pytest.mark.parametrize("taus", [(10.0,), (10.0, 4.0), (3.0, 10.0, 14.0), (1.0, 2.0, 8.0, 20.0)])
def test_crossings_and_extrema_are_those_of_dense_samples(taus, threshold):
    membrane = Membrane(10.0, taus, threshold=threshold)
    rng = np.random.default_rng(len(taus))
    times = np.linspace(0.0, 60.0, 60001)
    crossed = several_extrema = 0
    for _ in range(60):
        v, currents = threshold - rng.exponential(0.3), rng.normal(0.0, 3.0, len(taus)).tolist()
        samples = membrane.voltage_array(
            np.full(len(times), v), np.tile(currents, (len(times), 1)), times
        )
        above = np.flatnonzero(samples >= threshold)
        found = membrane.next_crossing(v, currents, 60.0)
        if len(above):
            crossed += 1
            assert times[above[0] - 1] <= found <= times[above[0]]
            assert membrane.voltage(v, currents, found) == pytest.approx(threshold, abs=1e-14)
        else:
            assert found == math.inf or np.max(samples) > threshold - 1e-6
        turns = times[1:-1][np.diff(np.sign(np.diff(samples))) != 0]
        extrema = [s for s in membrane.extrema(v, currents, 60.0) if 2e-3 < s < 59.998]
        several_extrema += len(turns) >= 2
        np.testing.assert_allclose(extrema, turns[(turns > 2e-3) & (turns < 59.998)], atol=1.1e-3)
    assert crossed > 10
    assert crossed < 60 or threshold < 0.0
    assert several_extrema > 3 or len(taus) == 1
