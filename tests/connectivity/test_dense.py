import numpy as np
import pytest

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.initializers import Normal, Uniform


def connect(connectivity, source=None, target=None):
    with Network():
        a, b = (
            Population("spike_input", source, name="a"),
            Population("leaky_integrate", target, name="b"),
        )
        Connection(a, b, connectivity)
        return a.shape, b.shape


def test_no_indices():
    assert Dense(1.0).get_indices(3, 2, False, np.random.default_rng(0)) is None


def test_values():
    dense = Dense(Normal(sd=2.0), [[1, 2], [3, 4]])
    assert dense.weight.sd == 2.0
    np.testing.assert_array_equal(dense.delay, [[1, 2], [3, 4]])
    assert Dense("uniform").weight.max == 1.0
    assert Dense(np.array(3.0)).weight == 3.0


def test_shapes_come_from_weights():
    assert connect(Dense(np.zeros((3, 2)))) == ((3,), (2,))
    assert connect(Dense(0.0, np.zeros((3, 2))), target=2) == ((3,), (2,))


def test_flattened_and_many_axes():
    assert connect(Dense(np.zeros(12)), (2, 3), 2) == ((2, 3), (2,))
    assert connect(Dense(np.zeros((6, 2))), (2, 3), 2) == ((2, 3), (2,))


@pytest.mark.parametrize("weight", [np.zeros((2, 3)), np.zeros(5), np.zeros((3, 2, 1))])
def test_wrong_shape(weight):
    with pytest.raises(
        ValueError, match=r"Dense: weight from 'a' to 'b' has shape .*should be \(3, 2\)"
    ):
        connect(Dense(weight), 3, 2)


def test_wrong_delay_shape():
    with pytest.raises(ValueError, match="Dense: delay from 'a' to 'b' has shape"):
        connect(Dense(1.0, np.zeros((2, 2))), 3, 2)


def test_flattened_needs_shapes():
    with pytest.raises(ValueError, match="population 'a': shape is missing"):
        connect(Dense(np.zeros(6)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weight": np.nan}, "Dense: weight is nan, allowed are finite numbers"),
        ({"weight": [[1.0, np.inf]]}, r"Dense: weight is inf at \[0, 1\]"),
        ({"weight": 1.0, "delay": -1}, "Dense: delay is -1, allowed .* of at least 0"),
        ({"weight": 1.0, "delay": [[0, -2]]}, r"Dense: delay is -2 at \[0, 1\].*of at least 0"),
        ({"weight": 1.0, "delay": np.inf}, "Dense: delay is inf"),
        ({"weight": 1.0, "delay": Uniform(-1, 1)}, r"Dense: delay is Uniform\(min=-1, max=1\)"),
        (
            {"weight": "nonsense"},
            "initializer 'nonsense' is unknown, allowed are half_n",
        ),
    ],
)
def test_bad_values(arguments, message):
    with pytest.raises(ValueError, match=message):
        Dense(**arguments)


@pytest.mark.parametrize("weight", [None, {}, [["a"]], True])
def test_bad_types(weight):
    with pytest.raises(TypeError, match="Dense: weight should be a"):
        Dense(weight)


def test_values_are_checked_when_assigned():
    dense = Dense(1.0)
    with pytest.raises(ValueError, match="Dense: delay is -1"):
        dense.delay = -1.0


def test_arrays_are_copied():
    weight = np.zeros((2, 2))
    dense = Dense(weight)
    weight[0, 0] = np.nan
    assert dense.weight[0, 0] == 0.0
