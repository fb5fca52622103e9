"""Parameters of populations: a number per neuron in the place of a constant of the model.

Nothing in the package makes such a parameter yet; here they are added to compiled programs.
Engines, compiled networks and checkpoints know them as they know weights and delays.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from genn_backend import BACKEND, GENN

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers.build import build_program
from mlgenn_delays.compilers.settings import BuildSettings
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.engines.create import create_engine
from mlgenn_delays.initializers import Normal
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.program.exchange import RecordRequest
from mlgenn_delays.program.parameters import Owner, OwnerKind, ParameterSpec
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.training.built_network import BuiltNetwork
from mlgenn_delays.training.compiled_inference_network import CompiledInferenceNetwork
from mlgenn_delays.training.compiled_training_network import CompiledTrainingNetwork
from mlgenn_delays.training.data import prepare
from mlgenn_delays.utils.data import preprocess_spikes

INPUTS, HIDDEN, CLASSES = 6, 9, 3
DURATION, EXAMPLES, SEED = 60.0, 5, 5
TAU_SYN, TAU_MEM, RESET, REFRACTORY = 5.0, 16.0, -0.25, 2.0

#: Float32 has both, so that engines of either precision hold the same numbers.
SAME, DIFFERENT = np.ones(HIDDEN), 0.75 + np.arange(HIDDEN) / 16.0

BACKENDS = [
    "cpu",
    "reference",
    GENN,
]


def described(readout: str = "avg_var", refractory: float | None = REFRACTORY) -> Network:
    network = Network()
    with network:
        p0 = Population(SpikeInput(), INPUTS, name="p0")
        neuron = LeakyIntegrateFire(tau_mem=TAU_MEM, v_reset=RESET, tau_refrac=refractory)
        p1 = Population(neuron, HIDDEN, name="p1")
        p2 = Population(LeakyIntegrate(tau_mem=TAU_MEM, readout=readout), CLASSES, name="p2")
        Connection(p0, p1, Dense(Normal(1.8, 0.6)), Exponential(TAU_SYN))
        Connection(p1, p1, Dense(Normal(0.0, 0.2), 2), Exponential(TAU_SYN))
        Connection(p1, p2, Dense(Normal(0.0, 0.5)), Exponential(TAU_SYN))
    return network


def built(dt: float = 1.0, training: bool = True, per_timestep: bool = False, **network):
    settings = BuildSettings(
        round(DURATION / dt),
        "timesteps",
        dt,
        EXAMPLES,
        rng_seed=SEED,
        training=training,
        losses="sparse_categorical_crossentropy" if training else None,
        per_timestep_loss=per_timestep,
    )
    network = described(**network)
    made = build_program(network, settings)
    # the recurrent delay is 2 ms on every grid
    delays = [round(c.constant_delay / dt) for c in made.program.connections]
    connections = tuple(
        replace(c, constant_delay=delay, max_delay_steps=delay)
        for c, delay in zip(made.program.connections, delays)
    )
    return replace(made, program=replace(made.program, connections=connections))


def with_parameter(made: BuiltNetwork, name: str, values, population: int = 1, **spec):
    """``made`` with a parameter of a population."""
    program = made.program
    owner = Owner(OwnerKind.POPULATION, population, program.populations[population].name)
    parameter = ParameterSpec(owner, name, np.asarray(values, np.float32), **spec)
    return replace(made, program=replace(program, parameters=(*program.parameters, parameter)))


def data(made: BuiltNetwork, events: int = 24):
    """Inputs and labels; times are steps of the coarsest grid, so that all grids see the same."""
    rng = np.random.default_rng(2)
    spikes = [
        preprocess_spikes(
            rng.integers(0, 45, events).astype(float), rng.integers(0, INPUTS, events), INPUTS
        )
        for _ in range(EXAMPLES)
    ]
    x = {made.populations[0]: spikes}
    return x, {made.populations[2]: np.arange(EXAMPLES) % CLASSES}


def network(made: BuiltNetwork, backend: str, threads: int = 2) -> CompiledTrainingNetwork:
    weights = [c.weight for c in made.program.connections]
    return CompiledTrainingNetwork(made, backend, threads, [(Adam(0.01), weights)], Adam(), 3)


def results(made: BuiltNetwork, backend: str, events: int = 24) -> dict[str, np.ndarray]:
    """Loss, gradients, readouts, spikes and voltages of a batch."""
    x, y = data(made, events)
    found = {}
    with network(made, backend) as compiled:
        loss, gradients = compiled.gradients(x, y)
        batch = prepare(made, x, y).batches(EXAMPLES)[0]
        record = RecordRequest(np.ones(EXAMPLES, bool), frozenset({1}), frozenset({(1, "V")}))
        forward = compiled.engine.forward(batch, record)
    found["loss"] = np.array(loss)
    for connection, part in gradients.items():
        found |= {f"{name} of {connection.name}": value for name, value in part.items()}
    found["readout"] = forward.readouts[2]
    for b, (times, neurons) in enumerate(forward.recording.spikes[1]):
        found |= {f"times {b}": times, f"neurons {b}": neurons}
    found["V"] = forward.recording.variables[1, "V"]
    return found


def assert_close(a: dict[str, np.ndarray], b: dict[str, np.ndarray], tolerance: float) -> None:
    assert a.keys() == b.keys()
    for key in a:
        scale = max(float(np.abs(a[key]).max(initial=0.0)), 1e-30)
        assert a[key].shape == b[key].shape, key
        np.testing.assert_allclose(
            a[key] / scale, b[key] / scale, rtol=0, atol=tolerance, err_msg=key
        )


TOLERANCE = {"cpu": 1e-6, BACKEND: 1e-6, "reference": 0.0}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("refractory", [None, REFRACTORY])
def test_equal_thresholds_are_the_constant(backend, refractory):
    made = built(refractory=refractory)
    plain = results(made, backend)
    assert plain["neurons 0"].size > 10
    assert_close(plain, results(with_parameter(made, "Vthresh", SAME), backend), TOLERANCE[backend])


CONSTANTS = ["Alpha", "IMinusVthreshMin", "TauM", "Vreset", "Vthresh"]


@pytest.mark.parametrize("backend", ["cpu", GENN])
@pytest.mark.parametrize("population", [1, 2])
@pytest.mark.parametrize("output", ["avg_var", "max_var", "per timestep"])
def test_any_constant_may_be_one_number_per_neuron(backend, population, output):
    per_timestep = output == "per timestep"
    made = changed = built(per_timestep=per_timestep, readout="avg_var" if per_timestep else output)
    p = made.program.populations[population]
    assert sorted(p.dynamics.params) == (CONSTANTS if population == 1 else ["Alpha", "TauM"])
    for name, value in p.dynamics.params.items():
        changed = with_parameter(changed, name, np.full(p.size, value), population)
    assert_close(results(made, backend), results(changed, backend), TOLERANCE[backend])


def simulate(made: BuiltNetwork, thresholds: np.ndarray, example: int):
    """Steps and neurons of the hidden population's spikes, neuron by neuron in float64, and how
    close a voltage came to its threshold."""
    program = made.program
    g = [program.parameters[c.weight].initial.astype(float) for c in program.connections]
    alpha, beta = math.exp(-1.0 / TAU_MEM), math.exp(-1.0 / TAU_SYN)
    kappa = TAU_SYN / (TAU_SYN - TAU_MEM) * (beta - alpha)
    steps = program.timesteps
    arrivals = np.zeros((steps + 4, HIDDEN))
    batch = prepare(made, *data(made)).batches(EXAMPLES)[0]
    for t, i in zip(*batch.inputs[0].example(example)):
        arrivals[int(t) + 1] += g[0][i]
    found, margin = [], math.inf
    voltage, current, held = np.zeros(HIDDEN), np.zeros(HIDDEN), np.zeros(HIDDEN, int)
    for n in range(steps):
        current += arrivals[n]
        for j in range(HIDDEN):
            if held[j]:
                held[j] -= 1
            else:
                voltage[j] = alpha * voltage[j] + kappa * current[j]
                margin = min(margin, abs(voltage[j] - thresholds[j]))
            if voltage[j] >= thresholds[j]:
                found.append((n, j))
                voltage[j], held[j] = RESET, round(REFRACTORY)
                arrivals[n + 1 + 2] += g[1][j]
        current *= beta
    return np.array(found), margin


@pytest.mark.parametrize("backend", ["cpu", GENN])
def test_different_thresholds_move_spikes(backend):
    made = with_parameter(built(), "Vthresh", DIFFERENT)
    found = results(made, backend)
    plain = results(built(), backend)
    moved = 0
    for b in range(EXAMPLES):
        expected, margin = simulate(made, DIFFERENT, b)
        assert margin > 1e-5  # else float32 may differ
        steps = np.round(found[f"times {b}"]).astype(int) - 1
        np.testing.assert_array_equal(np.stack([steps, found[f"neurons {b}"]], 1), expected)
        moved += not np.array_equal(plain[f"times {b}"], found[f"times {b}"])
    assert moved == EXAMPLES


def test_gradients_are_those_of_the_reference_as_dt_shrinks():
    errors = []
    for dt in (0.1, 0.025, 0.00625):
        made = with_parameter(built(dt), "Vthresh", DIFFERENT)
        cpu, reference = results(made, "cpu", 6), results(made, "reference", 6)
        for b in range(EXAMPLES):
            assert cpu[f"times {b}"].size == reference[f"times {b}"].size
        names = [key for key in cpu if key.startswith("g of")]
        assert len(names) == 3
        errors.append(
            [np.abs(cpu[k] - reference[k]).max() / np.abs(reference[k]).max() for k in names]
        )
    assert np.all(np.array(errors[2]) < 0.1 * np.array(errors[0])), errors
    assert np.max(errors[2]) < 0.005, errors


@pytest.mark.parametrize("backend", BACKENDS)
def test_values_are_set_and_read(backend):
    made = with_parameter(built(), "Vthresh", DIFFERENT, bounds=(0.5, 2.0))
    parameter = len(made.program.parameters) - 1
    engine = create_engine(made.program, backend, 1)
    np.testing.assert_array_equal(engine.get_parameter(parameter), DIFFERENT)
    engine.set_parameter(parameter, DIFFERENT[::-1])
    np.testing.assert_array_equal(engine.get_parameters()[parameter], DIFFERENT[::-1])
    with pytest.raises(ValueError, match=r"population 'p1': 'Vthresh' has values from 0 to 0"):
        engine.set_parameter(parameter, 0.0 * SAME)
    assert parameter not in engine.gradients()
    engine.close()
    changed = with_parameter(built(), "Vthresh", DIFFERENT[::-1])
    with network(made, backend) as compiled:
        variable = compiled.neuron_populations[made.populations[1]].vars["Vthresh"]
        variable.view[:] = DIFFERENT[::-1]
        variable.push_to_device()
        loss = compiled.gradients(*data(made))[0]
    assert loss == results(changed, backend)["loss"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_neurons_share_entries(backend):
    """Two thresholds, of neurons in turn."""
    shared = with_parameter(built(), "Vthresh", [0.75, 1.25], map=np.arange(HIDDEN) % 2)
    single = with_parameter(built(), "Vthresh", np.where(np.arange(HIDDEN) % 2, 1.25, 0.75))
    assert_close(results(shared, backend), results(single, backend), 0.0)
    engine = create_engine(shared.program, backend, 1)
    assert engine.get_parameters()[-1].tolist() == [0.75, 1.25]
    engine.close()


@pytest.mark.parametrize("backend", BACKENDS)
def test_training_goes_on_from_a_checkpoint(backend):
    made = with_parameter(built(), "Vthresh", DIFFERENT)
    x, y = data(made)
    quiet = {"callbacks": [], "validation_callbacks": []}
    key = "parameters/populations/p1/Vthresh"
    with network(made, backend) as whole, network(made, backend) as first:
        whole.train(x, y, 2, **quiet)
        first.train(x, y, 1, **quiet)
        state = first.training_state()
    np.testing.assert_array_equal(state[key], DIFFERENT)
    # another network with other thresholds takes those of the state over
    with network(with_parameter(built(), "Vthresh", SAME), backend) as second:
        x, y = data(second._built)
        epoch, batch = second.load_training_state(state)
        second.train(x, y, 2 - epoch, start_epoch=epoch, start_batch=batch, **quiet)
        resumed = second.training_state()
    expected = whole.training_state()
    for name in (n for n in expected if n.startswith(("parameters/", "optimiser/"))):
        np.testing.assert_array_equal(resumed[name], expected[name], err_msg=name)
    np.testing.assert_array_equal(expected[key], DIFFERENT)
    assert not np.array_equal(
        expected["parameters/connections/Conn_p0_p1/g"], made.program.parameters[0].initial
    )


def test_a_state_without_the_parameter_is_refused():
    with network(built(), "cpu") as compiled:
        compiled.train(*data(compiled._built), 1, callbacks=[])
        state = compiled.training_state()
    with (
        network(with_parameter(built(), "Vthresh", SAME), "cpu") as other,
        pytest.raises(ValueError, match="parameter 'populations/p1/Vthresh' is missing"),
    ):
        other.load_training_state(state)


@pytest.mark.parametrize("backend", BACKENDS)
def test_inference(backend):
    made = with_parameter(built(training=False), "Vthresh", DIFFERENT)
    x, _ = data(made)
    network = CompiledInferenceNetwork(made, backend, 1)
    predicted = network.predict(x, made.populations[2], callbacks=[])[0][made.populations[2]]
    network.engine.close()
    trained = results(with_parameter(built(), "Vthresh", DIFFERENT), backend)
    np.testing.assert_allclose(predicted, trained["readout"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_name_that_the_model_does_not_know_is_stored(backend):
    plain = built()
    made = with_parameter(plain, "place [mm]", DIFFERENT)
    made = with_parameter(made, "Vthresh", np.arange(INPUTS), population=0)
    with network(made, backend) as compiled:
        variables = compiled.neuron_populations[made.populations[1]].vars
        np.testing.assert_array_equal(variables["place [mm]"].values, DIFFERENT)
        variables["place [mm]"].view[:] = SAME
        variables["place [mm]"].push_to_device()
        compiled.train(*data(made), 1, callbacks=[])
        state = compiled.training_state()
    np.testing.assert_array_equal(state["parameters/populations/p1/place [mm]"], SAME)
    np.testing.assert_array_equal(state["parameters/populations/p0/Vthresh"], np.arange(INPUTS))
    assert_close(results(plain, backend), results(made, backend), 0.0)


def test_emitted_code_is_that_of_before_where_there_are_none():
    def source(made):
        engine = create_engine(made.program, "cpu", 1)
        engine.close()
        return engine.source

    plain = source(built())
    assert "own" not in plain
    assert source(with_parameter(built(), "place", DIFFERENT)).count("own") == 0
    assert "const float Vthresh = own0[j];" in source(with_parameter(built(), "Vthresh", SAME))


@pytest.mark.parametrize("backend", ["cpu", GENN])
def test_learned_parameters_of_neurons_are_refused(backend):
    made = with_parameter(built(), "Vthresh", SAME, learned=True)
    with pytest.raises(NotImplementedError, match="population 'p1': 'Vthresh'"):
        create_engine(made.program, backend, 1)
