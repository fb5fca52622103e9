"""Stratified splits, and keeping training examples for validation."""

from __future__ import annotations

import numpy as np
import pytest

from mlgenn_delays.datasets.splits import (
    alternating,
    hold_out_groups,
    hold_out_random,
    stratified_split,
)

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


@pytest.fixture()
def labels() -> np.ndarray:
    return np.repeat(np.arange(4), 50)


@pytest.fixture()
def groups(labels: np.ndarray) -> np.ndarray:
    """Ten speakers, who say each word five times."""
    return np.arange(len(labels)) % 10 + 20


def check_parts(labels: np.ndarray, *parts: np.ndarray) -> None:
    together = np.concatenate(parts)
    np.testing.assert_array_equal(np.sort(together), np.arange(len(labels)))
    for part in parts:
        first = labels[part[: len(part) // 3]]
        assert np.ptp(np.bincount(first, minlength=4)) <= 2, "classes alternate"


class TestRandom:
    def test_share_of_each_class(self, labels: np.ndarray) -> None:
        held = hold_out_random(labels, 0.2, seed=1)
        assert np.bincount(labels[held.validation]).tolist() == [10] * 4
        check_parts(labels, *held)

    def test_seed_decides(self, labels: np.ndarray) -> None:
        one, same, other = (hold_out_random(labels, seed=seed) for seed in (1, 1, 2))
        np.testing.assert_array_equal(one.validation, same.validation)
        assert set(one.validation) != set(other.validation)

    def test_class_that_is_too_small(self) -> None:
        with pytest.raises(ValueError, match="class 1 has 1 examples, too few"):
            hold_out_random(np.array([0] * 20 + [1]))


class TestGroups:
    def test_whole_groups_are_kept(self, labels: np.ndarray, groups: np.ndarray) -> None:
        held = hold_out_groups(labels, groups, 0.1)
        assert len(set(groups[held.validation])) == 1
        assert not set(groups[held.validation]) & set(groups[held.train])
        check_parts(labels, *held)

    @pytest.mark.parametrize(("share", "number"), [(0.01, 1), (0.1, 1), (0.11, 2), (0.999, 9)])
    def test_until_there_are_enough(
        self, share: float, number: int, labels: np.ndarray, groups: np.ndarray
    ) -> None:
        held = hold_out_groups(labels, groups, share)
        assert len(set(groups[held.validation])) == number

    def test_chosen_groups(self, labels: np.ndarray, groups: np.ndarray) -> None:
        held = hold_out_groups(labels, groups, chosen=(29, 21))
        assert set(groups[held.validation]) == {21, 29}
        check_parts(labels, *held)

    def test_seed_decides(self, labels: np.ndarray, groups: np.ndarray) -> None:
        chosen = [
            set(groups[hold_out_groups(labels, groups, seed=s).validation]) for s in range(20)
        ]
        assert len(set().union(*chosen)) > 5
        assert chosen[3] == set(groups[hold_out_groups(labels, groups, seed=3).validation])

    @pytest.mark.parametrize(
        ("chosen", "message"),
        [
            ((19,), r"groups to keep for validation: \[19\], allowed are some, but not all, of"),
            ((), r"groups to keep for validation: \[\], allowed"),
            (tuple(range(20, 30)), "groups to keep for validation: .* but not all"),
        ],
    )
    def test_groups_that_cannot_be_kept(
        self, chosen: tuple[int, ...], message: str, labels: np.ndarray, groups: np.ndarray
    ) -> None:
        with pytest.raises(ValueError, match=message):
            hold_out_groups(labels, groups, chosen=chosen)

    def test_one_group(self, labels: np.ndarray) -> None:
        with pytest.raises(ValueError, match=r"one group \(speaker\), \[7\], .* random"):
            hold_out_groups(labels, np.full(len(labels), 7))

    def test_no_groups(self, labels: np.ndarray) -> None:
        with pytest.raises(ValueError, match="does not say to which groups"):
            hold_out_groups(labels, None)

    def test_another_number_of_groups(self, labels: np.ndarray) -> None:
        with pytest.raises(ValueError, match="there are 3 groups for 200 labels"):
            hold_out_groups(labels, np.arange(3))


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, float("nan")])
def test_bad_share(share: float, labels: np.ndarray, groups: np.ndarray) -> None:
    message = "share of examples kept for validation is"
    with pytest.raises(ValueError, match=message):
        hold_out_random(labels, share)
    with pytest.raises(ValueError, match=message):
        hold_out_groups(labels, groups, share)


def test_alternating_holds_every_example_once(labels: np.ndarray) -> None:
    check_parts(labels, alternating(labels))


def test_one_large_group_is_not_held_out() -> None:
    """Seed 3 draws small groups first, seed 1 the large one."""
    groups = np.repeat([0, 1, 2, 3], [880, 40, 40, 40])
    labels = np.tile([0, 1], 500)
    assert len(hold_out_groups(labels, groups, seed=3).validation) == 120
    with pytest.raises(ValueError, match=r"would take 88% of the examples .* random"):
        hold_out_groups(labels, groups, seed=1)
