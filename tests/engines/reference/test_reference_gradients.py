"""EventProp gradients of the reference engine against finite differences of its loss.

Every case first asserts that its neurons spike (several times), that spike counts do not
change under the differences, and that no gradient vanishes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from finite_differences import assert_gradients
from programs import Case, ProgramBuilder, layered_case, recurrent_case

from mlgenn_delays.engines.reference import ReferenceEngine
from mlgenn_delays.losses import (
    MeanSquareError,
    RelativeMeanSquareError,
    SparseCategoricalCrossentropy,
)
from mlgenn_delays.program.exchange import Batch

LEARNED = (0.5, 6.0)
SCE = SparseCategoricalCrossentropy()


@pytest.mark.parametrize(
    "delays",
    [
        (None, None, None),
        (2, 3, 1),
        (None, 3, LEARNED),
        (LEARNED, None, 2),
        (1, LEARNED, None),
        (LEARNED, LEARNED, LEARNED),
    ],
    ids=str,
)
def test_every_kind_of_delay_on_input_recurrent_and_output_connections(delays):
    assert_gradients(recurrent_case(SCE, seed=2, delays=delays), smallest_count=4)


@pytest.mark.parametrize("readout", ["avg_var", "avg_var_exp_weight", "sum_var", "max_var"])
def test_crossentropy_of_readouts(readout):
    assert_gradients(recurrent_case(SCE, readout, seed=2, delays=(LEARNED, 1, LEARNED)))


@pytest.mark.parametrize("readout", ["avg_var", "avg_var_exp_weight", "sum_var", "max_var", "var"])
def test_crossentropy_per_timestep(readout):
    case = recurrent_case(SCE, readout, seed=2, per_timestep=True, delays=(2, LEARNED, LEARNED))
    assert_gradients(case)


def test_mean_square_error_over_time():
    target = np.random.default_rng(1).normal(size=(2, 30, 2))
    case = recurrent_case(
        MeanSquareError(), "var", seed=3, targets=[target], delays=(LEARNED, 1, LEARNED)
    )
    assert_gradients(case)


@pytest.mark.parametrize("loss", [SCE, RelativeMeanSquareError(3.0)], ids=lambda loss: loss.name)
def test_losses_on_first_spike_times(loss):
    case = recurrent_case(
        loss, "first_spike_time", sizes=(3, 3, 3), delays=(LEARNED, 1, LEARNED), output_weight=2.0
    )
    assert_gradients(case, output_counts=lambda counts: np.all(counts >= 1) and np.max(counts) >= 3)


@pytest.mark.parametrize("loss", [SCE, RelativeMeanSquareError(3.0)], ids=lambda loss: loss.name)
def test_losses_on_first_spike_times_where_wrong_outputs_are_silent(loss):
    case = recurrent_case(
        loss,
        "first_spike_time",
        sizes=(3, 3, 3),
        delays=(LEARNED, 1, LEARNED),
        output_weight=2.0,
        targets=[np.array([0, 0])],
    )
    # an inhibited output never spikes
    case.parameters[2]["g"][:, 2] = -1.0
    engine = case.engine(ReferenceEngine)
    counts = engine.forward(case.batch).spike_counts[2]
    assert np.all(counts[:, 2] == 0) and np.all(counts[:, :2] > 0)
    assert_gradients(case, output_counts=lambda counts: True)


@pytest.mark.parametrize("tau_refrac", [0.7, 3.0])
def test_refractory_period(tau_refrac):
    case = recurrent_case(
        SCE,
        delays=(LEARNED, LEARNED, LEARNED),
        input_weight=3.0,
        hidden={"tau_refrac": tau_refrac, "v_reset": -0.2},
    )
    engine = assert_gradients(case, smallest_count=3)
    # spikes must arrive while their target is held, or the case would test less
    assert any(_arrivals_while_held(trial) > 3 for trial in engine.trials)


def _arrivals_while_held(trial) -> int:
    held = 0
    for item, k, time in zip(trial.tape_items, trial.tape_synapses, trial.tape_times, strict=True):
        if k >= 0:
            cell = trial.cells[item.row.link.target][item.row.posts[k]]
            held += any(0.0 < time - s.time < cell.membrane.refractory for s in cell.spikes)
    return held


def test_refractory_spiking_output():
    case = recurrent_case(
        SCE,
        "first_spike_time",
        seed=8,
        delays=(None, LEARNED, LEARNED),
        output_weight=1.0,
        hidden={"tau_refrac": 2.0},
        output={"tau_refrac": 2.0},
    )
    assert_gradients(case, output_counts=lambda counts: np.all(counts >= 1))


def test_refractory_period_with_two_receptors():
    builder = ProgramBuilder(4, timesteps=30)
    first, hidden = builder.input(3), builder.hidden(2, tau_refrac=2.0)
    last = builder.output(2, SCE)
    builder.connect(first, hidden, 2.5, 0.3, 5.0, LEARNED)
    builder.connect(first, hidden, 1.0, 0.3, 12.0, 2)
    builder.connect(hidden, last, 0.5, 1.0, delay=LEARNED)
    assert_gradients(builder.build(), smallest_count=3)


def test_reset_threshold_and_initial_voltage():
    hidden = {"v_reset": -0.3, "v_thresh": 0.8, "v": 0.25}
    case = recurrent_case(SCE, delays=(LEARNED, 1, LEARNED), hidden=hidden, output={"v": 0.4})
    assert_gradients(case, smallest_count=4)


@pytest.mark.parametrize("tau_mem", [5.0, 5.0 * (1.0 + 1e-9), 5.02])
def test_tau_mem_equal_or_close_to_tau_syn(tau_mem):
    times = {"tau_mem": tau_mem}
    case = recurrent_case(SCE, delays=(LEARNED, 2, LEARNED), hidden=times, output=times)
    assert_gradients(case, smallest_count=3)


def test_two_layers():
    assert_gradients(layered_case(SCE, delay=LEARNED, skip=False), smallest_count=2)


def test_skip_connections_and_different_time_constants():
    case = layered_case(SCE, delay=LEARNED, tau_mem=(8.0, 15.0, 20.0), tau_syn=(5.0, 2.0))
    assert [p.taus_syn for p in case.populations] == [(), (5.0,), (5.0, 2.0), (5.0, 2.0)]
    assert_gradients(case, smallest_count=2)


def test_three_receptors_one_of_them_with_the_time_constant_of_the_membrane():
    builder = ProgramBuilder(1, timesteps=30)
    first, hidden = builder.input(3, spikes=12), builder.hidden(2, tau_mem=8.0)
    last = builder.output(2, SCE)
    for tau_syn, mean in ((8.0, 2.5), (3.0, -0.5), (14.0, 0.3)):
        builder.connect(first, hidden, mean, 0.3, tau_syn, LEARNED)
    builder.connect(hidden, last, 0.5, 1.0, delay=LEARNED)
    assert_gradients(builder.build(), smallest_count=3)


def test_sparse_connections():
    case = recurrent_case(
        SCE,
        seed=10,
        sizes=(4, 4, 2),
        density=0.6,
        input_weight=3.0,
        delays=(LEARNED, LEARNED, 2),
    )
    for c in case.program.connections:
        assert c.is_sparse and 0 < c.num_synapses < c.source_size * c.target_size
    assert_gradients(case, smallest_count=2)


def test_several_outputs():
    builder = ProgramBuilder(4, timesteps=30)
    first, hidden = builder.input(3), builder.hidden(3)
    average = builder.output(2, SCE, "avg_var", name="average")
    spiking = builder.output(2, SCE, "first_spike_time", name="spiking")
    builder.connect(first, hidden, 2.5, 0.5, delay=LEARNED)
    builder.connect(hidden, average, 0.5, 1.0)
    builder.connect(hidden, spiking, 2.0, 0.5)
    builder.connect(spiking, average, 0.5, 1.0, delay=LEARNED)
    assert_gradients(builder.build(), output_counts=lambda counts: np.all(counts >= 2))


def test_self_excitation_without_delay():
    builder = ProgramBuilder(3, timesteps=30)
    first, hidden = builder.input(2), builder.hidden(1)
    last = builder.output(2, SCE)
    builder.connect(first, hidden, 3.0, 0.1)
    builder.connect(hidden, hidden, 0.4)
    builder.connect(hidden, last, 0.5, 1.0)
    assert_gradients(builder.build(), smallest_count=4)


def test_another_timestep_is_another_unit_of_delays_only():
    case = recurrent_case(SCE, delays=(LEARNED, 2, LEARNED))
    finer = case.at_timestep(0.25)
    assert finer.program.connections[1].constant_delay == 8
    coarse_engine = case.engine(ReferenceEngine)
    fine_engine = finer.engine(ReferenceEngine)
    assert finer.loss(fine_engine) == pytest.approx(case.loss(coarse_engine), rel=1e-13)
    coarse, fine = case.gradients(coarse_engine), finer.gradients(fine_engine)
    for one, two in zip(coarse, fine, strict=True):
        np.testing.assert_allclose(two["g"], one["g"], rtol=1e-9)
        if "d" in one:
            assert np.any(one["d"])
            np.testing.assert_allclose(two["d"], 0.25 * one["d"], rtol=1e-9)


def test_batch_gradient_is_the_mean_over_examples():
    case = recurrent_case(SCE, batch=3, delays=(LEARNED, LEARNED, LEARNED))
    engine = case.engine(ReferenceEngine)
    together = case.gradients(engine)
    alone = [_gradients_of_example(case, engine, b) for b in range(3)]
    for c, values in enumerate(together):
        for name, gradient in values.items():
            assert len({float(np.linalg.norm(a[c][name])) for a in alone}) == 3
            mean = np.mean([a[c][name] for a in alone], axis=0)
            np.testing.assert_allclose(gradient, mean, rtol=1e-12, atol=1e-15)


def _gradients_of_example(case: Case, engine: ReferenceEngine, b: int):
    result = engine.forward(Batch(case.inputs, np.array([b])))
    one = replace(case, targets={p: y[b : b + 1] for p, y in case.targets.items()})
    engine.backward(one.evaluate(result)[1])
    return case.gradients_of(engine)
