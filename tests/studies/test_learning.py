"""Networks learn: floors of accuracy after short trainings, on simulated and real letters."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from experiment_runs import Run

pytestmark = pytest.mark.slow

#: Before the fixture of this folder hides it.
REAL_DATA = os.environ.get("MLGENN_DELAYS_DATA")

TRAIN = ("--hidden", "64", "--epochs", "8", "--limit", "1500")


def accuracy(run: Callable[..., Run], *arguments: str) -> float:
    result = run(*TRAIN, *arguments)
    assert result.code == 0, result.err
    return result.summary["test_accuracy"]


@pytest.mark.usefixtures("blank_pictures")
def test_timing_matters_in_simulated_letters(run, tmp_path):
    """Recurrence and delays are clearly better than a network without both."""
    with_both = accuracy(run, "--data", "synthetic")
    os.rename(tmp_path / "out", tmp_path / "with both")
    without = accuracy(run, "--data", "synthetic", "--no-recurrent", "--delays", "none")
    assert with_both > 0.4
    assert with_both > without + 0.08


@pytest.mark.usefixtures("blank_pictures")
def test_real_letters(run):
    if REAL_DATA is None:
        pytest.skip("needs the Braille recordings: set MLGENN_DELAYS_DATA to their folder")
    assert accuracy(run, "--data", "real", "--data-dir", REAL_DATA) > 0.35
