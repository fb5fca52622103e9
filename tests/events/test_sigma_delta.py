"""Sigma-delta encoding against hand-worked cases and a scalar version of the definition."""

from __future__ import annotations

import numpy as np
import pytest

from mlgenn_delays.events.sigma_delta import sigma_delta


def encode(samples: list[float], threshold: float = 10) -> tuple[list[float], list[float]]:
    """Times of ON and OFF events of one signal sampled once per ms."""
    events = sigma_delta(np.array(samples)[np.newaxis, :, np.newaxis], threshold, 1.0)
    return (
        sorted(events.times[events.channels == 0].tolist()),
        sorted(events.times[events.channels == 1].tolist()),
    )


def scalar_encode(samples: np.ndarray, threshold: float) -> tuple[list[float], list[float]]:
    """The definition for one signal: the earliest crossing of reference +- threshold, again."""
    times: tuple[list[float], list[float]] = ([], [])
    reference = samples[0]
    for i in range(len(samples) - 1):
        start, end = samples[i], samples[i + 1]
        while abs(end - reference) >= threshold:
            sign = 1 if end > reference else -1
            reference += sign * threshold
            times[0 if sign > 0 else 1].append(i + (reference - start) / (end - start))
    return times


def test_events_lie_on_the_line_between_samples() -> None:
    on, off = encode([0, 22, 0])
    np.testing.assert_allclose(on, [10 / 22, 20 / 22])
    # the reference stands at 20: the first OFF event where the signal has come back to 10
    np.testing.assert_allclose(off, [1 + 12 / 22, 2.0])


def test_remainder_counts_towards_the_next_event() -> None:
    on, off = encode([5, 11, 17, 23, 26])
    np.testing.assert_allclose(on, [1 + 4 / 6, 3 + 2 / 3])
    assert off == []


def test_signal_below_threshold_is_silent() -> None:
    assert encode([100, 109, 91, 109, 91]) == ([], [])


def test_agrees_with_scalar_definition() -> None:
    rng = np.random.default_rng(1)
    signals = np.cumsum(rng.integers(-15, 16, (4, 30, 3)), axis=1)
    for threshold in (1, 2, 5, 10):
        events = sigma_delta(signals, threshold, 25.0)
        assert len(events.times) > 100
        for trial in range(4):
            for sensor in range(3):
                expected = scalar_encode(signals[trial, :, sensor].astype(float), threshold)
                for polarity in (0, 1):
                    here = (events.trials == trial) & (events.channels == sensor + 3 * polarity)
                    np.testing.assert_allclose(
                        np.sort(events.times[here]), 25.0 * np.array(expected[polarity]), atol=1e-9
                    )


def test_events_restore_the_signal_to_one_threshold() -> None:
    rng = np.random.default_rng(2)
    signals = rng.integers(0, 256, (3, 40, 5))
    events = sigma_delta(signals, 7, 1.0)
    restored = np.zeros((3, 40, 5))
    sign = np.where(events.channels < 5, 7, -7)
    for sample in range(40):
        seen = events.times <= sample + 1e-9
        where = (events.trials[seen], events.channels[seen] % 5)
        np.add.at(restored[:, sample], where, sign[seen])
    error = signals - signals[:, :1] - restored
    assert np.abs(error).max() < 7
    assert np.abs(error).max() > 5, "the bound is not tested"


def test_event_that_rounding_puts_off() -> None:
    """Four thresholds of 0.87: the last one is reached after rounding only, when nothing changes
    any more; its time must be a number."""
    signal = np.array([0.95, 4.43, 4.43]).reshape(1, 3, 1)
    events = sigma_delta(signal, 0.87, 2.0)
    assert len(events.times) == 4
    assert np.isfinite(events.times).all()
    assert events.times.max() == 2.0


def test_one_sample_and_no_trials_have_no_events() -> None:
    assert len(sigma_delta(np.ones((2, 1, 3)), 1, 25.0).times) == 0
    assert len(sigma_delta(np.ones((0, 5, 3)), 1, 25.0).times) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((3, 4)), 1, 25.0), r"signals: shape \(3, 4\)"),
        ((np.zeros((3, 0, 4)), 1, 25.0), "with a sample"),
        ((np.full((1, 2, 1), np.nan), 1, 25.0), "signals should be finite numbers"),
        ((np.zeros((1, 2, 1)), 0, 25.0), "threshold is 0,"),
        ((np.zeros((1, 2, 1)), np.inf, 25.0), "threshold is inf"),
        ((np.zeros((1, 2, 1)), 1, -25.0), "interval is -25,"),
    ],
)
def test_bad_arguments(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sigma_delta(*arguments)
