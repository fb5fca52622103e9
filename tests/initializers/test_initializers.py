import numpy as np
import pytest

from mlgenn_delays.initializers import Normal, Uniform


def test_normal():
    sample = Normal(2.0, 0.5).sample(np.random.default_rng(0), (100, 100))
    assert (sample.shape, sample.dtype) == ((100, 100), np.float32)
    assert abs(sample.mean() - 2.0) < 5 * 0.5 / 100
    assert abs(sample.std() - 0.5) < 5 * 0.5 / np.sqrt(2e4)


def test_uniform():
    sample = Uniform(-1.0, 3.0).sample(np.random.default_rng(0), (10000,))
    assert (sample.shape, sample.dtype) == ((10000,), np.float32)
    assert -1.0 <= sample.min() < -0.99
    assert 2.99 < sample.max() <= 3.0
    assert abs(sample.mean() - 1.0) < 5 * 4 / np.sqrt(12) / 100


def test_seeded():
    a, b, c = (Normal().sample(np.random.default_rng(s), (5,)) for s in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert np.all(a != c)


def test_no_spread():
    assert Normal(3.0, 0.0).sample(np.random.default_rng(0), (2,)).tolist() == [3.0, 3.0]
    assert Uniform(3.0, 3.0).sample(np.random.default_rng(0), (2,)).tolist() == [3.0, 3.0]


def test_uniform_stays_within_ends():
    # 0.1 in single precision is larger than 0.1, so rounding could leave the interval
    low, high = np.float32(0.1), np.float32(0.10000001)
    sample = Uniform(float(low), float(high)).sample(np.random.default_rng(0), (1000,))
    assert np.all((sample >= low) & (sample <= high))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Normal(sd=-1), "Normal: sd is -1, allowed are numbers of at least 0"),
        (lambda: Normal(mean=np.nan), "Normal: mean is nan"),
        (lambda: Normal(sd=np.inf), "Normal: sd is inf"),
        (lambda: Uniform(2, 1), "Uniform: max is 1, allowed are numbers of at least min = 2"),
        (lambda: Uniform(-np.inf, 1), "Uniform: min is -inf"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("mean", [None, "a", [1.0], True])
def test_bad_types(mean):
    with pytest.raises(TypeError, match="Normal: mean should be a number"):
        Normal(mean)


def test_repr():
    assert repr(Normal(1, 2)) == "Normal(mean=1, sd=2)"
    assert repr(Uniform(1, 2)) == "Uniform(min=1, max=2)"
