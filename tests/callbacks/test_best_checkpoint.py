from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from mlgenn_delays.callbacks import BestCheckpoint
from mlgenn_delays.compilers import load_checkpoint


class FakeNetwork:
    validation_loss = 1.0
    epoch = -1

    def training_state(self):
        return {"meta": np.array("{}"), "epoch": np.array(self.epoch)}


def run(callback: BestCheckpoint, epochs: list[tuple[float, float]], first: int = 0) -> list[int]:
    """Epochs that were saved; ``epochs`` are (metric, loss)."""
    network = callback._compiled_network
    saved = []
    for epoch, (value, loss) in enumerate(epochs, start=first):
        network.epoch, network.validation_loss = epoch, loss
        before = callback.best_epoch
        callback.on_epoch_end(epoch, {"y": SimpleNamespace(result=value)})
        if callback.best_epoch != before:
            saved.append(epoch)
    return saved


@pytest.fixture
def path(tmp_path):
    return tmp_path / "best.npz"


def make(path, **arguments) -> BestCheckpoint:
    callback = BestCheckpoint(path, **arguments)
    callback.set_params(compiled_network=FakeNetwork())
    return callback


def test_saves_where_the_metric_is_higher_or_the_loss_lower_at_the_same_metric(path):
    callback = make(path)
    epochs = [(0.5, 1.0), (0.4, 0.1), (0.5, 1.0), (0.5, 0.9), (0.6, 5.0), (0.6, 6.0)]
    assert run(callback, epochs) == [0, 3, 4]
    assert (callback.best, callback.best_loss, callback.best_epoch) == (0.6, 5.0, 4)
    assert load_checkpoint(path)["epoch"] == 4
    assert callback.describe_last_saved() == f"{path} of epoch 4"


def test_window_averages_over_the_last_epochs(path):
    # a single good epoch does not win against two of them
    epochs = [(0.5, 1.0), (0.9, 1.0), (0.1, 1.0), (0.7, 1.0), (0.7, 1.0), (0.75, 1.0)]
    assert run(make(path, window=2), epochs) == [0, 1, 5]


def test_resumed_run_goes_on_as_if_there_had_been_no_stop(path):
    epochs = [(0.5, 1.0), (0.7, 1.0), (0.6, 1.0), (0.65, 1.0), (0.9, 1.0)]
    whole = make(path, window=2)
    expected = run(whole, epochs)
    stopped = make(path, window=2)
    before = run(stopped, epochs[:2])
    resumed = make(path, window=2)
    resumed.load_state_dict({n: np.asarray(v) for n, v in stopped.state_dict().items()})
    assert before + run(resumed, epochs[2:], first=2) == expected
    assert resumed.state_dict()["best"] == whole.state_dict()["best"]


def test_state_of_a_run_without_an_epoch(path):
    callback = make(path)
    callback.load_state_dict(make(path).state_dict())
    assert callback.best is None and callback.describe_last_saved() is None
    assert run(callback, [(0.0, 1.0)]) == [0]


def test_further_entries_are_saved(path):
    run(make(path, entries={"about": np.array("what")}), [(0.5, 1.0)])
    assert str(load_checkpoint(path)["about"]) == "what"


def test_names_of_entries_may_have_parts(path):
    run(make(path, entries={"run/seed": 3}), [(0.5, 1.0)])
    assert load_checkpoint(path)["run/seed"] == 3
    for name in ("/seed", "run//seed", "a\0b", 3):
        with pytest.raises((ValueError, TypeError), match="BestCheckpoint: name of an entry"):
            make(path, entries={name: 3})


def test_the_path_is_kept_as_it_was_given(path):
    assert make(path).path is path


def test_metric_of_an_output_by_its_key(path):
    callback = make(path, metric="z")
    callback.on_epoch_end(0, {"y": SimpleNamespace(result=0.1), "z": SimpleNamespace(result=0.8)})
    assert callback.best == 0.8


def test_window_that_is_refused(path):
    with pytest.raises(ValueError, match="BestCheckpoint: window is 0"):
        BestCheckpoint(path, window=0)


def test_a_metric_without_a_number_is_never_the_best(path):
    callback = make(path)
    assert run(callback, [(np.nan, 1.0), (0.5, 1.0), (np.nan, 0.1), (0.6, 1.0)]) == [1, 3]
    assert (callback.best, load_checkpoint(path)["epoch"]) == (0.6, 3)
    assert run(make(path, window=2), [(0.5, 1.0), (np.nan, 1.0), (0.7, 1.0)]) == [0, 2]
    assert run(make(path), [(0.5, np.nan), (0.5, 1.0), (0.5, np.nan)]) == [0, 1]


def test_metrics_that_are_refused(path):
    with pytest.raises(ValueError, match=r"BestCheckpoint: SimpleNamespace of output 'y' has no"):
        make(path).on_epoch_end(0, {"y": SimpleNamespace(result=None)})
    with pytest.raises(
        ValueError, match="BestCheckpoint: metric is 'z', allowed are the outputs y"
    ):
        make(path, metric="z").on_epoch_end(0, {"y": SimpleNamespace(result=1.0)})
    with pytest.raises(ValueError, match=r"metric is \['y'\], allowed are the outputs y"):
        make(path, metric=["y"]).on_epoch_end(0, {"y": SimpleNamespace(result=1.0)})
