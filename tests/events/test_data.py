import numpy as np
import pytest

from mlgenn_delays.utils.data import (
    PreprocessedSpikes,
    batch_dataset,
    batch_spikes,
    calc_latest_spike_time,
    calc_max_spikes,
    calc_start_spikes,
    get_dataset_size,
    permute_dataset,
    preprocess_spikes,
    split_dataset,
)

A = PreprocessedSpikes(np.array([1, 1, 3]), np.array([5.0, 1.0, 2.0]))
B = PreprocessedSpikes(np.array([0, 2, 2]), np.array([7.0, 9.0]))


def test_size():
    assert get_dataset_size({"a": [1, 2], "b": np.zeros((2, 5))}) == 2
    assert get_dataset_size({"a": [1, 2], "b": [1]}) is None
    assert get_dataset_size({}) == 0


def test_split():
    first, second = split_dataset({"a": np.arange(10), "b": list(range(10))}, 0.3)
    assert first["a"].tolist() == first["b"] == list(range(7))
    assert second["a"].tolist() == second["b"] == [7, 8, 9]
    assert len(split_dataset({"a": [1, 2]}, 0.0)[1]["a"]) == 0


@pytest.mark.parametrize("split", [-0.1, 1.1, np.nan])
def test_bad_split(split):
    with pytest.raises(ValueError, match=r"split is .*, allowed are (finite )?numbers"):
        split_dataset({"a": [1]}, split)
    with pytest.raises(ValueError, match="as many examples in each entry, there are a: 1, b: 2"):
        split_dataset({"a": [1], "b": [1, 2]}, 0.5)


def test_batches():
    batches = batch_dataset({"a": np.arange(5), "b": list(range(5))}, 2, 5)
    assert [b["a"].tolist() for b in batches] == [b["b"] for b in batches] == [[0, 1], [2, 3], [4]]
    assert [b["a"] for b in batch_dataset({"a": list(range(5))}, 2, 3)] == [[0, 1], [2]]
    with pytest.raises(ValueError, match="batch_size is 0"):
        batch_dataset({"a": [1]}, 0, 1)


def test_permute():
    data = permute_dataset({"a": np.array([5, 6, 7]), "b": ["x", "y", "z"]}, [2, 0, 1])
    assert data["a"].tolist() == [7, 5, 6]
    assert data["b"] == ["z", "x", "y"]
    with pytest.raises(ValueError, match=r"indices has shape \(2,\), the data set 3 examples"):
        permute_dataset({"a": [1, 2, 3]}, [0, 1])


class Column:
    """A sequence that is neither list nor array, such as a tensor or a column of a table."""

    def __len__(self):
        return 3

    def __getitem__(self, index):
        if index >= 3:
            raise IndexError
        return 10 * index


def test_sequences_of_other_libraries():
    data = {"x": Column(), "y": [1, 2, 3]}
    assert get_dataset_size(data) == 3
    assert permute_dataset(data, [2, 0, 1]) == {"x": [20, 0, 10], "y": [3, 1, 2]}


def test_batch_spikes():
    batch = batch_spikes([A, B], 3)
    assert batch.end_spikes.tolist() == [[1, 1, 3], [3, 5, 5], [5, 5, 5]]
    assert batch.spike_times.tolist() == [5, 1, 2, 7, 9]
    starts = calc_start_spikes(batch.end_spikes)
    assert starts.tolist() == [[0, 1, 1], [3, 3, 5], [5, 5, 5]]
    assert calc_start_spikes(A.end_spikes).tolist() == [0, 1, 1]


def test_bad_batch_spikes():
    with pytest.raises(ValueError, match="spikes has 2 examples, allowed are 1 to 1"):
        batch_spikes([A, B], 1)
    with pytest.raises(ValueError, match="as many neurons in each example"):
        batch_spikes([A, PreprocessedSpikes(np.zeros(2, int), np.zeros(0))], 2)


def test_statistics():
    empty = preprocess_spikes([], [], 3)
    assert calc_max_spikes([A, B, empty]) == 3
    assert calc_latest_spike_time([A, B, empty]) == 9.0
    assert (calc_max_spikes([]), calc_latest_spike_time([empty])) == (0, 0.0)
