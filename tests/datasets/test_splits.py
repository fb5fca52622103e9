"""Stratified splits."""

from __future__ import annotations

import numpy as np
import pytest

from mlgenn_delays.datasets import stratified_split

LABELS = np.repeat(np.arange(5), [20, 40, 10, 100, 30])


def test_parts_cover_all_without_overlap() -> None:
    split = stratified_split(LABELS)
    together = np.concatenate(split)
    assert len(together) == len(LABELS)
    np.testing.assert_array_equal(np.sort(together), np.arange(len(LABELS)))


def test_each_class_has_its_share_in_each_part() -> None:
    split = stratified_split(LABELS, (0.7, 0.1, 0.2))
    for part, fraction in zip(split, (0.7, 0.1, 0.2), strict=True):
        expected = np.rint(fraction * np.bincount(LABELS))
        np.testing.assert_array_equal(np.bincount(LABELS[part]), expected)


def test_shares_that_do_not_divide_differ_by_less_than_one() -> None:
    labels = np.repeat(np.arange(3), [7, 11, 13])
    shares = (0.5, 0.2, 0.3)
    for part, fraction in zip(stratified_split(labels, shares), shares, strict=True):
        counts = np.bincount(labels[part], minlength=3)
        assert np.all(np.abs(counts - fraction * np.array([7, 11, 13])) < 1)


def test_every_first_part_of_a_part_is_balanced() -> None:
    labels = np.repeat(np.arange(4), 100)
    train = stratified_split(labels).train
    for k in range(1, len(train) + 1):
        counts = np.bincount(labels[train[:k]], minlength=4)
        assert counts.max() - counts.min() <= 2
    neighbours_differ = np.mean(labels[train[1:]] != labels[train[:-1]])
    assert neighbours_differ < 1.0, "classes in a fixed order"


def test_seed() -> None:
    first, same = (stratified_split(LABELS, seed=3) for _ in range(2))
    for a, b in zip(first, same, strict=True):
        np.testing.assert_array_equal(a, b)
    other = stratified_split(LABELS, seed=4)
    assert set(other.test) != set(first.test)


def test_order_of_the_data_set_does_not_leak_into_the_parts() -> None:
    """Members are drawn at random: the test part is not, say, the last of each class."""
    labels = np.repeat(np.arange(2), 500)
    test = stratified_split(labels).test
    within = test % 500
    assert abs(within.mean() - 250) < 40


def test_part_without_examples() -> None:
    split = stratified_split(LABELS, (0.8, 0.0, 0.2))
    assert len(split.validation) == 0
    assert len(split.train) == 160


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ((0.7, 0.2, 0.2), r"fractions: \(0.7, 0.2, 0.2\), they must add up to 1"),
        ((0.5, 0.1, 0.2), "must add up to 1"),
        ((1.2, -0.1, -0.1), "three numbers from 0 to 1"),
        ((0.8, 0.2), "three numbers"),
        ((0.0, 0.5, 0.5), "for training, be above 0"),
        ((float("nan"), 0.5, 0.5), "three numbers from 0 to 1"),
    ],
)
def test_bad_fractions(fractions: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        stratified_split(LABELS, fractions)


def test_class_with_too_few_examples() -> None:
    labels = np.array([0] * 50 + [7] * 2)
    with pytest.raises(ValueError, match="class 7 has 2 examples, too few"):
        stratified_split(labels)


def test_no_labels() -> None:
    with pytest.raises(ValueError, match="labels: shape"):
        stratified_split(np.zeros(0, dtype=int))
    with pytest.raises(ValueError, match="labels: shape"):
        stratified_split(np.zeros((4, 2), dtype=int))
