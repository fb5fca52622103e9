"""The check that users run: it agrees where gradients are right, and says so where not."""

from __future__ import annotations

import numpy as np
import pytest
from trained_networks import HY_G, TIMESTEPS, XH_D, XH_G

import mlgenn_delays
from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import EventPropCompiler, default_params
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.initializers import Normal
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.verify.comparison import check_gradients
from mlgenn_delays.verify.probe import Entry, GradientProbe


@pytest.fixture
def check(recurrent, spikes):
    """Function (**arguments) -> check of the recurrent network on three examples."""
    x, y = spikes(3, 8)

    def run(**kwargs):
        arguments = {
            "example_timesteps": TIMESTEPS,
            "losses": "sparse_categorical_crossentropy",
            "delay_learn_conns": [recurrent.xh],
            "num_parameters": 16,
            "backend": "reference",
            "print_table": False,
            **kwargs,
        }
        return check_gradients(recurrent.network, {recurrent.x: x}, {recurrent.y: y}, **arguments)

    return run


def test_it_is_offered_by_the_package():
    assert mlgenn_delays.check_gradients is check_gradients


def test_reference_agrees(check):
    result = check()
    assert result.ok and not result.skipped
    assert result.spikes["h"][0] > 10
    assert {(r.connection, r.parameter) for r in result.rows} == {
        ("Conn_x_h", "g"),
        ("Conn_x_h", "d"),
        ("Conn_h_h", "g"),
        ("Conn_h_y", "g"),
    }
    assert len({(r.connection, r.parameter, r.index) for r in result.rows}) == 16
    large = [r for r in result.rows if abs(r.reference) > 1e-4]
    assert len(large) > 4
    assert all(r.reference_error < 1e-5 for r in large)
    for s in result.similarities:
        assert s.cosine == pytest.approx(1.0) and s.ratio == pytest.approx(1.0)


def test_engines_simulate_the_same_network(recurrent, spikes):
    """Delays in whole steps, and input spikes when an engine on a grid delivers them."""
    compiler = EventPropCompiler(
        TIMESTEPS,
        "sparse_categorical_crossentropy",
        batch_size=3,
        delay_learn_conns=[recurrent.xh],
        backend="reference",
    )
    x, y = spikes(3, 8)
    network = compiler.compile(recurrent.network)
    before = network.engine.get_parameter(XH_D)
    probe = GradientProbe(network, {recurrent.x: x}, {recurrent.y: y})
    assert np.any(before != np.round(before))
    after = [probe.get(Entry(XH_D, index)) for index in np.ndindex(before.shape)]
    assert np.array_equal(after, np.floor(before + 0.5).reshape(-1))
    times, _ = network.engine.trials[0].spikes(0)
    emitted = np.ceil(np.sort(x[0].spike_times.astype(float)))
    assert np.array_equal(times, emitted + 1.0)


def test_a_silent_network_shows_nothing(recurrent, spikes):
    for connection in (recurrent.xh, recurrent.hh):
        connection.connectivity.weight = 0.0
    x, y = spikes(3, 8)
    result = check_gradients(
        recurrent.network,
        {recurrent.x: x},
        {recurrent.y: y},
        example_timesteps=TIMESTEPS,
        losses="sparse_categorical_crossentropy",
        backend="reference",
        print_table=False,
    )
    assert result.rows and not result.has_gradient and not result.ok
    assert "all gradients are 0, so that nothing was checked" in str(result)


def test_selection_is_seeded(check):
    def chosen(seed):
        return [(r.connection, r.parameter, r.index) for r in check(seed=seed).rows]

    assert chosen(1) == chosen(1) != chosen(2)


def test_wrong_gradients_are_found(check, monkeypatch):
    from mlgenn_delays.engines.reference import ReferenceEngine

    right = ReferenceEngine.gradients

    def wrong(self):
        gradients = right(self)
        gradients[XH_G] *= 1.001  # far below what the engine's tolerance would see
        return gradients

    monkeypatch.setattr(ReferenceEngine, "gradients", wrong)
    result = check()
    assert not result.ok
    for row in result.rows:
        changed = (row.connection, row.parameter) == ("Conn_x_h", "g") and row.reference != 0.0
        assert row.reference_agrees is not changed
        assert row.engine_agrees
    assert " NO " in str(result)


def test_wrong_engine_is_found(check, monkeypatch):
    from mlgenn_delays.engines.cpu import CpuEngine

    right = CpuEngine.gradients
    assert check(backend="cpu", dt=1.0).similarities

    def wrong(self):
        gradients = right(self)
        gradients[HY_G] = -gradients[HY_G]
        return gradients

    monkeypatch.setattr(CpuEngine, "gradients", wrong)
    result = check(backend="cpu")
    bad = [r for r in result.rows if r.connection == "Conn_h_y"]
    assert bad and not any(r.engine_agrees for r in bad if abs(r.reference) > 1e-3)
    assert all(r.reference_agrees for r in result.rows)
    similarity = next(s for s in result.similarities if s.connection == "Conn_h_y")
    assert similarity.cosine < -0.9


def feed_forward(dt):
    """Input -> hidden -> output in units of ms: the same network at every dt."""
    rng = np.random.default_rng(7)  # no neuron barely reaches its threshold
    network = Network(default_params)
    with network:
        x = Population(SpikeInput(), 8, name="x")
        h = Population(LeakyIntegrateFire(tau_refrac=None), 6, name="h")
        y = Population(LeakyIntegrate(readout="avg_var"), 2, name="y")
        delays = rng.integers(0, 5, (8, 6)) / dt
        xh = Connection(
            x,
            h,
            Dense(rng.normal(1.5, 0.3, (8, 6)), delays),
            Exponential(5.0),
            max_delay_steps=round(10 / dt),
        )
        Connection(h, y, Dense(rng.normal(0.0, 0.5, (6, 2))), Exponential(4.0))
    return network, x, y, xh


def test_cpu_engine_agrees_at_a_small_timestep(spikes):
    network, x, y, xh = feed_forward(0.05)
    xs, ys = spikes(2, 8)
    result = check_gradients(
        network,
        {x: xs},
        {y: ys},
        example_timesteps=800,
        losses="sparse_categorical_crossentropy",
        dt=0.05,
        delay_learn_conns=[xh],
        num_parameters=12,
        backend="cpu",
        engine_tolerance=0.06,
        print_table=False,
    )
    assert result.spikes["h"][0] == result.spikes["h"][1] > 5
    assert result.ok, str(result)
    assert all(s.cosine > 0.999 for s in result.similarities)


def test_cpu_engine_agrees_in_sub_step_timing(check):
    """At a timestep at which the grid is far off: nothing is rounded."""
    found = {t: check(backend="cpu", timing=t, num_parameters=4) for t in ("grid", "substep")}
    cosines = {t: min(s.cosine for s in c.similarities) for t, c in found.items()}
    assert cosines["substep"] > 0.95 > cosines["grid"]
    assert found["substep"].loss_engine == pytest.approx(found["substep"].loss_reference, rel=1e-3)


def test_parameters_whose_step_changes_spikes_are_skipped(check):
    result = check(epsilon=2.0, num_parameters=8)
    assert result.skipped
    assert all("a step of 2 changes the number of spikes" in s.reason for s in result.skipped)
    assert len(result.skipped) + len(result.rows) == 8
    assert "skipped Conn_x_h" in str(result)


def test_delays_at_the_ends_of_their_range(spikes):
    network = Network(default_params)
    with network:
        x = Population(SpikeInput(), 4, name="x")
        y = Population(LeakyIntegrate(readout="avg_var"), 2, name="y")
        delays = np.array([[0, 3], [3, 0], [0, 0], [3, 3]])
        c = Connection(x, y, Dense(Normal(0.0, 1.0), delays), max_delay_steps=3)
    xs, ys = spikes(2, 4)
    result = check_gradients(
        network,
        {x: xs},
        {y: ys},
        example_timesteps=TIMESTEPS,
        losses="sparse_categorical_crossentropy",
        delay_learn_conns=[c],
        weight_learn_conns=[],
        backend="reference",
        epsilon=1e-4,
        print_table=False,
    )
    assert len(result.rows) == 8 and result.ok, str(result)
    assert all(abs(r.reference) > 1e-5 for r in result.rows)


def test_table_is_printed(check, capsys):
    result = check(print_table=True, num_parameters=4)
    printed = capsys.readouterr().out
    assert printed == str(result) + "\n"
    assert "agree with finite differences: reference 4 of 4" in printed
    for row in result.rows:
        assert f"{row.finite_difference:.5e}" in printed


def test_description_is_left_alone(check, recurrent):
    before = recurrent.xh.connectivity.weight
    check(num_parameters=2)
    assert recurrent.xh.connectivity.weight is before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_parameters": 0}, "num_parameters is 0"),
        ({"epsilon": 0.0}, "epsilon is 0"),
        ({"example_timesteps": 0}, "example_timesteps is 0"),
    ],
)
def test_bad_arguments(check, arguments, message):
    with pytest.raises(ValueError, match=message):
        check(**arguments)


def test_empty_data(recurrent):
    with pytest.raises(ValueError, match=r"x\['x'\]: the data set is empty"):
        check_gradients(
            recurrent.network,
            {recurrent.x: []},
            {recurrent.y: []},
            example_timesteps=TIMESTEPS,
            losses="sparse_categorical_crossentropy",
            backend="reference",
        )
