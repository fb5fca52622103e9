"""Numbers at the ends of their ranges: what is allowed works on the engine, the rest is refused."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import (
    EventPropCompiler,
    InferenceCompiler,
    TrainingDiverged,
    default_params,
)
from mlgenn_delays.connectivity import Dense, FixedProbability
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.losses import RelativeMeanSquareError, SparseCategoricalCrossentropy
from mlgenn_delays.neurons import (
    AdaptiveLeakyIntegrateFire,
    LeakyIntegrate,
    LeakyIntegrateFire,
    SpikeInput,
)
from mlgenn_delays.optimisers import Adam, AdamW
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.utils.data import preprocess_spikes

#: (class, argument) -> values that are refused
REFUSED = {
    (LeakyIntegrateFire, "tau_mem"): [0.0, 9e-7, 1.1e9, 1e39, 10**400, -(10**400), np.nan, 2j],
    (LeakyIntegrateFire, "tau_refrac"): [-1, 1e13, 10**400],
    (LeakyIntegrateFire, "v_thresh"): [1e39, 10**400, np.inf, 0.0, 1e-50, "1"],
    (LeakyIntegrateFire, "v_reset"): [1.0, 1.0 - 1e-12, -1e31],
    (LeakyIntegrateFire, "v"): [1.0, 1.0 - 1e-12, -(10**400)],
    (AdaptiveLeakyIntegrateFire, "tau_adapt"): [0.0, 1e39, 10**400],
    (AdaptiveLeakyIntegrateFire, "beta"): [-1.0, 1e31, 10**400],
    (AdaptiveLeakyIntegrateFire, "a"): [-1.0, 1e31, 10**400],
    (LeakyIntegrate, "tau_mem"): [0.0, 1e39, 10**400],
    (LeakyIntegrate, "v"): [1e31, 10**400],
    (Exponential, "tau"): [0.0, 1e39, 10**400],
    (Adam, "alpha"): [-1.0, 1e39, 10**400],
    (Adam, "beta1"): [1.0, 1.0 - 1e-9, -0.1, 10**400],
    (Adam, "epsilon"): [0.0, 1e-40, 10**400],
    (Adam, "weight_decay"): [-1.0, 1e31, 10**400, np.nan],
    (AdamW, "weight_decay"): [-1.0, 1e31, 10**400, "1"],
    (Normal, "sd"): [-1.0, 1e39, 10**400],
    (Uniform, "max"): [-1.0, 1e39, 10**400],
    (SparseCategoricalCrossentropy, "temperature"): [0.0, 1e-40, 10**400],
    (RelativeMeanSquareError, "delta"): [1e31, 10**400, np.nan],
}


@pytest.mark.parametrize(
    ("owner", "argument", "value"),
    [(owner, argument, v) for (owner, argument), values in REFUSED.items() for v in values],
    ids=lambda value: str(value)[:20],
)
def test_refused_by_name(owner, argument, value):
    name = {"v_thresh": "v_thresh|v_reset|: v is"}.get(argument, argument)
    with pytest.raises((ValueError, TypeError), match=rf"^{owner.__name__}: .*({name})|{argument}"):
        owner(**{argument: value})


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        (argument, value)
        for argument, values in {
            "dt": [0.0, 1e-7, 1e7, 1e39, 10**400, "1"],
            "batch_size": [0, 2**21, 2**40, 10**400, 1.5],
            "num_threads": [0, 4097, 2**40, 10**400],
            "rng_seed": [-1, 2**63, 10**400, 0.5],
            "example_timesteps": [0, 2**24 + 1, 2**40, 10**400],
            "i_minus_thresh_min": [0.0, 1e-40, 10**400],
            "ttfs_alpha": [-1.0, 1e31, 10**400],
            "softmax_temperature": [0.0, 1e-40, 10**400],
        }.items()
        for value in values
    ],
)
def test_arguments_of_compilers(argument, value):
    arguments = {"example_timesteps": 10, "losses": "sparse_categorical_crossentropy"}
    with pytest.raises((ValueError, TypeError), match=f"^{argument} "):
        EventPropCompiler(**{**arguments, argument: value})


@pytest.mark.parametrize("argument", ["reg_lambda_upper", "reg_lambda_lower", "reg_nu_upper"])
@pytest.mark.parametrize("value", [-1.0, 1e31, 10**400])
def test_regularisation(argument, value):
    compiler = EventPropCompiler(10, "sparse_categorical_crossentropy", **{argument: value})
    with pytest.raises(ValueError, match=f"^{argument} is .*, allowed are finite numbers from 0"):
        compiler.compile(network()[0])


@pytest.mark.parametrize(
    "shape", [2**31, 2**40, 10**400, (2**16, 2**16), (2**32, 2**32), (10**400, 2)]
)
def test_sizes_of_populations(shape):
    with Network(), pytest.raises(ValueError, match=r"'x': shape is .*, allowed are at most"):
        Population(SpikeInput(), shape, name="x")


@pytest.mark.parametrize("connectivity", [Dense(1.0), FixedProbability(0.1, 1.0)])
def test_pairs_of_neurons(connectivity):
    net = Network(default_params)
    with net:
        x = Population(SpikeInput(), 2**30)
        y = Population(LeakyIntegrate(readout="avg_var"), 2**30)
        Connection(x, y, connectivity)
    with pytest.raises(
        ValueError, match="1152921504606846976 pairs, allowed are at most 2147483648"
    ):
        InferenceCompiler(10).compile(net)


def network(hidden=None, tau=5.0, output=None):
    net = Network(default_params)
    with net:
        x = Population(SpikeInput(), 2, name="in")
        h = Population(LeakyIntegrateFire() if hidden is None else hidden, 3, name="hidden")
        y = Population(output or LeakyIntegrate(readout="avg_var"), 2, name="out")
        Connection(x, h, Dense(2.0), Exponential(tau), name="first")
        Connection(h, y, Dense(1.0), Exponential(tau), name="last")
    return net, x, y


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden": LeakyIntegrateFire(tau_mem=0.001)}, "population 'hidden': tau_mem is 0.001 ms"),
        (
            {"output": LeakyIntegrate(tau_mem=0.01, readout="var")},
            "population 'out': tau_mem is 0.01",
        ),
        ({"tau": 0.001}, "connection 'first': tau of its synapse is 0.001 ms"),
    ],
)
def test_time_constants_too_short_for_the_timestep(change, message):
    with pytest.raises(ValueError, match=rf"{message}.* dt = 1 ms are at least 0\.0125 ms"):
        InferenceCompiler(10).compile(network(**change)[0])


#: Two of them are compiled, which takes seconds each.
COMPILED = [
    {"tau_mem": 1e-6, "tau": 1e9, "dt": 8e-5, "v_thresh": 1e30, "v_reset": -1e30},
    {"tau_mem": 1e9, "tau": 1 / 80, "tau_refrac": 1e12},
]
EXTREMES = [
    *COMPILED,
    {"tau_mem": 1 / 8, "tau": 1e9},
    {"tau_mem": 1e-6, "tau": 1e-6, "dt": 1e-6},
    {"tau_mem": 1e6, "tau": 1e6, "dt": 1e6},
    {"tau_mem": 1e9, "tau": 1e9, "dt": 1e-6},
    {"tau_mem": Fraction(41, 2), "v_thresh": np.longdouble(1), "tau": np.array(5, ">i8")},
]


def train(numbers, backend):
    numbers = dict(numbers)
    dt, tau = numbers.pop("dt", 1.0), numbers.pop("tau", 5.0 * numbers.get("dt", 1.0))
    output = LeakyIntegrate(tau_mem=20 * dt, readout="avg_var")
    net, x, y = network(LeakyIntegrateFire(**numbers), tau, output)
    compiler = EventPropCompiler(
        8, "sparse_categorical_crossentropy", dt=dt, batch_size=2, num_threads=1, backend=backend
    )
    data = [preprocess_spikes(np.array([0.0, 2.0]) * dt, [0, 1], 2)] * 2
    with compiler.compile(net) as compiled:
        compiled.train({x: data}, {y: [0, 1]}, num_epochs=2, callbacks=[])
        predictions, _ = compiled.predict({x: data}, y, callbacks=[])
    assert np.all(np.isfinite(predictions[y]))


@pytest.mark.parametrize(
    ("numbers", "backend"),
    [(numbers, "reference") for numbers in EXTREMES] + [(numbers, "cpu") for numbers in COMPILED],
    ids=str,
)
def test_the_ends_of_the_ranges_work(numbers, backend):
    train(numbers, backend)


def test_a_threshold_too_low_for_an_engine_without_timesteps():
    with pytest.raises(
        TrainingDiverged, match=r"'hidden': neuron \d spikes more than 10800 times before"
    ):
        train({"v_thresh": 1e-30}, "reference")
