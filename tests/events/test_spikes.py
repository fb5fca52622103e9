import numpy as np
import pytest

from mlgenn_delays.utils.data import (
    preprocess_spikes,
    preprocess_tonic_spikes,
    preprocess_tonic_spikes_separate,
)


def as_pairs(spikes):
    counts = np.diff(spikes.end_spikes, prepend=0)
    return list(
        zip(
            np.repeat(np.arange(len(counts)), counts).tolist(),
            spikes.spike_times.tolist(),
            strict=True,
        )
    )


def test_preprocess():
    spikes = preprocess_spikes(np.array([5.0, 1.0, 3.0, 2.0]), np.array([2, 0, 2, 0]), 4)
    assert spikes.end_spikes.tolist() == [2, 2, 4, 4]
    assert spikes.spike_times.tolist() == [1, 2, 3, 5]


def test_narrow_and_unsigned_ids():
    spikes = preprocess_spikes(np.array([1.0, 2.0]), np.array([255, 0], np.uint8), 256)
    assert as_pairs(spikes) == [(0, 2.0), (255, 1.0)]


def test_empty():
    spikes = preprocess_spikes([], [], 3)
    assert spikes.end_spikes.tolist() == [0, 0, 0]
    assert len(spikes.spike_times) == 0


@pytest.mark.parametrize(
    ("times", "ids", "message"),
    [
        ([1.0, 2.0], [0], r"have the shapes \(2,\) and \(1,\)"),
        ([1.0], [3], "ids has the neuron 3, allowed are 0 to 2"),
        ([1.0], [-1], "ids has the neuron -1"),
        ([1.0], [0.5], "ids should be whole numbers"),
        ([np.nan], [0], "times has nan"),
        ([[1.0]], [[0]], "should be one-dimensional"),
    ],
)
def test_bad_input(times, ids, message):
    with pytest.raises(ValueError, match=message):
        preprocess_spikes(times, ids, 3)


def events(**fields):
    kinds = {"t": np.int64, "x": np.int16, "y": np.int16, "p": np.int8}
    array = np.zeros(len(fields["t"]), dtype=[(name, kinds[name]) for name in fields])
    for name, values in fields.items():
        array[name] = values
    return array


def test_tonic_one_dimension():
    spikes = preprocess_tonic_spikes(
        events(t=[2000, 1000], x=[1, 0], p=[1, 1]), ("t", "x", "p"), (3, 1, 1)
    )
    assert as_pairs(spikes) == [(0, 1.0), (1, 2.0)]


def test_tonic_two_dimensions_with_polarity():
    e = events(t=[1000, 2000, 3000], x=[2, 0, 1], y=[0, 1, 1], p=[1, 0, 1])
    spikes = preprocess_tonic_spikes(e, ("x", "y", "t", "p"), (3, 2, 2), time_scale=0.01)
    # neuron = p + 2 (x + 3 y)
    assert as_pairs(spikes) == [(5, 10.0), (6, 20.0), (9, 30.0)]


def test_tonic_ids_do_not_overflow():
    e = events(t=[0], x=[300], y=[300], p=[1])
    spikes = preprocess_tonic_spikes(e, "xytp", (304, 304, 2))
    assert as_pairs(spikes) == [(1 + 2 * (300 + 304 * 300), 0.0)]


def test_tonic_separate():
    e = events(t=[1000, 2000], x=[0, 1], p=[1, 0])
    off, on = preprocess_tonic_spikes_separate(e, "txp", (2, 1, 2))
    assert as_pairs(off) == [(1, 2.0)]
    assert as_pairs(on) == [(0, 1.0)]
    with pytest.raises(ValueError, match="a single polarity cannot be separated"):
        preprocess_tonic_spikes_separate(e, "txp", (2, 1, 1))


def test_tonic_histogram():
    e = events(t=[1000, 1900, 2000, 2100, 3900, 3999], x=[0, 0, 0, 1, 1, 1], p=[0] * 6)
    spikes = preprocess_tonic_spikes(e, "txp", (2, 1, 1), dt=1.0, histogram_thresh=2)
    assert as_pairs(spikes) == [(0, 1.0), (1, 3.0)]
    with pytest.raises(ValueError, match="dt is None, histogram_thresh needs"):
        preprocess_tonic_spikes(e, "txp", (2, 1, 1), histogram_thresh=2)


def test_tonic_missing_fields():
    with pytest.raises(ValueError, match=r"ordering is \('t', 'x'\).*p is missing"):
        preprocess_tonic_spikes(events(t=[0], x=[0]), ("t", "x"), (2, 1, 1))


def test_tonic_out_of_range():
    with pytest.raises(ValueError, match=r"events\['x'\] has 5, allowed are 0 to 2 \(1 such"):
        preprocess_tonic_spikes(events(t=[0], x=[5], p=[0]), "txp", (3, 1, 1))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        # each of these is another neuron of the sensor if nobody looks
        (dict(x=[3, 0], y=[0, 0], p=[0, 1]), r"events\['x'\] has 3, allowed are 0 to 2 \(1 such"),
        (dict(x=[-1, 0], y=[1, 1], p=[0, 1]), r"events\['x'\] has -1, allowed are 0 to 2 \(1 such"),
        (dict(x=[0, 0], y=[2, 0], p=[0, 1]), r"events\['y'\] has 2, allowed are 0 to 1"),
        (dict(x=[0, 2], y=[1, 1], p=[1, -1]), r"events\['p'\] has -1.*events\['p'\] > 0"),
        (dict(x=[0, 2], y=[0, 0], p=[0, 2]), r"events\['p'\] has 2, allowed are 0 to 1"),
    ],
)
@pytest.mark.parametrize("of", [preprocess_tonic_spikes, preprocess_tonic_spikes_separate])
def test_tonic_beyond_the_sensor(fields, message, of):
    with pytest.raises(ValueError, match=message):
        of(events(t=[0, 1], **fields), "txyp", (3, 2, 2))


def test_tonic_polarities_may_be_bool():
    e = np.array([(1, 0, 1000, True), (0, 1, 2000, False)], dtype="i2, i2, i8, ?")
    e.dtype.names = "x", "y", "t", "p"
    spikes = preprocess_tonic_spikes(e, e.dtype.names, (2, 2, 2))
    assert as_pairs(spikes) == [(3, 1.0), (4, 2.0)]
    off, on = preprocess_tonic_spikes_separate(e, e.dtype.names, (2, 2, 2))
    assert as_pairs(off) == [(2, 2.0)] and as_pairs(on) == [(1, 1.0)]


def test_tonic_single_polarity_is_not_looked_at():
    spikes = preprocess_tonic_spikes(events(t=[1000], x=[1], p=[-1]), "txp", (2, 1, 1))
    assert as_pairs(spikes) == [(1, 1.0)]


@pytest.mark.parametrize("num_neurons", [0, -3, 2.5])
def test_bad_number_of_neurons(num_neurons):
    with pytest.raises(ValueError, match=f"num_neurons is {num_neurons}, allowed are whole"):
        preprocess_spikes([], [], num_neurons)
