"""Figures of single tasks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlgenn_delays import plotting
from mlgenn_delays.plotting.tasks import Snapshot, plot_decision_regions, plot_delay_learning

pytest.importorskip("matplotlib")


def regions():
    rng = np.random.default_rng(0)
    return plot_decision_regions(
        np.array([[0, 0, 1], [2, 1, 1]]),
        (0.0, 3.0, -1.0, 1.0),
        rng.uniform(0.0, 1.0, (6, 2)),
        np.array([0, 1, 2, 0, 1, 2]),
        np.array([0, 1, 2, 0, 0, 0]),
        ("left", "right", "dots"),
        "Regions",
        [np.array([[0.0, 0.0], [1.0, 0.5], [3.0, 1.0]])],
    )


def course(moments: int = 3):
    times = np.arange(1.0, 41.0)
    snapshots = [
        Snapshot(
            step=5 * i,
            title=f"Moment {i}",
            times=times,
            voltages=np.stack((np.sin(times), np.cos(times)), axis=1),
            adjoints=np.zeros((40, 2)),
            arrivals=np.array([[3.0, 5.0], [7.0, 9.0]]),
        )
        for i in range(moments)
    ]
    delays = np.linspace(0.0, 10.0, 11)[:, np.newaxis, np.newaxis] * np.ones((2, 2))
    return plot_delay_learning(snapshots, delays, " (class 0)")


def test_regions_and_wrong_points() -> None:
    (axis,) = regions().axes
    assert axis.get_title() == "Regions"
    assert (axis.get_xlim(), axis.get_ylim()) == ((0.0, 3.0), (-1.0, 1.0))
    np.testing.assert_array_equal(axis.images[0].get_array(), [[0, 0, 1], [2, 1, 1]])
    np.testing.assert_array_equal(axis.lines[0].get_xydata(), [[0.0, 0.0], [1.0, 0.5], [3.0, 1.0]])
    counts = {c.get_label(): len(c.get_offsets()) for c in axis.collections}
    assert counts == {"left": 2, "right": 2, "dots": 2, "wrong": 2}


@pytest.mark.parametrize("moments", [1, 3])
def test_course_of_delays(moments: int) -> None:
    figure = course(moments)
    assert len(figure.axes) == 2 * moments + 1
    assert figure.axes[0].get_ylabel() == "Voltage (class 0)"
    below = figure.axes[-1]
    lines = [line for line in below.lines if line.get_label().startswith("Input")]
    assert [line.get_label() for line in lines] == [
        "Input 0 to output 0",
        "Input 0 to output 1",
        "Input 1 to output 0",
        "Input 1 to output 1",
    ]
    np.testing.assert_allclose(lines[0].get_ydata(), np.linspace(0.0, 10.0, 11))


@pytest.mark.parametrize("figure", [regions, course])
def test_can_be_written(tmp_path: Path, figure) -> None:
    plotting.save_figure(figure(), tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes()[:4] == b"\x89PNG"
