from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlgenn_delays import plotting

matplotlib = pytest.importorskip("matplotlib")

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
