"""Gradients by constants of single neurons: of the reference against finite differences of its
loss, of the CPU engine against those of its own where it is smooth, and against the reference."""

import numpy as np
import pytest
from genn_backend import GENN

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import EventPropCompiler, InferenceCompiler, load_network
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.initializers import LogUniform, Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.program.exchange import RecordRequest
from mlgenn_delays.serialisers import Numpy
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.training.data import prepare
from mlgenn_delays.utils.data import preprocess_spikes

INPUTS, HIDDEN, OUTPUTS, EXAMPLES, DURATION = 5, 6, 3, 3, 40.0


class Described:
    """A recurrent network, all constants of which are those of single neurons."""

    def __init__(self, readout="avg_var", refractory=None, weight=(1.2, 0.4), events=25):
        self.network = Network()
        with self.network:
            neuron = LeakyIntegrateFire(
                v_thresh=Uniform(0.8, 1.2),
                v_reset=Uniform(-0.2, 0.1),
                tau_mem=LogUniform(10, 30),
                tau_refrac=refractory,
            )
            output = LeakyIntegrate(tau_mem=LogUniform(10, 30), readout=readout)
            if readout == "first_spike_time":
                output = LeakyIntegrateFire(tau_mem=LogUniform(10, 30), readout=readout)
            self.x = Population(SpikeInput(), INPUTS, name="x")
            self.h = Population(neuron, HIDDEN, name="h")
            self.y = Population(output, OUTPUTS, name="y")
            self.connections = [
                Connection(self.x, self.h, Dense(Normal(*weight)), Exponential(LogUniform(3, 9))),
                Connection(self.h, self.h, Dense(Normal(0.1, 0.2), 2), Exponential(5.0)),
                Connection(self.h, self.y, Dense(Normal(0.6, 0.2)), Exponential(LogUniform(3, 8))),
            ]
        rng = np.random.default_rng(0)
        spikes = [
            preprocess_spikes(rng.uniform(0, 30, events), rng.integers(0, INPUTS, events), INPUTS)
            for _ in range(EXAMPLES)
        ]
        self.data = {self.x: spikes}, {self.y: np.arange(EXAMPLES) % OUTPUTS}

    def compile(self, backend, dt=1.0, threads=1, bounds=None, alpha=0.001, **settings):
        of_hidden = bounds or ["tau_mem", "v_thresh", "v_reset"]
        return EventPropCompiler(
            round(DURATION / dt),
            "sparse_categorical_crossentropy",
            Adam(alpha),
            dt=dt,
            batch_size=EXAMPLES,
            neuron_learn_params={self.h: of_hidden, self.y: ["tau_mem"]},
            synapse_learn_params=dict.fromkeys(self.connections, ("tau",)),
            backend=backend,
            num_threads=threads,
            i_minus_thresh_min=1e-12,
            **settings,
        ).compile(self.network)


def gradients(compiled, data):
    loss, _ = compiled.gradients(*data)
    return loss, compiled.engine.gradients()


def constants(compiled):
    specs = compiled.program.parameters
    return [i for i, spec in enumerate(specs) if spec.learned and spec.name not in ("g", "d")]


def finite_difference(compiled, data, parameter, neuron, step):
    value, losses = compiled.engine.get_parameter(parameter), []
    for sign in (1, -1):
        moved = value.copy()
        moved[neuron] += sign * step
        compiled.engine.set_parameter(parameter, moved)
        losses.append(compiled.gradients(*data)[0])
    compiled.engine.set_parameter(parameter, value)
    return (losses[0] - losses[1]) / (2 * step)


@pytest.mark.parametrize(
    "readout, refractory, settings",
    [
        ("avg_var", None, {}),
        ("max_var", 2.0, {}),
        ("avg_var", None, {"per_timestep_loss": True}),
        ("first_spike_time", None, {}),
    ],
)
def test_those_of_the_reference_are_finite_differences(readout, refractory, settings):
    described = Described(readout, refractory)
    with described.compile("reference", **settings) as compiled:
        found = gradients(compiled, described.data)[1]
        for parameter in constants(compiled):
            label = compiled.program.parameters[parameter].label
            scale = float(np.abs(found[parameter]).max())
            assert scale > 1e-6, label
            for neuron in (0, 2):
                by_hand = finite_difference(compiled, described.data, parameter, neuron, 1e-6)
                assert found[parameter][neuron] == pytest.approx(by_hand, abs=1e-6 * scale), label


@pytest.mark.parametrize("readout", ["avg_var", "max_var", "avg_var_exp_weight"])
def test_those_of_outputs_on_the_grid_are_exact(readout):
    """What does not move spikes: the loss is a smooth function of these on the grid, too."""
    described = Described(readout)
    with described.compile("cpu", threads=2) as compiled:
        found = gradients(compiled, described.data)[1]
        of_outputs = [i for i in constants(compiled) if found[i].shape == (OUTPUTS,)]
        assert len(of_outputs) == 2
        for parameter in of_outputs:
            scale = float(np.abs(found[parameter]).max())
            for neuron in range(OUTPUTS):
                by_hand = finite_difference(compiled, described.data, parameter, neuron, 0.1)
                assert found[parameter][neuron] == pytest.approx(by_hand, abs=2e-3 * scale)


@pytest.mark.parametrize("refractory", [None, 2])
def test_those_on_the_grid_are_sums_over_recorded_states(refractory):
    """Of hidden neurons: from V and the adjoints as they were recorded, and currents made anew from
    spikes, in double precision."""
    described = Described(refractory=None if refractory is None else float(refractory))
    with described.compile("cpu") as compiled:
        program, h = compiled.program, 1
        found = gradients(compiled, described.data)[1]
        batch = prepare(compiled._built, *described.data).batches(EXAMPLES)[0]
        names = ("V", "LambdaV", "LambdaI0", "LambdaI1")
        record = RecordRequest(
            np.ones(EXAMPLES, bool), frozenset({0, h}), frozenset((h, name) for name in names)
        )
        result, _ = compiled.forward(batch, [record])
        _, by_output = compiled.evaluate_losses(result, compiled._prepare(*described.data), batch)
        adjoints = compiled.engine.backward(by_output, record)
        entries = {s.key: v for s, v in zip(program.parameters, compiled.engine.get_parameters())}
    states = {**result.recording.variables, **adjoints.variables}
    v, back_v, back_0, back_1 = (states[h, name].astype(float) for name in names)
    tau_mem = entries["populations/h/tau_mem"].astype(float)
    alpha = np.exp(-1.0 / tau_mem)
    expected = {"tau_mem": 0.0, "v_thresh": 0.0, "v_reset": 0.0}
    before = np.concatenate([np.zeros_like(v[:, :1]), v[:, :-1]], axis=1)
    end_v = back_v / alpha  # adjoint of the voltage at the end of each step, spikes included
    expected["tau_mem"] -= tau_mem * np.sum(end_v * before, axis=(0, 1)) * alpha / tau_mem**2
    for name, back_i, source, delay in (("Conn_x_h", back_0, 0, 1), ("Conn_h_h", back_1, h, 2)):
        key = f"connections/{name}"
        tau = entries[f"{key}/tau"].astype(float)
        current = _currents(result.recording.spikes[source], entries[f"{key}/g"], tau, delay)
        current = current[:, : v.shape[1]]
        by_mem, by_syn = _kappa_slopes(tau_mem, tau)
        of_kappa = -tau_mem * np.sum(end_v * current, axis=(0, 1))
        after_i = np.concatenate([back_i[:, 1:], np.zeros_like(back_i[:, :1])], axis=1)
        of_beta = -tau * np.sum(after_i * current, axis=(0, 1))
        expected["tau_mem"] = expected["tau_mem"] + of_kappa * by_mem
        expected[key] = of_kappa * by_syn + of_beta * np.exp(-1.0 / tau) / tau**2
    for b, (times, neurons) in enumerate(result.recording.spikes[h]):
        for step, j in zip(np.round(times).astype(int) - 1, neurons):
            change = np.zeros(HIDDEN)
            change[j] = tau_mem[j] * end_v[b, step, j]
            expected["v_thresh"] = expected["v_thresh"] + change
            start = step + (refractory or 0) + 1
            change[j] = -tau_mem[j] * back_v[b, start, j] if start < v.shape[1] else 0.0
            expected["v_reset"] = expected["v_reset"] + change
    for i in constants(compiled):
        spec = program.parameters[i]
        wanted = expected.get(spec.name, expected.get(f"connections/{spec.owner.name}"))
        if spec.owner.name != "y" and spec.owner.name != "Conn_h_y":
            scale = np.abs(wanted).max()
            np.testing.assert_allclose(
                found[i], wanted, rtol=0, atol=1e-4 * scale, err_msg=spec.key
            )


def _currents(spikes, weights, tau, delay):
    """(examples, steps, neurons) of one receptor, with what arrives in the step."""
    steps = int(DURATION) + 4
    current = np.zeros((len(spikes), steps, len(tau)))
    for b, (times, neurons) in enumerate(spikes):
        emitted = np.ceil(times).astype(int)  # a step late for spikes of inputs
        for step, i in zip(emitted + delay, neurons):
            if step < steps:
                current[b, step] += weights[i]
        for n in range(1, steps):
            current[b, n] += np.exp(-1.0 / tau) * current[b, n - 1]
    return current


def _kappa_slopes(tau_mem, tau_syn):
    def kappa(a, b):
        return b / (b - a) * (np.exp(-1.0 / b) - np.exp(-1.0 / a))

    step = 1e-4
    by_mem = (kappa(tau_mem + step, tau_syn) - kappa(tau_mem - step, tau_syn)) / (2 * step)
    by_syn = (kappa(tau_mem, tau_syn + step) - kappa(tau_mem, tau_syn - step)) / (2 * step)
    return by_mem, by_syn


def test_those_on_the_grid_are_those_of_the_reference_as_dt_shrinks():
    described = Described(refractory=2.0)
    recurrent = described.connections[1].connectivity
    recurrent.delay, recurrent.weight = 0, Normal(0.0, 0.05)  # in steps it would depend on dt
    errors = {}
    for dt in (0.1, 0.025):
        both = []
        for backend in ("reference", "cpu"):
            with described.compile(backend, dt) as compiled:
                both.append(gradients(compiled, described.data)[1])
                labels = {i: compiled.program.parameters[i].label for i in constants(compiled)}
        errors[dt] = {
            label: np.linalg.norm(both[1][i] - both[0][i]) / np.linalg.norm(both[0][i])
            for i, label in labels.items()
        }
    assert max(errors[0.025].values()) < 0.12, errors
    assert sum(errors[0.025].values()) < 0.5 * sum(errors[0.1].values())


def test_threads_agree():
    described = Described()
    found = []
    for threads in (1, 2, 2):
        with described.compile("cpu", threads=threads) as compiled:
            found.append(gradients(compiled, described.data)[1])
            which = constants(compiled)
    for i in which:
        np.testing.assert_allclose(found[0][i], found[1][i], rtol=1e-4, atol=1e-7)
        np.testing.assert_array_equal(found[1][i], found[2][i])


@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_they_are_learned_and_stay_within_their_bounds(backend):
    described = Described()
    bounds = {"tau_mem": (9.0, 31.0), "v_thresh": (0.7, 1.3), "v_reset": None}
    with described.compile(backend, bounds=bounds, alpha=0.5) as compiled:
        specs = compiled.program.parameters
        x, y = described.data
        compiled.train(x, y, num_epochs=8, validation_split=0.0)
        for i in constants(compiled):
            value = compiled.engine.get_parameter(i)
            low, high = specs[i].bounds
            assert np.all((value >= low) & (value <= high)), specs[i].label
            assert np.any(value != specs[i].initial), specs[i].label
        ends = compiled.engine.get_parameter(constants(compiled)[2])
    assert np.any(np.isin(ends, specs[constants(compiled)[2]].bounds))  # steps went beyond


def test_equal_values_are_the_number():
    """A network whose neurons all have the same is the one with the number."""

    def described(value, tau):
        network = Network()
        with network:
            x = Population(SpikeInput(), INPUTS)
            h = Population(LeakyIntegrateFire(tau_mem=value(20.0), v_reset=value(-0.1)), HIDDEN)
            y = Population(LeakyIntegrate(readout="avg_var"), OUTPUTS)
            Connection(x, h, Dense(Normal(1.2, 0.4)), Exponential(tau))
            Connection(h, y, Dense(Normal(0.6, 0.2)), Exponential(4.0))
        return network, x, y

    data, results = Described().data, []
    for value, tau in ((float, 5.0), (lambda v: np.full(HIDDEN, v), np.full(HIDDEN, 5.0))):
        network, x, y = described(value, tau)
        compiler = EventPropCompiler(40, "sparse_categorical_crossentropy", batch_size=EXAMPLES)
        with compiler.compile(network) as compiled:
            (spikes,), (labels,) = (tuple(d.values()) for d in data)
            loss, found = compiled.gradients({x: spikes}, {y: labels})
            results.append((loss, *(g["g"] for g in found.values())))
    for plain, own in zip(*results):
        np.testing.assert_allclose(plain, own, rtol=1e-5, atol=1e-8)


def test_training_goes_on_from_a_checkpoint_and_learned_values_are_loaded(tmp_path):
    described = Described()
    x, y = described.data
    with described.compile("cpu") as compiled:
        compiled.train(x, y, num_epochs=2)
        state = compiled.training_state()
        compiled.train(x, y, num_epochs=1, start_epoch=2)
        expected = compiled.engine.get_parameters()
        predicted, _ = compiled.predict(x, described.y)
    again = Described()
    with again.compile("cpu") as compiled:
        start = compiled.load_training_state(state)
        compiled.train(*again.data, 1, start_epoch=start[0], start_batch=start[1])
        for value, other in zip(expected, compiled.engine.get_parameters()):
            np.testing.assert_array_equal(value, other)
        state = compiled.training_state()
    loaded = Described()
    load_network(loaded.network, state)
    assert isinstance(loaded.h.neuron.tau_mem, np.ndarray)
    compiler = InferenceCompiler(round(DURATION), batch_size=EXAMPLES)
    with compiler.compile(loaded.network) as compiled:
        by_loaded, _ = compiled.predict(loaded.data[0], loaded.y)
    np.testing.assert_allclose(by_loaded[loaded.y], predicted[described.y], rtol=1e-6)


def test_networks_save_and_load_them(tmp_path):
    described, serialiser = Described(), Numpy(str(tmp_path))
    with described.compile("cpu") as compiled:
        compiled.train(*described.data, num_epochs=1)
        compiled.save((1,), serialiser)
        labels = [spec.label for spec in compiled.program.parameters]
        values = dict(zip(labels, compiled.engine.get_parameters()))
    other = Described()
    other.network.load((1,), serialiser)
    with other.compile("cpu") as compiled:
        for spec, value in zip(compiled.program.parameters, compiled.engine.get_parameters()):
            np.testing.assert_array_equal(value, values[spec.label])


@pytest.mark.parametrize("backend", [GENN])
def test_engines_that_do_not_learn_them_run_them(backend):
    """Gradients of weights are those of the CPU engine; learning is refused by name."""
    found = []
    for name in ("cpu", backend):
        described = Described(refractory=2.0)
        compiler = EventPropCompiler(
            round(DURATION), "sparse_categorical_crossentropy", batch_size=EXAMPLES, backend=name
        )
        with compiler.compile(described.network) as compiled:
            found.append(gradients(compiled, described.data)[1])
    for i, values in found[0].items():
        scale = np.abs(values).max()
        np.testing.assert_allclose(values, found[1][i], rtol=0, atol=1e-5 * scale)
    with pytest.raises(NotImplementedError, match=r"'tau' cannot be learned by GennEngine"):
        Described().compile(backend)
