"""Softmax cross-entropy that neither overflows nor takes the logarithm of zero."""

from __future__ import annotations

import numpy as np


def softmax_crossentropy(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """-log softmax(logits)[label] of each row, and its gradient.

    Args:
        logits: (rows, K)
        labels: (rows,) int

    Returns:
        (rows,) loss, (rows, K) gradient with respect to ``logits``.
    """
    rows = np.arange(len(logits))
    with np.errstate(invalid="ignore"):  # training that diverges is reported by who trains
        shifted = logits - np.max(logits, axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    total = np.sum(exponentials, axis=1)
    loss = np.log(total) - shifted[rows, labels]
    gradient = exponentials / total[:, np.newaxis]
    gradient[rows, labels] -= 1.0
    return loss, gradient
