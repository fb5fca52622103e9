"""Keeping a part of the training examples for validation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..checks import check_number
from .splits import stratified_split

#: How examples for validation are chosen.
HOLD_OUT_MODES = ("speaker", "random")


class HoldOut(NamedTuple):
    """Indices into a data set, each index in one part. In both, classes alternate: the first k of
    a part hold the classes in proportion, for every k."""

    train: np.ndarray  #: (examples,) int64
    validation: np.ndarray  #: (examples,) int64


def hold_out_random(labels: np.ndarray, share: float = 0.1, seed: int = 0) -> HoldOut:
    """Keep random examples, of each class the same share.

    Args:
        labels: class of each example, (examples,) int
        share:  of the examples that is kept, above 0 and below 1
        seed:   of the random numbers

    Raises:
        ValueError: no labels, another share, or a class with too few examples for both parts
    """
    _check_share(share)
    split = stratified_split(labels, (1.0 - share, share, 0.0), seed)
    return HoldOut(split.train, split.validation)


def hold_out_groups(
    labels: np.ndarray,
    groups: np.ndarray | None,
    share: float = 0.1,
    seed: int = 0,
    chosen: tuple[int, ...] | None = None,
) -> HoldOut:
    """Keep all examples of some groups, such as speakers: how well do others do?

    Args:
        labels: class of each example, (examples,) int
        groups: group of each example, (examples,) int
        share:  of the examples; random groups are kept until they have at least so many, and one
            at least is not
        seed:   of the random numbers
        chosen: groups to keep, in place of random ones

    Raises:
        ValueError: no labels or groups, another share, one group only, random groups that are far
            more than the share, groups that do not exist, or no group left to train with
    """
    if groups is None:
        raise ValueError("the data set does not say to which groups (speakers) examples belong")
    labels, groups = np.asarray(labels), np.asarray(groups)
    if groups.shape != labels.shape:
        raise ValueError(f"there are {len(groups)} groups for {len(labels)} labels")
    names, sizes = np.unique(groups, return_counts=True)
    if len(names) < 2:
        raise ValueError(
            f"all examples belong to one group (speaker), {names.tolist()}, two are needed; hold "
            "out random examples instead"
        )
    if chosen is None:
        kept = _draw_groups(names, sizes, share, seed)
        held_share = sizes[np.isin(names, kept)].sum() / sizes.sum()
        if held_share > max(0.5, 2.0 * share):
            raise ValueError(
                f"holding out whole groups (speakers) would take {held_share:.0%} of the examples "
                f"from training, wanted are {share:.0%}: the groups differ too much in size; hold "
                "out random examples instead"
            )
    else:
        unknown = sorted(set(chosen) - set(names.tolist()))
        if unknown or not chosen or len(set(chosen)) == len(names):
            raise ValueError(
                f"groups to keep for validation: {list(chosen)}, allowed are some, but not all, "
                f"of {names.tolist()}"
            )
        kept = np.array(sorted(set(chosen)))
    held = np.isin(groups, kept)
    parts = (np.flatnonzero(~held), np.flatnonzero(held))
    return HoldOut(*(part[alternating(labels[part], seed)] for part in parts))


def alternating(labels: np.ndarray, seed: int = 0) -> np.ndarray:
    """An order in which classes alternate: the first k examples hold the classes in proportion,
    for every k, (examples,) int64."""
    return stratified_split(labels, (1.0, 0.0, 0.0), seed).train


def _draw_groups(names: np.ndarray, sizes: np.ndarray, share: float, seed: int) -> np.ndarray:
    _check_share(share)
    order = np.random.default_rng(seed).permutation(len(names))
    enough = np.searchsorted(np.cumsum(sizes[order]), share * sizes.sum()) + 1
    return names[order[: min(int(enough), len(names) - 1)]]


def _check_share(share: float) -> None:
    check_number(share, "share of examples kept for validation", above=0.0)
    if share >= 1.0:
        raise ValueError(
            f"share of examples kept for validation is {share:g}, allowed are numbers below 1"
        )
