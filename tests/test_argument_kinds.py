"""Flags, words, paths, keys and names: what is none is refused when it is given."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from mlgenn_delays import Connection, InputLayer, Layer, Network, Population, SequentialNetwork
from mlgenn_delays.audio import Cochlea
from mlgenn_delays.callbacks import (
    BestCheckpoint,
    Checkpoint,
    EarlyStopping,
    SpikeRecorder,
    VarRecorder,
)
from mlgenn_delays.callbacks.filter import ExampleFilter
from mlgenn_delays.compilers import (
    EventPropCompiler,
    InferenceCompiler,
    default_params,
    load_checkpoint,
    load_network,
    save_checkpoint,
)
from mlgenn_delays.connectivity import Dense, FixedProbability
from mlgenn_delays.events.augmentation import Compose, ShiftChannels
from mlgenn_delays.metrics import MeanSquareError, SparseCategoricalAccuracy
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.program.exchange import RecordRequest
from mlgenn_delays.serialisers import Numpy
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.utils.data import preprocess_spikes

LOSS = "sparse_categorical_crossentropy"
EMPTY = np.zeros(0)


def describe(hidden="hidden", first=None, **arguments):
    network = Network(default_params)
    with network:
        x = Population(SpikeInput(), 2, name="in")
        h = Population(LeakyIntegrateFire(), 3, name=hidden, **arguments)
        y = Population(LeakyIntegrate(readout="avg_var"), 2, name="out")
        Connection(x, h, Dense(2.0), name=first)
        Connection(h, y, Dense(1.0))
    return SimpleNamespace(network=network, x=x, h=h, y=y)


def population(**arguments):
    with Network():
        return Population(SpikeInput(), 2, **arguments)


REFUSED = [
    (lambda: LeakyIntegrate(scale_i="False"), "LeakyIntegrate: scale_i should be True or False"),
    (lambda: LeakyIntegrateFire(relative_reset=EMPTY), "LeakyIntegrateFire: relative_reset should"),
    (lambda: Exponential(scale_i=None), "Exponential: scale_i should be True or False, not None"),
    (
        lambda: FixedProbability(0.5, 1.0, allow_self_connections="no"),
        "FixedProbability: allow_self_connections should be True or False, not 'no'",
    ),
    (lambda: EventPropCompiler(5, LOSS, per_timestep_loss="no"), "per_timestep_loss should be"),
    (lambda: InferenceCompiler(5, reset_vars_between_batches=EMPTY), "reset_vars_between_batches"),
    (
        lambda: InferenceCompiler(5).compile(describe(record_spikes="no").network),
        "population 'hidden': record_spikes should be True or False",
    ),
    (lambda: InferenceCompiler(5, backend=EMPTY), "backend is ndarray of shape"),
    (lambda: EarlyStopping(mode=EMPTY), "EarlyStopping: mode is ndarray of shape"),
    (lambda: Cochlea(hair_cell=5), "cochlea: hair_cell should be a HairCell, not 5"),
    (lambda: Cochlea(num_cells=2**40), "cochlea: num_cells is .*, allowed are whole numbers"),
    (lambda: ShiftChannels(2**40), "augmentation: channel_shift is .*, allowed are whole numbers"),
    (lambda: Numpy(5), "Numpy: path should be a path, not 5"),
    (lambda: Numpy("a\0"), "Numpy: path is .*, which no file can be called"),
    (lambda: Numpy("\ud800"), "Numpy: path is .*, which no file can be called"),
    (lambda: BestCheckpoint(None), "BestCheckpoint: path should be a path, not None"),
    (lambda: BestCheckpoint("a", entries=5), "BestCheckpoint: entries should be a dictionary"),
    (lambda: BestCheckpoint("a", entries={"/": 1}), "BestCheckpoint: name of an entry is '/'"),
    (lambda: Compose(None), "augmentations should be a sequence of augmentations"),
    (lambda: Compose([5]), "augmentations has 5, which cannot be called"),
    (lambda: ExampleFilter(2**40), "example_filter has 1099511627776, allowed are numbers below"),
    (lambda: SpikeRecorder(describe().h, key=[]), r"SpikeRecorder: key should be .*, not \[\]"),
    (lambda: VarRecorder(describe().h, 5), "VarRecorder: var should be the name of a variable"),
    (lambda: MeanSquareError().update(["a"], [1.0]), "MeanSquareError: labels should be numbers"),
    (lambda: SparseCategoricalAccuracy().update(1, [1.0]), "SparseCategoricalAccuracy: labels"),
    (lambda: population(name=5), "Population: name should be text, not 5"),
    (lambda: population(name="a/b"), "Population: name is 'a/b' with '/'"),
    (lambda: population(name="\0"), "Population: name is "),
    (lambda: population(name="n" * 70_000), "Population: name is .*70000 bytes long"),
    (lambda: describe(first="\udc80"), "Connection: name is "),
    (lambda: describe(first="n" * 70_000), "Connection: name is .*, allowed are 1 to 220"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED)
def test_refused_by_name(call, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, TypeError), match=f"^{message}"):
        call()
    assert not list(tmp_path.iterdir())


def test_metrics_that_are_no_numbers():
    stopping = EarlyStopping(metric=lambda metrics: None)
    with pytest.raises(TypeError, match=r"EarlyStopping: metric, .*, should take a dictionary"):
        stopping.on_epoch_end(0, {})


def test_names_that_are_assigned():
    parts = describe()
    for owner in (parts.h, parts.network.connections[0]):
        before = owner.name
        with pytest.raises(ValueError, match="name is 'a/b'"):
            owner.name = "a/b"
        assert owner.name == before
        owner.name = "changed"
    assert [p.name for p in parts.network.populations] == ["in", "changed", "out"]


def test_flags_may_be_numbers():
    assert LeakyIntegrate(scale_i=np.bool_(True)).scale_i
    assert LeakyIntegrateFire(relative_reset=0).relative_reset == 0


#: Ordinary text, as long as it may be.
NAMES = [
    "versteckte Schicht (2) - ä", "隠れ層" * 11, "🧠 hidden", "a\u2028b 'c' \"d\"", "..",
    "int main() { return 1; } *", "null", "cafe\u0301", "n" * 100,
]  # fmt: skip


@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_names_work_to_the_end(backend, tmp_path):
    """Several in one network: code, checkpoints of both kinds, recordings."""
    network = SequentialNetwork(default_params)
    with network:
        layers = [InputLayer(SpikeInput(), 2, name=NAMES[0])]
        for name in NAMES[1:-1]:
            layers.append(Layer(Dense(3.0), LeakyIntegrateFire(), 2, name=name))
        layers.append(Layer(Dense(1.0), LeakyIntegrate(readout="avg_var"), 2, name=NAMES[-1]))
    compiler = EventPropCompiler(20, LOSS, num_threads=1, backend=backend)
    compiled = compiler.compile(network)
    x, y = {layers[0]: [preprocess_spikes([1.0], [0], 2)]}, {layers[-1]: [1]}
    compiled.train(x, y, num_epochs=1, callbacks=[Checkpoint(Numpy(tmp_path / "arrays"))])
    save_checkpoint(tmp_path / "state.npz", compiled.training_state())
    weights = [c.connectivity.weight for c in network.connections]
    network.load((0,), Numpy(tmp_path / "arrays"))
    loaded = [c.connectivity.weight for c in network.connections]
    assert all(
        isinstance(new, np.ndarray) and np.shape(old) == () for old, new in zip(weights, loaded)
    )
    load_network(network, load_checkpoint(tmp_path / "state.npz"))
    for connection, weight in zip(network.connections, loaded):
        assert np.array_equal(connection.connectivity.weight, weight)
    assert compiler.compile(network).load_training_state(load_checkpoint(tmp_path / "state.npz"))


def test_requests_of_callbacks_that_are_none():
    parts = describe()
    compiled = InferenceCompiler(5, backend="reference").compile(parts.network)

    class Wrong:
        def __init__(self, request):
            self.request = request

        def recording_request(self, batch, batch_size):
            return self.request

    x = {parts.x: [preprocess_spikes([1.0], [0], 2)]}
    for request in (5, RecordRequest([True]), RecordRequest(np.ones(1))):
        with pytest.raises(
            TypeError, match="recording_request of a callback should return None or"
        ):
            compiled.predict(x, parts.y, callbacks=[Wrong(request)])


def test_targets_that_are_missing():
    parts = describe()
    compiled = EventPropCompiler(5, LOSS, backend="reference").compile(parts.network)
    x = {parts.x: [preprocess_spikes([1.0], [0], 2)]}
    for call in (compiled.evaluate, compiled.gradients, compiled.evaluate_batch):
        with pytest.raises(
            TypeError, match="y must be a dictionary of output populations, not None"
        ):
            call(x, None)
    with pytest.raises(
        TypeError, match=r"x.* should be a sequence of PreprocessedSpikes or an Event"
    ):
        compiled.predict({parts.x: {1, 2}}, parts.y)
    with pytest.raises(TypeError, match="validation_split should be a number"):
        compiled.train(x, {parts.y: [0]}, 1, validation_split=np.zeros(0))
    with pytest.raises(TypeError, match="data: inputs should be a sequence of one sequence"):
        compiled.evaluate_batch_iter([parts.x, parts.x], parts.y, [(5, [0])])
