import numpy as np
import pytest

from mlgenn_delays.connectivity import Dense
from mlgenn_delays.initializers import HalfNormal, Normal, Orthogonal, Uniform


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


def test_half_normal():
    sample = HalfNormal(3.0).sample(np.random.default_rng(0), (10000,))
    assert (sample.shape, sample.dtype) == ((10000,), np.float32)
    assert 0.0 <= sample.min() < 0.01
    assert abs(sample.mean() - 3.0 * np.sqrt(2.0 / np.pi)) < 5 * 3.0 * 0.603 / 100
    assert abs(np.mean(sample.astype(float) ** 2) - 9.0) < 5 * 9.0 * np.sqrt(2.0) / 100


def test_half_normal_is_allowed_for_delays():
    assert repr(Dense(0.0, HalfNormal(3.0)).delay) == "HalfNormal(sd=3)"


@pytest.mark.parametrize("shape", [(40, 40), (40, 7), (7, 40), (1, 1)])
def test_orthogonal(shape):
    sample = Orthogonal(0.5).sample(np.random.default_rng(0), shape)
    assert (sample.shape, sample.dtype) == (shape, np.float32)
    np.testing.assert_allclose(np.linalg.svd(sample, compute_uv=False), 0.5, rtol=1e-5)


def test_orthogonal_has_no_preferred_sign():
    # of QR alone, the diagonal of 1 x 1 matrices has always the same sign
    rng = np.random.default_rng(0)
    signs = [Orthogonal().sample(rng, (1, 1))[0, 0] for _ in range(400)]
    assert abs(np.sum(signs)) < 5 * np.sqrt(400)
    traces = [np.trace(Orthogonal().sample(rng, (4, 4))) for _ in range(1000)]
    assert abs(np.mean(traces)) < 5 / np.sqrt(1000)  # a trace has the variance 1
    assert np.var(traces) == pytest.approx(1.0, rel=0.25)


@pytest.mark.parametrize("shape", [(5,), (2, 3, 4)])
def test_orthogonal_needs_a_matrix(shape):
    with pytest.raises(ValueError, match=r"Orthogonal: shape is .*take Normal"):
        Orthogonal().sample(np.random.default_rng(0), shape)


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
        (lambda: HalfNormal(-1), "HalfNormal: sd is -1"),
        (lambda: Orthogonal(-1), "Orthogonal: gain is -1"),
        (lambda: Orthogonal(np.nan), "Orthogonal: gain is nan"),
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
    assert repr(HalfNormal(2)) == "HalfNormal(sd=2)"
    assert repr(Orthogonal(2)) == "Orthogonal(gain=2)"
