"""IDX files, the form in which MNIST is published: a few bytes of header, then plain bytes.

Header: two zero bytes, a code of the type (8: bytes without sign), the number of dimensions, then
the size of each dimension as a big-endian 32-bit number. Files may be compressed with gzip.
"""

from __future__ import annotations

import gzip
import math
import os
import struct
from pathlib import Path

import numpy as np

from ...files import MalformedFile, most_unpacked, reading
from .simulate import SIDE

#: The digits, in the order of the labels.
CLASS_NAMES = tuple(str(digit) for digit in range(10))

#: Code of unsigned bytes, the only type that is read.
_UNSIGNED_BYTE = 0x08
_GZIP_MAGIC = b"\x1f\x8b"


def read_part(images_file: Path, labels_file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of a part, to train or to test with.

    Raises:
        MalformedFile: damaged files, or ones that do not belong together.
        OSError: they cannot be read.
    """
    images, labels = read_idx(images_file, 3), read_idx(labels_file, 1)
    if images.shape[1:] != (SIDE, SIDE):
        size = " x ".join(map(str, images.shape[1:]))
        raise MalformedFile(f"{images_file}: images of {size} pixels, allowed are {SIDE} x {SIDE}")
    if len(images) == 0:
        raise MalformedFile(f"{images_file}: there are no images in this file")
    if len(images) != len(labels):
        raise MalformedFile(
            f"{images_file} has {len(images)} images, {labels_file} has {len(labels)} labels"
        )
    bad = np.flatnonzero(labels >= len(CLASS_NAMES))
    if len(bad):
        raise MalformedFile(
            f"{labels_file}: label {labels[bad[0]]} of image {bad[0]} is out of range, allowed "
            f"are 0 to {len(CLASS_NAMES) - 1} ({len(bad)} such labels)"
        )
    return images, labels.astype(np.int64)


def read_idx(path: str | os.PathLike[str], num_dimensions: int, largest: int = 2**28) -> np.ndarray:
    """Read an IDX file of unsigned bytes, plain or compressed with gzip.

    Nothing of a size that the file does not have is allocated, whatever its header says.

    Args:
        path: the file; whether it is compressed is told from its content.
        num_dimensions: how many dimensions it should have (images 3, labels 1).
        largest: most bytes it may hold; a compressed one also no more than :func:`.most_unpacked`.

    Returns:
        uint8 array of the shape in the header.

    Raises:
        MalformedFile: another format, a damaged or cut file, or one with other sizes than its
            header says; the message has the path.
        OSError: the file cannot be read.
    """
    path = Path(path)
    start = 4 + 4 * num_dimensions
    content = _decompress(path.read_bytes(), path, start + largest)
    if len(content) < 4 or content[:2] != b"\0\0":
        raise MalformedFile(
            f"{path}: no IDX file, it begins with {content[:4].hex(' ') or 'nothing'} instead of "
            "two zero bytes"
        )
    if content[2] != _UNSIGNED_BYTE:
        raise MalformedFile(
            f"{path}: IDX file with elements of type {content[2]:#04x}, allowed is "
            f"{_UNSIGNED_BYTE:#04x} (unsigned bytes)"
        )
    if content[3] != num_dimensions:
        raise MalformedFile(
            f"{path}: IDX file with {content[3]} dimension(s), {num_dimensions} are needed"
        )
    if len(content) < start:
        raise MalformedFile(f"{path}: the header of the IDX file is cut after {len(content)} bytes")
    shape = struct.unpack(f">{num_dimensions}I", content[4:start])
    size = math.prod(shape)
    if len(content) - start != size:
        raise MalformedFile(
            f"{path}: the header of the IDX file says {' x '.join(map(str, shape))} bytes, there "
            f"are {len(content) - start} instead of {size}; is it damaged or cut?"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _decompress(content: bytes, path: Path, largest: int) -> bytes:
    """``content`` itself, or what it holds where it is compressed."""
    if content[:2] != _GZIP_MAGIC:
        return content
    largest = min(largest, most_unpacked(len(content)))
    with reading(str(path), f"{path}: damaged or cut gzip file"), gzip.open(path) as file:
        plain = file.read(largest + 1)
        if len(plain) > largest:
            raise MalformedFile(f"{path}: holds more than the {largest} bytes that are allowed")
        file.read(1)  # to the end, where the checksum is
    return plain
