import numpy as np
import pytest
from fake_compiled_network import FakeCompiledNetwork

from mlgenn_delays.callbacks import (
    Checkpoint,
    EarlyStopping,
    OptimiserParamSchedule,
    WakeSilentNeurons,
)
from mlgenn_delays.metrics import MeanSquareError
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.serialisers import Numpy


class Result:
    def __init__(self, result):
        self.result = result


class TestCheckpoint:
    def test_interval(self, compiled, make_list, tmp_path):
        callback = Checkpoint(Numpy(tmp_path), 2)
        callback_list = make_list(callback)
        assert callback.describe_last_saved() is None
        for epoch in range(4):
            callback_list.on_epoch_end(epoch, {})
        assert [keys for keys, _ in compiled.saved] == [(0,), (2,)]
        assert compiled.saved[0][1].path == str(tmp_path)
        assert callback.describe_last_saved() == "checkpoint of epoch 2"

    def test_a_folder_that_cannot_be_written_is_found_before_training(self, make_list, tmp_path):
        callback = Checkpoint(Numpy(tmp_path / "folder"))
        (tmp_path / "folder").rmdir()
        with pytest.raises(OSError, match="path cannot be written"):
            make_list(callback)

    def test_bad_arguments(self):
        with pytest.raises(ValueError, match="Checkpoint: epoch_interval is 0"):
            Checkpoint("numpy", 0)
        with pytest.raises(ValueError, match="Serialiser 'nonsense' is unknown"):
            Checkpoint("nonsense")


class TestOptimiserParamSchedule:
    def test_all_optimisers(self, compiled, make_list):
        callback_list = make_list(OptimiserParamSchedule("alpha", lambda e, a: a / (e + 1)))
        callback_list.on_epoch_begin(0)
        callback_list.on_epoch_begin(1)
        assert [o.alpha for o, _ in compiled.optimisers] == [0.05, 0.1]

    def test_shared_optimiser_is_changed_once(self, compiled, make_list):
        shared = Adam(1.0)
        compiled.optimisers = [(shared, []), (shared, [])]
        make_list(OptimiserParamSchedule("alpha", lambda e, a: a / 2)).on_epoch_begin(0)
        assert shared.alpha == 0.5

    def test_unknown_parameter(self, make_list):
        with pytest.raises(ValueError, match="param_name is 'rate', Adam has alpha, beta1"):
            make_list(OptimiserParamSchedule("rate", lambda e, a: a))


class TestEarlyStopping:
    def run(self, compiled, callback, values):
        callback.set_params(compiled_network=compiled)
        for epoch, value in enumerate(values):
            callback.on_epoch_end(epoch, {"out": Result(value), "other": Result(-value)})
            if compiled.stop_training:
                return epoch
        return None

    @pytest.mark.parametrize(
        ("arguments", "values", "stopped", "best_epoch"),
        [
            ({"patience": 2}, [1, 2, 2, 2, 3], 3, 1),
            ({"patience": 2}, [1, 2, 1, 3, 1, 1], 5, 3),
            ({"patience": 3}, [1, 2, 3, 4], None, 3),
            ({"patience": 1, "mode": "min"}, [3, 2, 4], 2, 1),
            ({"patience": 2, "min_delta": 0.5}, [1, 1.4, 1.5, 1.6], 2, 0),
            ({"patience": 2}, [1, np.nan, np.nan], 2, 0),
            ({"patience": 2, "metric": "other"}, [1, 2, 3], 2, 0),
            ({"patience": 2, "metric": lambda m: m["other"].result}, [1, 2, 3], 2, 0),
        ],
    )
    def test_stops(self, compiled, arguments, values, stopped, best_epoch):
        callback = EarlyStopping(**arguments)
        assert self.run(compiled, callback, values) == stopped
        assert callback.stopped_epoch == stopped
        assert callback.best_epoch == best_epoch

    def test_resume(self, compiled):
        values = [1, 3, 2, 2, 2, 2]
        first = EarlyStopping(4)
        assert self.run(compiled, first, values[:4]) is None
        second = EarlyStopping(4)
        second.set_params(compiled_network=compiled)
        second.load_state_dict(first.state_dict())
        assert (second.best, second.best_epoch) == (3.0, 1)
        for epoch in (4, 5):
            assert not compiled.stop_training
            second.on_epoch_end(epoch, {"out": Result(2)})
        assert compiled.stop_training

    def test_state_without_epochs(self):
        callback = EarlyStopping()
        callback.load_state_dict(EarlyStopping().state_dict())
        assert (callback.best, callback.best_epoch) == (None, None)

    def test_new_run_starts_afresh(self, compiled):
        callback = EarlyStopping(2)
        self.run(compiled, callback, [5, 4])
        assert self.run(compiled, callback, [3, 4]) is None
        assert callback.best == 4.0

    def test_bad_arguments(self, compiled):
        with pytest.raises(ValueError, match="EarlyStopping: patience is 0"):
            EarlyStopping(0)
        with pytest.raises(ValueError, match="mode is 'best', allowed are 'max', 'min'"):
            EarlyStopping(mode="best")
        with pytest.raises(ValueError, match="EarlyStopping: min_delta is -1"):
            EarlyStopping(min_delta=-1)
        with pytest.raises(
            ValueError, match="metric is 'nonsense', allowed are the outputs out, other"
        ):
            self.run(compiled, EarlyStopping(metric="nonsense"), [1])
        with pytest.raises(ValueError, match="MeanSquareError of output 'out' has no value"):
            EarlyStopping().on_epoch_end(0, {"out": MeanSquareError()})


class TestWakeSilentNeurons:
    def epoch(self, compiled, callback, network, batches):
        callback.on_epoch_begin(0)
        for counts in batches:
            compiled.spike_counts = {network.populations[1]: np.array(counts)}
            callback.on_batch_end(0, {})
        callback.on_epoch_end(0, {})

    def weights(self, compiled, network):
        groups = (compiled.connection_populations[c] for c in network.connections)
        return [group.vars["g"].device.tolist() for group in groups]

    def test_silent_in_all_batches(self, compiled, network):
        callback = WakeSilentNeurons(network.populations[1], increment=0.5)
        callback.set_params(compiled_network=compiled)
        self.epoch(compiled, callback, network, [[[0, 0, 1], [0, 0, 0]], [[2, 0, 0], [0, 0, 0]]])
        # Only neuron 1 is silent; synapses of the sparse connection end at 1, 1, 0
        assert self.weights(compiled, network) == [
            [0, 0.5, 0, 0, 0.5, 0],
            [0.5, 0.5, 0],
            [0] * 6,
        ]
        self.epoch(compiled, callback, network, [[[1, 1, 1]]])
        assert self.weights(compiled, network)[0] == [0, 0.5, 0, 0, 0.5, 0]

    def test_frozen_connections_are_left_alone(self, network):
        learned = frozenset(network.connections[1:])
        compiled = FakeCompiledNetwork(network, weight_learn_conns=learned)
        callback = WakeSilentNeurons(network.populations[1], increment=0.5)
        callback.set_params(compiled_network=compiled)
        self.epoch(compiled, callback, network, [[[0, 1, 1]]])
        assert self.weights(compiled, network)[:2] == [[0] * 6, [0, 0, 0.5]]

    def test_given_connections(self, compiled, network):
        callback = WakeSilentNeurons(network.populations[1], network.connections[:1], 0.5)
        callback.set_params(compiled_network=compiled)
        self.epoch(compiled, callback, network, [[[0, 1, 1]]])
        assert self.weights(compiled, network)[:2] == [[0.5, 0, 0, 0.5, 0, 0], [0, 0, 0]]

    def test_resume(self, compiled, network):
        first, second = (WakeSilentNeurons(network.populations[1], increment=1) for _ in range(2))
        for callback in (first, second):
            callback.set_params(compiled_network=compiled)
        compiled.spike_counts = {network.populations[1]: np.array([[3, 0, 1]])}
        first.on_batch_end(0, {})
        second.on_epoch_begin(0)
        second.load_state_dict(first.state_dict())
        compiled.spike_counts = {network.populations[1]: np.array([[0, 0, 0]])}
        second.on_batch_end(1, {})
        second.on_epoch_end(0, {})
        assert self.weights(compiled, network)[0] == [0, 1, 0, 0, 1, 0]

    def test_bad_arguments(self, network):
        with pytest.raises(ValueError, match="population 'in' has SpikeInput neurons, allowed are"):
            WakeSilentNeurons(network.populations[0])
        with pytest.raises(ValueError, match="population 'out' has LeakyIntegrate neurons"):
            WakeSilentNeurons(network.populations[2])
        message = "connection 'Conn_hidden_out' does not end at population 'hidden'"
        with pytest.raises(ValueError, match=message):
            WakeSilentNeurons(network.populations[1], [network.connections[2]])
        with pytest.raises(ValueError, match="WakeSilentNeurons: increment is nan"):
            WakeSilentNeurons(network.populations[1], increment=np.nan)
