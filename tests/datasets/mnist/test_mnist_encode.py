"""Pixels to events by level crossing, and by levels."""

from __future__ import annotations

import numpy as np
import pytest

from mlgenn_delays.datasets.mnist import encode
from mlgenn_delays.datasets.mnist.encode import encode_pixels, num_channels

IMAGES = np.array([[[0, 50], [200, 120]], [[100, 100], [0, 99]]], dtype=np.uint8)


def events_of(images: np.ndarray, *arguments, **options) -> list[list[tuple[float, int]]]:
    """(time, channel) of every example."""
    events = encode_pixels(images, *arguments, **options)
    events.check_structure("data")
    return [
        list(zip(*(a.tolist() for a in events.example(i)), strict=True)) for i in range(len(events))
    ]


def test_crossings() -> None:
    # two thresholds: channels 0 and 1 are ON, 2 and 3 OFF
    assert events_of(IMAGES, (100, 150)) == [
        [(2.0, 0), (2.0, 1), (3.0, 3)],
        [(0.0, 0), (2.0, 2)],
    ]


def test_levels() -> None:
    assert events_of(IMAGES, (100, 150), encoding="levels") == [
        [(2.0, 0), (2.0, 1), (3.0, 0)],
        [(0.0, 0), (1.0, 0)],
    ]


def test_order_and_interval() -> None:
    order = np.array([2, 0, 3, 1])
    events = events_of(IMAGES, (100,), order, "levels", 0.5)
    assert events == [[(0.0, 0), (1.0, 0)], [(0.5, 0), (1.5, 0)]]


def test_crossings_tell_the_levels() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (7, 28, 28), dtype=np.uint8)
    thresholds, order = (1, 64, 255), rng.permutation(784)
    crossings = encode_pixels(images, thresholds, order)
    assert crossings.num_neurons == num_channels(3, "crossings") == 6
    for i, image in enumerate(images):
        times, channels = crossings.example(i)
        signal = image.ravel()[order]
        for k, threshold in enumerate(thresholds):
            change = np.zeros(784)
            np.add.at(change, times[channels == k].astype(int), 1.0)
            np.add.at(change, times[channels == 3 + k].astype(int), -1.0)
            np.testing.assert_array_equal(np.cumsum(change), signal >= threshold)


@pytest.mark.parametrize("encoding", encode.ENCODINGS)
def test_chunks_do_not_matter(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(1).integers(0, 256, (10, 5, 5))
    whole = events_of(images, (100, 200), encoding=encoding)
    monkeypatch.setattr(encode, "_CHUNK", 3)
    assert events_of(images, (100, 200), encoding=encoding) == whole


def test_dark_images_and_no_images() -> None:
    assert events_of(np.zeros((2, 4, 4)), (1,)) == [[], []]
    assert len(encode_pixels(np.zeros((0, 4, 4)), (1,))) == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"thresholds": ()}, "allowed are rising numbers above 0"),
        ({"thresholds": (0, 5)}, "allowed are rising numbers above 0"),
        ({"thresholds": (5, 5)}, "allowed are rising numbers above 0"),
        ({"encoding": "rates"}, "encoding: 'rates', allowed are"),
        ({"interval": 0.0}, "interval: 0.0, allowed are"),
        ({"order": np.array([0, 1, 2, 2])}, "order should be a permutation of the 4 pixels"),
        ({"order": np.arange(5)}, "order should be a permutation"),
    ],
)
def test_bad_arguments(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        encode_pixels(**{"images": IMAGES, "thresholds": (100,), **changes})
