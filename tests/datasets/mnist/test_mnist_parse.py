"""IDX files, sound and damaged."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from mlgenn_delays.datasets.mnist.parse import read_idx


def idx(values: np.ndarray, kind: int = 8, shape: tuple[int, ...] | None = None) -> bytes:
    """Content of an IDX file; ``shape``: what its header says in place of the truth."""
    shape = values.shape if shape is None else shape
    header = bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
    return header + values.astype(np.uint8).tobytes()


IMAGES = np.arange(24).reshape(2, 3, 4)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("name", ["images", "images.gz"])
def test_plain_and_compressed_whatever_the_name(tmp_path: Path, pack, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(pack(idx(IMAGES)))
    values = read_idx(path, 3)
    assert values.dtype == np.uint8
    np.testing.assert_array_equal(values, IMAGES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no IDX file, it begins with nothing"),
        (b"\0\0\x08", "no IDX file, it begins with 00 00 08 instead"),
        (b"\x89PNG\r\n", "no IDX file, it begins with 89 50 4e 47"),
        (idx(IMAGES, kind=0x0D), "elements of type 0x0d, allowed is 0x08"),
        (idx(IMAGES.ravel()), r"with 1 dimension\(s\), 3 are needed"),
        (idx(IMAGES)[:15], "header of the IDX file is cut after 15 bytes"),
        (idx(IMAGES)[:-1], "says 2 x 3 x 4 bytes, there are 23 instead of 24"),
        (idx(IMAGES) + b"\0", "says 2 x 3 x 4 bytes, there are 25 instead of 24"),
    ],
)
def test_damaged_file(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "damaged-file"
    for packed in (content, gzip.compress(content)):
        path.write_bytes(packed)
        with pytest.raises(ValueError, match=f"damaged-file: .*{message}"):
            read_idx(path, 3)


def test_cut_gzip_file(tmp_path: Path) -> None:
    path = tmp_path / "cut.gz"
    whole = gzip.compress(idx(np.random.default_rng(0).integers(0, 256, (2, 28, 28))))
    for length in range(2, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"cut\.gz: damaged or cut gzip file"):
            read_idx(path, 3)


def test_wrong_byte_in_gzip_file(tmp_path: Path) -> None:
    path = tmp_path / "wrong.gz"
    values = np.random.default_rng(0).integers(0, 256, (1, 28, 28))
    whole = gzip.compress(idx(values))
    refused = 0
    for place in range(0, len(whole), 5):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            np.testing.assert_array_equal(read_idx(path, 3), values)  # a byte of no importance
        except ValueError as error:
            assert str(path) in str(error)
            refused += 1
    assert refused > 0.9 * len(range(0, len(whole), 5))


def test_absurd_sizes_take_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "absurd"
    path.write_bytes(idx(IMAGES, shape=(2**31, 2**31, 2**31)))
    with pytest.raises(ValueError, match="there are 24 instead of"):
        read_idx(path, 3)
    path.write_bytes(gzip.compress(b"\0" * 10**7))
    tracemalloc.start()
    with pytest.raises(ValueError, match="holds more than the 1016 bytes that are allowed"):
        read_idx(path, 3, largest=1000)
    assert tracemalloc.get_traced_memory()[1] < 10**6
    tracemalloc.stop()


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="missing"):
        read_idx(tmp_path / "missing", 3)


def test_no_more_is_unpacked_than_images_need(tmp_path: Path) -> None:
    path = tmp_path / "black.gz"
    path.write_bytes(gzip.compress(b"\0" * 10**7))
    with pytest.raises(ValueError, match=r"black\.gz: holds more than the \d+ bytes"):
        read_idx(path, 3)
