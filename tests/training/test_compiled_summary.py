"""Texts of compiled networks and compilers."""

import numpy as np
import pytest
from trained_networks import TIMESTEPS, compile_recurrent, make_spikes

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import EventPropCompiler, InferenceCompiler, SurrogateCompiler
from mlgenn_delays.connectivity import AvgPool2D, Axonal, Dendritic
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, SpikeInput
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.readouts import AvgVar


def cells(table, column):
    return [row[table.columns.index(column)] for row in table.rows]


@pytest.fixture
def compiled(recurrent):
    optimisers = {recurrent.hh: Adam(0.5)}
    return compile_recurrent(recurrent, "cpu", num_threads=1, weight_optimisers=optimisers)


def test_in_short(compiled):
    assert (
        str(compiled)
        == repr(compiled)
        == (
            "CompiledTrainingNetwork on cpu, 1 thread\n"
            "  trials  40 ms, 40 timesteps of 1 ms; batches of up to 4\n"
            "  learns  weights of 'Conn_x_h', 'Conn_h_y' (Adam, alpha 0.001)\n"
            "          delays of 'Conn_x_h' (Adam, alpha 0.001)\n"
            "          weights of 'Conn_h_h' (Adam, alpha 0.5)"
        )
    )
    compiled.optimisers[0][0].alpha = 0.25  # as schedules do
    assert "'Conn_h_y' (Adam, alpha 0.25)" in str(compiled)


def test_summary(recurrent, compiled):
    summary = compiled.summary()
    assert summary.title.startswith("CompiledTrainingNetwork of 3 populations, 3 connections, 12")
    populations, connections = summary.tables
    assert cells(populations, "neurons") == ["8", "10", "2"]
    assert cells(populations, "tau_mem [ms]") == ["", "20", "20"]
    assert cells(populations, "readout") == ["", "", "avg_var_exp_weight"]
    assert cells(populations, "loss") == ["", "", "SparseCategoricalCrossentropy()"]
    drawn = compiled.program.connections[1].num_synapses
    assert cells(connections, "synapses") == ["80", str(drawn), "20"]
    assert cells(connections, "tau [ms]") == ["5", "5", "4"]
    assert cells(connections, "learned") == ["weights, delays", "weights", "weights"]
    delays = np.array(compiled.connection_populations[recurrent.xh].vars["d"].values)
    span = f"{delays.min():.3g} to {delays.max():.3g}"
    assert cells(connections, "delays [ms]") == [span, "0 for all", "2 for all"]
    assert summary.parameters == {"weights": 100 + drawn, "delays": 80}
    total = f"{180 + drawn}"
    assert summary.facts["parameters"] == (
        f"{total}: {100 + drawn} weights, 80 delays; {total} are learned"
    )
    assert summary.facts["engine"] == "cpu, 1 thread"
    assert "weights of 'Conn_h_h' (Adam, alpha 0.5)" in summary.facts["learns"]
    assert summary.facts["memory"].startswith(
        f"{sum(compiled.memory_estimate().values()) / 1e3:.1f} kB ("
    )
    assert "time so far" not in summary.facts


def test_delays_are_in_ms_and_those_of_now(recurrent):
    compiled = compile_recurrent(recurrent, "cpu", num_threads=1, dt=0.5)
    delays = compiled.connection_populations[recurrent.xh].vars["d"]
    delays.view[:] = 3.0
    delays.push_to_device()
    _, connections = compiled.summary().tables
    assert cells(connections, "delays [ms]") == ["1.5 each", "0 for all", "1 for all"]


def test_constants_of_single_neurons(recurrent):
    neuron = recurrent.h.neuron
    neuron.tau_mem, neuron.v_thresh = Uniform(18.0, 22.0), np.linspace(0.5, 1.0, 10)
    compiled = compile_recurrent(
        recurrent, "cpu", num_threads=1, neuron_learn_params={recurrent.h: ["v_thresh"]}
    )
    populations, _ = compiled.summary().tables
    taus = compiled.neuron_populations[recurrent.h].vars["tau_mem"].values
    span = f"{taus.min():.3g} to {taus.max():.3g}"
    assert cells(populations, "tau_mem [ms]") == ["", span, "20"]
    assert cells(populations, "per neuron") == ["", "v_thresh 0.5 to 1", ""]
    assert cells(populations, "learned") == ["", "v_thresh", ""]


def test_windows_of_readouts(recurrent):
    recurrent.y.neuron.readout = AvgVar(10, 20)
    compiled = compile_recurrent(recurrent, "cpu", num_threads=1, dt=0.5)
    assert cells(compiled.summary().tables[0], "readout") == ["", "", "avg_var, 10 to 20 ms"]


@pytest.mark.parametrize(
    ("clamp", "keep", "weight", "text"),
    [
        (None, False, Normal(), ""),
        ((-9, 9.5), False, Normal(), "-9 to 9.5"),
        ((-9, np.inf), False, Normal(), "at least -9"),
        ((-np.inf, 9), False, Normal(), "at most 9"),
        (None, True, Normal(), "signs kept"),
        ((-9, 9), True, Normal(), "-9 to 9, signs kept"),
        ((-9, 9), True, Uniform(0.5, 1), "0 to 9, signs kept"),
        ((-9, np.linspace(8, 9, 20).reshape(10, 2)), False, Normal(), "-9 to 9, by entry"),
    ],
)
def test_bounds_of_weights(recurrent, clamp, keep, weight, text):
    recurrent.hy.connectivity.weight = weight
    settings = {"keep_sign_conns": [recurrent.hy] if keep else []}
    if clamp is not None:
        settings["clamp_weight_conns"] = {recurrent.hy: clamp}
    compiled = compile_recurrent(recurrent, "cpu", num_threads=1, **settings)
    assert cells(compiled.summary().tables[1], "bounds of weights") == ["", "", text]


def test_delays_that_are_sums_are_those_of_synapses(recurrent):
    axonal, dendritic = np.linspace(1.0, 2.0, 8), np.linspace(3.0, 6.0, 10)
    recurrent.xh.connectivity.delay = Axonal(axonal) + Dendritic(dendritic)
    recurrent.xh.max_delay_steps = 20
    compiled = compile_recurrent(recurrent, "cpu", num_threads=1, dt=0.5)
    assert cells(compiled.summary().tables[1], "delays [ms]")[0] == "2 to 4, 18 shared"


def test_weights_of_pooling_are_no_parameters():
    with Network() as network:
        x = Population(SpikeInput(), (4, 4, 2))
        h = Population(LeakyIntegrate(readout="avg_var"))
        Connection(x, h, AvgPool2D(2, delay=Axonal(Uniform(0, 3))))
    compiled = InferenceCompiler(TIMESTEPS, backend="reference").compile(network)
    assert compiled.summary().parameters == {"weights": 0, "delays": 32}


def test_time_so_far(recurrent, compiled):
    spikes, labels = make_spikes(8, 8)
    compiled.train({recurrent.x: spikes}, {recurrent.y: labels}, num_epochs=1, callbacks=[])
    assert " s in the network, " in compiled.summary().facts["time so far"]


def test_what_predicts_learns_nothing(recurrent):
    compiled = InferenceCompiler(TIMESTEPS, backend="reference").compile(recurrent.network)
    assert str(compiled).startswith("CompiledInferenceNetwork on reference")
    assert compiled.summary().facts["learns"] == "nothing"
    assert set(cells(compiled.summary().tables[1], "learned")) == {"nothing"}


def test_a_closed_network_stays_closed(compiled):
    with compiled:
        pass
    assert "on cpu, 1 thread" in str(compiled)
    assert compiled.summary().facts["engine"] == "cpu, 1 thread"
    assert compiled._handle._engine is None


def test_compilers(recurrent):
    compiler = EventPropCompiler(
        50,
        "sparse_categorical_crossentropy",
        Adam(0.5),
        reg_lambda_upper={recurrent.h: 1e-3},
        delay_learn_conns=[recurrent.xh],
        delay_optimiser="adam",
        backend="reference",
    )
    text = repr(compiler)
    assert text.startswith("EventPropCompiler(example_timesteps=50, ")
    for part in (
        "losses='sparse_categorical_crossentropy'",
        "reg_lambda_upper={'h': 0.001}",
        "delay_learn_conns=['Conn_x_h']",
        "optimiser=Adam(alpha=0.5, ",
        "delay_optimiser=Adam(alpha=0.001, ",
        "backend='reference'",
    ):
        assert part in text
    assert "dt=" not in text and "rng_seed" not in text
    inference = InferenceCompiler(20, dt=0.5, batch_size=8)
    assert repr(inference) == "InferenceCompiler(evaluate_timesteps=20, dt=0.5, batch_size=8)"


@pytest.mark.torch
def test_surrogate_compilers(recurrent):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    text = repr(
        SurrogateCompiler(
            50, "sparse_categorical_crossentropy", bias=[recurrent.h], surrogate="triangular"
        )
    )
    assert text.startswith("SurrogateCompiler(example_timesteps=50, ")
    for part in ("surrogate='triangular'", "surrogate_slope=1", "bias=['h']"):
        assert part in text
    assert "dropout" not in text
