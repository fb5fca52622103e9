import numpy as np
import pytest

from mlgenn_delays.utils.data import generate_yin_yang_dataset


def label_of(x, y, r_small=0.1, r_big=0.5):
    """One point at a time, by the definition in the paper."""
    right, left = np.hypot(x - 1.5 * r_big, y - r_big), np.hypot(x - 0.5 * r_big, y - r_big)
    assert np.hypot(x - r_big, y - r_big) <= r_big
    if right < r_small or left < r_small:
        return 2
    yin = right <= r_small or r_small < left <= 0.5 * r_big or (y > r_big and right > 0.5 * r_big)
    return int(yin)


def test_labels():
    spikes, labels = generate_yin_yang_dataset(500, 1.0, bias=False, rng=0)
    assert all(isinstance(label, int) for label in labels)
    assert [label_of(*s.spike_times[:2]) for s in spikes] == labels
    counts = np.bincount(labels, minlength=3)
    assert np.all(np.abs(counts - 500 / 3) < 5 * np.sqrt(500 * 2 / 9))


def test_channels():
    (first, *_), _ = generate_yin_yang_dataset(1, 20.0, 2.0, rng=0)
    bias, x, y, x_inverted, y_inverted = first.spike_times
    assert first.end_spikes.tolist() == [1, 2, 3, 4, 5]
    assert bias == 2.0
    np.testing.assert_allclose([x + x_inverted, y + y_inverted], 24.0)


def test_seed():
    a, b, c = (generate_yin_yang_dataset(5, 1.0, rng=s) for s in (1, 1, 2))
    assert all(
        np.array_equal(s.spike_times, t.spike_times) for s, t in zip(a[0], b[0], strict=True)
    )
    assert a[1] == b[1]
    assert not np.array_equal(a[0][0].spike_times, c[0][0].spike_times)
    rng = np.random.default_rng(1)
    assert generate_yin_yang_dataset(5, 1.0, rng=rng)[1] == a[1]


def test_bad_arguments():
    with pytest.raises(ValueError, match="size is -1"):
        generate_yin_yang_dataset(-1, 1.0)
    with pytest.raises(ValueError, match=r"r_small is 0\.3, allowed are .* below r_big / 2 = 0.25"):
        generate_yin_yang_dataset(1, 1.0, r_small=0.3)
