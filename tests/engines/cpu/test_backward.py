"""The CPU engine's gradients: discrete finite differences, the reference, repeatability."""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from grid_simulation import simulate
from programs import Case
from programs import recurrent_case as small_case

from mlgenn_delays.engines.cpu import CpuEngine
from mlgenn_delays.engines.reference import ReferenceEngine
from mlgenn_delays.losses import (
    MeanSquareError,
    RelativeMeanSquareError,
    SparseCategoricalCrossentropy,
)
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.program.exchange import (
    Batch,
    ForwardResult,
    OutputGradient,
    RecordRequest,
    Trace,
)

SCE = SparseCategoricalCrossentropy()
RANGE = (0.0, 15.0)


def recurrent_case(loss, readout="avg_var", **settings) -> Case:
    return small_case(loss, readout, **{"sizes": (3, 4, 3), "timesteps": 40, **settings})


def oracle_loss(case: Case, parameters: list) -> float:
    """Loss of the literal float64 simulation."""
    program, output = case.program, case.program.outputs[0]
    steps, dt = program.timesteps, program.dt
    times, weights = (np.arange(steps) + 1.0) * dt, np.full(steps, dt)
    voltages = [
        simulate(program, parameters, case.inputs, b).voltages[output.index]
        for b in range(program.batch_size)
    ]
    weights_of_steps = output.readout.weights
    if weights_of_steps is not None:
        values = np.array([weights_of_steps @ v for v in voltages])
    else:
        values = np.array([v.max(axis=0) for v in voltages])
    traces = {output.index: [Trace(times, weights, v) for v in voltages]}
    return case.evaluate(ForwardResult({output.index: values}, {}, traces))[0]


SMOOTH = {
    "avg_var": {"loss": SCE, "readout": "avg_var"},
    "avg_var_exp_weight": {"loss": SCE, "readout": "avg_var_exp_weight"},
    "sum_var": {"loss": SCE, "readout": "sum_var", "output_weight": 0.02},
    "max_var": {"loss": SCE, "readout": "max_var"},
    "per timestep": {"loss": SCE, "readout": "avg_var", "per_timestep": True},
    "mean square error": {
        "loss": MeanSquareError(),
        "readout": "var",
        "targets": [np.random.default_rng(5).normal(size=(2, 40, 3))],
    },
}


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("delay", [None, 3, RANGE], ids=["no delay", "constant", "synapse"])
def test_output_weights_against_finite_differences_of_the_discrete_loss(name, delay):
    """No spike depends on weights into a leaky output: there the discrete loss is smooth."""
    case = recurrent_case(delays=(RANGE, RANGE, delay), hidden={"tau_refrac": 2.0}, **SMOOTH[name])
    engine = case.engine(CpuEngine, 1)
    gradient = case.gradients(engine)[2]["g"]
    expected = np.zeros_like(gradient)
    for index in np.ndindex(gradient.shape):
        side = []
        for sign in (1.0, -1.0):
            moved = [{n: v.copy() for n, v in values.items()} for values in case.parameters]
            moved[2]["g"][index] += sign * 1e-5
            side.append(oracle_loss(case, moved))
        expected[index] = (side[0] - side[1]) / 2e-5
    scale = np.abs(expected).max()
    assert scale > 1e-4
    np.testing.assert_allclose(gradient, expected, atol=2e-5 * scale)


CONVERGENCE = {
    "input and recurrent delays": {"loss": SCE, "delays": (RANGE, RANGE, None), "seed": 5},
    "delays to the output": {
        "loss": SCE, "readout": "avg_var_exp_weight", "delays": (None, 2, RANGE), "seed": 1,
    },
    "largest voltage": {
        "loss": SCE, "readout": "max_var", "delays": (RANGE, None, None), "seed": 10,
    },
    "refractory": {
        "loss": SCE, "delays": (RANGE, RANGE, 2), "hidden": {"tau_refrac": 3.0}, "seed": 3,
    },
    "sparse, per timestep": {
        "loss": SCE, "delays": (RANGE, RANGE, None), "density": 0.7, "per_timestep": True,
        "seed": 5,
    },
    "first spike time": {
        "loss": SCE, "readout": "first_spike_time", "delays": (RANGE, None, RANGE),
        "output_weight": 4.0, "seed": 4,
    },
    "relative mean square error": {
        "loss": RelativeMeanSquareError(2.0), "readout": "first_spike_time",
        "delays": (RANGE, None, RANGE), "output_weight": 4.0, "seed": 4,
    },
    "different time constants": {
        "loss": SCE, "readout": "avg_var_exp_weight", "delays": (None, RANGE, None),
        "hidden": {"tau_mem": 12.0, "v_reset": -0.5}, "output": {"tau_mem": 25.0}, "seed": 2,
    },
}  # fmt: skip


#: [ms]
TIMESTEPS = (0.02, 0.01, 0.005, 0.0025)


def gradient_errors(case: Case, reference: list, dt: float) -> tuple[list[float], int]:
    """Largest error of each gradient relative to the largest entry, on a grid of ``dt``."""
    case = case.at_timestep(dt)
    engine = case.engine(CpuEngine, 2)
    errors = []
    for found, expected in zip(case.gradients(engine), reference):
        for name, value in expected.items():
            assert np.any(value)
            per_step = 1.0 / dt if name == "d" else 1.0  # delays are in timesteps
            errors.append(np.abs(found[name] * per_step - value).max() / np.abs(value).max())
    counts = engine.forward(case.batch).spike_counts
    return errors, sum(int(c.sum()) for c in counts.values())


@pytest.mark.parametrize("name", CONVERGENCE)
def test_gradients_converge_to_the_reference_with_order_one(name):
    case = recurrent_case(**CONVERGENCE[name])
    reference = case.engine(ReferenceEngine)
    gradients = case.gradients(reference)
    counts = reference.forward(case.batch).spike_counts
    spikes = sum(int(c.sum()) for c in counts.values())
    assert max(c.max() for c in counts.values()) > 1, "a case without several spikes shows little"
    errors = []
    for dt in TIMESTEPS:
        error, found = gradient_errors(case, gradients, dt)
        assert found == spikes
        errors.append(max(error))
    # single errors jump with the place of a spike in its step; the trend is the order
    slope = np.polyfit(np.log(TIMESTEPS), np.log(errors), 1)[0]
    assert errors[-1] < 0.01
    assert 0.6 < slope < 1.4, f"errors {errors}"


def test_repeats_are_bit_identical_and_leave_no_state_behind():
    case = recurrent_case(SCE, delays=(RANGE, RANGE, 2), sizes=(5, 20, 4), batch=7)
    engine = case.engine(CpuEngine, 2)
    first = case.gradients(engine)
    engine.forward(Batch(case.inputs, np.array([3, 3, 0])))
    engine.backward(case.evaluate(engine.forward(case.batch))[1])
    case.loss(engine)
    again = case.gradients(engine)
    fresh = case.gradients(case.engine(CpuEngine, 2))
    for a, b, c in zip(first, again, fresh):
        for name in a:
            assert np.any(a[name])
            np.testing.assert_array_equal(a[name], b[name])
            np.testing.assert_array_equal(a[name], c[name])


@pytest.mark.parametrize("threads", [2, 3, 5])
def test_threads_agree_to_rounding(threads):
    case = recurrent_case(SCE, delays=(RANGE, RANGE, None), sizes=(5, 20, 4), batch=7)
    one = case.gradients(case.engine(CpuEngine, 1))
    many = case.gradients(case.engine(CpuEngine, threads))
    for a, b in zip(one, many):
        for name in a:
            np.testing.assert_allclose(a[name], b[name], atol=2e-6 * np.abs(a[name]).max())


def test_gradient_of_a_batch_is_the_mean_over_its_examples():
    case = recurrent_case(SCE, delays=(RANGE, RANGE, None), batch=4)
    engine = case.engine(CpuEngine, 2)
    whole = case.gradients(engine)
    single = []
    for b in range(4):
        result = engine.forward(Batch(case.inputs, np.array([b])))
        targets = {2: case.targets[2][b : b + 1]}
        part = replace(case, targets=targets)
        engine.backward(part.evaluate(result)[1])
        single.append(case.gradients_of(engine))
    for index, values in enumerate(whole):
        for name, value in values.items():
            mean = np.mean([s[index][name] for s in single], axis=0)
            np.testing.assert_allclose(value, mean, atol=1e-6 * np.abs(value).max())


def test_sparse_with_all_synapses_equals_dense():
    dense = recurrent_case(SCE, delays=(RANGE, RANGE, 2))
    pre, post = np.nonzero(np.ones((3, 4)))
    values = {name: value.ravel() for name, value in dense.parameters[0].items()}
    sparse = dense.with_connection(0, pre_ind=pre, post_ind=post).with_parameters(0, **values)
    a = dense.gradients(dense.engine(CpuEngine, 1))
    b = sparse.gradients(sparse.engine(CpuEngine, 1))
    for name in ("g", "d"):
        assert np.any(a[0][name])
        np.testing.assert_allclose(a[0][name].ravel(), b[0][name], rtol=1e-5, atol=1e-9)


def test_frozen_parameters_have_no_gradient_and_do_not_move():
    case = recurrent_case(SCE, delays=(RANGE, RANGE, None))
    frozen = case.with_connection(0, learn_weights=False).with_connection(1, learn_delays=False)
    engine = frozen.engine(CpuEngine, 1)
    gradients, free = (
        frozen.gradients(engine),
        case.gradients(case.engine(CpuEngine, 1)),
    )
    assert [sorted(g) for g in gradients] == [["d"], ["g"], ["g"]]
    np.testing.assert_array_equal(gradients[0]["d"], free[0]["d"])
    np.testing.assert_array_equal(gradients[1]["g"], free[1]["g"])
    before = case.parameters_of(engine)
    case.apply(engine, [{"g": Adam(0.1), "d": Adam(0.1)}] * 3, 0)
    after = case.parameters_of(engine)
    np.testing.assert_array_equal(before[0]["g"], after[0]["g"])
    np.testing.assert_array_equal(before[1]["d"], after[1]["d"])
    assert np.any(before[0]["d"] != after[0]["d"])


def test_adam_follows_the_numpy_optimiser_and_clamps_delays():
    case = recurrent_case(SCE, delays=(RANGE, RANGE, None))
    engine = case.engine(CpuEngine, 2)
    settings = [{"g": Adam(0.01), "d": Adam(3.0, beta1=0.8)}] * 3
    state: dict = {}
    for step in range(12):
        case.gradients(engine)
        expected = []
        for index, gradient in engine.gradients().items():
            spec = case.program.parameters[index]
            rule = settings[spec.owner.index][spec.name]
            value = engine.get_parameter(index)
            new = rule.update(value, gradient, state.setdefault(index, {}), step)
            expected.append(np.clip(new, 0.0, 20.0) if spec.name == "d" else new)
        case.apply(engine, settings, step)
        for a, b in zip(engine.get_parameters(), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)
    delays = np.concatenate([engine.get_parameter(case.index(i, "d")).ravel() for i in (0, 1)])
    assert delays.min() == 0.0 and delays.max() == 20.0


def test_optimiser_state_goes_out_and_in():
    case = recurrent_case(SCE, delays=(RANGE, RANGE, None))
    settings = [{"g": Adam(0.01), "d": Adam(1.0)}] * 3
    engine = case.engine(CpuEngine, 1)
    for step in range(3):
        case.gradients(engine)
        case.apply(engine, settings, step)
    other = CpuEngine(case.program, 1)
    other.set_parameters(engine.get_parameters())
    other.set_optimiser_state(engine.optimiser_state())
    for e in (engine, other):
        case.gradients(e)
        case.apply(e, settings, 3)
    for a, b in zip(case.parameters_of(engine), case.parameters_of(other)):
        for name in a:
            np.testing.assert_array_equal(a[name], b[name])


def test_regulariser_steers_as_the_reference():
    case = recurrent_case(SCE, delays=(RANGE, None, None), seed=2)
    plain = case.engine(ReferenceEngine)
    without = case.gradients(plain)[0]["g"]
    case = case.with_population(1, regularised=(1e-2, 2e-2, 3.0))
    expected = case.gradients(case.engine(ReferenceEngine))[0]["g"]
    fine = case.at_timestep(0.002)
    found = fine.gradients(fine.engine(CpuEngine, 1))[0]["g"]
    scale = np.abs(expected).max()
    assert np.abs(expected - without).max() > 0.1 * scale
    np.testing.assert_allclose(found, expected, atol=0.02 * scale)


def test_gradient_norms():
    case = recurrent_case(SCE, delays=(RANGE, RANGE, None))
    engine = case.engine(CpuEngine, 2)
    gradients = case.gradients(engine)
    for norms, arrays in zip(case.by_connection(engine.gradient_norms()), gradients):
        assert norms == {n: pytest.approx(np.linalg.norm(a), rel=1e-5) for n, a in arrays.items()}


def test_adjoints_are_recorded():
    case = recurrent_case(SCE, delays=(RANGE, None, None))
    engine = case.engine(CpuEngine, 1)
    record = RecordRequest(
        np.array([False, True]), variables=frozenset([(1, "LambdaV"), (2, "LambdaI")])
    )
    gradients = case.evaluate(engine.forward(case.batch, record))[1]
    recording = engine.backward(gradients, record)
    assert recording.variables[1, "LambdaV"].shape == (1, 40, 4)
    # nothing downstream sees the end of the trial: adjoints grow from zero, backwards
    lambda_i = recording.variables[2, "LambdaI"][0]
    assert np.all(np.abs(lambda_i[-1]) < np.abs(lambda_i[20])) and np.any(lambda_i)


# -- what is handed over


@pytest.mark.parametrize("readout", ["avg_var", "max_var"])
def test_gradients_add_up(readout):
    """Of a readout and of a trace of the same voltages; those of the readout are those of a network
    without a trace."""
    # spikes in nearly every step, so that some arrive where the largest voltage is
    settings = {"input_weight": 30.0, "sizes": (3, 8, 3)}
    case = recurrent_case(SCE, readout, per_timestep=True, **settings)
    plain = recurrent_case(SCE, readout, **settings)
    with closing(case.engine(CpuEngine, 1)) as engine:
        result = engine.forward(case.batch)
        (index,) = case.evaluate(result)[1]
        trace = case.evaluate(result)[1][index].trace
        readouts = np.linspace(-1.0, 1.0, 6).reshape(2, 3)
        found = []
        for gradient in (
            OutputGradient(readout=readouts),
            OutputGradient(trace=trace),
            OutputGradient(readout=readouts, trace=trace),
        ):
            engine.backward({index: gradient})
            found.append([np.array(g) for g in engine.gradients().values()])
    with closing(plain.engine(CpuEngine, 1)) as engine:
        engine.forward(plain.batch)
        engine.backward({index: OutputGradient(readout=readouts)})
        for one, expected in zip(found[0], engine.gradients().values(), strict=True):
            np.testing.assert_allclose(one, expected, atol=1e-5 * np.abs(expected).max())
    for one, other, both in zip(*found, strict=True):
        assert np.abs(one).max() > 0.0 < np.abs(other).max()
        np.testing.assert_allclose(both, one + other, atol=1e-4 * np.abs(both).max())


def test_gradients_of_an_earlier_batch_are_forgotten():
    """Arrays of a batch serve the next one of the same size."""
    case = recurrent_case(SCE)
    with closing(case.engine(CpuEngine, 1)) as engine:
        outputs = case.evaluate(engine.forward(case.batch))[1]
        engine.backward(outputs)
        assert any(g.any() for g in engine.gradients().values())
        arrays = engine._last
        engine.forward(case.batch)
        assert engine._last is arrays
        engine.backward({})
        assert not any(g.any() for g in engine.gradients().values())


def test_voltages_of_neurons_that_spike_are_not_trained():
    case = recurrent_case(SCE, "first_spike_time")
    voltage = recurrent_case(SCE, "avg_var").program.outputs[0].readout
    output = replace(case.program.outputs[0], readout=voltage)
    populations = (*case.program.populations[:-1], output)
    program = replace(case.program, populations=populations)
    for engine in (CpuEngine, ReferenceEngine):
        with pytest.raises(ValueError, match="'avg_var' of spiking neurons cannot be trained"):
            engine(program, 1)
