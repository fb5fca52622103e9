import numpy as np
import pytest

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.connectivity import FixedProbability, OneToOne, Sparse


def indices(connectivity, sizes=(4, 3), same=False, seed=0):
    pre, post = connectivity.get_indices(*sizes, same, np.random.default_rng(seed))
    assert pre.dtype == post.dtype == np.uint32
    assert np.all(np.diff(pre.astype(int) * sizes[1] + post) > 0)
    return pre, post


def connect(connectivity, source=4, target=3):
    with Network():
        a = Population("spike_input", source, name="a")
        b = Population("leaky_integrate", target, name="b")
        Connection(a, b, connectivity)
        return a.shape, b.shape


class TestSparse:
    def test_sorted_with_values(self):
        sparse = Sparse([3, 0, 3], [1, 2, 0], [1.0, 2.0, 3.0], delay=[10, 20, 30])
        pre, post = indices(sparse)
        assert (pre.tolist(), post.tolist()) == ([0, 3, 3], [2, 0, 1])
        assert sparse.weight.tolist() == [2.0, 3.0, 1.0]
        assert sparse.delay.tolist() == [20, 30, 10]

    def test_no_synapses(self):
        assert len(indices(Sparse([], [], 1.0))[0]) == 0

    @pytest.mark.parametrize(
        ("pre", "post", "message"),
        [
            ([0, 1], [0], "pre_ind has 2 elements, post_ind 1"),
            ([0, -1], [0, 0], "Sparse: pre_ind has the index -1, allowed are at least 0"),
            ([0, 1], [0, 0.5], "post_ind should be a one-dimensional array of whole numbers"),
            ([[0]], [[0]], "pre_ind should be a one-dimensional"),
            ([0, 2, 2, 0], [0, 1, 1, 1], "the synapse from 2 to 1 occurs more than once"),
        ],
    )
    def test_bad_indices(self, pre, post, message):
        with pytest.raises(ValueError, match=message):
            Sparse(pre, post, 1.0)

    def test_wrong_length(self):
        with pytest.raises(
            ValueError, match=r"Sparse: weight has shape \(3,\), there are 2 synapses"
        ):
            Sparse([0, 1], [0, 1], [1, 2, 3])
        with pytest.raises(ValueError, match=r"Sparse: delay has shape \(1,\)"):
            Sparse([0, 1], [0, 1], 1.0, [1])

    def test_out_of_range(self):
        message = r"Sparse from 'a' to 'b': post_ind has the index 3, allowed are from 0 to 2"
        with pytest.raises(ValueError, match=message):
            connect(Sparse([0], [3], 1.0))
        with pytest.raises(ValueError, match="Sparse: pre_ind has the index 4"):
            indices(Sparse([4], [0], 1.0))

    def test_missing_indices(self):
        sparse = Sparse([0], [0], 1.0)
        sparse.pre_ind = None
        with pytest.raises(ValueError, match="pre_ind and post_ind are missing"):
            indices(sparse)


class TestOneToOne:
    def test_indices(self):
        pre, post = indices(OneToOne(1.0), (3, 3))
        assert pre.tolist() == post.tolist() == [0, 1, 2]

    def test_shapes(self):
        assert connect(OneToOne(1.0), 4, None) == ((4,), (4,))
        assert connect(OneToOne(1.0), None, 4) == ((4,), (4,))

    def test_mismatch(self):
        with pytest.raises(ValueError, match=r"'a' has shape \(4,\), 'b' \(3,\)"):
            connect(OneToOne(1.0))
        with pytest.raises(ValueError, match="the source has 4 neurons, the target 3"):
            indices(OneToOne(1.0))
        with pytest.raises(ValueError, match=r"weight from 'a' to 'b' has shape \(2,\)"):
            connect(OneToOne([1, 2]), 3, 3)

    def test_restores_checkpoint_without_indices(self):
        one_to_one = OneToOne(1.0)
        state = one_to_one.check_state({"g": np.array([1.0, 2.0])}, 2, 2, "x")
        one_to_one.set_state(state)
        assert one_to_one.weight.tolist() == [1.0, 2.0]


class TestFixedProbability:
    def test_seeded(self):
        a, b, c = (indices(FixedProbability(0.5, 1.0), (20, 30), seed=s) for s in (1, 1, 2))
        np.testing.assert_array_equal(a, b)
        assert len(a[0]) != len(c[0]) or np.any(a[0] != c[0])

    def test_density(self):
        pre, _ = indices(FixedProbability(0.2, 1.0), (200, 300))
        # 5 standard deviations of the binomial distribution
        assert abs(len(pre) - 12000) < 5 * np.sqrt(60000 * 0.2 * 0.8)

    @pytest.mark.parametrize(("p", "count"), [(0.0, 0), (1.0, 12)])
    def test_ends(self, p, count):
        assert len(indices(FixedProbability(p, 1.0))[0]) == count

    @pytest.mark.parametrize(
        ("same", "allow", "count"), [(True, False, 12), (True, True, 16), (False, False, 16)]
    )
    def test_self_connections(self, same, allow, count):
        pre, post = indices(FixedProbability(1.0, 1.0, allow), (4, 4), same)
        assert len(pre) == count
        assert np.any(pre == post) == (count == 16)

    @pytest.mark.parametrize("p", [-0.1, 1.1, np.nan])
    def test_bad_p(self, p):
        with pytest.raises(ValueError, match="FixedProbability: p is"):
            FixedProbability(p, 1.0)

    def test_given_indices(self):
        connectivity = FixedProbability(0.5, 1.0)
        connectivity.pre_ind, connectivity.post_ind = np.array([2, 1]), np.array([0, 1])
        pre, post = indices(connectivity)
        assert (pre.tolist(), post.tolist()) == ([1, 2], [1, 0])
