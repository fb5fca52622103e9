"""Splits of a data set into parts for training, validation and test."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Split(NamedTuple):
    """Indices into a data set, each index in one part only."""

    train: np.ndarray  #: (examples,) int64
    validation: np.ndarray  #: (examples,) int64
    test: np.ndarray  #: (examples,) int64


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
