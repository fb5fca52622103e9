"""Sizes of layers as text."""

from __future__ import annotations

import pytest

from mlgenn_delays.studies.sizes import layers_of, size_text


@pytest.mark.parametrize(
    ("layers", "text"),
    [((), "none"), ((64,), "64"), ((64, 64), "64x2"), ((128, 64), "128,64"), ((8,) * 20, "8x20")],
)
def test_what_is_written_is_read(layers: tuple[int, ...], text: str) -> None:
    assert size_text(layers) == text
    assert layers_of(text) == layers


@pytest.mark.parametrize(("text", "layers"), [("64x1", (64,)), ("8,4x2", (8, 4, 8, 4))])
def test_other_ways_to_write(text: str, layers: tuple[int, ...]) -> None:
    assert layers_of(text) == layers


@pytest.mark.parametrize("text", ["", "x2", "0", "-3", "3x", "3x0", "3x2x2", "3,", "a", "1.5"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="allowed are such as 64, 128x2"):
        layers_of(text)


@pytest.mark.parametrize("text", ["128x128", ",".join(["8"] * 21)])
def test_many_layers_are_mistaken_for_neurons(text: str) -> None:
    with pytest.raises(ValueError, match=r"layers, allowed are up to 20; two layers of .*x2 or"):
        layers_of(text)
