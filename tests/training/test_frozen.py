"""A compiled network is frozen: what is done to its description afterwards has no effect.

Everything that was given to the compiler is changed, attribute by attribute, in place and through
properties; what the compiled network computes stays the same, bit for bit, also where its engine
is made anew from the program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from numbers import Real
from types import SimpleNamespace
from typing import Any, ClassVar
from weakref import ref

import numpy as np
import pytest
from genn_backend import GENN
from trained_networks import TIMESTEPS

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.callbacks import SpikeRecorder, SpikeStatistics, VarRecorder, WakeSilentNeurons
from mlgenn_delays.compilers import EventPropCompiler, default_params
from mlgenn_delays.connectivity import Connectivity, Dense, FixedProbability
from mlgenn_delays.initializers import Initializer, Normal, Uniform
from mlgenn_delays.losses import SparseCategoricalCrossentropy
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, Neuron, SpikeInput
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.readouts import AvgVarExpWeight, Readout
from mlgenn_delays.synapses import Exponential, Synapse

BACKENDS = ["cpu", "reference", GENN]


class Scaled(AvgVarExpWeight):
    """A readout with an attribute."""

    def __init__(self, scale):
        self.scale = scale

    @property
    def name(self):
        return "avg_var_exp_weight"

    def weights(self, timesteps):
        return self.scale * super().weights(timesteps)


class CountedSpiking(LeakyIntegrateFire):
    """Counts calls of ``get_model``, over all copies."""

    calls: ClassVar[list[str]] = []

    def get_model(self, dt, i_minus_thresh_min):
        self.calls.append("spiking")
        return super().get_model(dt, i_minus_thresh_min)


class CountedOutput(LeakyIntegrate):
    """The same without spikes."""

    def get_model(self, dt, i_minus_thresh_min):
        CountedSpiking.calls.append("output")
        return super().get_model(dt, i_minus_thresh_min)


def describe() -> SimpleNamespace:
    """Input (6) -> hidden (8) <-> hidden -> output (2), and all that a compiler takes."""
    rng = np.random.default_rng(3)
    arrays = rng.normal(1.5, 0.5, (6, 8)), rng.uniform(0.0, 4.0, (6, 8))
    network = Network(default_params)
    with network:
        x = Population(SpikeInput(), 6, record_spikes=True, name="x")
        h = Population(CountedSpiking(tau_mem=15.0, tau_refrac=2.0), 8, True, name="h")
        y = Population(CountedOutput(readout=Scaled(3.0)), 2, name="y")
        xh = Connection(x, h, Dense(*arrays), Exponential(5.0), name="xh", max_delay_steps=9)
        hh = Connection(h, h, FixedProbability(0.4, Normal(0.0, 0.2)), Exponential(3.0), name="hh")
        hy = Connection(h, y, Dense(Normal(0.0, 0.5), 2), Exponential(5.0), name="hy")
    wake = WakeSilentNeurons(h, increment=0.01)  # looks at the description when it is made
    losses = {y: SparseCategoricalCrossentropy(0.3)}
    optimisers = [Adam(0.02), Adam(0.1), Adam(0.03)]
    return SimpleNamespace(
        network=network, x=x, h=h, y=y, xh=xh, hh=hh, hy=hy,
        arrays=arrays, losses=losses, optimisers=optimisers, wake=wake,
    )  # fmt: skip


def compile_for(net: SimpleNamespace, backend: str) -> Any:
    arguments = {
        "optimiser": net.optimisers[0],
        "delay_optimiser": net.optimisers[1],
        "weight_optimisers": {net.hh: net.optimisers[2]},
        "delay_learn_conns": [net.xh],
        "reg_lambda_upper": 1e-3,
        "reg_nu_upper": 2.0,
        "batch_size": 4,
        "num_threads": 2,
    }
    compiler = EventPropCompiler(TIMESTEPS, net.losses, backend=backend, rng_seed=1, **arguments)
    return compiler.compile(net.network)


# -- changing everything

#: What takes the place of an attribute, where its type does not tell.
OTHERS: dict[str, Any] = {
    "tau_refrac": 3.0,
    "readout": "max_var",
    "_readout": Scaled(7.0),
    "max_delay_steps": 3,
    "_max_delay_steps": 3,
    "pre_ind": np.arange(2, dtype=np.uint32),
    "post_ind": np.arange(2, dtype=np.uint32),
    "_learned_elsewhere": {"g": 1},
}


def other(name: str, value: Any) -> Any:
    """Another value that is allowed for an attribute."""
    if name in OTHERS:
        return OTHERS[name]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, Real):
        return 0.5 * value + 0.1
    by_type: dict[type, Callable[[], Any]] = {
        str: lambda: f"another_{value}",
        tuple: lambda: tuple(size + 1 for size in value),
        list: list,
        np.ndarray: lambda: value + 1.0,
        ref: lambda: ref(STRANGER),
        Neuron: lambda: LeakyIntegrateFire(tau_mem=3.0, readout="max_var"),
        Readout: lambda: Scaled(7.0),
        Synapse: lambda: Exponential(1.0),
        Connectivity: lambda: FixedProbability(0.1, 0.2),
        Initializer: lambda: Uniform(3.0, 4.0),
    }
    return next(make() for kind, make in by_type.items() if isinstance(value, kind))


with Network():
    STRANGER = Population(SpikeInput(), 3, name="stranger")


def change(obj: Any) -> set[str]:
    """Set every attribute of an object, through properties where there are such; their names."""
    changed = set()
    for name, value in list(vars(obj).items()):
        setattr(obj, name, other(name, value))
        changed.add(name)
    for name in dir(type(obj)):
        attribute = getattr(type(obj), name)
        if isinstance(attribute, property) and attribute.fset is not None:
            setattr(obj, name, other(name, getattr(obj, name)))
            changed.add(name)
    return changed


def change_arrays(net: SimpleNamespace) -> None:
    """What was given, and what became of it, in place."""
    for array in (*net.arrays, net.xh.connectivity.weight, net.xh.connectivity.delay):
        array[...] = 0.5


def change_network(net: SimpleNamespace) -> None:
    net.network.populations.clear()
    net.network.connections.clear()
    net.network.default_params.clear()
    net.losses.clear()


def of_each(*parts: str) -> Callable[[SimpleNamespace], None]:
    """Change some part of every population or connection."""

    def run(net: SimpleNamespace) -> None:
        for obj in (net.x, net.h, net.y, net.xh, net.hh, net.hy):
            for part in parts:
                obj = getattr(obj, part, None)
            if obj is not None:
                change(obj)

    return run


def change_all(net: SimpleNamespace) -> None:
    # objects before those that hold them, which are given others then
    for name, run in CHANGES.items():
        if name != "everything":
            run(net)


CHANGES: dict[str, Callable[[SimpleNamespace], None]] = {
    "arrays": change_arrays,
    "losses": lambda net: change(net.losses[net.y]),
    "optimisers": lambda net: [change(o) for o in net.optimisers],
    "readouts": of_each("neuron", "readout"),
    "neurons": of_each("neuron"),
    "synapses": of_each("synapse"),
    "initializers": lambda net: [change(c.connectivity.weight) for c in (net.hh, net.hy)],
    "connectivity": of_each("connectivity"),
    "populations": lambda net: [change(p) for p in (net.x, net.h, net.y)],
    "connections": lambda net: [change(c) for c in (net.xh, net.hh, net.hy)],
    "network": change_network,
    "everything": change_all,
}


def test_every_attribute_is_changed():
    """Of each kind of object, by name: what is new in a class is changed, too."""
    net = describe()
    assert change(net.h.neuron) >= {"v_thresh", "tau_mem", "tau_refrac", "_readout", "readout"}
    assert net.h.neuron.tau_mem == 7.6 and net.h.neuron.tau_refrac == 3.0
    assert change(net.y.neuron.readout) == {"scale"}
    assert change(net.xh.synapse) == {"tau", "scale_i"}
    assert change(net.xh.connectivity) == {"_weight", "_delay", "weight", "delay"}
    assert change(net.hh.connectivity) >= {"p", "pre_ind", "post_ind", "weight"}
    assert change(net.h) >= {"name", "_shape", "shape", "neuron", "record_spikes"}
    assert change(net.xh) >= {"name", "_source", "connectivity", "synapse", "max_delay_steps"}
    assert change(net.losses[net.y]) == {"temperature"}
    assert change(net.optimisers[0]) == {"alpha", "beta1", "beta2", "epsilon", "weight_decay"}
    assert net.h.shape != (8,) and net.xh.source() is STRANGER


# -- what a compiled network computes


def observe(compiled: Any, net: SimpleNamespace, data: Any, epoch: int) -> Iterator[Any]:
    """Predictions, gradients, recordings, training, history and parameters, as plain arrays."""
    x, y = {net.x: data[0]}, {net.y: data[1]}
    predictions, recorded = compiled.predict(x, net.y, [SpikeRecorder(net.h, "s")])
    yield from (predictions[net.y], *recorded["s"][0], *recorded["s"][1])
    loss, gradients = compiled.gradients({net.x: data[0][:4]}, {net.y: data[1][:4]})
    yield loss
    for connection in (net.xh, net.hh, net.hy):
        yield from gradients[connection].values()
    callbacks = [
        SpikeRecorder(net.h, "spikes", neuron_filter=[0, 5]),
        SpikeRecorder(net.x, "counts", record_counts=True),
        VarRecorder(net.h, "v", "v"),
        VarRecorder(net.h, genn_var="LambdaV", key="adjoint"),
        VarRecorder(net.y, "v", "output"),
        net.wake,
        SpikeStatistics(),
    ]
    metrics, validated, recorded, _ = compiled.train(
        x, y, 2, epoch, callbacks=callbacks, validation_callbacks=[], validation_split=0.3
    )
    yield from (metrics[net.y].result, validated[net.y].result)
    yield from (*recorded["spikes"][0], *recorded["spikes"][1], *recorded["counts"])
    for key in ("v", "adjoint", "output"):
        yield from recorded[key]
    for record in compiled.history:
        yield {name: value for name, value in asdict(record).items() if name != "seconds"}
    yield from compiled.engine.get_parameters()
    yield from compiled.gradient_norms()[net.xh].values()


def run(backend: str, data: Any, *changes: Callable[[SimpleNamespace], Any] | None) -> list[Any]:
    """Compile, and use the network in several ``with`` blocks, with a change before each."""
    net = describe()
    compiled, found = compile_for(net, backend), []
    for block, make_change in enumerate(changes):
        if make_change is not None:
            make_change(net)
        with compiled:
            found += observe(compiled, net, data, 2 * block)
    return found


def equal(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a == b
    a, b = np.asarray(a), np.asarray(b)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@pytest.fixture(scope="module")
def unchanged() -> dict[str, list[Any]]:
    """Results without any change, by backend."""
    return {}


@pytest.fixture
def data(spikes):
    return spikes(10, 6)


@pytest.mark.parametrize("block", [0, 1], ids=["at once", "while it is closed"])
@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_changes_have_no_effect(unchanged, data, backend, what, block):
    if backend.startswith("genn"):
        pytest.importorskip("pygenn")
        if what != "everything":
            pytest.skip("what is no effect of everything is none of its parts")
    if backend not in unchanged:
        unchanged[backend] = run(backend, data, None, None)
    expected = unchanged[backend]
    changes = [CHANGES[what], None] if block == 0 else [None, CHANGES[what]]
    found = run(backend, data, *changes)
    assert len(found) == len(expected) > 50
    assert all(map(equal, found, expected))


@pytest.mark.parametrize("backend", BACKENDS)
def test_settings_that_are_not_allowed_are_not_taken_over_when_it_is_opened_again(data, backend):
    """No compiler would take them; a network that is closed and opened has no compiler."""
    if backend.startswith("genn"):
        pytest.importorskip("pygenn")

    def spoil(net: SimpleNamespace) -> None:
        net.h.neuron.tau_mem = net.y.neuron.tau_mem = -5.0
        net.xh.synapse.tau = 0.0

    net = describe()
    spoil(net)
    with pytest.raises(ValueError, match="tau is 0"):
        compile_for(net, backend)
    net.xh.synapse.tau = 5.0
    with pytest.raises(ValueError, match="tau_mem is -5"):
        compile_for(net, backend)
    assert all(map(equal, run(backend, data, None, spoil), run(backend, data, None, None)))


@pytest.mark.parametrize(
    ("where", "name", "value"),
    [
        (lambda net: net.h.neuron, "tau_mem", 9.0),
        (lambda net: net.y.neuron.readout, "scale", 1.0),
        (lambda net: net.xh.synapse, "tau", 4.0),
        (lambda net: net.xh.connectivity, "weight", 2.0),
        (lambda net: net.hy.connectivity, "delay", 3.0),
        (lambda net: net.losses[net.y], "temperature", 1.0),
        (lambda net: net.optimisers[0], "alpha", 0.01),
        (lambda net: net.optimisers[1], "alpha", 0.01),
        (lambda net: net.optimisers[2], "alpha", 0.01),
    ],
)
def test_the_next_compilation_sees_them(data, where, name, value):
    """The comparison above is worth something: each of these matters."""
    net, found = describe(), []
    for changed in (False, True):
        if changed:
            setattr(where(net), name, value)
        found.append(list(observe(compile_for(net, "cpu"), net, data, 0)))
    assert len(found[0]) == len(found[1]) and not all(map(equal, *found))


@pytest.mark.parametrize("backend", BACKENDS)
def test_models_are_asked_for_once(data, backend):
    if backend.startswith("genn"):
        pytest.importorskip("pygenn")
    CountedSpiking.calls.clear()
    net = describe()
    compiled = compile_for(net, backend)
    assert CountedSpiking.calls == ["spiking", "output"]
    for epoch in (0, 2):
        with compiled:
            list(observe(compiled, net, data, epoch))
            compiled.evaluate({net.x: data[0]}, {net.y: data[1]}, callbacks=[])
    compiled.load_training_state(compiled.training_state())
    assert CountedSpiking.calls == ["spiking", "output"]
