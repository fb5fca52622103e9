"""Utilities for data: what they cannot read is refused, by the name of the argument."""

from __future__ import annotations

import numpy as np
import pytest

from mlgenn_delays.events.sigma_delta import sigma_delta
from mlgenn_delays.utils import data as utils
from mlgenn_delays.utils.data import PreprocessedSpikes, preprocess_spikes

SPIKES = [preprocess_spikes([1.0, 2.0], [0, 1], 2)] * 2
DATA = {"a": [1, 2, 3]}
TONIC = np.array([(1000, 0, 1, 1), (2000, 1, 0, 0)], [(n, "i4") for n in ("t", "p", "x", "y")])


def tonic(**changes):
    given = {"events": TONIC, "ordering": "tpxy", "shape": (2, 2, 2), **changes}
    return utils.preprocess_tonic_spikes(**given)


REFUSED = [
    (lambda: preprocess_spikes(["a"], [0], 1), "times should be numbers, their type is <U1"),
    (lambda: preprocess_spikes([1.0], [0], 10**400), "num_neurons is .*, allowed are whole"),
    (lambda: preprocess_spikes(np.ma.masked_array([1.0], [True]), [0], 1), "times has 1 masked"),
    (lambda: utils.get_dataset_size(5), "data should be a dictionary of sequences, not 5"),
    (lambda: utils.get_dataset_size({"a": 5}), r"data\['a'\] should be a sequence"),
    (lambda: utils.split_dataset(DATA, "x"), "split should be a number, not 'x'"),
    (lambda: utils.batch_dataset(DATA, None, 3), "batch_size should be a number"),
    (lambda: utils.batch_dataset(DATA, 2, 0.5), "size is 0.5, allowed are whole numbers"),
    (lambda: utils.batch_dataset(DATA, 2, 9), "size is 9, an entry of data has fewer examples"),
    (lambda: utils.permute_dataset(DATA, [0, 1, 3]), "indices go from 0 to 3, allowed are 0 to 2"),
    (lambda: utils.permute_dataset(DATA, [0, 1, 0.5]), "indices has 0.5, allowed are whole"),
    (lambda: utils.batch_spikes(5, 2), "spikes should be a sequence of PreprocessedSpikes"),
    (lambda: utils.batch_spikes([5], 2), "spikes: example 0 should be PreprocessedSpikes"),
    (lambda: utils.batch_spikes(SPIKES, 10**400), "batch_size is .*, allowed are whole numbers"),
    (lambda: utils.calc_max_spikes("x"), "spikes should be a sequence of PreprocessedSpikes"),
    (
        lambda: utils.calc_latest_spike_time([PreprocessedSpikes([1], ["a"])]),
        "spikes: example 0: spike_times should be numbers",
    ),
    (lambda: utils.calc_start_spikes("x"), "end_spikes should be whole numbers"),
    (lambda: utils.linear_latency_encode_data([["a"]], 5.0), "data should be numbers"),
    (lambda: utils.linear_latency_encode_data([[1]], "x"), "max_time should be a number"),
    (lambda: utils.log_latency_encode_data([[1.0]], 10**400, 1), "tau_eff is .*, allowed"),
    (lambda: tonic(events=5), "events should be a structured array with the field 'x', it is 5"),
    (
        lambda: tonic(events=TONIC[["t", "x", "y"]]),
        "events should be a structured array with the field 'p'",
    ),
    (lambda: tonic(shape=(2, 2)), r"shape is \(2, 2\), it should be \(x, y, polarities\)"),
    (lambda: tonic(shape=(2, 0.5, 2)), "shape is 0.5, allowed are whole numbers"),
    (lambda: tonic(time_scale="x"), "time_scale should be a number"),
    (lambda: tonic(dt=0.0, histogram_thresh=1), "dt is 0, allowed are finite numbers"),
    (lambda: tonic(ordering=None), "ordering should be a sequence of fields"),
    (lambda: utils.generate_yin_yang_dataset("x", 1.0), "size should be a number"),
    (lambda: utils.generate_yin_yang_dataset(2**40, 1.0), "size is 1099511627776, allowed"),
    (lambda: utils.generate_yin_yang_dataset(2, 10**400), "scale is .*, allowed are finite"),
    (lambda: utils.generate_yin_yang_dataset(2, 1.0, r_small=1e-9), "r_small is 1e-09, allowed"),
    (lambda: utils.generate_yin_yang_dataset(2, 1.0, rng=-1), "rng is -1, allowed are whole"),
    (lambda: utils.generate_yin_yang_dataset(2, 1.0, bias="no"), "bias should be True or False"),
    (lambda: sigma_delta([[["a"]]], 1.0, 1.0), "signals should be numbers"),
    (lambda: sigma_delta(np.array([[[0.0], [1e20]]]), 1e-9, 1.0), "threshold: 1e-09 would make"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED)
def test_refused_by_name(call, message):
    with pytest.raises((ValueError, TypeError), match=f"^{message}"):
        call()


def test_neither_spikes_nor_neurons():
    assert utils.calc_start_spikes(np.zeros(0, int)).shape == (0,)
    assert len(utils.linear_latency_encode_data(np.zeros((0, 3)), 5.0)) == 0
