"""Splits of a data set into parts for training, validation and test, and examples held out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..checks import check_number

#: How examples for validation are chosen.
HOLD_OUT_MODES = ("speaker", "random")


class Split(NamedTuple):
    """Indices into a data set, each index in one part only."""

    train: np.ndarray  #: (examples,) int64
    validation: np.ndarray  #: (examples,) int64
    test: np.ndarray  #: (examples,) int64


class HoldOut(NamedTuple):
    """Indices into a data set, each index in one part. In both, classes alternate: the first k of
    a part hold the classes in proportion, for every k."""

    train: np.ndarray  #: (examples,) int64
    validation: np.ndarray  #: (examples,) int64


def stratified_split(
    labels: np.ndarray, fractions: tuple[float, float, float] = (0.7, 0.1, 0.2), seed: int = 0
) -> Split:
    """Split at random such that each class has its share in each part.

    A class of n examples has n * fraction of them in each part, rounded so that they add up to n.
    The indices of each part are in a random order in which classes alternate: the first k of a
    part hold the classes in proportion too, for every k.

    Args:
        labels: class of each example, (examples,) int.
        fractions: of the examples for training, validation and test; 0 leaves a part empty.
        seed: of the random numbers.

    Raises:
        ValueError: no labels, fractions that are negative or do not add up to 1, none for
            training, or a class with too few examples for one in each part.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or len(labels) == 0:
        raise ValueError(f"labels: shape {labels.shape}, allowed is (examples,) with an example")
    shares = np.asarray(fractions, dtype=np.float64)
    if shares.shape != (3,) or not np.all((shares >= 0.0) & (shares <= 1.0)):
        raise ValueError(f"fractions: {fractions}, allowed are three numbers from 0 to 1")
    if abs(shares.sum() - 1.0) > 1e-6 or shares[0] == 0.0:
        raise ValueError(
            f"fractions: {fractions}, they must add up to 1 and the first, for training, be above 0"
        )

    rng = np.random.default_rng(seed)
    members: list[list[np.ndarray]] = [[], [], []]
    ranks: list[list[np.ndarray]] = [[], [], []]
    for label in np.unique(labels):
        examples = rng.permutation(np.flatnonzero(labels == label))
        counts = _share_out(len(examples), shares, label)
        for part, chosen in enumerate(np.split(examples, np.cumsum(counts)[:-1])):
            members[part].append(chosen)
            # the k-th of n examples of a class belongs somewhere in [k / n, (k + 1) / n) of a part
            ranks[part].append((np.arange(len(chosen)) + rng.random(len(chosen))) / len(chosen))
    return Split(
        *(
            np.concatenate(m)[np.argsort(np.concatenate(r))]
            for m, r in zip(members, ranks, strict=True)
        )
    )


def alternating(labels: np.ndarray, seed: int = 0) -> np.ndarray:
    """An order in which classes alternate: the first k examples hold the classes in proportion,
    for every k, (examples,) int64."""
    return stratified_split(labels, (1.0, 0.0, 0.0), seed).train


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


def _share_out(number: int, shares: np.ndarray, label: int) -> np.ndarray:
    """Whole numbers that add up to ``number``, near ``number * shares``, (3,) int64."""
    exact = number * shares
    counts = np.floor(exact + 1e-9).astype(np.int64)
    # the largest remainders are rounded up
    for part in np.argsort(counts - exact, kind="stable")[: number - counts.sum()]:
        counts[part] += 1
    if np.any((counts == 0) & (shares > 0.0)):
        raise ValueError(
            f"labels: class {label} has {number} examples, too few for one in each part "
            f"with the fractions {', '.join(f'{s:g}' for s in shares)}"
        )
    return counts


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
