"""Data sets in the cache whose files are damaged: none is read as another one."""

import shutil

import numpy as np

from mlgenn_delays.datasets.event_cache import stored_events
from mlgenn_delays.events.dataset import EventDataset


def events():
    rng = np.random.default_rng(3)
    offsets = np.concatenate(([0], np.cumsum(rng.integers(0, 9, 40))))
    times = rng.random(offsets[-1], np.float32)
    return EventDataset(offsets, times, rng.integers(0, 50, offsets[-1]).astype(np.uint16), 50)


def content_of(stored):
    data = stored.events
    arrays = (data.offsets, data.times, data.neurons, stored.arrays["labels"])
    values = [(array.dtype.str, array.tolist()) for array in arrays]
    return [*values, data.num_neurons, stored.about]


def test_flipped_bits(rng, attempts, tally, tmp_path):
    made = 0

    def fill(writer):
        nonlocal made
        made += 1
        writer.add(events())
        writer.add_array("labels", np.arange(40) % 7)
        return {"names": ["eins", "zwei"], "ä": [0.5, None]}

    source = tmp_path / "words.h5"
    source.write_bytes(b"content")
    good = content_of(stored_events(tmp_path / "cache", source, 50, fill))
    (folder,) = (tmp_path / "cache").iterdir()
    shutil.copytree(folder, tmp_path / "good")
    files = sorted(tmp_path.joinpath("good").iterdir())
    bits = np.cumsum([8 * file.stat().st_size for file in files])
    for i in range(attempts(500, 100)):
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "good", folder)
        place = int(rng.integers(bits[-1]))
        number = int(np.searchsorted(bits, place, side="right"))
        place -= int(bits[number - 1]) if number else 0
        damaged = folder / files[number].name
        content = bytearray(damaged.read_bytes())
        content[place // 8] ^= 1 << place % 8
        damaged.write_bytes(content)
        before = made
        found = content_of(stored_events(tmp_path / "cache", source, 50, fill))
        problem = None if found == good else "it was read as another data set"
        # what changed no value, such as a space in about.json, need not be made again
        if made == before and damaged.suffix == ".npy":
            problem = "it was not noticed"
        tally.count(f"{i}: bit {place} of {damaged.name}", problem)
