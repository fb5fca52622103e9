"""Drawn digits."""

from __future__ import annotations

import numpy as np
import pytest

from mlgenn_delays.datasets.mnist.simulate import generate_digits


def test_form_and_seed() -> None:
    images, labels = generate_digits(3, seed=1)
    assert images.shape == (30, 28, 28)
    assert images.dtype == np.uint8
    assert labels.tolist() == list(range(10)) * 3
    again, other = generate_digits(3, seed=1)[0], generate_digits(3, seed=2)[0]
    np.testing.assert_array_equal(images, again)
    assert np.all(np.any(images != other, axis=(1, 2)))
    assert np.all(images.max(axis=(1, 2)) == 255)
    ink = np.mean(images > 0, axis=(1, 2))
    assert 0.03 < ink.min() <= ink.max() < 0.5


def test_digits_differ_by_class() -> None:
    """The nearest mean image tells most digits, not all of them."""
    images, labels = generate_digits(30)
    flat = images.reshape(len(images), -1) / 255.0
    half = len(flat) // 2
    means = np.stack([flat[:half][labels[:half] == digit].mean(axis=0) for digit in range(10)])
    distances = np.sum((flat[half:, np.newaxis] - means) ** 2, axis=-1)
    accuracy = np.mean(np.argmin(distances, axis=1) == labels[half:])
    assert 0.7 < accuracy < 1.0


def test_no_digits() -> None:
    with pytest.raises(ValueError, match="num_per_class: 0, allowed are numbers from 1"):
        generate_digits(0)
