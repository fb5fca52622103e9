"""Small tasks: sequence detection, Yin-Yang, permuted sequential MNIST."""

from __future__ import annotations

import csv
import json
import struct
from pathlib import Path
from typing import Any

import matplotlib.path
import numpy as np
import pytest

from mlgenn_delays import plotting
from mlgenn_delays.compilers import load_checkpoint
from mlgenn_delays.datasets import stratified_split
from mlgenn_delays.datasets.mnist import encode_pixels, load_mnist
from mlgenn_delays.events.flatten import flatten_spikes
from mlgenn_delays.plotting import tasks as task_plotting
from mlgenn_delays.studies import Task
from mlgenn_delays.studies.commands.options import parse
from mlgenn_delays.studies.commands.task_command import main
from mlgenn_delays.studies.task import load_data
from mlgenn_delays.studies.tasks import psmnist, sequence_detection, yin_yang
from mlgenn_delays.utils.data import generate_yin_yang_dataset


def run(task: Task, out: Path, *arguments: str) -> dict[str, Any]:
    """Summary of a run."""
    assert main(task, [*arguments, "--threads", "1", "--out", str(out)]) == 0
    return json.loads((out / "summary.json").read_text())


def rows(out: Path) -> list[dict[str, str]]:
    with open(out / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


def check_generated(
    task: Task, out: Path, capsys: pytest.CaptureFixture[str], *arguments: str
) -> None:
    """Run, continue and evaluate: nothing is called a stand-in."""
    assert run(task, out / "a", *arguments)["dataset"] == "generated"
    source = json.loads((out / "a" / "config.json").read_text())["data"]["source"]
    assert source["dataset"] == "generated"
    run(task, out / "a", "--resume", "--epochs", "2")
    run(task, out / "b", "--evaluate", str(out / "a" / "checkpoint_best.npz"), "--quick")
    said = capsys.readouterr()
    assert "Data:    generated, " in said.out
    assert "DATA" not in said.out + said.err


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple]:
    """Arguments of the pictures of tasks, which are not drawn."""
    calls: dict[str, tuple] = {}
    for name in ("plot_decision_regions", "plot_delay_learning"):
        monkeypatch.setattr(task_plotting, name, lambda *a, name=name: calls.__setitem__(name, a))
    return calls


@pytest.mark.usefixtures("blank_pictures")
class TestSequenceDetection:
    def test_delays_alone_solve_it(self, tmp_path: Path, drawn: dict[str, tuple]) -> None:
        summary = run(sequence_detection.TASK, tmp_path)
        assert summary["test_accuracy"] == 1.0
        assert (summary["n_weights"], summary["n_delays"]) == (0, 4)
        assert summary["spikes_per_neuron"] == {}
        state = load_checkpoint(tmp_path / "checkpoint_last.npz")
        start = "parameters/connections/input_output"
        np.testing.assert_array_equal(state[f"{start}/g"], np.ones((2, 2)))
        delays = state[f"{start}/d"]
        # spikes of one order are brought together at the output that stands for it
        assert np.all(np.diag(delays) > 10.0)
        assert np.all(delays[[0, 1], [1, 0]] < 1.0)
        before, during, after = drawn["plot_delay_learning"][0]
        assert "50% of trials right" in before.title
        assert "100% of trials right" in after.title
        # with the same delays both outputs do the same
        np.testing.assert_array_equal(before.voltages[:, 0], before.voltages[:, 1])
        assert after.voltages[:, 0].max() > 1.3 * after.voltages[:, 1].max()
        # the better the answer, the less there is to correct
        peaks = [np.abs(s.adjoints).max() for s in (before, during, after)]
        assert peaks == sorted(peaks, reverse=True)
        assert np.ptp(before.arrivals[:, 0]) > 10.0
        assert np.ptp(after.arrivals[:, 0]) < 4.0
        course = drawn["plot_delay_learning"][1]
        assert course.shape == (after.step + 1, 2, 2)
        np.testing.assert_array_equal(course[0], np.zeros((2, 2)))
        np.testing.assert_allclose(course[-1], delays, atol=1e-4)

    def test_picture_leaves_the_best_network_alone(self, tmp_path: Path) -> None:
        for out, limit in ((tmp_path / "a", "256"), (tmp_path / "b", "64")):
            run(sequence_detection.TASK, out, "--epochs", "2", "--limit", limit)
        best = load_checkpoint(tmp_path / "a" / "checkpoint_best.npz")
        assert best["parameters/connections/input_output/d"].max() > 0.5

    @pytest.mark.parametrize("delays", ["none", "fixed"])
    def test_without_learning_half_is_right(
        self, tmp_path: Path, drawn: dict[str, tuple], delays: str
    ) -> None:
        summary = run(sequence_detection.TASK, tmp_path, "--delays", delays, "--epochs", "2")
        assert summary["test_accuracy"] == 0.5
        assert summary["n_parameters"] == 0
        assert drawn == {}

    def test_resumed_run_remembers_the_course(
        self, tmp_path: Path, drawn: dict[str, tuple]
    ) -> None:
        arguments = ("--quick", "--batch-size", "16")
        run(sequence_detection.TASK, tmp_path, *arguments, "--epochs", "2")
        first = drawn["plot_delay_learning"][1]
        run(sequence_detection.TASK, tmp_path, *arguments, "--epochs", "3", "--resume")
        assert (len(first), len(drawn["plot_delay_learning"][1])) == (9, 13)
        np.testing.assert_array_equal(drawn["plot_delay_learning"][1][:9], first)

    def test_on_the_reference(self, tmp_path: Path, drawn: dict[str, tuple]) -> None:
        arguments = ("--quick", "--backend", "reference", "--epochs", "1")
        assert run(sequence_detection.TASK, tmp_path, *arguments)["test_accuracy"] == 1.0
        assert "plot_delay_learning" in drawn

    def test_its_data_are_no_stand_in(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        arguments = ("--quick", "--epochs", "1")
        check_generated(sequence_detection.TASK, tmp_path, capsys, *arguments)

    @pytest.mark.parametrize("option", ["--hidden", "--lr", "--data"])
    def test_options_that_make_no_sense(
        self, option: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        value = "synthetic" if option == "--data" else "1"
        assert main(sequence_detection.TASK, [option, value]) == 2
        assert f"argument {option}: not for sequence_detection" in capsys.readouterr().err


@pytest.mark.usefixtures("blank_pictures")
class TestYinYang:
    def test_few_neurons_learn(self, tmp_path: Path, drawn: dict[str, tuple]) -> None:
        arguments = ("--hidden", "5", "--epochs", "8", "--dt", "0.1", "--limit", "1500")
        summary = run(yin_yang.TASK, tmp_path, *arguments)
        assert summary["test_accuracy"] > 0.8  # three classes
        assert (summary["n_weights"], summary["n_delays"]) == (40, 40)
        regions, _, points, labels, predictions, names = drawn["plot_decision_regions"][:6]
        assert regions.shape == (200, 200)
        assert set(np.unique(regions)) == {0, 1, 2}
        assert (len(points), names) == (1000, ("yang", "yin", "dots"))
        assert np.mean(labels == predictions) == summary["test_accuracy"]
        # each point lies in a region of the class it was given
        column, row = np.minimum((200 * points).astype(int), 199).T
        assert np.mean(regions[row, column] == predictions) > 0.97

    def test_on_the_reference(self, tmp_path: Path, drawn: dict[str, tuple]) -> None:
        arguments = ("--quick", "--backend", "reference", "--limit", "20", "--epochs", "1")
        summary = run(yin_yang.TASK, tmp_path, *arguments)
        assert summary["backend"] == "reference"
        assert drawn["plot_decision_regions"][0].shape == (20, 20)

    def test_its_data_are_no_stand_in(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        check_generated(yin_yang.TASK, tmp_path, capsys, "--quick", "--epochs", "1")

    def test_timestep_that_leaves_nothing_of_spike_times(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "out"
        arguments = ["--quick", "--dt", "1000", "--out", str(out)]
        assert main(yin_yang.TASK, arguments) == 2
        assert "dt is 1000, allowed are at most 5: trials of 50" in capsys.readouterr().err
        assert not out.exists()

    @pytest.mark.parametrize("delays", ["none", "fixed"])
    def test_without_learned_delays(self, tmp_path: Path, delays: str) -> None:
        summary = run(yin_yang.TASK, tmp_path, "--quick", "--delays", delays)
        assert (summary["n_weights"], summary["n_delays"]) == (40, 0)

    def test_true_borders(self) -> None:
        spikes, labels = generate_yin_yang_dataset(2000, yin_yang.SCALE, yin_yang.OFFSET, rng=4)
        points = yin_yang.places_of(flatten_spikes(spikes, 5, yin_yang.DURATION))
        outline, between, *dots = (matplotlib.path.Path(b) for b in yin_yang.true_borders())
        assert np.all(outline.contains_points(points, radius=0.01))
        in_dots = np.any([dot.contains_points(points) for dot in dots], axis=0)
        x, y = between.vertices.T
        expected = np.where(in_dots, 2, points[:, 1] > np.interp(points[:, 0], x, y))
        assert np.mean(expected == labels) > 0.99  # lines are polygons

    def test_spikes_of_places(self) -> None:
        spikes, _ = generate_yin_yang_dataset(20, yin_yang.SCALE, yin_yang.OFFSET, rng=4)
        events = flatten_spikes(spikes, 5, yin_yang.DURATION)
        places = yin_yang.places_of(events)
        assert 0.0 <= places.min() <= places.max() <= 1.0
        again = yin_yang.spikes_of(places)
        again.check_structure("again")
        np.testing.assert_allclose(again.times, events.times, atol=1e-4)
        np.testing.assert_array_equal(again.neurons, events.neurons)


@pytest.mark.usefixtures("blank_pictures")
class TestPSMNIST:
    def test_quick_run(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        summary = run(psmnist.TASK, tmp_path, "--quick", "--epochs", "1")
        assert "drawn digits, not the handwritten ones" in capsys.readouterr().err
        assert (summary["dataset"], summary["n_train"], summary["n_test"]) == ("synthetic", 128, 40)
        source = json.loads((tmp_path / "config.json").read_text())["data"]["source"]
        # the order of pixels must never change: results would not be comparable any more
        assert source["order"] == psmnist._describe_order()
        assert source["order"]["first_pixels"] == [318, 2, 606, 446, 758, 13, 98, 539]
        assert "mean_delay_ms_hidden_hidden" in rows(tmp_path)[0]
        assert "mean_delay_ms_input_hidden" in rows(tmp_path)[0]

    def test_encodings_and_no_recurrent_delays(self, tmp_path: Path) -> None:
        arguments = ("--encoding", "crossings", "--thresholds", "50", "200", "--hidden", "8")
        summary = run(
            psmnist.TASK,
            tmp_path,
            *("--quick", "--epochs", "1", "--no-recurrent-delays", *arguments),
        )
        # 2 thresholds, ON and OFF; to, among and from the hidden neurons
        assert summary["n_weights"] == 4 * 8 + 8 * 8 + 8 * 10
        assert summary["n_delays"] == 4 * 8
        assert "mean_delay_ms_hidden_hidden" not in rows(tmp_path)[0]

    @pytest.mark.parametrize(
        ("arguments", "thresholds", "encoding"),
        [
            ((), psmnist.THRESHOLDS, "levels"),
            (("--encoding", "crossings", "--thresholds", "50", "200"), (50, 200), "crossings"),
        ],
    )
    def test_parts_are_the_images_of_the_split(
        self, arguments: tuple[str, ...], thresholds: tuple[int, ...], encoding: str
    ) -> None:
        argv = ("--quick", "--data", "synthetic", *arguments)
        data = load_data(psmnist.TASK, psmnist.TASK.config(parse(psmnist.TASK, argv)[0]))
        mnist = load_mnist("synthetic", num_per_class=psmnist.NUM_SYNTHETIC_QUICK)
        order = np.random.default_rng(0).permutation(784)
        split = stratified_split(mnist.labels, psmnist.SPLIT)
        for part, indices in zip((data.train, data.validation, data.test), split, strict=True):
            indices = indices[: len(part)]
            expected = encode_pixels(mnist.images[indices], thresholds, order, encoding)
            for name in ("offsets", "times", "neurons"):
                np.testing.assert_array_equal(getattr(part.events, name), getattr(expected, name))
            np.testing.assert_array_equal(part.labels, mnist.labels[indices])
        assert (len(data.train), len(data.validation), len(data.test)) == (128, 20, 40)

    def test_checkpoint_wants_the_encoding_it_was_trained_with(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        run(psmnist.TASK, tmp_path / "a", "--quick", "--epochs", "1", "--hidden", "8")
        others = ("--thresholds", *map(str, range(101, 117)), "--threads", "1", "--quick")
        checkpoint = ("--evaluate", str(tmp_path / "a" / "checkpoint_best.npz"))
        assert len(psmnist.THRESHOLDS) == 16  # the network would take the others, too
        out = ("--out", str(tmp_path / "b"))
        assert main(psmnist.TASK, [*checkpoint, *others, *out]) == 2
        error = capsys.readouterr().err
        assert "trained with data made in another way: thresholds was [" in error
        assert "and is [101, 102, " in error
        assert not (tmp_path / "b").exists()
        run(psmnist.TASK, tmp_path / "b", *checkpoint, "--quick")

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ("0", "thresholds is 0, allowed are whole numbers from 1 to 255"),
            ("256", "thresholds is 256, allowed are whole numbers from 1 to 255"),
            ("x", "Error parsing --thresholds: "),
        ],
    )
    def test_bad_threshold(
        self, value: str, message: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit):
            main(psmnist.TASK, ["--thresholds", value])
        assert message in " ".join(capsys.readouterr().err.replace("│", " ").split())

    def test_no_thresholds(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(psmnist.TASK, ["--quick", "--thresholds", "--out", str(tmp_path)]) == 2
        assert "thresholds" in capsys.readouterr().err

    def test_thresholds_that_do_not_rise(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        arguments = ["--quick", "--thresholds", "200", "50", "--out", str(tmp_path)]
        assert main(psmnist.TASK, arguments) == 2
        assert "allowed are rising numbers above 0" in capsys.readouterr().err

    def test_damaged_files(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "t10k-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03")
        (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(b"")
        arguments = ["--quick", "--data-dir", str(tmp_path), "--out", str(tmp_path / "out")]
        assert main(psmnist.TASK, arguments) == 2
        assert "header of the IDX file is cut after 4 bytes" in capsys.readouterr().err

    @pytest.mark.parametrize(("num_train", "sizes"), [(0, (750, 62, 188)), (600, (550, 50, 400))])
    def test_published_parts_are_kept_apart(self, num_train: int, sizes: tuple) -> None:
        labels = np.arange(1000) % 10
        images = np.zeros((1000, 28, 28), np.uint8)
        parts = psmnist._split(psmnist.Mnist(images, labels, num_train, "real", {}))
        for part, size in zip(parts, sizes, strict=True):
            assert abs(len(part) - size) <= 10
        assert len(np.unique(np.concatenate(parts))) == 1000
        if num_train:
            np.testing.assert_array_equal(parts[2], np.arange(600, 1000))


@pytest.mark.parametrize(
    ("task", "picture"),
    [
        (sequence_detection.TASK, "sequence_detection"),
        (yin_yang.TASK, "decision_regions"),
    ],
)
def test_pictures(
    tmp_path: Path, task: Task, picture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = plotting.save_figure
    # of all pictures, only the one that is tested: drawing takes long
    monkeypatch.setattr(
        plotting, "save_figure", lambda figure, path: path.stem == picture and save(figure, path)
    )
    run(task, tmp_path, "--quick", "--epochs", "1")
    content = (tmp_path / f"{picture}.png").read_bytes()
    width = struct.unpack(">I", content[16:20])[0]
    assert 84.0 < width / 300.0 * 25.4 < 171.0
