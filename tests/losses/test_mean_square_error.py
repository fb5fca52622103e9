import numpy as np
import pytest

from mlgenn_delays.losses import MeanSquareError, Trial
from mlgenn_delays.neurons import LeakyIntegrate
from mlgenn_delays.readouts import Var

LOSS = MeanSquareError()


def test_on_trace(check_gradient):
    rng = np.random.default_rng(0)
    values, target = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    times, dt = np.arange(1, 5) * 0.1, 0.1
    density, gradient = LOSS.on_trace(values, target, times, dt)
    np.testing.assert_allclose(density, 0.5 * np.sum((values - target) ** 2, axis=1))
    check_gradient(lambda v: LOSS.on_trace(v, target, times, dt)[0], values, gradient)


def test_row_of_target_holds_until_end_of_step():
    # 0.3 / 0.1 is slightly less than 3, 0.7 / 0.1 slightly less than 7
    times = np.array([0.0, 0.05, 0.1, 0.1001, 0.3, 0.30001, 0.7, 0.8])
    target = np.arange(8.0)[:, np.newaxis]
    _, gradient = LOSS.on_trace(np.zeros((8, 1)), target, times, 0.1)
    assert (-gradient[:, 0]).tolist() == [0, 0, 0, 1, 2, 3, 6, 7]


def check(y, shape=(2,), num_examples=3, readout=None):
    return LOSS.check(
        y, "out", shape, num_examples, 4, (readout or Var()).get_program(4, 1.0), False
    )


@pytest.mark.parametrize("shape", [(2,), (1, 2)])
def test_targets(shape):
    y = np.arange(24.0).reshape(3, 4, *shape)
    np.testing.assert_array_equal(check(y, shape), y.reshape(3, 4, 2))
    np.testing.assert_array_equal(check(list(y), shape), y.reshape(3, 4, 2))
    np.testing.assert_array_equal(check(y.reshape(3, 4, 2), shape), y.reshape(3, 4, 2))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros((2, 4, 2)), "'out': y has 2 targets for 3 examples"),
        (np.zeros((3, 5, 2)), r"example 0 has shape \(5, 2\), it should be \(4, 2\)"),
        ([np.zeros((4, 2)), np.zeros((4, 3)), np.zeros((4, 2))], r"example 1 has shape \(4, 3\)"),
        (np.full((3, 4, 2), np.nan), "'out': targets of loss .* should be finite numbers"),
        ([0, 1, 2], r"example 0 has shape \(\)"),
    ],
)
def test_bad_targets(y, message):
    with pytest.raises(ValueError, match=message):
        check(y)


def test_outputs():
    assert LOSS.needs_trace(False)
    LOSS.check_output("out", LeakyIntegrate(readout="var"), False)
    message = "'out': readout is 'avg_var', allowed with loss 'mean_square_error' are var"
    with pytest.raises(ValueError, match=message):
        LOSS.check_output("out", LeakyIntegrate(readout="avg_var"), False)


def test_not_for_readouts():
    with pytest.raises(TypeError, match="cannot be taken of a readout of the whole trial"):
        LOSS.on_readout(np.zeros((1, 2)), np.zeros((1, 2)))
    with pytest.raises(TypeError, match="cannot be taken of spike times"):
        LOSS.on_spike_times(np.zeros((1, 2)), np.ones((1, 2), bool), np.zeros(1), Trial(1.0, 1.0))
