"""Means, intervals and paired differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from study_rows import make_row

from mlgenn_delays.studies.reports import statistics
from mlgenn_delays.studies.reports.statistics import estimate, mean_by_seed, pair

DRAWS = 300


def coverage(
    draw: Callable[[int], np.ndarray], true_mean: float, number: int
) -> tuple[float, float]:
    """Shares of intervals that hold the true mean: ours, and of the percentile bootstrap."""
    random = np.random.default_rng(5)
    ours = percentile = 0
    for _ in range(DRAWS):
        values = draw(number)
        found = estimate(values)
        assert found is not None and found.low is not None and found.high is not None
        ours += found.low <= true_mean <= found.high
        means = values[random.integers(0, number, (1000, number))].mean(axis=1)
        low, high = np.quantile(means, [0.025, 0.975])
        percentile += low <= true_mean <= high
    return ours / DRAWS, percentile / DRAWS


@pytest.mark.parametrize("number", [3, 5, 10])
@pytest.mark.parametrize("skewed", [False, True])
def test_coverage(monkeypatch: pytest.MonkeyPatch, number: int, skewed: bool) -> None:
    monkeypatch.setattr(statistics, "_RESAMPLES", 2000)
    random = np.random.default_rng(number)
    if skewed:  # like accuracies near 100 %
        ours, percentile = coverage(lambda n: random.beta(30, 1.5, n), 30 / 31.5, number)
    else:
        ours, percentile = coverage(random.standard_normal, 0.0, number)
    # 300 draws have a standard deviation of 1.3 points; skewed with 3 seeds: 91 %
    assert 0.87 < ours < 0.99
    assert ours > percentile + (0.0 if number == 10 else 0.05)


def test_students_quantiles() -> None:
    known = {1: 12.706, 2: 4.303, 4: 2.776, 9: 2.262, 99: 1.984}  # of any table
    for degrees, value in known.items():
        assert statistics._student(degrees) == pytest.approx(value, abs=5e-4)


def test_three_values() -> None:
    found = estimate([0.5, 0.6, 0.7])
    assert found is not None
    assert found.method == "Student's t"
    half = 4.303 * 0.1 / np.sqrt(3)
    assert (found.low, found.mean, found.high) == pytest.approx((0.6 - half, 0.6, 0.6 + half), 1e-3)
    assert found.text(100.0) == "60.0 [35.2, 84.8]"


def test_skewed_values_have_a_skewed_interval() -> None:
    found = estimate([0.99, 0.985, 0.98, 0.975, 0.97, 0.90])
    assert found is not None and found.low is not None and found.high is not None
    assert found.method == "bootstrap-t"
    assert found.mean - found.low > 1.5 * (found.high - found.mean)
    assert found == estimate([0.99, 0.985, 0.98, 0.975, 0.97, 0.90])


def test_values_that_lie_close_together_make_no_interval_of_any_length() -> None:
    values = [3.848, 4.108, 2.805, 3.862, 3.869]  # without a least spread: from -6.8 to 4.1
    found = estimate(values)
    assert found is not None and found.low is not None and found.high is not None
    students = 2 * 2.776 * np.std(values, ddof=1) / np.sqrt(5)
    assert found.method == "bootstrap-t"
    assert found.high - found.low < 2 * students


def test_a_single_value_has_no_interval() -> None:
    found = estimate([0.25])
    assert found == statistics.Estimate(0.25, None, None, 1, "")
    assert found.text(100.0, sign=True) == "+25.0"
    assert found.includes_zero
    assert estimate([]) is None


def test_values_that_are_mostly_equal_have_no_resamples_to_go_by() -> None:
    found = estimate([1.0, 1.0, 1.0, 1.0, 0.9])
    assert found is not None and found.method == "Student's t"
    same = estimate([0.5] * 10)
    assert same is not None and (same.low, same.high) == (0.5, 0.5)


def test_intervals_end_at_bounds() -> None:
    found = estimate([0.99, 1.0, 0.9], (0.0, 1.0))
    assert found is not None and found.low is not None
    assert found.high == 1.0
    assert found.low < 0.9


def test_values_that_are_no_numbers() -> None:
    with pytest.raises(ValueError, match="values has nan, allowed are finite numbers"):
        estimate([0.1, float("nan")])


def test_text() -> None:
    assert statistics.Estimate(-0.0004, -0.021, 0.02, 5, "").text(100.0) == "0.0 [−2.1, 2.0]"
    assert statistics.Estimate(0.042, 0.029, 0.055, 5, "").text(100.0, sign=True) == (
        "+4.2 [2.9, 5.5]"
    )
    assert statistics.Estimate(0.042, 0.029, 0.055, 5, "").includes_zero is False


def test_pairs_have_seed_and_data_in_common() -> None:
    rows = [make_row("recurrent-learned", 8, s, test_accuracy=0.5 + s / 10) for s in range(4)]
    others = [make_row("recurrent-none", 8, s, test_accuracy=0.5) for s in (3, 1, 2, 7)]
    others[1]["data_fingerprint"] = "another split"
    rows[2]["test_accuracy"] = None
    assert pair(rows, others) == {(3, "f3"): pytest.approx(0.3)}
    assert pair(rows[:1], others) == {}


def test_values_of_a_seed_count_as_one() -> None:
    rows = [
        make_row("recurrent-learned", 8, seed, test_accuracy=accuracy, speaker=speaker)
        for seed, speaker, accuracy in ((0, "a", 0.5), (0, "b", 0.7), (1, "b", 0.9))
    ]
    others = [{**row, "test_accuracy": 0.4} for row in reversed(rows)]
    found = pair(rows, others, pool=["speaker"])
    assert {key[::2] for key in found} == {(0, "a"), (0, "b"), (1, "b")}
    means = mean_by_seed((seed, value) for (seed, *_), value in found.items())
    assert means == pytest.approx([0.2, 0.5])


def test_what_seeds_share_drops_out_of_paired_differences() -> None:
    random = np.random.default_rng(0)
    luck = 0.05 * random.normal(size=10)
    noise = 0.005 * random.normal(size=10)
    rows = [
        make_row("recurrent-learned", 8, s, test_accuracy=0.8 + luck[s] + noise[s])
        for s in range(10)
    ]
    others = [make_row("recurrent-none", 8, s, test_accuracy=0.77 + luck[s]) for s in range(10)]
    paired = estimate(pair(rows, others).values())
    alone = estimate([r["test_accuracy"] for r in rows])
    assert paired is not None and paired.low is not None and paired.high is not None
    assert alone is not None and alone.low is not None and alone.high is not None
    assert paired.low < 0.03 < paired.high
    assert not paired.includes_zero
    assert paired.high - paired.low < 0.2 * (alone.high - alone.low)
