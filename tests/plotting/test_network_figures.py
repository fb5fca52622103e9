"""Figures of compiled networks, of what callbacks recorded, and of histories."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from structured_examples import Recordings, Wrapped
from trained_networks import TIMESTEPS, compile_recurrent, make_spikes

from mlgenn_delays import Connection, Network, Population, plotting
from mlgenn_delays.callbacks import SpikeRecorder, VarRecorder
from mlgenn_delays.compilers import EventPropCompiler, InferenceCompiler
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.datasets.labelled_events import LabelledEvents
from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.neurons import AdaptiveLeakyIntegrateFire, LeakyIntegrate, SpikeInput
from mlgenn_delays.plotting import plot_delays, plot_learning_curve, plot_raster, plot_voltages
from mlgenn_delays.synapses import Exponential

pytest.importorskip("matplotlib")


@pytest.fixture
def compiled(recurrent):
    return compile_recurrent(recurrent)


def drawn(axis) -> np.ndarray:
    """Times and neurons of the spikes in a panel, (spikes, 2), sorted."""
    (points,) = axis.collections
    return np.array(sorted(map(tuple, np.asarray(points.get_offsets()))))


def recorded(times, neurons) -> np.ndarray:
    return np.array(sorted(zip(times, neurons)))


def labels_of(figure) -> list[str]:
    return [axis.get_ylabel().replace("\n", " ") for axis in figure.axes]


def legend_of(axis) -> list[str]:
    return [text.get_text() for text in axis.get_legend().get_texts()]


def dataset(spikes) -> EventDataset:
    offsets = np.cumsum([0, *(len(s.spike_times) for s in spikes)])
    times, neurons = [], []
    for s in spikes:
        ids = np.repeat(np.arange(8), np.diff(s.end_spikes, prepend=0))
        order = np.argsort(s.spike_times, kind="stable")
        times.append(s.spike_times[order])
        neurons.append(ids[order])
    return EventDataset(offsets, np.concatenate(times), np.concatenate(neurons), 8)


class TestRasterOfANetwork:
    def test_structured_events(self, compiled, recurrent, batch):
        """The input is flat: which channel an event is of, only the data set can say."""

        class Recordings:
            sensor_size = (4, 2, 1)

            def __len__(self):
                return 3

            def __getitem__(self, index):
                events = np.zeros(2, [("t", int), ("x", int), ("y", int)])
                events["t"], events["x"], events["y"] = [1000, 2000 + 1000 * index], 3, 1
                return events, index

        figure = plot_raster(compiled, {recurrent.x: Recordings()}, example=2)
        assert drawn(figure.axes[0]).tolist() == [[1.0, 7.0], [4.0, 7.0]]

    def test_it_is_what_recorders_record(self, compiled, recurrent, batch):
        x, y = batch
        callbacks = [SpikeRecorder(recurrent.h, "h"), VarRecorder(recurrent.y, "v", "v")]
        _, data = compiled.evaluate(x, y, callbacks=callbacks)
        for example in (0, 3):
            figure = plot_raster(compiled, x, example=example)
            assert labels_of(figure) == ["X channel", "H neuron", "Y voltage"]
            of = data["h"][0][example], data["h"][1][example]
            np.testing.assert_array_equal(drawn(figure.axes[1]), recorded(*of))
            assert len(of[0]) > 0
            lines = figure.axes[2].lines[:2]
            for line, voltage in zip(lines, data["v"][example].T):
                np.testing.assert_array_equal(line.get_ydata(), voltage)
                np.testing.assert_array_equal(line.get_xdata(), np.arange(1, TIMESTEPS + 1))
            assert figure.axes[2].get_xlim() == (0.0, TIMESTEPS)

    def test_examples_of_all_kinds(self, compiled, recurrent):
        spikes, _ = make_spikes(3, 8)
        events = dataset(spikes)
        whole = LabelledEvents(events, np.zeros(3, int), ("a",), 40.0, "generated")
        inputs = [spikes, events, tuple(spikes), whole]
        expected = [drawn(plot_raster(compiled, {recurrent.x: spikes[2]}).axes[i]) for i in (0, 1)]
        for given in inputs:
            figure = plot_raster(compiled, {recurrent.x: given}, example=2)
            for axis, points in zip(figure.axes, expected):
                np.testing.assert_array_equal(drawn(axis), points)

    def test_slices_of_structured_events(self):
        """The sensor's size is that of the data set, or of what it slices."""
        network = Network()
        with network:
            x = Population(SpikeInput(), 24)
            y = Population(LeakyIntegrate(readout="avg_var"), 3)
            Connection(x, y, Dense(1.0), Exponential(5.0))
        with InferenceCompiler(100, backend="reference").compile(network) as compiled:
            for given in (Recordings(), Wrapped(Recordings())):
                axis = plot_raster(compiled, {x: given}, example=4).axes[0]
                events, _ = Recordings()[4]
                channels = events["p"] + 2 * (events["x"] + 4 * events["y"])
                np.testing.assert_allclose(drawn(axis), recorded(events["t"] / 1e3, channels))
            with pytest.raises(ValueError, match=r"example is 9, allowed .* 0 to 8"):
                plot_raster(compiled, {x: Recordings()}, example=9)

    def test_true_class_and_names(self, compiled, batch):
        figure = plot_raster(compiled, batch[0], class_names=["A", "B"], label=1, title="A trial")
        assert legend_of(figure.axes[2]) == ["B (true class)", "A (highest other)"]
        assert figure.axes[0].get_title() == "A trial"
        assert legend_of(plot_raster(compiled, batch[0]).axes[2]) == ["0", "1"]

    def test_some_populations(self, compiled, recurrent, batch):
        figure = plot_raster(compiled, batch[0], populations=[recurrent.y, recurrent.h])
        assert labels_of(figure) == ["H neuron", "Y voltage"]
        from matplotlib.figure import Figure

        axis = Figure().subplots()
        assert plot_raster(compiled, batch[0], populations=recurrent.h, ax=axis) is axis.figure
        assert axis.get_ylabel() == "H\nneuron"
        with pytest.raises(
            ValueError, match=r"ax is one panel, there are 'x', 'h', 'y'.*populations="
        ):
            plot_raster(compiled, batch[0], ax=axis)

    def test_nothing_that_training_uses_changes(self, recurrent, batch):
        """Weights after training are those of a training that nobody looked at."""
        weights = []
        for look in (False, True):
            compiled = compile_recurrent(recurrent)
            for epoch in range(2):
                compiled.train(*batch, 1, start_epoch=epoch, callbacks=[])
                if look:
                    plot_raster(compiled, batch[0])
                    plot_voltages(compiled, batch[0])
                    plot_delays(compiled)
            weights.append(compiled.engine.get_parameters())
        for alone, seen in zip(*weights):
            np.testing.assert_array_equal(alone, seen)

    def test_inference(self, recurrent, batch):
        compiled = InferenceCompiler(TIMESTEPS, backend="reference").compile(recurrent.network)
        assert labels_of(plot_raster(compiled, batch[0]))[-1] == "Y voltage"

    @pytest.mark.parametrize(
        ("change", "error", "message"),
        [
            ({"x": None}, TypeError, r"plot_raster\(compiled, \{x: spikes\}\)"),
            ({"x": {}}, ValueError, "no data for the input"),
            ({"example": 4}, ValueError, "example is 4, allowed .* 0 to 3"),
            ({"example": -1}, ValueError, "example is -1"),
            ({"voltages": np.ones((2, 2))}, ValueError, "voltages is given.*leave it out"),
            ({"populations": []}, ValueError, "populations is empty"),
            ({"populations": "h"}, TypeError, "h"),
            ({"label": 2}, ValueError, "label is 2"),
        ],
    )
    def test_refused(self, compiled, batch, change, error, message):
        arguments = {"x": batch[0], **change}
        with pytest.raises(error, match=message):
            plot_raster(compiled, **arguments)

    def test_data_without_examples(self, compiled, recurrent):
        with pytest.raises(ValueError, match="x has no examples"):
            plot_raster(compiled, {recurrent.x: []})


class TestRasterOfData:
    @pytest.fixture
    def recording(self, compiled, recurrent, batch):
        recorder = SpikeRecorder(recurrent.h, "h", example_filter=[1, 3])
        return compiled.evaluate(*batch, callbacks=[recorder])[1]

    def test_recorders(self, recording, recurrent):
        times, neurons = recording["h"]
        expected = recorded(times[1], neurons[1])
        for given in (
            recording,
            recording["h"],
            (times[1], neurons[1]),
            {recurrent.h: recording["h"]},
        ):
            figure = plot_raster(given, example=1)
            np.testing.assert_array_equal(drawn(figure.axes[0]), expected)
        # a population knows its size, a recording does not
        assert figure.axes[0].get_ylim()[1] > 9.5
        assert labels_of(plot_raster(recording)) == ["H neuron"]
        assert labels_of(plot_raster(recording["h"])) == ["Neuron"]
        assert figure.axes[0].get_xlim()[1] == pytest.approx(1.02 * times[1].max())
        assert plot_raster(recording, 99.0).axes[0].get_xlim() == (0.0, 99.0)

    def test_preprocessed_spikes_and_data_sets(self):
        spikes, labels = make_spikes(3, 8)
        events = dataset(spikes)
        whole = LabelledEvents(events, np.array(labels), ("a", "b"), 40.0, "generated")
        times, ids = events.example(1)
        for given in (spikes[1], spikes, tuple(spikes), tuple(spikes[:2]), events, whole):
            axis = plot_raster(given, example=1 if given is not spikes[1] else 0).axes[0]
            np.testing.assert_array_equal(drawn(axis), recorded(times, ids))
            assert axis.get_ylim()[1] == pytest.approx(7.5 + 0.02 * 8)

    def test_without_spikes(self):
        axis = plot_raster({"hidden": ([], [], 4)}).axes[0]
        assert axis.get_xlim() == (0.0, 1.0)

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"h": ([np.ones(2)], [np.ones(2)])}, "example is 1, allowed"),
            ({"h": ([], [])}, "'h'.* has no examples"),
            ({"h": ([np.ones(2)] * 2, [np.ones(2)])}, "times of 2 examples and neurons of 1"),
            ({"h": ([np.ones(2)] * 2, [np.ones(3)] * 2)}, "neurons has shape"),
            ({"h": [1.0]}, "it should be times, neurons, size, or what a SpikeRecorder recorded"),
            (SimpleNamespace(end_spikes=[1, 3], spike_times=[1.0]), "end_spikes should rise"),
            (SimpleNamespace(end_spikes=[2, 1], spike_times=[1.0]), "end_spikes should rise"),
            (SimpleNamespace(end_spikes=[], spike_times=[]), "end_spikes should rise"),
            ({}, "there is nothing to draw"),
        ],
    )
    def test_refused(self, given, message):
        with pytest.raises(ValueError, match=message):
            plot_raster(given, example=1)


class TestVoltages:
    def test_outputs(self, compiled, recurrent, batch):
        recorder = VarRecorder(recurrent.y, "v", "v")
        _, data = compiled.evaluate(*batch, callbacks=[recorder])
        of_network = plot_voltages(compiled, batch[0], example=2, label=0)
        of_recording = plot_voltages(data["v"], example=2, label=0)
        of_array = plot_voltages(data["v"][2], label=0)
        for figure in (of_network, of_recording, of_array):
            (axis,) = figure.axes
            assert legend_of(axis) == ["0 (true class)", "1 (highest other)"]
            true = next(line for line in axis.lines if "true" in line.get_label())
            np.testing.assert_array_equal(true.get_ydata(), data["v"][2][:, 0])
        assert (labels_of(of_network), labels_of(of_array)) == (["Y voltage"], ["Voltage"])

    def test_neurons_that_spike(self, compiled, recurrent, batch):
        callbacks = [SpikeRecorder(recurrent.h, "h"), VarRecorder(recurrent.h, "v", "v")]
        _, data = compiled.evaluate(*batch, callbacks=callbacks)
        axis = plot_voltages(compiled, batch[0], populations=recurrent.h).axes[0]
        counts = np.bincount(data["h"][1][0], minlength=10)
        shown = [int(text.removeprefix("Neuron ")) for text in legend_of(axis)]
        assert sorted(counts[shown], reverse=True) == sorted(counts, reverse=True)[:3]
        marks = [line for line in axis.lines if line.get_marker() == "|"]
        for neuron, line in zip(shown, marks, strict=True):
            np.testing.assert_array_equal(
                np.sort(line.get_xdata()), np.sort(data["h"][0][0][data["h"][1][0] == neuron])
            )
            assert np.all(np.asarray(line.get_ydata()) > 1.0)
        dashed = [line for line in axis.lines if line.get_linestyle() == "--"]
        assert [list(line.get_ydata()) for line in dashed] == [[1.0, 1.0]]
        chosen = plot_voltages(compiled, batch[0], populations=recurrent.h, neurons=[9, 0]).axes[0]
        assert legend_of(chosen) == ["Neuron 9", "Neuron 0"]
        np.testing.assert_array_equal(chosen.lines[1].get_ydata(), data["v"][0][:, 9])

    def test_threshold_that_moves_is_no_line(self):
        with Network() as network:
            x = Population(SpikeInput(), 8, name="x")
            h = Population(AdaptiveLeakyIntegrateFire(), 2, name="h")
            y = Population(LeakyIntegrate(readout="avg_var"), 2, name="y")
            Connection(x, h, Dense(0.5), Exponential(5.0))
            Connection(h, y, Dense(0.5), Exponential(5.0))
        compiled = InferenceCompiler(TIMESTEPS).compile(network)
        axis = plot_voltages(compiled, {x: make_spikes(1, 8)[0]}, populations=h).axes[0]
        assert not [line for line in axis.lines if line.get_linestyle() == "--"]
        assert legend_of(axis) == ["Neuron 0", "Neuron 1"]

    def test_labels_are_in_the_picture(self, compiled, recurrent, batch):
        """With many neurons, and with long labels of ticks."""
        chosen = {"populations": recurrent.h, "neurons": range(7)}
        some = plot_voltages(compiled, batch[0], title="A trial", **chosen)
        for figure in (some, plot_voltages(np.linspace(0, 1.25, 60)[:, None] * np.ones(2))):
            figure.canvas.draw()
            (axis,) = figure.axes
            for part in (axis.yaxis.label, axis.get_legend(), axis.xaxis.label):
                extent = part.get_window_extent()
                assert extent.x0 >= 0.0 and extent.x1 <= figure.bbox.x1 + 1.0
            assert axis.get_window_extent().width > 0.7 * figure.bbox.width
        title = some._suptitle.get_window_extent()
        assert title.y0 >= some.axes[0].get_legend().get_window_extent().y1

    def test_several_panels(self, compiled, recurrent, batch):
        figure = plot_voltages(
            compiled, batch[0], populations=[recurrent.h, recurrent.y], title="A"
        )
        assert labels_of(figure) == ["H voltage", "Y voltage"]
        with pytest.raises(ValueError, match="ax is one panel, there are 'h', 'y'"):
            plot_voltages(
                compiled, batch[0], populations=[recurrent.h, recurrent.y], ax=figure.axes[0]
            )

    def test_many_outputs(self):
        voltages = np.tile(np.arange(20.0), (5, 1))
        axis = plot_voltages(voltages, class_names=[f"word {i}" for i in range(20)]).axes[0]
        assert legend_of(axis) == ["word 19 (highest)"]

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"populations": "x"}, "'x', which has no voltage 'V', its variables: none"),
            ({"neurons": [2]}, "neurons is 2, allowed are whole numbers from 0 to 1"),
            ({"label": 2}, "label is 2"),
            ({"example": 9}, "example is 9"),
        ],
    )
    def test_refused(self, compiled, recurrent, batch, change, message):
        if "populations" in change:
            change = {"populations": getattr(recurrent, change["populations"])}
        with pytest.raises(ValueError, match=message):
            plot_voltages(compiled, batch[0], **change)
        with pytest.raises(ValueError, match="voltages is empty"):
            plot_voltages([])


def shares_of(axis, label: str) -> np.ndarray:
    return next(p for p in axis.patches if p.get_label() == label).get_data().values


class TestDelays:
    def test_before_and_now(self, compiled, recurrent):
        first = np.ravel(recurrent_delays(compiled, recurrent))
        variable = compiled.connection_populations[recurrent.xh].vars["d"]
        variable.view[:] = 7.5
        variable.push_to_device()
        variable.view[:] = 1.0  # not pushed: looking must not lose it, nor take it for the truth
        figure = plot_delays(compiled)
        assert np.all(variable.view == 1.0)
        assert [a.get_title() for a in figure.axes] == ["x → h", "h → y (not learned)"]
        before, after = (shares_of(figure.axes[0], f"{w} training") for w in ("Before", "After"))
        edges = np.linspace(0.0, 8.0, 41)
        np.testing.assert_allclose(before, 100 * np.histogram(first, edges)[0] / len(first))
        np.testing.assert_allclose(after, 100 * np.histogram([7.5], edges)[0])
        (constant,) = (a for a in figure.axes if "h → y" in a.get_title())
        assert shares_of(constant, "Delays").sum() == pytest.approx(100.0)
        assert [line.get_xdata()[0] for line in constant.lines if len(line.get_xdata())] == [2.0]

    def test_steps_are_not_ms(self, recurrent):
        compiled = EventPropCompiler(
            TIMESTEPS,
            "sparse_categorical_crossentropy",
            dt=0.5,
            backend="reference",
            delay_learn_conns=[recurrent.xh],
        ).compile(recurrent.network)
        axis = plot_delays(compiled, connections=recurrent.xh).axes[0]
        assert axis.get_xlim()[1] <= 4.0
        means = [line.get_xdata()[0] for line in axis.lines if len(line.get_xdata())]
        expected = 0.5 * recurrent_delays(compiled, recurrent).mean()
        assert means == pytest.approx([expected] * 2)

    def test_inference_has_no_before(self, recurrent):
        compiled = InferenceCompiler(TIMESTEPS, backend="reference").compile(recurrent.network)
        figure = plot_delays(compiled)
        assert [a.get_title() for a in figure.axes] == ["x → h", "h → y"]
        shares_of(figure.axes[0], "Delays")
        assert [t.get_text() for t in figure.legends[0].get_texts()] == ["Delays", "Mean"]

    def test_connections_between_the_same_populations(self):
        with Network() as network:
            x = Population(SpikeInput(), 2, name="x")
            y = Population(LeakyIntegrate(readout="avg_var"), 2, name="y")
            for tau in (2.0, 5.0):
                Connection(x, y, Dense(0.1, 3), Exponential(tau), name=f"c{tau:g}")
        compiled = InferenceCompiler(10, backend="reference").compile(network)
        assert [a.get_title() for a in plot_delays(compiled).axes] == ["x → y", "x → y, 2"]

    def test_network_without_delays(self):
        with Network() as network:
            x = Population(SpikeInput(), 2)
            Connection(x, Population(LeakyIntegrate(readout="avg_var"), 2), Dense(0.1))
        compiled = InferenceCompiler(10, backend="reference").compile(network)
        (axis,) = plot_delays(compiled).axes
        assert axis.texts[0].get_text() == "This network has no delays"

    def test_one_distribution(self):
        (axis,) = plot_delays({"a": [1.0, 2.0]}).axes
        assert [t.get_text() for t in axis.figure.legends[0].get_texts()] == ["Delays", "Mean"]

    def test_refused(self, compiled, recurrent):
        from matplotlib.figure import Figure

        axis = Figure().subplots()
        with pytest.raises(ValueError, match=r"ax is one panel, there are 'x → h', .*connections="):
            plot_delays(compiled, ax=axis)
        with pytest.raises(ValueError, match="leave them out"):
            plot_delays(compiled, {"x": [1.0]})
        with pytest.raises(TypeError, match=r"plot_delays\(compiler.compile\(network\)\)"):
            plot_delays(recurrent.network)
        for wrong in ([], "x", [3]):
            with pytest.raises((ValueError, TypeError), match="connections"):
                plot_delays(compiled, connections=wrong)
        plot_delays(compiled, connections=recurrent.xh, ax=axis)
        assert axis.get_title() == "x → h"
        with pytest.raises(
            TypeError, match="ax should be the axes of a figure, or None, not a int"
        ):
            plot_delays({"a": [1.0]}, ax=3)


def recurrent_delays(compiled, recurrent) -> np.ndarray:
    return compiled.connection_populations[recurrent.xh].vars["d"].values


class TestLearningCurve:
    def test_history(self, compiled, batch):
        compiled.train(*batch, 3, callbacks=[], validation_x=batch[0], validation_y=batch[1],
                       validation_callbacks=[])  # fmt: skip
        for given in (compiled, compiled.history):
            figure = plot_learning_curve(given, best_epoch=1, test_accuracy=0.5)
            loss, accuracy, spikes = figure.axes
            assert (loss.get_ylabel(), accuracy.get_ylabel()) == ("Loss", "Accuracy (%)")
            assert legend_of(loss) == ["Training", "Validation", "Kept epoch"]
            assert legend_of(accuracy) == ["Training", "Validation", "Test (50.0 %)"]
            assert legend_of(spikes) == ["h"]
            history = compiled.history
            np.testing.assert_array_equal(loss.lines[0].get_ydata(), [r.loss for r in history])
            np.testing.assert_allclose(
                accuracy.lines[1].get_ydata(), [100 * r.validation_metrics["y"] for r in history]
            )
            np.testing.assert_array_equal(
                spikes.lines[0].get_ydata(), [r.spikes_per_neuron["h"] for r in history]
            )
        first = plot_learning_curve(compiled.history[:1] + compiled.history[2:]).axes[0]
        np.testing.assert_array_equal(first.lines[0].get_xdata(), [0, 2])

    def test_without_validation(self, compiled, batch):
        compiled.train(*batch, 1, callbacks=[])
        assert legend_of(plot_learning_curve(compiled).axes[0]) == ["Training"]

    def test_other_metrics_are_no_accuracy(self, compiled, batch):
        compiled.train(*batch, 1, callbacks=[])
        (record,) = compiled.history
        error = replace(record, metrics={"y": 0.03}, metric_names={"y": "MeanSquareError"})
        axis = plot_learning_curve([error]).axes[1]
        assert axis.get_ylabel() == "Mean square error"
        assert list(axis.lines[0].get_ydata()) == [0.03]
        nothing = replace(record, metrics={"y": None})
        assert [a.get_ylabel() for a in plot_learning_curve([nothing]).axes] == [
            "Loss",
            "Hidden spikes\nper neuron and trial",
        ]

    def test_several_outputs(self, compiled, batch):
        compiled.train(*batch, 1, callbacks=[])
        (record,) = compiled.history
        kinds = dict.fromkeys(("a", "b"), "SparseCategoricalAccuracy")
        both = replace(record, metrics={"a": 0.5, "b": 1.0}, metric_names=kinds)
        axis = plot_learning_curve([both]).axes[1]
        assert legend_of(axis) == ["a, training", "b, training"]

    def test_refused(self, compiled, batch):
        for untrained in (compiled, compiled.history):
            with pytest.raises(ValueError, match="has not been trained: call train first"):
                plot_learning_curve(untrained)
        compiled.train(*batch, 1, callbacks=[])
        with pytest.raises(ValueError, match="leave them out"):
            plot_learning_curve(compiled, {"Training": [1.0]})
        with pytest.raises(TypeError, match="should be a history of EpochRecord, one is 3"):
            plot_learning_curve([*compiled.history, 3])
        returned = compiled.train(*batch, 1, callbacks=[])
        for given in ([0, 1], returned, returned[0]):
            with pytest.raises(TypeError, match="epochs should be a compiled network"):
                plot_learning_curve(given)
        with pytest.raises(TypeError, match="loss should be a dictionary"):
            plot_learning_curve([0, 1], accuracy={"Training": [0.5, 1.0]})


def test_confusion_without_names() -> None:
    from matplotlib.figure import Figure

    axis = Figure().subplots()
    assert plotting.plot_confusion([[3, 1], [0, 2]], ax=axis) is axis.figure
    assert [t.get_text() for t in axis.get_xticklabels()] == ["0", "1"]
    with pytest.raises(ValueError, match="class_names has 1 names, there should be 2"):
        plotting.plot_confusion([[3, 1], [0, 2]], ["a"])


def test_everything_is_exported() -> None:
    for name in plotting.__all__:
        assert hasattr(plotting, name)
