import numpy as np
import pytest
from fake_compiled_network import FakeCompiledNetwork

from mlgenn_delays.callbacks import SpikeRecorder, VarRecorder
from mlgenn_delays.training.callback_list import CallbackList
from mlgenn_delays.training.recording import merge_requests


@pytest.fixture
def hidden(network):
    return network.populations[1]


def record(compiled, make_list, *callbacks, num_examples=10, **kwargs):
    callback_list = make_list(*callbacks)
    compiled.run(callback_list, num_examples, **kwargs)
    return callback_list.get_data()


def test_spikes(compiled, make_list, hidden):
    times, ids = record(compiled, make_list, SpikeRecorder(hidden, key="s"))["s"]
    assert len(times) == len(ids) == 10
    for example in range(10):
        assert ids[example].tolist() == [0, 1, 2]
        assert times[example].tolist() == [100 * example + n for n in range(3)]


def test_filters(compiled, make_list, hidden, network):
    recorders = [
        SpikeRecorder(hidden, "some", example_filter=[1, 9], neuron_filter=[0, 2]),
        SpikeRecorder(network.populations[0], "one", example_filter=4),
        VarRecorder(hidden, "v", "voltage", example_filter=[4, 5, 9], neuron_filter=2),
        VarRecorder(network.populations[2], "v", "nothing", example_filter=20),
    ]
    data = record(compiled, make_list, *recorders)
    assert [t.tolist() for t in data["some"][0]] == [[100, 102], [900, 902]]
    assert [i.tolist() for i in data["some"][1]] == [[0, 2], [0, 2]]
    assert [t.tolist() for t in data["one"][0]] == [[400, 401]]
    assert [v.shape for v in data["voltage"]] == [(6, 1)] * 3
    assert [v[3, 0] for v in data["voltage"]] == [432, 532, 932]
    assert data["nothing"] == []


def test_counts(compiled, make_list, hidden, network):
    recorders = [
        SpikeRecorder(hidden, "all", record_counts=True),
        SpikeRecorder(network.populations[0], "some", [1, 8], [1], record_counts=True),
    ]
    data = record(compiled, make_list, *recorders)
    assert [c.tolist() for c in data["all"]] == [
        [10 * e, 10 * e + 1, 10 * e + 2] for e in range(10)
    ]
    assert [c.tolist() for c in data["some"]] == [[11], [81]]


def test_counts_need_no_recording(compiled, make_list, hidden):
    callback_list = make_list(SpikeRecorder(hidden, "all", record_counts=True))
    assert merge_requests(callback_list.recording_requests(0, 4), 4) is None


def test_nothing_is_requested_where_filters_say_so(make_list, hidden):
    callback_list = make_list(
        SpikeRecorder(hidden, "a", example_filter=[0, 9]),
        VarRecorder(hidden, "v", "b", example_filter=[1, 9]),
    )
    first = merge_requests(callback_list.recording_requests(0, 4), 4)
    assert first.examples.tolist() == [True, True, False, False]
    assert first.spikes == {1}
    assert first.variables == {(1, "V")}
    assert callback_list.recording_requests(1, 4) == []


def test_recordings_are_copies(compiled, make_list, hidden):
    data = record(compiled, make_list, VarRecorder(hidden, "v", "v"), num_examples=4)["v"]
    assert not any(np.shares_memory(v, compiled.recording.variables[1, "V"]) for v in data)


def test_objects_can_be_used_again(compiled, make_list, hidden):
    recorder = SpikeRecorder(hidden, "s")
    first = record(compiled, make_list, recorder, num_examples=4)["s"]
    second = record(compiled, make_list, recorder, num_examples=3)["s"]
    assert (len(first[0]), len(second[0])) == (4, 3)


def test_adjoints(compiled, make_list, hidden):
    recorder = VarRecorder(hidden, genn_var="LambdaV", key="l")
    assert len(record(compiled, make_list, recorder, num_examples=4)["l"]) == 4
    with pytest.raises(ValueError, match="'LambdaV' of population 'hidden' is not available here"):
        record(compiled, make_list, recorder, num_examples=4, drop=[(1, "LambdaV")])


def test_population_that_is_not_recorded(network, hidden):
    hidden.record_spikes = False
    compiled = FakeCompiledNetwork(network)
    hidden.record_spikes = True  # too late
    with pytest.raises(ValueError, match="'hidden' should be made with record_spikes=True"):
        CallbackList([SpikeRecorder(hidden)], compiled_network=compiled)


def test_population_without_spikes(make_list, network):
    with pytest.raises(ValueError, match="SpikeRecorder: population 'out' does not spike"):
        make_list(SpikeRecorder(network.populations[2]))


def test_bad_variables(make_list, network, hidden):
    """They are known once the network is compiled."""
    message = "VarRecorder: var is 'tau_mem', allowed for population 'hidden' are 'v'$"
    with pytest.raises(ValueError, match=message):
        make_list(VarRecorder(hidden, "tau_mem"))
    message = "genn_var is 'X', allowed for population 'hidden' are 'V', 'LambdaI', 'LambdaV'$"
    with pytest.raises(ValueError, match=message):
        make_list(VarRecorder(hidden, genn_var="X"))
    with pytest.raises(ValueError, match="var or genn_var should name a variable"):
        VarRecorder(hidden)
    with pytest.raises(ValueError, match="VarRecorder: input population 'in' has no variables"):
        make_list(VarRecorder(network.populations[0], "v"))


def test_bad_filter(hidden):
    with pytest.raises(ValueError, match="neuron_filter has the index 3, allowed are 0 to 2"):
        SpikeRecorder(hidden, neuron_filter=[3])
