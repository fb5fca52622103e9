"""Sizes of hidden layers as text, on command lines and in tables: what is written can be read."""

from __future__ import annotations

from collections.abc import Sequence

#: Layers of a network, at most: more are mistaken for neurons.
MAX_LAYERS = 20


def size_text(layers: Sequence[int]) -> str:
    """Neurons of each layer as text.

    Returns:
        ``"64"``; ``"64x2"`` for two layers of 64; ``"128,64"`` for layers that differ; ``"none"``
        where there is no hidden layer
    """
    if not layers:
        return "none"
    if len(layers) > 1 and len(set(layers)) == 1:
        return f"{layers[0]}x{len(layers)}"
    return ",".join(map(str, layers))


def layers_of(text: str) -> tuple[int, ...]:
    """Neurons of each layer, from what :func:`size_text` writes.

    Raises:
        ValueError: it is something else, or has more than :data:`MAX_LAYERS` layers.
    """
    if text == "none":
        return ()
    size, by, times = text.partition("x")
    numbers = size.split(",")
    if not all(n.isdecimal() and int(n) > 0 for n in numbers) or (by and not times.isdecimal()):
        raise _not_allowed(text)
    count = len(numbers) * int(times or 1)
    if count == 0:
        raise _not_allowed(text)
    if count > MAX_LAYERS:
        raise ValueError(
            f"{text!r} has {count} layers, allowed are up to {MAX_LAYERS}; two layers of "
            f"{numbers[0]} are written {numbers[0]}x2 or {numbers[0]},{numbers[0]}"
        )
    return tuple(map(int, numbers)) * (count // len(numbers))


def _not_allowed(text: str) -> ValueError:
    return ValueError(
        f"{text!r}, allowed are such as 64, 128x2 (two layers of 128), 128,64, and none"
    )
