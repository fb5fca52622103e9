"""SurrogateCompiler: training from end to end, what it is given and what it refuses by name."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.callbacks import Callback, GradientNorms, SpikeRecorder, VarRecorder
from mlgenn_delays.compilers import (
    EventPropCompiler,
    InferenceCompiler,
    SurrogateCompiler,
    TrainingDiverged,
    load_network,
)
from mlgenn_delays.connectivity import Axonal, Dense
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.neurons import (
    AdaptiveLeakyIntegrateFire,
    LeakyIntegrate,
    LeakyIntegrateFire,
    SpikeInput,
)
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.synapses import Delta, Exponential
from mlgenn_delays.training.compiled_surrogate_network import WidthDecay
from mlgenn_delays.utils.data import preprocess_spikes

LOSS = "sparse_categorical_crossentropy"
STEPS = 40

pytest.importorskip("torch.nn", reason="PyTorch is not installed")

pytestmark = pytest.mark.torch


def describe(synapse=None, hidden=None, output=None, recurrent_delay=None):
    """Input (8) -> hidden (16) <-> hidden -> output (2), delays up to 10 and 5 steps."""
    network = Network()
    with network:
        x = Population(SpikeInput(), 8, record_spikes=True, name="x")
        h = Population(hidden or LeakyIntegrateFire(tau_mem=20.0), 16, True, name="h")
        y = Population(output or LeakyIntegrate(readout="avg_var"), 2, name="y")
        synapse = synapse or Exponential(5.0)
        scale = 1.0 if isinstance(synapse, Delta) else 5.0
        xh = Connection(
            x,
            h,
            Dense(Normal(0.5 * scale, 0.4 * scale), Uniform(0, 10)),
            synapse,
            "xh",
            max_delay_steps=10,
        )
        hh = Connection(
            h,
            h,
            Dense(Normal(0.0, 0.2 * scale), recurrent_delay or Uniform(0, 5)),
            synapse,
            "hh",
            max_delay_steps=5,
        )
        hy = Connection(h, y, Dense(Normal(0.0, 0.4)), synapse, "hy")
    return SimpleNamespace(network=network, x=x, h=h, y=y, xh=xh, hh=hh, hy=hy)


def compiler(net, **arguments):
    arguments = {"delay_learn_conns": [net.xh, net.hh], "num_threads": 1, **arguments}
    return SurrogateCompiler(STEPS, LOSS, Adam(0.01), batch_size=16, rng_seed=1, **arguments)


def order_task(examples=64, seed=0):
    """Which half of the channels comes first."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, examples)
    spikes = []
    for label in labels:
        first = rng.uniform(0, 12, 8)
        first[4 * label : 4 * label + 4] += 14
        order = np.argsort(first)
        spikes.append(preprocess_spikes(first[order], order, 8))
    return spikes, labels


@pytest.mark.parametrize("synapse", [Exponential(5.0), Delta()], ids=["exponential", "delta"])
def test_learns_an_order(synapse):
    net = describe(synapse)
    x, y = order_task()
    with compiler(net, delay_optimiser=Adam(0.2), dropout=0.1, batch_norm=[net.h]).compile(
        net.network
    ) as compiled:
        before = compiled.connection_populations[net.xh].vars["d"].values
        compiled.train({net.x: x}, {net.y: y}, 40, callbacks=[])
        metrics, _ = compiled.evaluate({net.x: x}, {net.y: y}, callbacks=[])
        after = compiled.connection_populations[net.xh].vars["d"]
        after.pull_from_device()
    assert metrics[net.y].result > 0.9
    assert np.abs(after.values - before).max() > 0.2
    assert compiled.history[-1].loss < 0.7 * compiled.history[0].loss


def test_stopped_and_resumed_training_is_the_same():
    x, y = order_task(32)

    def fresh():
        net = describe()
        made = compiler(
            net, dropout=0.2, recurrent_dropout=0.2, batch_norm=[net.h], spread_decay=0.7
        )
        return net, made.compile(net.network)

    net, whole = fresh()
    whole.train({net.x: x}, {net.y: y}, 3, callbacks=[])
    net, begun = fresh()
    begun.train({net.x: x}, {net.y: y}, 1, callbacks=[])
    state = begun.training_state()
    net, resumed = fresh()
    epoch, batch = resumed.load_training_state(state)
    resumed.train({net.x: x}, {net.y: y}, 2, epoch, start_batch=batch, callbacks=[])
    expected, found = whole.training_state(), resumed.training_state()
    assert expected.keys() == found.keys()
    for name in expected:
        if name.startswith(("parameters/", "optimiser/")):
            np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    sigma = found["parameters/connections/xh/sigma"]
    np.testing.assert_allclose(sigma, 5.0 * 0.7**2, rtol=1e-6)


def test_predicts_the_spikes_of_the_cpu_engine():
    """With delays rounded, as the CPU engine does it."""
    net = describe()
    x, y = order_task(20)
    compiled = compiler(net).compile(net.network)
    compiled.train({net.x: x}, {net.y: y}, 2, callbacks=[])
    load_network(net.network, compiled.training_state())
    other = InferenceCompiler(STEPS, batch_size=7).compile(net.network)
    results = []
    for network in (compiled, other):
        recorders = [SpikeRecorder(p, key=p.name) for p in (net.x, net.h)]
        recorders += [VarRecorder(p, "v", key=f"v of {p.name}") for p in (net.h, net.y)]
        results.append(network.predict({net.x: x}, net.y, callbacks=recorders))
    (outputs, data), (other_outputs, other_data) = results
    np.testing.assert_allclose(outputs[net.y], other_outputs[net.y], rtol=1e-5, atol=1e-6)
    for key in ("v of h", "v of y"):
        np.testing.assert_allclose(data[key], other_data[key], rtol=1e-4, atol=1e-6)
    for key in ("x", "h"):
        for mine, theirs in zip(data[key], other_data[key]):
            for a, b in zip(mine, theirs, strict=True):
                np.testing.assert_array_equal(a, b)
    assert sum(map(len, data["h"][0])) > 50


def test_fractional_delays_predict_something_else():
    net = describe()
    x, _ = order_task(8)
    outputs = [
        compiler(net, fractional_delays=f).compile(net.network).predict({net.x: x}, net.y, [])[0]
        for f in (False, True)
    ]
    assert not np.allclose(outputs[0][net.y], outputs[1][net.y])


def test_axonal_delays_are_one_per_neuron():
    net = describe(recurrent_delay=Axonal(Uniform(0, 5)))
    compiled = compiler(net).compile(net.network)
    x, y = order_task(16)
    compiled.train({net.x: x}, {net.y: y}, 1, callbacks=[])
    variables = compiled.connection_populations[net.hh].vars
    assert variables["d"].values.shape == (16,)
    assert variables["g"].values.shape == (16, 16)
    _, gradients = compiled.gradients({net.x: x}, {net.y: y})
    assert gradients[net.hh]["d"].shape == (16,) and np.any(gradients[net.hh]["d"])


def test_gradients_of_neurons_are_listed_by_population():
    net = describe()
    compiled = compiler(net, bias=[net.y], batch_norm=[net.h]).compile(net.network)
    x, y = order_task(16)
    norms = GradientNorms()
    compiled.train({net.x: x}, {net.y: y}, 1, callbacks=[norms])
    assert norms.norms.keys() == {"xh", "hh", "hy"} and norms.norms["xh"].keys() == {"g", "d"}
    _, gradients = compiled.gradients({net.x: x}, {net.y: y})
    assert gradients[net.y].keys() == {"bias"}
    assert gradients[net.h].keys() == {"norm_scale", "norm_shift"}


@pytest.mark.parametrize(
    "learned",
    [lambda n: [], lambda n: [n.hy], lambda n: [n.xy]],
    ids=["nothing", "an output", "another output"],
)
def test_frozen_parts(learned):
    """What no learned parameter has an effect on: readouts, and the regulariser's spikes."""
    net = describe()
    with net.network:
        other = Population(LeakyIntegrate(readout="avg_var"), 2, name="other")
        net.xy = Connection(net.x, other, Dense(0.3), Exponential(5.0), "xy")
    regulariser = {"reg_lambda_upper": 1e-3, "reg_nu_upper": 2.0}
    compiled = compiler(
        net, delay_learn_conns=[], weight_learn_conns=learned(net), **regulariser
    ).compile(net.network)
    x, y = order_task(16)
    _, gradients = compiled.gradients({net.x: x}, {net.y: y, other: y})
    for connection, found in gradients.items():
        assert found.keys() == ({"g"} if connection in learned(net) else set())
        assert all(np.any(gradient) for gradient in found.values())
    before = compiled.engine.get_parameters()
    compiled.train({net.x: x}, {net.y: y, other: y}, 1, callbacks=[])
    moved = [not np.array_equal(*pair) for pair in zip(before, compiled.engine.get_parameters())]
    assert sum(moved) == len(learned(net))


def test_gradients_change_nothing():
    net = describe()
    compiled = compiler(net, batch_norm=[net.h]).compile(net.network)
    x, y = order_task(16)
    before = compiled.engine.get_parameters()
    compiled.gradients({net.x: x}, {net.y: y})
    for value, expected in zip(compiled.engine.get_parameters(), before, strict=True):
        np.testing.assert_array_equal(value, expected)


def test_a_step_that_is_not_taken_leaves_running_statistics():
    net = describe()
    compiled = compiler(net, batch_norm=[net.h], bias=[net.y]).compile(net.network)
    x, y = order_task(32)
    bias = [s.key for s in compiled.program.parameters].index("populations/y/bias")
    seen = []

    class Diverge(Callback):
        def on_batch_begin(self, batch):
            if batch == 1:
                compiled.engine.set_parameter(bias, np.full(2, np.float32(3e38)))
                seen.extend(compiled.engine.get_parameters())

    with pytest.raises(TrainingDiverged, match="the step was not applied"):
        compiled.train({net.x: x}, {net.y: y}, 1, callbacks=[Diverge()])
    for value, expected in zip(compiled.engine.get_parameters(), seen, strict=True):
        np.testing.assert_array_equal(value, expected)


def test_callbacks_are_numbered_as_the_user_has_them():
    net = describe()
    compiled = compiler(net).compile(net.network)
    x, y = order_task(16)
    with pytest.warns(UserWarning, match="callback 0 "):
        _, data = compiled.train({net.x: x}, {net.y: y}, 1, callbacks=[SpikeRecorder(net.h)])
    assert data.keys() == {0}
    with pytest.raises(TypeError, match="callbacks should be a sequence of callbacks"):
        compiled.train({net.x: x}, {net.y: y}, 1, callbacks=None)


def test_passes_are_in_full_precision(monkeypatch):
    """PyTorch's settings are those of the process: put back afterwards."""
    import torch

    from mlgenn_delays.engines.torch.layer import run_layer

    cudnn, seen = torch.backends.cudnn, []
    monkeypatch.setattr(cudnn, "allow_tf32", True)
    monkeypatch.setattr(
        "mlgenn_delays.engines.torch.forward.run_layer",
        lambda *args: (seen.append(cudnn.allow_tf32), run_layer(*args))[1],
    )
    net = describe()
    x, _ = order_task(4)
    compiler(net).compile(net.network).predict({net.x: x}, net.y, callbacks=[])
    assert seen and not any(seen)
    assert cudnn.allow_tf32


def test_program_is_told():
    net = describe()
    compiled = compiler(net, batch_norm=[net.h], dropout=0.25).compile(net.network)
    text = str(compiled.program)
    for line in (
        "surrogate gradients: arctangent, slope 5",
        "  xh: delays spread by a gaussian",
        "  hh: delays spread by a triangle",
        "  h: batch normalisation, dropout 0.25",
    ):
        assert line in text.splitlines()


def test_widths_shrink():
    decay = WidthDecay(0.5, 0.3)
    assert [decay.width(2.0, e) for e in range(5)] == [2.0, 1.0, 0.5, 0.3, 0.3]
    assert decay.width(0.1, 3) == 0.1  # a width that begins below the smallest stays


# -- refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"surrogate": "atan"}, r"surrogate is 'atan', allowed are 'arctangent', .*'fast_sigmoid'"),
        ({"surrogate_slope": 0.0}, "surrogate_slope is 0"),
        ({"spread": "box"}, "spread is 'box', allowed are 'gaussian', 'triangle'"),
        ({"spread_width": -1.0}, "spread_width is -1"),
        ({"spread_width": 1e9}, "allowed are finite numbers from 0 to 65535"),
        ({"spread_width": 0.0, "spread": {}}, "spread_width of connection 'xh' is 0"),
        ({"spread_decay": 1.5}, "spread_decay is 1.5"),
        ({"spread_min_width": 0.0}, "spread_min_width is 0, connection 'xh' has the spread 'gauss"),
        ({"dropout": 1.0}, "dropout is 1, allowed are numbers from 0 to below 1"),
        ({"spread": "gaussian"}, "'hh' is 'gaussian', the way of DCLS, .* take 'triangle'"),
        ({"backend": "cpu"}, "backend is 'cpu', allowed are 'auto', 'torch', "),
    ],
)  # fmt: skip
def test_arguments(arguments, message):
    net = describe()
    with pytest.raises(ValueError, match=message):
        compiler(net, **arguments).compile(net.network)


def test_normalisation_of_one_number():
    net = describe()
    compiler = SurrogateCompiler(1, LOSS, batch_norm=[net.h], num_threads=1)
    with pytest.raises(ValueError, match="at least 2 timesteps, example_timesteps is 1"):
        compiler.compile(net.network)


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (lambda n: {"spread_width": {n.hy: 2.0}}, "spread_width has the connection 'hy', whose d"),
        (lambda n: {"learned_width_conns": [n.xh]}, "'xh', whose spread is 'gaussian'"),
        (lambda n: {"dropout": {n.y: 0.5}}, "dropout has the population 'y', allowed are 'h'"),
        (lambda n: {"batch_norm": [n.x]}, "batch_norm has the population 'x', allowed are 'h', 'y"),
    ],
)
def test_what_does_not_apply_to_a_part(named, message):
    net = describe()
    with pytest.raises(ValueError, match=message):
        compiler(net, **named(net)).compile(net.network)


class Own(LeakyIntegrateFire):
    """A model of a user."""

    def get_model(self, dt, i_minus_thresh_min):
        model = super().get_model(dt, i_minus_thresh_min)
        return type(model)(**{**vars(model), "sim_code": "V = (Alpha * V) + (2.0f * Isyn);"})


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"hidden": LeakyIntegrateFire(tau_refrac=2.0)}, "population 'h': tau_refrac"),
        ({"hidden": AdaptiveLeakyIntegrateFire()}, "neurons of type AdaptiveLeakyIntegrateFire"),
        ({"hidden": Own()}, "population 'h': neurons of type Own cannot be trained"),
        (
            {"output": LeakyIntegrateFire(readout="first_spike_time")},
            "population 'y': readout 'first_spike_time' is not supported",
        ),
    ],
)
def test_networks_that_it_cannot_train(parts, message):
    net = describe(**parts)
    with pytest.raises(ValueError, match=message):
        compiler(net).compile(net.network)


def test_circle_of_populations():
    net = describe()
    with net.network:
        other = Population(LeakyIntegrateFire(), 4, name="other")
        Connection(net.h, other, Dense(1.0))
        Connection(other, net.h, Dense(1.0))
    with pytest.raises(ValueError, match=r"the populations 'h', 'y', 'other' feed each other in a"):
        compiler(net).compile(net.network)


def test_torch_is_missing(monkeypatch):
    for name in [n for n in sys.modules if n.split(".")[0] == "torch"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError) as error:
        SurrogateCompiler(STEPS, LOSS)
    assert str(error.value) == (
        "surrogate gradients need PyTorch, but it is not installed: "
        "pip install 'mlgenn_delays[torch]'"
    )


def test_device_is_missing(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ValueError, match="'torch:cuda', but PyTorch finds no GPU"):
        SurrogateCompiler(STEPS, LOSS, backend="torch:cuda")


def test_engine_of_surrogates_trains_nothing_with_event_prop():
    with pytest.raises(ValueError, match=r"backend is 'torch', .*: take SurrogateCompiler"):
        EventPropCompiler(STEPS, LOSS, backend="torch")


def test_out_of_memory_says_what_to_reduce(monkeypatch):
    net = describe()
    x, y = order_task(8)
    compiled = compiler(net).compile(net.network)

    def fail(*arguments):
        raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr("mlgenn_delays.engines.torch.forward.run_layer", fail)
    with pytest.raises(MemoryError, match="reduce batch_size, max_delay_steps or the size of la"):
        compiled.train({net.x: x}, {net.y: y}, 1, callbacks=[])
