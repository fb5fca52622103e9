import numpy as np
import pytest

from mlgenn_delays.optimisers import Adam


def test_formula():
    """Against the algorithm as printed in the paper."""
    rng = np.random.default_rng(0)
    optimiser, state = Adam(0.01, 0.8, 0.95, 1e-4), {}
    x = expected = rng.normal(size=(3, 2))
    m = v = np.zeros((3, 2))
    for t in range(1, 6):
        g = rng.normal(size=(3, 2))
        m = 0.8 * m + 0.2 * g
        v = 0.95 * v + 0.05 * g**2
        expected = expected - 0.01 * (m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.95**t)) + 1e-4)
        x = optimiser.update(x, g, state, t - 1)
    np.testing.assert_allclose(x, expected, rtol=1e-12)
    np.testing.assert_allclose(state["m"], m)
    np.testing.assert_allclose(state["v"], v)


def test_first_step_has_the_size_of_alpha():
    x = Adam(0.5).update(np.zeros(2), np.array([3.0, -1e-3]), {}, 0)
    np.testing.assert_allclose(x, [-0.5, 0.5], rtol=1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_type_is_kept_and_value_left_alone(dtype):
    value = np.ones(3, dtype)
    state = {}
    new = Adam().update(value, np.ones(3, dtype), state, 0)
    assert new.dtype == state["m"].dtype == dtype
    assert np.all(value == 1.0)
    assert np.all(new < 1.0)


def test_order_and_defaults():
    adam = Adam()
    assert (adam.alpha, adam.beta1, adam.beta2, adam.epsilon) == (0.001, 0.9, 0.999, 1e-8)
    assert adam.weight_decay == 0.0
    assert repr(Adam(1, 0.5, 0.6, 2, 3)) == (
        "Adam(alpha=1, beta1=0.5, beta2=0.6, epsilon=2, weight_decay=3)"
    )


def test_schedule():
    optimiser = Adam()
    optimiser.alpha = 0.0
    assert optimiser.update(np.ones(1), np.ones(1), {}, 0) == 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": -1}, "Adam: alpha is -1, .*from 0 to 3.4"),
        ({"alpha": np.nan}, "Adam: alpha is nan"),
        ({"beta1": 1.0}, r"Adam: beta1 is 1.0, allowed are numbers in \[0, 1\)"),
        ({"beta2": -0.1}, "Adam: beta2 is -0.1"),
        ({"epsilon": 0}, "Adam: epsilon is 0, .*from 1e-30"),
        ({"weight_decay": -1e-5}, "Adam: weight_decay is -1e-05, .*from 0 to 1e"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Adam(**arguments)
