"""Reading WAV files: every form, and everything that may be wrong with one."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from wav_bytes import EXTENSIBLE, FLOAT, PCM, chunk, encode, wav

from mlgenn_delays.audio import WavError, read_wav

#: Values that every form of PCM can hold, extremes among them.
SAMPLES = np.array([0.0, 0.5, -0.5, 0.25, -1.0, 0.75, -0.25, 0.0])
FORMS = [(PCM, 8), (PCM, 16), (PCM, 24), (PCM, 32), (FLOAT, 32), (FLOAT, 64)]


def read(content: bytes, folder: Path) -> np.ndarray:
    path = folder / "a.wav"
    path.write_bytes(content)
    return read_wav(path).samples


@pytest.mark.parametrize("extensible", [False, True])
@pytest.mark.parametrize(("code", "bits"), FORMS)
def test_forms(code: int, bits: int, extensible: bool, tmp_path: Path) -> None:
    data = encode(SAMPLES, bits, code)
    samples = read(wav(data, bits=bits, code=code, extensible=extensible), tmp_path)
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, SAMPLES.astype(np.float32))


@pytest.mark.parametrize(("code", "bits"), FORMS)
def test_stereo_is_averaged(code: int, bits: int, tmp_path: Path) -> None:
    both = np.stack([SAMPLES, SAMPLES[::-1]], axis=1)
    samples = read(wav(encode(both, bits, code), bits=bits, code=code, channels=2), tmp_path)
    np.testing.assert_allclose(samples, both.mean(axis=1), atol=1e-7)


@pytest.mark.parametrize("bits", [16, 24, 32])
def test_resolution(bits: int, tmp_path: Path) -> None:
    """The last bit is read (32 bits: as far as single precision goes)."""
    rng = np.random.default_rng(0)
    whole = rng.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), 500) / 2.0 ** (bits - 1)
    np.testing.assert_array_equal(
        read(wav(encode(whole, bits), bits=bits), tmp_path), whole.astype(np.float32)
    )


def test_fewer_bits_than_their_bytes_hold(tmp_path: Path) -> None:
    """12 bits in 2 bytes stand at the upper end."""
    np.testing.assert_array_equal(
        read(wav(encode(SAMPLES, 16), bits=12), tmp_path), SAMPLES.astype(np.float32)
    )


def test_rate(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav(encode(np.zeros(44100), 16), rate=44100))
    sound = read_wav(path)
    assert sound.rate == 44100
    assert sound.duration == 1000.0


def test_other_parts_are_passed_over(tmp_path: Path) -> None:
    content = wav(
        encode(SAMPLES, 16),
        before=chunk(b"JUNK", b"odd") + chunk(b"bext", bytes(600)),
        after=chunk(b"LIST", b"INFO") + b"trailing rubbish",
    )
    np.testing.assert_array_equal(read(content, tmp_path), SAMPLES.astype(np.float32))


def test_length_that_was_never_filled_in(tmp_path: Path) -> None:
    content = wav(encode(SAMPLES, 16), length=0xFFFFFFFF)
    np.testing.assert_array_equal(read(content, tmp_path), SAMPLES.astype(np.float32))


def test_half_a_sample_at_the_end_is_left_out(tmp_path: Path) -> None:
    assert len(read(wav(encode(SAMPLES, 16) + b"\x01"), tmp_path)) == len(SAMPLES)


GOOD = encode(SAMPLES, 16)
BAD = {
    "empty": (b"", "the file is empty"),
    "one byte": (b"R", r"no WAV file, it begins with b'R'"),
    "another kind": (b"OggS" + bytes(100), "no WAV file, it begins with b'OggS"),
    "big-endian": (b"RIFX" + wav(GOOD)[4:], "no WAV file"),
    "no wave": (wav(GOOD).replace(b"WAVE", b"AVI "), "no WAV file"),
    "ends after its head": (wav(GOOD)[:12], "it ends without format"),
    "ends in its format": (wav(GOOD)[:30], r"a part b'fmt ' of 16 bytes where 10 are left"),
    "ends after its format": (wav(GOOD)[:36], "it ends without samples"),
    "short format": (chunk(b"RIFF", b"WAVE" + chunk(b"fmt ", bytes(10)) + chunk(b"data", GOOD)),
                     "its format has 10 bytes"),
    "samples first": (chunk(b"RIFF", b"WAVE" + chunk(b"data", GOOD)), "before their format"),
    "no samples": (wav(b""), "it has no samples"),
    "half a sample": (wav(b"\x01"), "it has no samples"),
    "cut off": (wav(GOOD)[:-5], "cut off: 16 bytes of samples are announced, 11 are there"),
    "billions": (wav(GOOD, length=0xFFFFFFF0), "cut off: 4294967280 bytes of samples"),
    "billions elsewhere": (wav(GOOD, before=chunk(b"JUNK", b"", 0xFFFFFFFE)),
                           "a part b'JUNK' of 4294967294 bytes"),
    "rate zero": (wav(GOOD, rate=0), "its sample rate is 0 Hz, allowed are 1000 to 768000 Hz"),
    "absurd rate": (wav(GOOD, rate=4_000_000_000), "its sample rate is 4000000000 Hz"),
    "no channels": (wav(GOOD, channels=0), "0 channels of 16 bits in 0 bytes"),
    "frame of no bytes": (wav(GOOD, frame=0), "1 channels of 16 bits in 0 bytes"),
    "frames do not fit": (wav(GOOD, channels=2, frame=3), "2 channels of 16 bits in 3 bytes"),
    "bits do not fit": (wav(GOOD, bits=24, frame=2), "1 channels of 24 bits in 2 bytes"),
    "64 bits": (wav(GOOD, bits=64), "64 bits in 8 bytes, allowed are 8 or 16 or 24 or 32 bits"),
    "half floats": (wav(GOOD, code=FLOAT, bits=16), "allowed are 32 or 64 bits"),
    "ADPCM": (wav(GOOD, code=2), "its format 0x0002 is not read"),
    "unknown sub-format": (wav(GOOD, code=EXTENSIBLE), "its format 0xfffe is not read"),
    "not a number": (wav(encode(np.array([0.0, np.nan]), 32, FLOAT), bits=32, code=FLOAT),
                     "samples that are not finite"),
    "infinite": (wav(encode(np.array([0.0, 1e300]), 64, FLOAT), bits=64, code=FLOAT),
                 "samples that are not finite"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_files(name: str, tmp_path: Path) -> None:
    content, message = BAD[name]
    with pytest.raises(WavError, match=message):
        read(content, tmp_path)


def test_promises_take_no_memory(tmp_path: Path) -> None:
    tracemalloc.start()
    try:
        for name in ("billions", "billions elsewhere", "absurd rate"):
            with pytest.raises(WavError):
                read(BAD[name][0], tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_file_beyond_all_bounds(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with path.open("wb") as file:
        file.truncate(2**33)  # takes no room on the disk
    with pytest.raises(WavError, match="the file has 8589934592 bytes"):
        read_wav(path)


def test_any_cut_and_any_wrong_byte_is_an_error_or_a_sound(tmp_path: Path) -> None:
    content = wav(GOOD, extensible=True, before=chunk(b"JUNK", b"abc"))
    rng = np.random.default_rng(0)
    variants = [content[:end] for end in range(len(content))]
    for _ in range(300):
        changed = bytearray(content)
        changed[rng.integers(len(changed))] = rng.integers(256)
        variants.append(bytes(changed))
    outcomes = set()
    for variant in variants:
        try:
            assert np.all(np.isfinite(read(variant, tmp_path)))
            outcomes.add("sound")
        except WavError:
            outcomes.add("error")
    assert outcomes == {"sound", "error"}


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_wav(tmp_path / "a.wav")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_pipe(tmp_path: Path) -> None:
    """Opening one would wait for somebody who writes."""
    os.mkfifo(tmp_path / "x.wav")
    with pytest.raises(WavError, match="it is no regular file but"):
        read_wav(tmp_path / "x.wav")
