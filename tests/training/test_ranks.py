"""Several ranks train as one process does, and end together; ranks are threads here."""

from __future__ import annotations

import contextlib
import io
import threading

import numpy as np
import pytest
from rank_threads import run_ranks
from trained_networks import TIMESTEPS, describe_recurrent, make_spikes

from mlgenn_delays.callbacks import (
    BestCheckpoint,
    Callback,
    Checkpoint,
    GradientNorms,
    OptimiserParamSchedule,
    WakeSilentNeurons,
)
from mlgenn_delays.compilers import EventPropCompiler, InferenceCompiler
from mlgenn_delays.initializers import Normal
from mlgenn_delays.serialisers import Numpy
from mlgenn_delays.training.loop import TrainingDiverged
from mlgenn_delays.training.ranks import RankError, Ranks

LOSS = "sparse_categorical_crossentropy"
SPIKES, LABELS = make_spikes(20, 8)
HELD_OUT = make_spikes(7, 8, 5)
LOCK = threading.Lock()


def describe():
    """Only one thread at a time can be within ``with network``."""
    with LOCK:
        return describe_recurrent()


def part_of(values, communicator):
    """Each rank has every n-th example."""
    return values if communicator is None else values[communicator.rank :: communicator.num_ranks]


def compile_network(communicator, net, batch_size=8, **settings):
    arguments = {
        "reg_lambda_upper": 1e-2,
        "reg_lambda_lower": 1e-2,
        "reg_nu_upper": 2.0,
        "delay_learn_conns": [net.xh],
        "backend": "reference",
        **settings,
    }
    compiler = EventPropCompiler(
        TIMESTEPS, LOSS, batch_size=batch_size, communicator=communicator, **arguments
    )
    return compiler.compile(net.network)


def train(communicator, make_callbacks=lambda net: [], weight=None, **settings):
    """(compiled network, its description, outcome of ``train``)."""
    net = describe()
    if weight is not None:
        net.xh.connectivity.weight = weight
    compiled = compile_network(communicator, net, **settings)
    outcome = compiled.train(
        {net.x: part_of(SPIKES, communicator)},
        {net.y: part_of(LABELS, communicator)},
        2,
        shuffle=False,
        callbacks=make_callbacks(net),
        validation_callbacks=[],
        validation_x={net.x: part_of(HELD_OUT[0], communicator)},
        validation_y={net.y: part_of(HELD_OUT[1], communicator)},
    )
    return compiled, net, outcome


def only_on(rank, callback):
    """Function for ``train`` that gives a callback to one rank."""
    return lambda communicator: train(
        communicator, lambda net: [callback] if communicator.rank == rank else [], batch_size=12
    )


def parameters(compiled):
    return compiled.engine.get_parameters()


# -- as one process


@pytest.mark.parametrize("num_ranks", [2, 4])
def test_training_is_that_of_one_process(num_ranks):
    """Of 20 examples, 7 to validate with: with four ranks their parts are not equal."""
    alone, net, (metrics, validation_metrics, *_) = train(None)
    ranks = run_ranks(train, num_ranks)
    for compiled, own, (found, validation_found, *_) in ranks:
        for value, first, expected in zip(
            parameters(compiled), parameters(ranks[0][0]), parameters(alone)
        ):
            np.testing.assert_array_equal(value, first)
            np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-12)
        assert found[own.y].result == metrics[net.y].result
        assert validation_found[own.y].result == validation_metrics[net.y].result
        for record, expected in zip(compiled.history, alone.history, strict=True):
            assert record.loss == pytest.approx(expected.loss, rel=1e-12)
            assert record.validation_loss == pytest.approx(expected.validation_loss, rel=1e-12)
            assert record.spikes_per_neuron == expected.spikes_per_neuron
            assert record.silent_neurons == expected.silent_neurons
        assert compiled.batch_size * num_ranks == alone.batch_size


def test_gradients_are_those_of_all_examples():
    def gradients(communicator):
        net = describe()
        compiled = compile_network(communicator, net)
        x, y = part_of(SPIKES[:8], communicator), part_of(LABELS[:8], communicator)
        loss, found = compiled.gradients({net.x: x}, {net.y: y})
        return loss, list(found.values()), list(compiled.gradient_norms().values())

    loss, expected, norms = gradients(None)
    for rank_loss, found, rank_norms in run_ranks(gradients):
        assert rank_loss == pytest.approx(loss, rel=1e-12)
        for of_connection, values in zip(expected, found, strict=True):
            assert of_connection.keys() == values.keys()
            for name, value in values.items():
                np.testing.assert_allclose(value, of_connection[name], rtol=1e-10, atol=1e-14)
        for of_connection, values in zip(norms, rank_norms, strict=True):
            assert values == pytest.approx(of_connection, rel=1e-10)


def test_callbacks_see_all_examples():

    def train_quietly(communicator):
        norms = GradientNorms()
        compiled, *_ = train(
            communicator,
            lambda net: [WakeSilentNeurons(net.h, increment=0.05), norms],
            weight=Normal(0.5, 0.3),
        )
        return compiled, norms.norms

    alone, norms = train_quietly(None)
    assert 0 < alone.history[0].silent_neurons["h"] < 10
    for compiled, own_norms in run_ranks(train_quietly):
        for value, expected in zip(parameters(compiled), parameters(alone)):
            np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-12)
        for name, values in own_norms.items():
            assert values == pytest.approx(norms[name], rel=1e-9)
        assert compiled.history[0].silent_neurons == alone.history[0].silent_neurons


def test_one_rank_is_as_none():
    compiled, *_ = run_ranks(train, 1)[0]
    for value, expected in zip(parameters(compiled), parameters(train(None)[0])):
        np.testing.assert_array_equal(value, expected)


def test_ranks_draw_different_augmentations():
    """Rank 0 draws what a single process does, and every rank the same when run again."""

    def draw(communicator):
        drawn = []

        def augmentation(events, rng):
            drawn.append(rng.integers(2**32, size=4).tolist())
            return events

        net = describe()
        compile_network(communicator, net).train(
            {net.x: part_of(SPIKES, communicator)},
            {net.y: part_of(LABELS, communicator)},
            2,
            callbacks=[],
            augmentation=augmentation,
        )
        return drawn

    alone, ranks = draw(None), run_ranks(draw)
    assert ranks[0] == alone and run_ranks(draw) == ranks
    assert len(np.unique(np.ravel(ranks))) == 2 * 2 * 4  # ranks, epochs, numbers


def test_evaluation_of_all_ranks():
    def evaluate(communicator):
        net = describe()
        compiler = InferenceCompiler(
            TIMESTEPS, batch_size=4, communicator=communicator, backend="reference"
        )
        compiled = compiler.compile(net.network)
        x, y = ({p: part_of(v, communicator)} for p, v in ((net.x, SPIKES), (net.y, LABELS)))
        metrics, _ = compiled.evaluate(x, y, callbacks=[])
        predicted, _ = compiled.predict(x, net.y, callbacks=[])
        assert len(predicted[net.y]) == len(x[net.x])
        return metrics[net.y].result, metrics[net.y].total

    assert run_ranks(evaluate) == [evaluate(None)] * 2


def test_only_the_first_rank_shows_bars_and_writes(tmp_path):
    def train_and_write(communicator):
        folder = tmp_path / str(communicator.rank)
        return train(
            communicator,
            lambda net: [
                "batch_progress_bar",
                Checkpoint(Numpy(str(folder))),
                BestCheckpoint(folder.with_suffix(".npz"), metric=net.y),
            ],
        )

    screen = io.StringIO()
    with contextlib.redirect_stderr(screen):
        outcomes = run_ranks(train_and_write)
    assert not any(isinstance(outcome, BaseException) for outcome in outcomes), outcomes
    assert screen.getvalue().count("100%") == 1
    written = {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*.np[yz]")}
    assert written == {"0", "0.npz"}


@pytest.mark.parametrize("num_ranks", [1, 2, 4])
def test_resuming_with_another_number_of_ranks(num_ranks):
    """In mid-epoch, with the same batches."""

    class Keeps(Callback):
        def set_params(self, compiled_network, **kwargs):
            self._network, self.states = compiled_network, []

        def on_batch_end(self, batch, metrics):
            self.states.append(self._network.training_state())

    keeps = [Keeps(), Keeps()]
    expected, *_ = run_ranks(lambda c: train(c, lambda net: [keeps[c.rank]]))[0]
    state = keeps[0].states[1]

    def go_on(communicator):
        net = describe()
        compiled = compile_network(communicator, net)
        epoch, batch = compiled.load_training_state(state)
        compiled.train(
            {net.x: part_of(SPIKES, communicator)},
            {net.y: part_of(LABELS, communicator)},
            2,
            epoch,
            shuffle=False,
            callbacks=[],
            start_batch=batch,
        )
        return compiled

    for compiled in run_ranks(go_on, num_ranks):
        for value, wanted in zip(parameters(compiled), parameters(expected)):
            np.testing.assert_allclose(value, wanted, rtol=1e-12, atol=1e-12)
        assert compiled.history[0].loss == pytest.approx(expected.history[0].loss, rel=1e-12)
        assert compiled.history[0].spikes_per_neuron == expected.history[0].spikes_per_neuron


# -- ending together


class Fails(Callback):
    def on_batch_end(self, batch, metrics):
        if batch == 1:
            raise ZeroDivisionError("here")


class FailsAtTheEnd(Callback):
    def on_train_end(self, metrics):
        raise ZeroDivisionError("here")


@pytest.mark.parametrize("callback", [Fails(), FailsAtTheEnd()])
def test_an_error_of_one_rank_ends_all(callback):
    first, second, third = run_ranks(only_on(1, callback), 3)
    assert isinstance(second, ZeroDivisionError)
    for error in (first, third):
        assert isinstance(error, RankError)
        assert str(error) == "rank 1 has stopped: ZeroDivisionError: here"


def test_ctrl_c_of_one_rank_ends_all():
    class Stops(Callback):
        def on_batch_end(self, batch, metrics):
            raise KeyboardInterrupt

    first, second = run_ranks(only_on(1, Stops()))
    assert isinstance(first, KeyboardInterrupt) and isinstance(second, KeyboardInterrupt)
    assert str(first) == "rank 1 has stopped: KeyboardInterrupt"


def test_bad_data_of_one_rank_end_all():
    def train_badly(communicator):
        net = describe()
        compiled = compile_network(communicator, net)
        labels = [5] * 10 if communicator.rank == 1 else LABELS[::2]
        compiled.train({net.x: SPIKES[::2]}, {net.y: labels}, 1, callbacks=[])

    first, second = run_ranks(train_badly)
    assert isinstance(second, ValueError) and "label" in str(second)
    assert isinstance(first, RankError)
    assert str(first) == f"rank 1 has stopped: {type(second).__name__}: {second}"


def test_divergence_of_one_rank_ends_all():
    """An infinite gradient is that of all."""

    def diverge(communicator):
        net = describe()
        compiled = compile_network(communicator, net)
        if communicator.rank == 1:
            engine = compiled.engine
            read = engine._read_gradient
            engine._read_gradient = lambda p: read(p) * np.inf
        with np.errstate(invalid="ignore"):
            compiled.train({net.x: SPIKES[::2]}, {net.y: LABELS[::2]}, 1, callbacks=[])

    for error in run_ranks(diverge):
        assert isinstance(error, TrainingDiverged) and "gradient that is not finite" in str(error)


def test_stopping_early_on_one_rank_stops_all():
    class Stops(Callback):
        def set_params(self, compiled_network, **kwargs):
            self._network = compiled_network

        def on_epoch_end(self, epoch, metrics):
            self._network.stop_training = True

    for compiled, *_ in run_ranks(only_on(1, Stops())):
        assert len(compiled.history) == 1


def test_ranks_that_do_not_do_the_same():
    class Evaluates(Callback):
        def set_params(self, compiled_network, **kwargs):
            self._network = compiled_network

        def on_epoch_end(self, epoch, metrics):
            x, y = self._network.program.inputs[0], self._network.program.outputs[0]
            populations = list(self._network.neuron_populations)
            x, y = populations[x.index], populations[y.index]
            self._network.evaluate({x: SPIKES}, {y: LABELS}, callbacks=[])

    for error in run_ranks(only_on(0, Evaluates())):
        assert isinstance(error, RankError)
        assert "rank 0 is at 'train evaluate: data'" in str(error)


# -- bad input


def error_of(make):
    """The error that all ranks raise, (text of the first, classes)."""
    outcomes = run_ranks(make)
    assert all(isinstance(o, BaseException) for o in outcomes), outcomes
    return str(outcomes[0]), [type(o) for o in outcomes]


def compile_with(**settings):
    """Error of ranks of which the second has other settings."""

    def make(communicator):
        own, net = dict(settings if communicator.rank == 1 else {}), describe()
        net.h.neuron.tau_mem = own.pop("tau_mem", 20.0)
        compile_network(communicator, net, **own)

    return error_of(make)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"batch_size": 16}, "batch_size is 8 on rank 0, 16 on rank 1"),
        ({"rng_seed": 3}, "rng_seed is 0 on rank 0, 3 on rank 1"),
        ({"tau_mem": 15.0}, "tau_mem of population "),
        ({"reg_nu_upper": 3.0}, "reg_nu_upper of population "),
    ],
)
def test_different_networks(settings, expected):
    text, kinds = compile_with(**settings)
    assert kinds == [ValueError, ValueError]
    assert text.startswith("ranks have different networks: ") and expected in text
    assert text.endswith("on rank 1")


def test_different_initial_values():
    def make(communicator):
        net = describe()
        rng = np.random.default_rng(communicator.rank)
        net.hy.connectivity.weight = rng.normal(size=(10, 2))
        compile_network(communicator, net)

    text, kinds = error_of(make)
    assert kinds == [ValueError, ValueError]
    assert text.startswith("initial values, which should be drawn from one seed: ")


def test_different_numbers_of_batches():
    def make(communicator):
        net = describe()
        compiled = compile_network(communicator, net)
        size = (16, 11)[communicator.rank]  # 4 and 3 batches
        compiled.train({net.x: SPIKES[:size]}, {net.y: LABELS[:size]}, 1, callbacks=[])

    text, kinds = error_of(make)
    assert (kinds, text) == (
        [ValueError, ValueError],
        "train: batches is 4 on rank 0, 3 on rank 1; it should be the same on all ranks",
    )


def test_values_that_one_rank_has_changed():
    schedule = OptimiserParamSchedule("alpha", lambda epoch, alpha: alpha * 0.5)
    text, kinds = error_of(only_on(0, schedule))
    assert kinds == [ValueError, ValueError]
    assert "on rank 0" in text and "it should be the same on all ranks" in text


# -- the protocol


def test_exchange_alone_costs_nothing():
    ranks = Ranks()
    with ranks.together("train"):
        assert ranks.exchange("losses", 3) == [3]
    assert ranks.others is None and ranks.num_ranks == 1 and ranks.rank == 0


def test_gradients_are_added_in_the_order_of_ranks_in_double_precision():
    values = [1e16, 1.0, -1e16]  # another order has another sum, single precision, too

    def add(communicator, kind):
        ranks = Ranks(communicator)
        with ranks.together("train"):
            losses = np.full(2, float(communicator.rank))
            return ranks.add_up(losses, {3: np.full((1, 2), values[communicator.rank], kind)})

    for losses, sums in run_ranks(lambda c: add(c, np.float64), 3):
        np.testing.assert_array_equal(losses, [0.0, 0.0, 1.0, 1.0, 2.0, 2.0])
        np.testing.assert_array_equal(sums[3], [[0.0, 0.0]])
    values = [1e8, 1.0, -1e8]
    for _, sums in run_ranks(lambda c: add(c, np.float32), 3):
        np.testing.assert_array_equal(sums[3], [[1.0, 1.0]])
        assert sums[3].dtype == np.float32


def test_a_rank_that_leaves_early_is_noticed():
    def make(communicator):
        ranks = Ranks(communicator)
        with ranks.together("train"):
            for _ in range(1 + communicator.rank):
                ranks.exchange("a batch", None)

    text, kinds = error_of(make)
    assert kinds == [RankError, RankError]
    assert text == (
        "all ranks have to do the same, with as many batches: rank 0 is at 'train: end', "
        "rank 1 at 'train: a batch'"
    )


def test_an_error_after_a_call_that_all_refused_is_told():
    def make(communicator):
        ranks = Ranks(communicator)
        with pytest.raises(ValueError), ranks.together("train"):
            ranks.check_same("data", {"batches": communicator.rank})
        with ranks.together("train"):
            if communicator.rank == 0:
                raise ZeroDivisionError("here")
            ranks.exchange("a batch", None)

    first, second = run_ranks(make)
    assert isinstance(first, ZeroDivisionError) and isinstance(second, RankError)
