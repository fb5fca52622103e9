"""Figures of studies: everything in sight, nothing covered."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex
from study_rows import VARIANTS, make_histograms, make_row, make_rows

from mlgenn_delays import plotting
from mlgenn_delays.studies.reports import figure_parts, figures
from mlgenn_delays.studies.reports.delay_figures import delay_figure
from mlgenn_delays.studies.reports.figures import accuracy_figure, difference_figure, measure_figure
from mlgenn_delays.studies.reports.grouping import compare_variants, group_rows


def draw_all(rows: list[dict[str, Any]], axes: tuple[str, ...] = ()) -> dict[str, Any]:
    """All figures of a study."""
    groups = group_rows(rows, axes)
    return {
        "hidden": accuracy_figure(groups, axes, title="A title"),
        "parameters": accuracy_figure(groups, axes, figures.PARAMETERS),
        "differences": difference_figure(compare_variants(groups, axes), "A title"),
        "spikes": measure_figure(groups, {"spikes_per_neuron_hidden": ""}, "Spikes", axes),
        "time": measure_figure(groups, {"seconds_per_epoch": ""}, "Time", axes, logarithmic=True),
        "delays": delay_figure(groups, make_histograms(rows), axes, "A title"),
    }


def boxes(figure: Any) -> tuple[list[Any], list[Any]]:
    """Places of the legends, and of the axes with their labels, in pixels."""
    figure.canvas.draw()
    render = figure.canvas.get_renderer()
    return (
        [legend.get_window_extent(render) for legend in figure.legends],
        [axis.get_tightbbox(render) for axis in figure.axes],
    )


@pytest.fixture(scope="module")
def drawn() -> dict[str, Any]:
    return draw_all(make_rows(num_seeds=5))


@pytest.fixture(scope="module")
def drawn_over() -> dict[str, Any]:
    rows = [
        row | {"tau_mem": tau}
        for tau in (20.0, 50.0, 100.0)
        for row in make_rows((8, 64), VARIANTS[2:], 3)
    ]
    return draw_all(rows, ("tau_mem",))


@pytest.mark.parametrize("which", ["drawn", "drawn_over"])
def test_legends_cover_nothing_and_all_is_in_the_picture(
    which: str, request: pytest.FixtureRequest
) -> None:
    for name, figure in request.getfixturevalue(which).items():
        legends, axes = boxes(figure)
        assert len(legends) == 1, name
        assert not any(legend.overlaps(axis) for legend in legends for axis in axes), name
        assert all(axis.get_legend() is None for axis in figure.axes)
        width, height = figure.canvas.get_width_height()
        for box in (*legends, *axes):
            assert box.x0 >= -1 and box.y0 >= -1, name
            assert box.x1 <= width + 1 and box.y1 <= height + 1, name


@pytest.mark.parametrize("which", ["drawn", "drawn_over"])
def test_labels_do_not_run_into_each_other(which: str, request: pytest.FixtureRequest) -> None:
    for name, figure in request.getfixturevalue(which).items():
        plotting.styled(figure.canvas.draw)()
        for axis in figure.axes:
            low, high = axis.get_xlim()
            places = sorted(
                (label.get_window_extent().x0, label.get_window_extent().x1)
                for place, label in zip(axis.get_xticks(), axis.get_xticklabels(), strict=True)
                if low <= place <= high and label.get_text()
            )
            assert len(places) > 1, name
            ends = [end for _, end in places[:-1]]
            assert all(e < start for e, (start, _) in zip(ends, places[1:], strict=True)), name
            titles = [a.title.get_window_extent() for a in figure.axes]
        assert not any(a.overlaps(b) for i, a in enumerate(titles) for b in titles[i + 1 :]), name


def test_points_and_bars(drawn: dict[str, Any]) -> None:
    (axis,) = drawn["hidden"].axes
    curves = {c.get_label(): c for c in axis.containers}
    assert list(curves) == [
        "feed-forward, no delays",
        "feed-forward, learned delays",
        "recurrent, no delays",
        "recurrent, learned delays between layers",
        "recurrent, learned delays",
    ]
    groups = [g for g in group_rows(make_rows(num_seeds=5)) if g.variant == "recurrent-learned"]
    found = [g.estimate("test_accuracy") for g in groups]
    line, _, (bars,) = curves["recurrent, learned delays"].lines
    assert line.get_xdata().tolist() == [8, 16, 32, 64, 128, 256]
    assert line.get_ydata() == pytest.approx([100 * e.mean for e in found])
    ends = [segment[:, 1].tolist() for segment in bars.get_segments()]
    assert ends == [pytest.approx([100 * e.low, 100 * e.high]) for e in found]
    assert [t.get_text() for t in axis.get_xticklabels()] == ["8", "16", "32", "64", "128", "256"]
    assert "of 5 seeds" in drawn["hidden"].legends[0].get_title().get_text()


def test_intervals_at_the_same_size_stand_beside_each_other(drawn: dict[str, Any]) -> None:
    for name, distance in (("hidden", 1.1), ("parameters", 0.0)):
        figure = drawn[name]
        figure.canvas.draw()
        (axis,) = figure.axes
        places = [
            c.lines[0].get_transform().transform(c.lines[0].get_xydata())[0, 0]
            - axis.transData.transform(c.lines[0].get_xydata())[0, 0]
            for c in axis.containers
        ]
        assert np.diff(places) == pytest.approx(distance * figure.dpi / 72), name
        assert sum(places) == pytest.approx(0.0, abs=1e-6), name


def test_numbers_of_parameters_are_on_the_axis(drawn: dict[str, Any]) -> None:
    (axis,) = drawn["parameters"].axes
    lines = {c.get_label(): c.lines[0].get_xdata().tolist() for c in axis.containers}
    assert lines["feed-forward, no delays"] == [408, 816, 1632, 3264, 6528, 13056]
    assert axis.get_xscale() == "log"


def test_nothing_is_cut_off_at_the_upper_edge() -> None:
    rows = [row | {"test_accuracy": 1.0 - 0.001 * (row["seed"] == 3)} for row in make_rows()]
    figure = accuracy_figure(group_rows(rows))
    assert figure is not None
    (axis,) = figure.axes
    assert axis.get_ylim()[1] == 100.0
    assert axis.get_ylim()[1] - axis.get_ylim()[0] >= 1.0
    for container in axis.containers:
        line, caps, bars = container.lines
        assert not any(artist.get_clip_on() for artist in (line, *caps, *bars))


@pytest.mark.parametrize("value", [0.1 + 0.2, 1.0, 1 / 3])
def test_axes_show_no_rounding_errors(value: float) -> None:
    rows = make_rows((8, 64), VARIANTS[2:], 3)
    for i, row in enumerate(rows):
        exact = value + (i % 2) * 1e-16
        row |= {"test_accuracy": min(exact, 1.0), "spikes_per_neuron_hidden": exact}
    for name, figure in draw_all(rows).items():
        figure.canvas.draw()
        for axis in figure.axes:
            assert axis.yaxis.get_offset_text().get_text() == "", name
            labels = [t.get_text() for t in axis.get_yticklabels() if t.get_text()]
            assert len(set(labels)) == len(labels) and not any("e" in t for t in labels), name


def test_colours_and_lines_say_the_variant(drawn: dict[str, Any]) -> None:
    for name in ("hidden", "parameters", "spikes", "time"):
        for container in drawn[name].axes[0].containers:
            label, line = container.get_label(), container.lines[0]
            assert line.is_dashed() if label.startswith("feed-forward") else not line.is_dashed()
            assert (
                to_hex(line.get_color()).upper()
                == figure_parts._COLOURS[
                    "none" if "no delays" in label else "input" if "between" in label else "learned"
                ]
            )


def test_curves_over_another_axis_are_told_apart(drawn_over: dict[str, Any]) -> None:
    for name in ("hidden", "spikes"):
        lines = [c.lines[0] for c in drawn_over[name].axes[0].containers]
        looks = {(str(line.get_color()), line.get_marker()) for line in lines}
        assert len(looks) == len(lines) == 9
    one = accuracy_figure(
        group_rows([r | {"lr": r["seed"]} for r in make_rows((8, 16), VARIANTS[:1])], ["lr"]),
        ["lr"],
    )
    assert one is not None
    lines = [c.lines[0] for c in one.axes[0].containers]
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == len(lines) == 10


def test_differences_have_a_panel_for_each_pair(drawn: dict[str, Any]) -> None:
    titles = [axis.get_title() for axis in drawn["differences"].axes]
    assert titles == [
        "feed-forward, learned delays\nagainst none",
        "recurrent, learned delays\nagainst none",
        "recurrent, learned delays between layers\nagainst none",
        "recurrent, learned delays\nagainst those between layers alone",
    ]
    (found, *_) = compare_variants(group_rows(make_rows(num_seeds=5)))
    (curve,) = drawn["differences"].axes[0].containers
    expected = [100 * e.mean for e in found.by_size.values()]
    assert curve.lines[0].get_ydata() == pytest.approx(expected)


def test_layers_have_a_panel_each() -> None:
    rows = [r | {"spikes_per_neuron_hidden2": 2.0} for r in make_rows((8, 64), num_seeds=2)]
    columns = {"spikes_per_neuron_hidden": "hidden1", "spikes_per_neuron_hidden2": "hidden2"}
    figure = measure_figure(group_rows(rows), columns, "Spikes")
    assert figure is not None
    assert [axis.get_title() for axis in figure.axes] == ["hidden1", "hidden2"]
    assert figure.axes[1].containers[0].lines[0].get_ydata().tolist() == [2.0, 2.0]


def test_delays_of_all_seeds_are_put_together(drawn: dict[str, Any]) -> None:
    titles = [axis.get_title() for axis in drawn["delays"].axes]
    assert len(titles) == 4
    assert titles[-1] == "recurrent, learned delays\nhidden → hidden"
    rows = make_rows((8,), ("recurrent-input",), 2)
    wide = {"edges_ms": [0.0, 5.0, 10.0], "counts": [3, 1]}
    narrow = {"edges_ms": [0.0, 2.5, 5.0], "counts": [1, 3]}
    entries = [{"learned": True, "histogram": h, "initial_histogram": wide} for h in (wide, narrow)]
    histograms = {r["folder"]: {"input_hidden": e} for r, e in zip(rows, entries, strict=True)}
    figure = delay_figure(group_rows(rows), histograms)
    assert figure is not None
    initial, after = figure.axes[0].patches
    assert after.get_data().values == pytest.approx(np.array([7, 1]) / 8 * 100 / 5)
    assert initial.get_data().values == pytest.approx(np.array([6, 2]) / 8 * 100 / 5)
    histograms[rows[0]["folder"]]["input_hidden"]["learned"] = False
    figure = delay_figure(group_rows(rows), histograms)
    assert figure is not None
    assert figure.axes[0].patches[-1].get_data().edges.tolist() == [0.0, 2.5, 5.0]


def test_delays_axis_ends_where_delays_do() -> None:
    rows = make_rows((8,), ("recurrent-input",), 1)
    counts = [5, 3, 0, 0, 0, 0, 0, 0, 0, 0]
    histogram = {"edges_ms": np.linspace(0, 1000, 11).tolist(), "counts": counts}
    entry = {"learned": True, "histogram": histogram}
    figure = delay_figure(group_rows(rows), {rows[0]["folder"]: {"input_hidden": entry}})
    assert figure is not None
    axis = figure.axes[0]
    assert axis.get_xlim() == (0.0, 200.0)
    figure.canvas.draw()
    assert axis.get_tightbbox().x1 <= figure.canvas.get_width_height()[0]


@pytest.mark.filterwarnings("error")
def test_wide_intervals_break_no_figure() -> None:
    rows = make_rows((8, 16), VARIANTS[2:], 3)
    for row in rows:
        row["seconds_per_epoch"] = 0.01 + 10.0 * (row["seed"] == 1)
        row["spikes_per_neuron_hidden"] = 0.1 * row["seed"]
    for name, figure in draw_all(rows).items():
        figure.canvas.draw()
        for axis in figure.axes:
            assert axis.get_window_extent().height > 80, name
    (axis,) = draw_all(rows)["time"].axes
    assert axis.get_ylim()[0] > 0.0


def test_only_what_there_is_is_drawn() -> None:
    rows = make_rows((8,), ("recurrent-none",), 1)
    groups = group_rows(rows)
    assert accuracy_figure(groups) is None
    assert difference_figure(compare_variants(groups)) is None
    assert measure_figure(groups, {"spikes_per_neuron_x": ""}, "Spikes") is None
    assert delay_figure(groups, make_histograms(rows)) is None
    assert group_rows([make_row("recurrent-none", 8, 0, status="failed")]) == []
    one = measure_figure(groups, {"seconds_per_epoch": ""}, "Time")
    assert one is not None
    assert one.legends[0].get_title().get_text() == "1 seed"
