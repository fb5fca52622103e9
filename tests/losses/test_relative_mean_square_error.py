import numpy as np
import pytest

from mlgenn_delays.losses import RelativeMeanSquareError, Trial
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire

LOSS = RelativeMeanSquareError(1.5)
Y = np.array([0, 2])


def evaluate(times, spiked):
    return LOSS.on_spike_times(times, spiked, Y, Trial(20.0, 1.0))


def test_formula():
    loss, _, _ = evaluate(np.array([[1.0, 3.0, 7.0], [2.0, 5.0, 4.0]]), np.ones((2, 3), bool))
    np.testing.assert_allclose(loss, [0.5 * (0.5**2 + 4.5**2), 0.5 * (3.5**2 + 0.5**2)])


def test_gradient(check_gradient):
    times = np.random.default_rng(0).uniform(0, 20, (2, 3))
    spiked = np.array([[True, True, False], [True, False, True]])
    _, gradient, silent = evaluate(times, spiked)
    check_gradient(lambda t: evaluate(t, spiked)[0], times, gradient)
    assert np.all(gradient[~spiked] == 0.0)
    assert not np.any(silent)


def test_silent_neurons_count_as_duration():
    times = np.array([[1.0, 3.0, np.inf], [2.0, 5.0, 4.0]])
    spiked = np.isfinite(times)
    loss = evaluate(times, spiked)[0]
    np.testing.assert_array_equal(
        loss, evaluate(np.where(spiked, times, 20.0), np.ones_like(spiked))[0]
    )


def test_outputs():
    LOSS.check_output("out", LeakyIntegrateFire(readout="first_spike_time"), False)
    with pytest.raises(ValueError, match=r"'out': readout is 'avg_var', .* are first_spike_time"):
        LOSS.check_output("out", LeakyIntegrate(readout="avg_var"), False)
    with pytest.raises(ValueError, match="per timestep are none"):
        LOSS.check_output("out", LeakyIntegrateFire(readout="first_spike_time"), True)


def test_bad_delta():
    with pytest.raises(ValueError, match="RelativeMeanSquareError: delta is nan"):
        RelativeMeanSquareError(np.nan)
