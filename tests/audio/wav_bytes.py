"""WAV files, sound and damaged, as bytes."""

from __future__ import annotations

import struct

import numpy as np

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
#: End of the identifiers of sub-formats that are plain formats.
GUID = bytes.fromhex("000000001000800000aa00389b71")


def encode(samples: np.ndarray, bits: int, code: int = PCM) -> bytes:
    """Samples from -1 to 1, (samples,) or (samples, channels), as a file has them."""
    flat = np.ravel(samples)
    if code == FLOAT:
        return flat.astype(f"<f{bits // 8}").tobytes()
    whole = np.rint(flat * 2.0 ** (bits - 1)).clip(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    if bits == 8:
        return (whole + 128).astype(np.uint8).tobytes()
    if bits == 24:
        return b"".join(int(x).to_bytes(3, "little", signed=True) for x in whole)
    return whole.astype(f"<i{bits // 8}").tobytes()


def chunk(name: bytes, content: bytes, length: int | None = None) -> bytes:
    """A part of a file; ``length`` is what it says of itself."""
    length = len(content) if length is None else length
    return name + struct.pack("<I", length) + content + b"\0" * (len(content) % 2)


def wav(
    data: bytes,
    *,
    bits: int = 16,
    code: int = PCM,
    channels: int = 1,
    rate: int = 8000,
    length: int | None = None,
    extensible: bool = False,
    frame: int | None = None,
    before: bytes = b"",
    after: bytes = b"",
) -> bytes:
    """A file with the samples ``data``; ``length``, ``rate`` and so on may be lies."""
    frame = channels * ((bits + 7) // 8) if frame is None else frame
    kind = EXTENSIBLE if extensible else code
    form = struct.pack("<HHIIHH", kind, channels, rate, (rate * frame) % 2**32, frame, bits)
    if extensible:
        form += struct.pack("<HHIH", 22, bits, 0, code) + GUID
    body = b"WAVE" + before + chunk(b"fmt ", form) + chunk(b"data", data, length) + after
    return chunk(b"RIFF", body)
