import numpy as np
import pytest

from mlgenn_delays.callbacks import BatchProgressBar
from mlgenn_delays.metrics import MeanSquareError, SparseCategoricalAccuracy


@pytest.fixture
def bars(monkeypatch):
    """Stands in for tqdm, and lists all bars that were made."""
    made = []

    class Bar:
        def __init__(self, total, desc, unit):
            self.total, self.desc, self.n, self.postfix, self.closed = total, desc, 0, "", False
            made.append(self)

        def set_postfix_str(self, text, refresh):
            self.postfix = text

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


def test_training(compiled, network, make_list, bars):
    callback_list = make_list("batch_progress_bar")
    hidden = network.populations[1]
    callback_list.on_train_begin()
    for epoch in range(2):
        callback_list.on_epoch_begin(epoch)
        compiled.epoch_loss = 1.25
        for batch, count in enumerate((1, 1, 4)):
            compiled.spike_counts = {
                network.populations[0]: np.full((2, 2), 100),
                hidden: np.full((2, 3), count),
            }
            callback_list.on_batch_begin(batch)
            callback_list.on_batch_end(batch, metrics(True))
        callback_list.on_epoch_end(epoch, metrics(True))
        assert bars[-1].closed
    callback_list.on_train_end({})
    assert [(b.desc, b.total, b.n) for b in bars] == [("Epoch 0", 3, 3), ("Epoch 1", 3, 3)]
    expected = "loss: 1.2500, SparseCategoricalAccuracy: 1.0000, spikes/neuron: 2.00"
    assert [b.postfix for b in bars] == [expected] * 2


def test_evaluation_without_epochs(compiled, make_list, bars):
    callback_list = make_list("batch_progress_bar")
    callback_list.on_test_begin()
    callback_list.on_batch_begin(0)
    callback_list.on_batch_end(0, metrics(False))
    callback_list.on_test_end(metrics(False))
    assert [(b.desc, b.n, b.closed) for b in bars] == [("Evaluation", 1, True)]
    assert bars[0].postfix == "SparseCategoricalAccuracy: 0.2500"


def test_validation_shows_its_own_loss(compiled, make_list, bars):
    callback_list = make_list("batch_progress_bar")
    compiled.epoch_loss, compiled.validation_loss = 1.0, 2.0
    callback_list.on_test_begin()
    callback_list.on_epoch_begin(4)
    callback_list.on_batch_end(0, {})
    assert (bars[0].desc, bars[0].postfix) == ("Epoch 4 validation", "loss: 2.0000")


def test_resumed_epoch_starts_in_the_middle(compiled, make_list, bars):
    callback_list = make_list("batch_progress_bar")
    compiled.epoch_loss = np.nan
    callback_list.on_epoch_begin(0)
    callback_list.on_batch_end(2, {})
    assert bars[0].n == 3
    assert bars[0].postfix == ""


def test_interruption_closes_the_bar(make_list, bars):
    callback_list = make_list("batch_progress_bar")
    callback_list.on_train_begin()
    callback_list.on_epoch_begin(0)
    callback_list.on_train_end({})
    callback_list.on_train_end({})
    assert bars[0].closed


def test_one_object_in_two_lists(make_list, bars):
    bar = BatchProgressBar()
    training, validation = make_list(bar), make_list(bar)
    training.on_train_begin()
    validation.on_test_begin()
    training.on_epoch_begin(0)
    validation.on_epoch_begin(0)
    assert [b.desc for b in bars] == ["Epoch 0", "Epoch 0 validation"]
    assert not bars[0].closed


def test_real_tqdm(make_list, capsys):
    callback_list = make_list("batch_progress_bar")
    callback_list.on_epoch_begin(7)
    for batch in range(3):
        callback_list.on_batch_end(batch, metrics(True))
    callback_list.on_epoch_end(7, {})
    shown = capsys.readouterr().err
    assert "Epoch 7: 100%" in shown
    assert "SparseCategoricalAccuracy: 1.0000" in shown
