from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from mlgenn_delays import plotting
from mlgenn_delays.plotting.tasks import Snapshot, plot_delay_learning

matplotlib = pytest.importorskip("matplotlib")
pytest.importorskip("matplotlib.colors")

WIDTHS = (85.0 / 25.4, 170.0 / 25.4)


def raster(**changes: object):
    rng = np.random.default_rng(0)
    spikes = {
        "input": (rng.uniform(0, 100, 20), rng.integers(0, 4, 20), 4),
        "hidden1": (rng.uniform(0, 100, 30), rng.integers(0, 9, 30), 9),
        "hidden2": (np.zeros(0), np.zeros(0, int), 5),
    }
    arguments = {
        "spikes": spikes,
        "duration": 100.0,
        "voltages": rng.normal(size=(50, 3)),
        "dt": 2.0,
        "class_names": ("A", "B", "C"),
        "label": 1,
        "title": "A trial",
    }
    return plotting.plot_raster(**{**arguments, **changes})


def learning_curve(**changes: object):
    arguments = {
        "epochs": np.arange(5),
        "loss": {"Training": np.linspace(3, 1, 5), "Validation": np.linspace(3, 2, 5)},
        "accuracy": {"Training": np.linspace(0, 0.9, 5), "Validation": np.linspace(0, 0.7, 5)},
        "spikes_per_neuron": np.linspace(3, 5, 5),
        "best_epoch": 3,
        "test_accuracy": 0.625,
    }
    return plotting.plot_learning_curve(**{**arguments, **changes})


def delays():
    rng = np.random.default_rng(0)
    before = {"a": rng.uniform(0, 100, (4, 50)), "b": np.zeros((50, 50))}
    after = {"a": np.full((4, 50), 150.0), "b": rng.uniform(0, 9, (50, 50))}
    return plotting.plot_delays(before, after, {"a": 150.0, "b": 150.0})


def confusion():
    return plotting.plot_confusion(np.array([[3, 1, 0], [0, 2, 2], [0, 0, 0]]), ("A", "B", "Space"))


FIGURES = {
    "raster": raster,
    "learning_curve": learning_curve,
    "delays": delays,
    "confusion": confusion,
}

EPOCHS = np.arange(20)
NAMES = ["backward", "on", "go", "no", *(f"word{i}" for i in range(31))]


def curve_of(loss, accuracy, **changes):
    parts = ("Training", "Validation")
    return learning_curve(
        epochs=np.arange(len(loss)),
        loss=dict.fromkeys(parts, loss),
        accuracy=dict.fromkeys(parts, accuracy),
        **{"spikes_per_neuron": np.asarray(loss), **changes},
    )


def layers(size: int = 20):
    return {f"hidden{i}": np.linspace(i, 0, size) for i in (1, 2, 3)}


def course():
    times = np.arange(40.0)
    snapshot = Snapshot(
        step=0,
        title="Step 0",
        times=times,
        voltages=np.stack((np.sin(times), np.cos(times)), axis=1),
        adjoints=np.zeros((40, 2)),
        arrivals=np.array([[3.0, 5.0], [7.0, 9.0]]),
    )
    return plot_delay_learning([snapshot], np.zeros((1, 2, 2)))


#: Figures of data for which none of them was made.
AWKWARD = {
    "dead": lambda: curve_of(np.full(20, 3.5553), np.full(20, 1 / 35), spikes_per_neuron=layers()),
    "full": lambda: curve_of(np.exp(-EPOCHS / 4), np.ones(20), best_epoch=0, test_accuracy=1.0),
    "rising": lambda: curve_of(EPOCHS / 20, EPOCHS / 20),
    "falling": lambda: curve_of(np.linspace(2, 0, 20), np.linspace(1, 0, 20)),
    "one epoch": lambda: curve_of([2.0], [1.0], best_epoch=0, spikes_per_neuron=layers(1)),
    "no epochs": lambda: curve_of([], [], best_epoch=None),
    "not finite": lambda: curve_of(np.full(20, np.nan), np.where(EPOCHS < 5, 0.5, np.nan)),
    "diverged": lambda: curve_of(np.where(EPOCHS > 15, 1e30, 1.0), np.full(20, 0.5)),
    "rounding": lambda: curve_of(1e-17 * EPOCHS, 0.3 + 1e-16 * (EPOCHS % 2)),
    "rounded spikes": lambda: curve_of(
        np.exp(-EPOCHS / 4), np.ones(20), spikes_per_neuron=3.0 + 4e-16 * EPOCHS
    ),
    "delays of one value": lambda: plotting.plot_delays(
        {"a": np.full(9, 1e-17)}, {"a": np.full(9, 100.0)}, {"a": 100.0}
    ),
    "delays of rounding": lambda: plotting.plot_delays(
        {"a": np.zeros(9)}, {"a": np.full(9, 1e-17)}
    ),
    "35 classes": lambda: plotting.plot_confusion(np.ones((35, 35)), NAMES),
    "long names": lambda: raster(voltages=np.zeros((50, 35)), class_names=NAMES, label=0),
    "one neuron": lambda: raster(spikes={"hidden": (np.zeros(0), np.zeros(0, int), 1)}),
    "course": course,
}


def text_of(label) -> str:
    return label.get_text().replace("\N{MINUS SIGN}", "-")


def boxes(figure):
    """Of all legends and of what axes are drawn in, in pixels."""
    figure.canvas.draw()
    legends = [*figure.legends, *(a.get_legend() for a in figure.axes if a.get_legend())]
    return [x.get_window_extent() for x in legends], [
        a.patch.get_window_extent() for a in figure.axes
    ]


@pytest.mark.parametrize("name", [*FIGURES, *AWKWARD])
def test_legends_cover_nothing(name: str) -> None:
    figure = {**FIGURES, **AWKWARD}[name]()
    legends, areas = boxes(figure)
    assert legends or "classes" in name or name == "confusion"
    labels = [
        text.get_window_extent()
        for axis in figure.axes
        for text in (axis.title, axis.xaxis.label, axis.yaxis.get_offset_text())
        if text.get_text()
    ]
    for legend in legends:
        assert not any(legend.overlaps(other) for other in [*areas, *labels])
        inside = figure.bbox.padded(1.0)
        assert inside.x0 <= legend.x0 and legend.x1 <= inside.x1
        assert inside.y0 <= legend.y0 and legend.y1 <= inside.y1


@pytest.mark.parametrize("name", AWKWARD)
def test_axes_have_plain_numbers(name: str) -> None:
    """No sum or product with a number that stands elsewhere, such as 1e-17."""
    figure = AWKWARD[name]()
    figure.canvas.draw()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            assert axis.get_offset_text().get_text() == ""
            assert not any("e-" in text_of(t) for t in axis.get_ticklabels())
    if name in ("one epoch", "no epochs"):
        low, high = figure.axes[0].get_xlim()
        labels = figure.axes[0].get_xticklabels()
        shown = [text_of(t) for t in labels if low <= t.get_position()[0] <= high]
        assert shown == (["0"] if name == "one epoch" else ["0", "1"])


def colours_in(figure, axis, colour: str) -> np.ndarray:
    """Rows, counted from the upper edge of the axis, of pixels of a colour."""
    figure.set_dpi(300)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[:, :, :3].astype(int)
    area = axis.patch.get_window_extent()
    columns = pixels[:, round(area.x0) + 5 : round(area.x1) - 5]
    wanted = np.round(255 * np.array(matplotlib.colors.to_rgb(colour))).astype(int)
    rows = np.flatnonzero((np.abs(columns - wanted).max(axis=2) < 40).sum(axis=1) > 100)
    return rows - (len(pixels) - area.y1)


def test_curves_on_the_edges_are_drawn_whole() -> None:
    """A line of 1 pt has four rows of pixels at 300 dots per inch, wherever it is."""
    thickness = {}
    for accuracy in (0.0, 0.5, 1.0):
        figure = learning_curve(
            epochs=EPOCHS,
            loss={"Training": np.ones(20)},
            accuracy={"Training": np.full(20, accuracy)},
            spikes_per_neuron=None,
            best_epoch=None,
        )
        thickness[accuracy] = colours_in(figure, figure.axes[1], plotting.BLUE)
    assert len(thickness[0.5]) >= 3
    assert len(thickness[1.0]) == pytest.approx(len(thickness[0.5]), abs=1)
    assert thickness[1.0].min() < 0 < thickness[1.0].max()
    assert len(thickness[0.0]) > 0  # below the line of the axis itself


def test_spikes_by_layer() -> None:
    axes = learning_curve(spikes_per_neuron=layers(5)).axes[2]
    lines = [line for line in axes.lines if line.get_label().startswith("hidden")]
    assert [line.get_label() for line in lines] == ["hidden1", "hidden2", "hidden3"]
    assert [line.get_ydata()[0] for line in lines] == [1.0, 2.0, 3.0]
    assert len({line.get_color() for line in lines}) == 3
    assert [t.get_text() for t in axes.get_legend().get_texts()] == [
        "hidden1",
        "hidden2",
        "hidden3",
    ]
    # of all hidden neurons together there is nothing to tell apart
    assert learning_curve().axes[2].get_legend() is None
    assert len(learning_curve(spikes_per_neuron={}).axes) == 2
    many = {f"hidden{i}": np.ones(5) for i in range(12)}
    assert len(learning_curve(spikes_per_neuron=many).axes[2].get_legend().get_texts()) == 12
    with pytest.raises(ValueError, match=r"spikes_per_neuron\['a'\] has shape"):
        learning_curve(spikes_per_neuron={"a": np.zeros(4)})


def test_negative_losses_are_not_cut_off() -> None:
    """As of a likelihood."""
    axis = curve_of(np.linspace(-1, -2, 20), np.ones(20)).axes[0]
    assert axis.get_ylim()[0] < -2.0


def test_equal_curves_are_both_seen() -> None:
    dashes = [line.get_linestyle() for line in learning_curve().axes[0].lines[:2]]
    assert dashes[0] != dashes[1]


def test_delays_rounded_beyond_the_cap_are_counted() -> None:
    beyond = np.nextafter(np.full(9, 150.0), 200.0)
    (axis,) = plotting.plot_delays({"a": beyond}, {"a": beyond}, {"a": 150.0}).axes
    assert sum(p.get_data().values.sum() for p in axis.patches) == pytest.approx(400.0)


def test_names_of_classes_do_not_overlap() -> None:
    figure = AWKWARD["35 classes"]()
    figure.set_dpi(300)
    figure.canvas.draw()
    axis = figure.axes[0]
    for labels in (axis.get_xticklabels(), axis.get_yticklabels()):
        extents = [t.get_window_extent() for t in labels]
        assert len(extents) == 35
        # letters have some room below, which is empty
        assert not any(a.padded(-2).overlaps(b.padded(-2)) for a, b in pairwise(extents))


@pytest.mark.parametrize("name", FIGURES)
def test_axes_have_labels_and_readable_text(name: str) -> None:
    figure = FIGURES[name]()
    assert WIDTHS[0] - 0.01 < figure.get_figwidth() < WIDTHS[1] + 0.01
    figure.canvas.draw()
    for axes in figure.axes:
        assert axes.get_ylabel()
        assert axes.get_xlabel() or name == "raster" or axes.get_label() == "<colorbar>"
        texts = [axes.xaxis.label, axes.yaxis.label, *axes.get_xticklabels()]
        texts += axes.get_yticklabels() + (
            legend.get_texts() if (legend := axes.get_legend()) else []
        )
        assert min(t.get_fontsize() for t in texts) >= 7.0


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_files(name: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"x.{suffix}"
    plotting.save_figure(FIGURES[name](), path)
    assert path.read_bytes()[:4] == {"png": b"\x89PNG", "pdf": b"%PDF"}[suffix]
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_raster_has_a_row_per_population_and_the_voltages() -> None:
    axes = raster().axes
    labels = [a.get_ylabel().split("\n") for a in axes]
    assert labels == [
        ["Input", "channel"],
        ["Hidden1", "neuron"],
        ["Hidden2", "neuron"],
        ["Output", "voltage"],
    ]
    assert axes[-1].get_xlabel() == "Time (ms)"
    assert axes[-1].get_xlim() == (0.0, 100.0)
    assert [len(a.collections[0].get_offsets()) for a in axes[:3]] == [20, 30, 0]
    true = next(x for x in axes[-1].lines if x.get_label() == "B (true class)")
    # the voltage after the first timestep belongs to its end
    assert true.get_xdata()[0] == 2.0
    assert true.get_color() == plotting.BLUE


def test_raster_without_voltages() -> None:
    assert len(raster(voltages=None).axes) == 3


def test_learning_curve_shows_per_cent_and_the_test() -> None:
    loss, accuracy, spikes = learning_curve().axes
    assert (loss.get_xlabel(), accuracy.get_ylabel()) == ("Epoch", "Accuracy (%)")
    assert max(accuracy.lines[0].get_ydata()) == pytest.approx(90.0)
    entries = [t.get_text() for t in accuracy.get_legend().get_texts()]
    assert entries == ["Training", "Validation", "Test (62.5 %)"]
    assert spikes.get_ylabel().startswith("Hidden spikes")


def test_learning_curve_of_a_run_without_epochs() -> None:
    nothing = np.zeros(0)
    figure = learning_curve(
        epochs=nothing,
        loss={"Training": nothing},
        accuracy={"Training": nothing},
        spikes_per_neuron=nothing,
        best_epoch=None,
    )
    figure.canvas.draw()


def test_delays_are_shares_that_add_up() -> None:
    figure = delays()
    assert [a.get_title() for a in figure.axes] == ["a", "b"]
    for axes in figure.axes:
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("Delay (ms)", "Synapses (%)")
        outlines = [
            p for p in axes.patches if p.get_label() in ("Before training", "After training")
        ]
        assert len(outlines) == 2
        for outline in outlines:
            assert outline.get_data().values.sum() == pytest.approx(100.0)
    # axes end at the cap only where delays come near it
    assert figure.axes[0].get_xlim() == (0.0, 150.0)
    assert figure.axes[1].get_xlim()[1] < 10.0


def test_network_without_delays() -> None:
    (axes,) = plotting.plot_delays({}, {}).axes
    assert axes.texts[0].get_text() == "This network has no delays"


def test_confusion_rows_are_per_cent_of_a_class() -> None:
    image = confusion().axes[0].images[0]
    np.testing.assert_allclose(image.get_array(), [[75, 25, 0], [0, 50, 50], [0, 0, 0]])
    assert image.get_cmap().name == "viridis"


def test_settings_of_the_user_are_left_alone(tmp_path: Path) -> None:
    with matplotlib.rc_context({"font.size": 23.0, "axes.spines.top": True}):
        before = dict(matplotlib.rcParams)
        figure = learning_curve()
        plotting.save_figure(figure, tmp_path / "x.png")
        assert dict(matplotlib.rcParams) == before
        assert figure.axes[0].xaxis.label.get_fontsize() == 8.0


def test_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        plotting.save_figure(confusion(), tmp_path / "nowhere" / "x.png")
