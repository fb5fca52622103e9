import numpy as np
import pytest

from mlgenn_delays.metrics import MeanSquareError, SparseCategoricalAccuracy


def test_accuracy_over_batches():
    metric = SparseCategoricalAccuracy()
    assert metric.result is None
    metric.update([0, 1], np.array([[2.0, 1.0], [2.0, 1.0]]))
    metric.update([1, 1, 0], np.array([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]), None)
    assert metric.result == 3 / 5
    metric.reset()
    assert metric.result is None


def test_accuracy_first_of_equals():
    metric = SparseCategoricalAccuracy()
    metric.update([0, 1], np.zeros((2, 2)))
    assert metric.result == 0.5


def test_accuracy_many_axes():
    metric = SparseCategoricalAccuracy()
    metric.update([3], np.array([[[0.0, 1.0], [2.0, 3.0]]]))
    assert metric.result == 1.0


def test_accuracy_ignores_traces():
    metric = SparseCategoricalAccuracy()
    metric.update(np.zeros((2, 10, 3)), np.zeros((2, 3)))
    assert metric.result is None


def test_accuracy_lengths():
    with pytest.raises(ValueError, match="there are 3 labels and 2 predictions"):
        SparseCategoricalAccuracy().update([0, 1, 0], np.zeros((2, 2)))


def test_mean_square_error_weights_elements_equally():
    metric = MeanSquareError()
    assert metric.result is None
    metric.update(np.zeros((3, 2)), np.ones((3, 2)))
    metric.update(np.zeros((1, 2)), np.array([[3.0, 3.0]]))
    np.testing.assert_allclose(metric.result, (6 * 1 + 2 * 9) / 8)
    metric.reset()
    assert metric.result is None


def test_mean_square_error_shapes():
    with pytest.raises(ValueError, match=r"labels have shape \(2, 3\), predictions \(2,\)"):
        MeanSquareError().update(np.zeros((2, 3)), np.zeros(2))


@pytest.mark.parametrize("cls", [MeanSquareError, SparseCategoricalAccuracy])
def test_resume(cls):
    rng = np.random.default_rng(0)
    square = cls is MeanSquareError
    batches = [
        (rng.normal(size=(4, 3)) if square else rng.integers(3, size=4), rng.normal(size=(4, 3)))
        for _ in range(4)
    ]
    whole, first, second = cls(), cls(), cls()
    for batch in batches:
        whole.update(*batch)
    for batch in batches[:2]:
        first.update(*batch)
    second.set_state({k: np.float64(v) for k, v in first.state().items()})
    for batch in batches[2:]:
        second.update(*batch)
    assert second.result == whole.result
