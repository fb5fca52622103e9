import io
from types import SimpleNamespace

import numpy as np
import pytest

from mlgenn_delays.callbacks import BatchProgressBar, bars
from mlgenn_delays.metrics import MeanSquareError, SparseCategoricalAccuracy
from mlgenn_delays.training.run_state import EpochRecord


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def made(monkeypatch):
    """Stands in for tqdm, and lists all bars that were made."""
    made = []

    class Bar:
        def __init__(self, total, desc, leave, mininterval, **kwargs):
            self.total, self.desc, self.leave, self.mininterval = total, desc, leave, mininterval
            self.n, self.postfix, self.closed, self.said = 0, "", False, [desc]
            made.append(self)

        def set_postfix_str(self, text, refresh):
            self.postfix = text

        def set_description_str(self, text, refresh):
            self.desc = text
            self.said.append(text)

        def update(self, n):
            assert not self.closed
            self.n += n

        def close(self):
            self.closed = True

    monkeypatch.setattr("tqdm.auto.tqdm", Bar)
    return made


def metrics(correct):
    accuracy = SparseCategoricalAccuracy()
    accuracy.update(np.zeros(4), np.eye(4) if not correct else np.ones((4, 2)))
    return {"out": accuracy, "unused": MeanSquareError()}


def record(epoch, **changes):
    values = {"metrics": {"out": 1.0}, "validation_metrics": {"out": 0.75}, "validation_loss": 2.0}
    rest = {"spikes_per_neuron": {}, "silent_neurons": {}, "seconds": 1.0}
    kinds = {"out": "SparseCategoricalAccuracy"}
    values = {"epoch": epoch, "loss": 1.25, **values, **rest, "metric_names": kinds, **changes}
    return EpochRecord(**values)


def run_epoch(callbacks, epoch, batches=(0, 1, 2)):
    callbacks.on_epoch_begin(epoch)
    for batch in batches:
        callbacks.on_batch_begin(batch)
        callbacks.on_batch_end(batch, metrics(True))
    callbacks.on_epoch_end(epoch, metrics(True))


def test_one_bar_for_all_epochs(compiled, network, make_list, made):
    source, hidden, _ = network.populations
    compiled.epoch_loss, compiled.history = 1.25, []
    callbacks = make_list("batch_progress_bar")
    callbacks.on_train_begin()
    for epoch in range(2):
        callbacks.on_epoch_begin(epoch)
        for batch, count in enumerate((1, 1, 4)):
            compiled.spike_counts = {source: np.full((2, 2), 100), hidden: np.full((2, 3), count)}
            callbacks.on_batch_begin(batch)
            callbacks.on_batch_end(batch, metrics(True))
        callbacks.on_epoch_end(epoch, metrics(True))
        assert (made[0].desc, made[0].n, made[0].closed) == (
            f"Epoch {epoch}/1",
            3 * epoch + 3,
            False,
        )
    callbacks.on_train_end(metrics(True))
    (bar,) = made
    assert (bar.total, bar.n, bar.closed, bar.leave) == (6, 6, True, True)
    assert bar.postfix == "loss 1.2500, accuracy 100.0%; spikes/neuron hidden 2.00"


def test_layers_are_named(make_list, made, compiled, network):
    """Those that are no inputs, in their order."""
    source, hidden, output = network.populations
    compiled.epoch_loss = np.nan
    compiled.spike_counts = {
        source: np.full((2, 2), 9),
        hidden: np.full((2, 3), 1),
        output: np.full((2, 2), 3),
    }
    callbacks = make_list("batch_progress_bar")
    callbacks.on_train_begin()
    run_epoch(callbacks, 0)
    assert made[0].postfix == "accuracy 100.0%; spikes/neuron hidden 1.00, out 3.00"


def test_evaluation_without_epochs(compiled, make_list, made):
    callbacks = make_list("batch_progress_bar")
    callbacks.on_test_begin()
    callbacks.on_batch_begin(0)
    callbacks.on_batch_end(0, metrics(False))
    callbacks.on_test_end(metrics(False))
    (bar,) = made
    assert (bar.desc, bar.total, bar.n, bar.closed, bar.leave) == ("Evaluation", 3, 1, True, True)
    assert bar.postfix == "accuracy 25.0%"


def test_validation_is_shown_in_the_bar_of_training(compiled, make_list, made):
    compiled.epoch_loss, compiled.validation_loss, compiled.history = 1.0, 2.0, []
    training, validation = make_list("batch_progress_bar"), make_list("batch_progress_bar")
    training.on_train_begin()
    validation.on_test_begin()
    for epoch in range(2):
        run_epoch(training, epoch)
        expected = " (validation 2.0000, 75.0%)" if epoch else ""
        assert made[0].postfix == f"loss 1.0000, accuracy 100.0%{expected}"
        compiled.history.append(record(epoch, validation_loss=2.0 + epoch))
        run_epoch(validation, epoch)
    validation.on_test_end({})
    assert not made[0].closed
    training.on_train_end(metrics(True))
    (bar,) = made
    # of the last epoch, too
    assert bar.postfix == "loss 1.0000, accuracy 100.0% (validation 3.0000, 75.0%)"
    assert (bar.n, bar.closed) == (6, True)


def test_validation_alone_has_a_bar_of_its_own(compiled, make_list, made):
    compiled.validation_loss = 2.0
    callbacks = make_list("batch_progress_bar")
    callbacks.on_test_begin()
    for epoch in (4, 5):
        run_epoch(callbacks, epoch)
    callbacks.on_test_end({})
    (bar,) = made
    assert (bar.desc, bar.total, bar.n, bar.closed) == ("Epoch 5/5 validation", 6, 6, True)
    assert bar.postfix == "loss 2.0000, accuracy 100.0%"


def test_long_epochs_show_their_batches(compiled, make_list, made, monkeypatch):
    now = SimpleNamespace(time=100.0)
    monkeypatch.setattr(bars, "perf_counter", lambda: now.time)
    monkeypatch.setattr("sys.stderr", Terminal())
    training, validation = make_list("batch_progress_bar"), make_list("batch_progress_bar")
    training.on_train_begin()
    validation.on_test_begin()
    training.on_epoch_begin(0)
    for batch in range(3):
        now.time += 1.2
        training.on_batch_end(batch, {})
    assert made[0].said[-2:] == ["Epoch 0/1, batch 2/3", "Epoch 0/1, batch 3/3"]
    validation.on_epoch_begin(0)
    for batch in range(3):
        now.time += 0.08  # not in every batch
        validation.on_batch_end(batch, {})
    said = [text for text in made[0].said if "validation" in text]
    assert said == [f"Epoch 0/1, validation batch {n}/3" for n in (1, 3)]
    assert made[0].n == 3
    # from then on from the first batch of an epoch
    training.on_epoch_begin(1)
    training.on_batch_end(0, {})
    assert made[0].desc == "Epoch 1/1, batch 1/3"
    training.on_train_end({})
    assert made[0].desc == "Epoch 1/1"


def test_resumed_epoch_starts_in_the_middle(compiled, make_list, made):
    compiled.epoch_loss = np.nan
    callbacks = make_list("batch_progress_bar")
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(7)
    callbacks.on_batch_end(1, {})
    assert (made[0].desc, made[0].n, made[0].postfix) == ("Epoch 7/8", 2, "")
    run_epoch(callbacks, 8)
    assert (made[0].desc, made[0].n) == ("Epoch 8/8", 6)


def test_resumed_in_validation(compiled, make_list, made):
    """Training hears of the epoch after it first."""
    training, validation = make_list("batch_progress_bar"), make_list("batch_progress_bar")
    training.on_train_begin()
    validation.on_test_begin()
    run_epoch(validation, 7)
    assert (made[0].desc, made[0].n) == ("Epoch 7/8", 0)
    run_epoch(training, 8)
    assert (made[0].desc, made[0].n, made[0].total) == ("Epoch 8/8", 6, 6)


def test_interruption_closes_the_bar(make_list, made):
    callbacks = make_list("batch_progress_bar")
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    callbacks.on_batch_end(0, {})
    callbacks.on_train_end({})
    callbacks.on_train_end({})
    assert (made[0].closed, made[0].n, made[0].total) == (True, 1, 6)


def test_training_that_was_stopped_is_complete(compiled, make_list, made):
    """A bar that is not full is red in notebooks."""
    callbacks = make_list("batch_progress_bar")
    callbacks.on_train_begin()
    run_epoch(callbacks, 0)
    compiled.stop_training = True
    callbacks.on_train_end({})
    assert (made[0].n, made[0].total) == (3, 3)


def test_evaluation_in_a_callback_leaves_no_bar(compiled, make_list, made):
    training, evaluation = make_list("batch_progress_bar"), make_list("batch_progress_bar")
    training.on_train_begin()
    training.on_epoch_begin(0)
    evaluation.on_test_begin()
    evaluation.on_batch_end(0, {})
    evaluation.on_test_end({})
    training.on_train_end({})
    assert [(bar.desc, bar.leave, bar.closed) for bar in made] == [
        ("Epoch 0/1", True, True),
        ("Evaluation", False, True),
    ]
    evaluation.on_batch_end(0, {})
    assert made[-1].leave


def test_one_object_in_two_lists(make_list, made):
    bar = BatchProgressBar()
    training, validation = make_list(bar), make_list(bar)
    training.on_train_begin()
    validation.on_test_begin()
    run_epoch(training, 0)
    run_epoch(validation, 0)
    assert [b.n for b in made] == [3]


def test_small_and_large_values(compiled, make_list, made):
    compiled.epoch_loss = 1.5e-7
    error = MeanSquareError()
    error.update(np.zeros(1), np.full(1, 1e4))
    callbacks = make_list("batch_progress_bar")
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    callbacks.on_batch_end(0, {"out": error})
    assert made[0].postfix == "loss 1.5e-07, mean square error 1e+08"


@pytest.mark.parametrize(("stream", "interval"), [(io.StringIO, 30.0), (Terminal, 0.1)])
def test_files_do_not_fill_up(make_list, made, monkeypatch, stream, interval):
    monkeypatch.setattr("sys.stderr", stream())
    callbacks = make_list("batch_progress_bar")
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    assert made[0].mininterval == interval


def test_real_tqdm(make_list, capsys):
    callbacks = make_list("batch_progress_bar")
    callbacks.on_train_begin()
    for epoch in range(2):
        run_epoch(callbacks, epoch)
    callbacks.on_train_end(metrics(True))
    shown = capsys.readouterr().err
    assert "Epoch 1/1 100%" in shown
    assert "accuracy 100.0%" in shown
    assert shown.strip().count("\n") == 0


def test_number_of_batches_that_is_not_known(compiled, capsys):
    callback = BatchProgressBar()
    callback.set_params(compiled_network=compiled)
    callback.on_test_begin()
    callback.on_batch_end(0, {})
    callback.on_test_end({})
    assert "Evaluation: 1batch" in capsys.readouterr().err
