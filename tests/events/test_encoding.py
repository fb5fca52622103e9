import numpy as np
import pytest

from mlgenn_delays.utils.data import linear_latency_encode_data, log_latency_encode_data

IMAGES = np.array([[[0, 255], [1, 51]], [[0, 0], [0, 204]]], dtype=np.uint8)


def test_linear():
    first, second = linear_latency_encode_data(IMAGES, 20.0, 10.0)
    assert first.end_spikes.tolist() == [0, 1, 1, 2]
    np.testing.assert_allclose(first.spike_times, [10.0, 18.0])
    assert second.end_spikes.tolist() == [0, 0, 0, 1]
    np.testing.assert_allclose(second.spike_times, [12.0])


def test_log():
    first, _ = log_latency_encode_data(IMAGES, 20.0, 51)
    assert first.end_spikes.tolist() == [0, 1, 1, 1]
    np.testing.assert_allclose(first.spike_times, 20.0 * np.log(255 / 204))


@pytest.mark.parametrize(
    ("encode", "message"),
    [
        (
            lambda: linear_latency_encode_data(IMAGES, 5.0, 10.0),
            "min_time is 10 ms, .*max_time = 5",
        ),
        (lambda: linear_latency_encode_data(IMAGES, 5.0, -1.0), "min_time is -1 ms"),
        (lambda: linear_latency_encode_data(np.full((1, 2), 256), 5.0), "data has the value 256"),
        (lambda: linear_latency_encode_data(np.zeros(3), 5.0), r"data has shape \(3,\)"),
        (lambda: log_latency_encode_data(IMAGES, 0.0, 51), "tau_eff is 0, .*above 0"),
        (lambda: log_latency_encode_data(IMAGES, 1.0, -1), "thresh is -1"),
    ],
)
def test_bad_arguments(encode, message):
    with pytest.raises(ValueError, match=message):
        encode()
