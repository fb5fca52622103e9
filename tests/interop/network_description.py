"""Networks built with either package, and what they say as plain data to compare."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

NEURON_ARGUMENTS = {
    "SpikeInput": ("max_spikes",),
    "LeakyIntegrate": ("v", "bias", "tau_mem", "scale_i"),
    "LeakyIntegrateFire": (
        "v_thresh",
        "v_reset",
        "v",
        "tau_mem",
        "tau_refrac",
        "relative_reset",
        "integrate_during_refrac",
        "scale_i",
    ),
}

INITIALIZER_ARGUMENTS = {"Normal": ("mean", "sd"), "Uniform": ("min", "max")}


def describe(network: Any) -> dict[str, Any]:
    """Everything a network says, in either package, in plain data."""
    result = {
        "populations": [_population(p) for p in network.populations],
        "connections": [_connection(c) for c in network.connections],
        "layers": [_layer(layer) for layer in getattr(network, "layers", ())],
        "default_params": sorted((c.__name__, dict(v)) for c, v in network.default_params.items()),
    }
    return {"network": type(network).__name__, **result}


def _population(population: Any) -> dict[str, Any]:
    neuron = population.neuron
    what = type(neuron).__name__
    readout = None if neuron.readout is None else type(neuron.readout).__name__
    shape = population.shape
    return {
        "name": population.name,
        "shape": None if shape is None else list(shape),
        "record_spikes": population.record_spikes,
        "record_spike_events": population.record_spike_events,
        "neuron": (what, {n: getattr(neuron, n) for n in NEURON_ARGUMENTS[what]}, readout),
    }


def _connection(connection: Any) -> dict[str, Any]:
    connectivity, synapse = connection.connectivity, connection.synapse
    details = ("p", "allow_self_connections", "pre_ind", "post_ind")
    return {
        "name": connection.name,
        "ends": (connection.source().name, connection.target().name),
        "synapse": (type(synapse).__name__, synapse.tau, synapse.scale_i),
        "max_delay_steps": connection.max_delay_steps,
        "connectivity": type(connectivity).__name__,
        **{n: _plain(getattr(connectivity, n, None)) for n in ("weight", "delay", *details)},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    arguments = INITIALIZER_ARGUMENTS.get(type(value).__name__)
    if arguments is not None:
        return type(value).__name__, [getattr(value, n) for n in arguments]
    assert value is None or isinstance(value, (bool, int, float)), value
    return value


def _layer(layer: Any) -> tuple[str, str, str | None]:
    connection = getattr(layer, "connection", None)
    name = None if connection is None else connection().name
    return type(layer).__name__, layer.population().name, name


#: Settings of leaky integrate-and-fire neurons that EventProp needs
EVENT_PROP = {"scale_i": True, "relative_reset": False, "integrate_during_refrac": False}


def make_pair(
    package: ModuleType,
    connectivity: Any = None,
    neuron: Any = None,
    sizes: tuple[Any, Any] = (3, 2),
    **arguments: Any,
) -> Any:
    """Population a -> population b: the parts given, good ones for the others."""
    network = package.Network()
    with network:
        default = package.neurons.LeakyIntegrateFire(**EVENT_PROP)
        source = package.Population("spike_input", sizes[0], name="a")
        target = package.Population(default if neuron is None else neuron, sizes[1], name="b")
        synapse = arguments.pop("synapse", package.synapses.Exponential(5.0, True))
        dense = package.connectivity.Dense(0.0)
        package.Connection(
            source, target, dense if connectivity is None else connectivity, synapse, **arguments
        )
    return network


def feed_forward(package: ModuleType) -> Any:
    """Refractory neurons, arrays of weights and delays, everything given by hand."""
    network = package.Network()
    rng = np.random.default_rng(1)
    with network:
        x = package.Population(package.neurons.SpikeInput(max_spikes=77), 3, name="in")
        hidden = package.Population(
            package.neurons.LeakyIntegrateFire(
                v_thresh=0.75,
                v_reset=0.25,
                v=0.5,
                tau_mem=15.0,
                tau_refrac=4.0,
                relative_reset=False,
                integrate_during_refrac=False,
                scale_i=True,
            ),
            4,
            record_spikes=True,
            record_spike_events=True,
            name="hidden",
        )
        y = package.Population(
            package.neurons.LeakyIntegrate(
                v=0.125, tau_mem=30.0, scale_i=True, readout="avg_var_exp_weight"
            ),
            2,
            name="out",
        )
        Dense, Exponential = package.connectivity.Dense, package.synapses.Exponential
        delays = rng.uniform(0.0, 9.0, (3, 4))
        first = Dense(rng.normal(size=(3, 4)), delays)
        package.Connection(x, hidden, first, Exponential(4.0, True), max_delay_steps=12)
        last = Dense(rng.normal(size=(4, 2)), 3)
        package.Connection(hidden, y, last, Exponential(7.0, True), name="last")
    return network


def recurrent(package: ModuleType) -> Any:
    """Learned delays drawn at random, defaults of the compiler, unnamed connections."""
    network = package.Network(package.compilers.event_prop_compiler.default_params)
    with network:
        x = package.Population("spike_input", (2, 3), name="in")
        hidden = package.Population("leaky_integrate_fire", 5, name="hidden")
        y = package.Population(package.neurons.LeakyIntegrate(readout="sum_var"), 2, name="out")
        Dense, Exponential = package.connectivity.Dense, package.synapses.Exponential
        Normal, Uniform = package.initializers.Normal, package.initializers.Uniform
        first = Dense(Normal(2.5, 0.25), Uniform(0.0, 8.0))
        package.Connection(x, hidden, first, Exponential(5.0), max_delay_steps=10)
        package.Connection(
            hidden, hidden, Dense(Normal(sd=0.125), 1), Exponential(5.0), max_delay_steps=10
        )
        package.Connection(hidden, y, Dense(0.25), Exponential(6.0))
    return network


def two_layer(package: ModuleType) -> Any:
    """Two hidden layers, feedback, two inputs, two outputs, one of spike times."""
    network = package.Network(package.compilers.event_prop_compiler.default_params)
    with network:
        inputs = [package.Population("spike_input", n, name=f"in{n}") for n in (2, 3)]
        hidden = [package.Population("leaky_integrate_fire", n, name=f"hid{n}") for n in (4, 5)]
        outputs = [
            package.Population(package.neurons.LeakyIntegrate(readout="max_var"), 2, name="y0"),
            package.Population(
                package.neurons.LeakyIntegrateFire(readout="first_spike_time"), 3, name="y1"
            ),
            package.Population(package.neurons.LeakyIntegrate(readout="var"), 2, name="y2"),
        ]
        Dense, Exponential = package.connectivity.Dense, package.synapses.Exponential
        pairs = [
            (inputs[0], hidden[0]),
            (inputs[1], hidden[0]),
            (hidden[0], hidden[1]),
            (hidden[1], hidden[0]),
            (inputs[1], hidden[1]),
            *((hidden[1], y) for y in outputs),
        ]
        for i, (source, target) in enumerate(pairs):
            package.Connection(source, target, Dense(0.5 + i, i), Exponential(2.0 + i))
    return network


def sparse(package: ModuleType) -> Any:
    """Connectivity drawn at random, and one to one."""
    network = package.Network(package.compilers.event_prop_compiler.default_params)
    with network:
        x = package.Population("spike_input", 4, name="in")
        hidden = package.Population("leaky_integrate_fire", 4, name="hidden")
        y = package.Population(package.neurons.LeakyIntegrate(readout="avg_var"), 2, name="out")
        kinds, Exponential = package.connectivity, package.synapses.Exponential
        Normal = package.initializers.Normal
        one_to_one = kinds.OneToOne(np.array([1.0, 2.0, 3.0, 4.0]), delay=2)
        package.Connection(x, hidden, one_to_one, Exponential(5.0))
        fixed = kinds.FixedProbability(0.5, Normal(1.0, 0.5), True, delay=1)
        package.Connection(hidden, hidden, fixed, Exponential(5.0))
        package.Connection(hidden, y, kinds.FixedProbability(0.75, 0.5), Exponential(5.0))
    return network


def sequential(package: ModuleType) -> Any:
    """Layers, with a population and a recurrent connection beside them."""
    network = package.SequentialNetwork(package.compilers.event_prop_compiler.default_params)
    with network:
        package.InputLayer("spike_input", 3, record_spikes=True, name="in")
        Dense, Exponential = package.connectivity.Dense, package.synapses.Exponential
        hidden = package.Layer(
            Dense(0.5, package.initializers.Uniform(1.0, 5.0)),
            "leaky_integrate_fire",
            4,
            Exponential(3.0),
            max_delay_steps=6,
            name="hidden",
        )
        beside = package.Population("leaky_integrate_fire", 2, name="beside")
        package.Connection(hidden.population(), beside, Dense(0.125), Exponential(5.0))
        package.Connection(beside, hidden.population(), Dense(0.25), Exponential(5.0))
        package.Layer(
            Dense(np.arange(8.0).reshape(4, 2)),
            package.neurons.LeakyIntegrate(readout="avg_var"),
            2,
            Exponential(9.0),
            name="out",
        )
    return network


NETWORKS = (feed_forward, recurrent, two_layer, sparse, sequential)
