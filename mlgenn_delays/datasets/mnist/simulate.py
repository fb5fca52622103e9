"""Drawn digits in the place of handwritten ones: strokes of a pen, bent and moved at random."""

from __future__ import annotations

import numpy as np

#: Side of the images [pixels], as that of MNIST.
SIDE = 28
#: Points along a curve that is a part of an ellipse.
_CURVE_POINTS = 13
#: Examples that are drawn at once: bounds the memory of the distances.
_CHUNK = 256

Stroke = list[tuple[float, float]]


def _arc(x: float, y: float, width: float, height: float, start: float, end: float) -> Stroke:
    """Part of an ellipse around (x, y), angles in degrees from the right, clockwise."""
    angles = np.deg2rad(np.linspace(start, end, _CURVE_POINTS))
    return [(x + width * np.cos(a), y + height * np.sin(a)) for a in angles]


#: Strokes of each digit in a square of side 2 around the origin, y downwards.
_DIGITS: tuple[tuple[Stroke, ...], ...] = (
    (_arc(0.0, 0.0, 0.55, 0.85, 0.0, 360.0),),
    ([(-0.3, -0.55), (0.05, -0.85), (0.05, 0.85)],),
    (_arc(0.0, -0.4, 0.5, 0.45, 190.0, 385.0), [(0.45, -0.2), (-0.5, 0.85), (0.55, 0.85)]),
    (_arc(0.0, -0.45, 0.45, 0.4, 200.0, 450.0), _arc(0.0, 0.4, 0.5, 0.45, 270.0, 520.0)),
    ([(0.25, 0.85), (0.25, -0.85), (-0.55, 0.35), (0.6, 0.35)],),
    (
        [(0.5, -0.85), (-0.4, -0.85), (-0.45, -0.1)],
        _arc(0.0, 0.35, 0.5, 0.5, 205.0, 510.0),
    ),
    ([(0.3, -0.85), (-0.2, -0.3), (-0.45, 0.35)], _arc(0.0, 0.4, 0.45, 0.45, 180.0, 540.0)),
    ([(-0.5, -0.85), (0.5, -0.85), (-0.15, 0.85)],),
    (_arc(0.0, -0.42, 0.4, 0.4, 0.0, 360.0), _arc(0.0, 0.42, 0.5, 0.43, 0.0, 360.0)),
    (_arc(0.0, -0.4, 0.45, 0.45, 0.0, 360.0), [(0.45, -0.4), (0.4, 0.2), (0.1, 0.85)]),
)


def generate_digits(num_per_class: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw digits, classes in turn (0, 1, ..., 9, 0, ...).

    Args:
        num_per_class: images of each digit, at least 1.
        seed: of the random numbers.

    Returns:
        Images (examples, 28, 28) uint8, bright on dark as those of MNIST, and labels (examples,)
        int64.

    Raises:
        ValueError: ``num_per_class`` below 1.
    """
    if num_per_class < 1:
        raise ValueError(f"num_per_class: {num_per_class}, allowed are numbers from 1")
    rng = np.random.default_rng(seed)
    labels = np.tile(np.arange(len(_DIGITS)), num_per_class)
    images = np.empty((len(labels), SIDE, SIDE), dtype=np.uint8)
    for digit in range(len(_DIGITS)):
        rows = np.flatnonzero(labels == digit)
        for chunk in np.array_split(rows, -(-len(rows) // _CHUNK)):
            images[chunk] = _draw(_DIGITS[digit], len(chunk), rng)
    return images, labels


def _draw(strokes: tuple[Stroke, ...], number: int, rng: np.random.Generator) -> np.ndarray:
    """Images of one digit, (number, 28, 28) uint8."""
    starts = np.concatenate([stroke[:-1] for stroke in strokes])
    ends = np.concatenate([stroke[1:] for stroke in strokes])
    corners = np.stack((starts, ends), axis=1)  # (segments, 2 ends, 2 coordinates)
    placed = _place(corners, number, rng)
    thickness = rng.uniform(0.7, 1.5, (number, 1))
    distance = _distance_to_segments(placed)
    brightness = np.clip(thickness + 0.5 - distance, 0.0, 1.0)
    return np.rint(255.0 * brightness).astype(np.uint8).reshape(number, SIDE, SIDE)


def _place(corners: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    """Corners in pixels after random changes of form and place, (number, segments, 2, 2)."""
    shape = (number, 1, 1)
    x, y = corners[..., 0], corners[..., 1]
    # a smooth bend, so that digits differ by more than an affine map
    x = x + rng.normal(0.0, 0.08, shape) * np.sin(2.5 * y + rng.uniform(0.0, 6.3, shape))
    y = y + rng.normal(0.0, 0.08, shape) * np.sin(2.5 * x + rng.uniform(0.0, 6.3, shape))
    x = x + rng.normal(0.1, 0.15, shape) * -y  # slant
    turn = rng.normal(0.0, 0.12, shape)
    x, y = np.cos(turn) * x - np.sin(turn) * y, np.sin(turn) * x + np.cos(turn) * y
    scale = 10.0 * np.exp(rng.normal(0.0, 0.08, shape))
    x = scale * np.exp(rng.normal(0.0, 0.08, shape)) * x + rng.normal(0.0, 1.0, shape)
    y = scale * y + rng.normal(0.0, 1.0, shape)
    return np.stack((x, y), axis=-1) + (SIDE - 1) / 2.0


def _distance_to_segments(placed: np.ndarray) -> np.ndarray:
    """Distance of every pixel to the nearest segment, (number, pixels)."""
    rows, columns = np.divmod(np.arange(SIDE * SIDE), SIDE)
    pixels = np.stack((columns, rows), axis=-1).astype(np.float64)
    nearest = np.full((len(placed), len(pixels)), np.inf)
    for segment in np.swapaxes(placed, 0, 1):
        start, along = segment[:, 0, np.newaxis], np.diff(segment, axis=1)
        offset = pixels - start
        length = np.sum(along**2, axis=-1) + 1e-12
        place = np.clip(np.sum(offset * along, axis=-1) / length, 0.0, 1.0)
        gap = offset - place[..., np.newaxis] * along
        np.minimum(nearest, np.sum(gap**2, axis=-1), out=nearest)
    return np.sqrt(nearest)
