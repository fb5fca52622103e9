"""Reading WAV files, and telling those that are damaged.

A parser of its own because what libraries make of damaged files differs: ``scipy.io.wavfile``
gives half of a file that was cut off, or raises errors of many types, takes a sample rate of 0
for one, and reads 24 bits as 32; ``soundfile`` says nothing of files that were cut off. A word
that lacks its end is a wrong example, so such a file must be known.

Read are RIFF files of PCM with 8 (unsigned), 16, 24 or 32 bits and of floats with 32 or 64,
with a plain header or WAVE_FORMAT_EXTENSIBLE, with any number of channels, which are averaged.
"""

from __future__ import annotations

import os
import stat
import struct
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from .sound import Sound, check_rate

#: Longest file that is read [bytes]; two hours of stereo in studio quality have half of it.
LARGEST_FILE = 2**32 - 1

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
#: A length that programs write which cannot go back to the header: until the end of the file.
_UNKNOWN_LENGTH = 0xFFFFFFFF
#: Bytes of a format that say something.
_LONGEST_FORMAT = 40
#: What follows the format code in the identifier of a sub-format that is a plain format.
_PLAIN_SUBFORMAT = bytes.fromhex("000000001000800000aa00389b71")


class WavError(ValueError):
    """A file that cannot be used; the message says why, without the name of the file."""


@dataclass(frozen=True)
class _Format:
    """What a file says about its samples."""

    code: int
    channels: int
    rate: int
    width: int  #: bytes per sample


def read_wav(path: str | os.PathLike[str]) -> Sound:
    """Read a WAV file; several channels are averaged.

    Memory is taken for what a file holds, never for what its header promises.

    Raises:
        WavError: no WAV file (but e.g. a pipe), one that is damaged, cut off or empty, a format
            that is not read, a sample rate of 0, or samples that are not finite.
        OSError: the file cannot be read.
    """
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        # a pipe would make open() wait
        raise WavError("it is no regular file but e.g. a pipe or a device")
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            raise WavError("the file is empty")
        if size > LARGEST_FILE:
            raise WavError(f"the file has {size} bytes, allowed are {LARGEST_FILE}")
        form, data = _read_chunks(file, size)
    frame = form.width * form.channels
    if len(data) < frame:
        raise WavError("it has no samples")
    samples = _decode(data[: len(data) - len(data) % frame], form)
    with np.errstate(all="ignore"):  # what is not finite is found below
        mono = samples.reshape(-1, form.channels).mean(axis=1, dtype=np.float64).astype(np.float32)
    if not np.all(np.isfinite(mono)):
        raise WavError("it has samples that are not finite")
    return Sound(mono, form.rate)


def _read_chunks(file: BinaryIO, size: int) -> tuple[_Format, bytes]:
    """Format and samples; what else a file holds is passed over."""
    head = file.read(12)
    if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"WAVE":
        raise WavError(f"no WAV file, it begins with {head!r}")
    form = None
    while True:
        head = file.read(8)
        if len(head) < 8:
            raise WavError(f"damaged: it ends without {'format' if form is None else 'samples'}")
        name, length = head[:4], int.from_bytes(head[4:], "little")
        left = size - file.tell()
        if name == b"data":
            if form is None:
                raise WavError("damaged: samples come before their format")
            return form, _read_samples(file, length, left)
        if length > left:
            raise WavError(f"damaged: a part {name!r} of {length} bytes where {left} are left")
        end = file.tell() + length + length % 2
        if name == b"fmt ":
            form = _parse_format(file.read(min(length, _LONGEST_FORMAT)))
        file.seek(end)


def _read_samples(file: BinaryIO, length: int, left: int) -> bytes:
    if length == _UNKNOWN_LENGTH:
        length = left
    if length > left:
        raise WavError(f"cut off: {length} bytes of samples are announced, {left} are there")
    return file.read(length)


def _parse_format(content: bytes) -> _Format:
    if len(content) < 16:
        raise WavError(f"damaged: its format has {len(content)} bytes, allowed are 16 and more")
    code, channels, rate, _, frame, bits = struct.unpack("<HHIIHH", content[:16])
    if code == _EXTENSIBLE and content[26:40] == _PLAIN_SUBFORMAT:
        code = int.from_bytes(content[24:26], "little")
    try:
        check_rate(rate)
    except ValueError as error:
        raise WavError(str(error)) from None
    width, rest = divmod(frame, channels) if channels else (0, 1)
    widths = {_PCM: (1, 2, 3, 4), _FLOAT: (4, 8)}.get(code)
    if widths is None:
        raise WavError(f"its format {code:#06x} is not read, only PCM (1) and floats (3) are")
    if rest or width not in widths or not 8 * (width - 1) < bits <= 8 * width:
        raise WavError(
            f"damaged: {channels} channels of {bits} bits in {frame} bytes, allowed are "
            f"{' or '.join(str(8 * w) for w in widths)} bits"
        )
    return _Format(code, channels, rate, width)


def _decode(data: bytes, form: _Format) -> np.ndarray:
    """Samples of all channels in turn, full scale is -1 to 1, (samples * channels,)."""
    if form.code == _FLOAT:
        return np.frombuffer(data, f"<f{form.width}")
    if form.width == 1:
        return (np.frombuffer(data, np.uint8).astype(np.float32) - 128.0) / 128.0
    if form.width == 3:
        widened = np.zeros((len(data) // 3, 4), np.uint8)
        widened[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        return widened.view("<i4").ravel() / 2.0**31
    return np.frombuffer(data, f"<i{form.width}") / 2.0 ** (8 * form.width - 1)
