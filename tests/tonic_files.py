"""Small files in the published forms of data sets, as tonic 1.7 finds them in its folders.

Each function writes what ``tonic.datasets`` would have fetched and unpacked below ``folder``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

#: Of every part of SHD and SSC.
KEYS = ("null", "eins", "zwei", "drei")


def write_words(folder: Path, name: str, parts: dict[str, int], seed: int = 0) -> None:
    """SHD or SSC: an HDF5 file of each part, and the archive beside it from which it was unpacked.

    Args:
        name:  ``"SHD"`` or ``"SSC"``
        parts: examples of each, e.g. ``{"train": 12, "test": 6}``
    """
    import h5py

    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for part, size in parts.items():
        file_name = f"{name.lower()}_{part}.h5"
        (place / f"{file_name}.zip").write_bytes(b"what it was unpacked from")
        with h5py.File(place / file_name, "w") as file:
            times = file.create_dataset("spikes/times", (size,), h5py.vlen_dtype(np.float16))
            units = file.create_dataset("spikes/units", (size,), h5py.vlen_dtype(np.uint16))
            for i in range(size):
                number = 20 + i
                # to 1.2 s: some events come after the trial
                times[i] = np.sort(rng.uniform(0.0, 1.2, number)).astype(np.float16)
                units[i] = rng.integers(0, 700, number).astype(np.uint16)
            file["labels"] = np.arange(size, dtype=np.uint16) % len(KEYS)
            file["extra/keys"] = np.array([key.encode() for key in KEYS])
            file["extra/speaker"] = (np.arange(size, dtype=np.uint16) // len(KEYS)) % 3
            file["extra/meta_info/gender"] = np.array([b"f", b"m"])


def write_nmnist(folder: Path, train: int, test: int, seed: int = 0) -> None:
    """N-MNIST: a folder of each digit with files of five bytes per event."""
    for part, size in (("Train", train), ("Test", test)):
        place = folder / "NMNIST"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{part.lower()}.zip").write_bytes(b"what it was unpacked from")
        for i in range(size):
            file = place / part / str(i % 10) / f"{i + 1:05d}.bin"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(nmnist_bytes(*nmnist_events(i, part, seed)))


def nmnist_events(index: int, part: str, seed: int = 0) -> tuple[np.ndarray, ...]:
    """x, y, polarity and time [us] of the events of an example."""
    rng = np.random.default_rng([seed, index, part == "Train"])
    number = 40 + index
    times = np.sort(rng.integers(0, 310_000, number))
    return rng.integers(0, 34, number), rng.integers(0, 34, number), np.arange(number) % 2, times


def nmnist_bytes(x: np.ndarray, y: np.ndarray, p: np.ndarray, t: np.ndarray) -> bytes:
    """One byte each of x and y, then a bit of polarity and 23 of time, highest first."""
    columns = (x, y, (p << 7) | (t >> 16), (t >> 8) & 255, t & 255)
    return np.stack(columns, axis=1).astype(np.uint8).tobytes()


def write_gestures(folder: Path, train: int = 110, test: int = 100, seed: int = 0) -> None:
    """DVS Gesture: arrays (events, 4) of x, y, polarity and time [ms] of each user and lighting.

    tonic looks for 100 of them at least.
    """
    rng = np.random.default_rng(seed)
    for part, size in (("Train", train), ("Test", test)):
        place = folder / "DVSGesture"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"ibmGesture{part}.tar.gz").write_bytes(b"what it was unpacked from")
        for i in range(size):
            user = place / f"ibmGesture{part}" / f"user{i // 11 + 1:02d}_fluorescent"
            user.mkdir(parents=True, exist_ok=True)
            number = 6 + i % 11
            columns = (
                rng.integers(0, 128, number),
                rng.integers(0, 128, number),
                rng.integers(0, 2, number),
                np.sort(rng.integers(0, 6000, number)),
            )
            np.save(user / f"{i % 11}.npy", np.stack(columns, axis=1))


@pytest.fixture
def few_recordings(monkeypatch: pytest.MonkeyPatch) -> None:
    """tonic takes N-MNIST for incomplete if it has fewer than 10,000 files; here a few will do."""
    tonic = pytest.importorskip("tonic", reason="tonic is not installed")
    plain = tonic.Dataset._folder_contains_at_least_n_files_of_type

    def some(self: object, n_files: int, file_type: str) -> bool:
        return plain(self, min(n_files, 1), file_type)

    monkeypatch.setattr(tonic.Dataset, "_folder_contains_at_least_n_files_of_type", some)
