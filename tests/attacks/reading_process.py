"""Reads files of one kind, one after the other, with a limit on memory; see hostile_files.py.

For each file a line with its name is printed before it is read, and one with the outcome after it.
"""

import json
import sys
import tracemalloc
from pathlib import Path

from tally import undocumented

from mlgenn_delays.audio import read_wav
from mlgenn_delays.compilers import load_checkpoint
from mlgenn_delays.datasets.braille.data import NUM_CHANNELS
from mlgenn_delays.datasets.braille.load import read_recordings
from mlgenn_delays.datasets.event_cache import EventWriter
from mlgenn_delays.datasets.heidelberg.load import unpacked
from mlgenn_delays.datasets.heidelberg.parse import read_file
from mlgenn_delays.datasets.mnist.parse import read_idx
from mlgenn_delays.datasets.speech.encode import load_batch
from mlgenn_delays.datasets.speech.find import _read_list
from mlgenn_delays.serialisers import Numpy


def read_heidelberg(path):
    with unpacked(path) as file:
        read_file(file, lambda events: None, name=str(path), needs_speakers=True)


READERS = {
    "checkpoint": load_checkpoint,
    "array": lambda path: Numpy(path.parent).deserialise([path.stem]),
    "shard": lambda path: load_batch(path, 3),
    "braille": lambda path: read_recordings(path, 10, EventWriter(None, NUM_CHANNELS)),
    "wav": read_wav,
    "idx": lambda path: read_idx(path, 3),
    "heidelberg": read_heidelberg,
    "list": _read_list,
}


def limit_memory(size):
    """No more than so many bytes on top of what the process has, where the system can do that."""
    if sys.platform == "linux":
        import resource

        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (used + size, hard))


def lacked_memory(error):
    """Whether an error has come of the limit, whatever it says."""
    while error is not None and not isinstance(error, MemoryError):
        error = error.__cause__ or error.__context__
    return error is not None


def problem_of(kind, error, path):
    """What is wrong with an error; None where it is a documented one."""
    problem = undocumented(error)
    if problem is None and lacked_memory(error):
        problem = f"needs too much memory: {error}"
    # whoever reads sounds names them
    if problem is None and kind != "wav" and path.name not in f"{error} {error.args}":
        problem = f"does not name the file: {error}"
    return problem


def read(kind, path, measured):
    outcome = {"problem": None, "read": True, "peak": 0}
    if measured:
        tracemalloc.start()
    try:
        READERS[kind](path)
    except Exception as error:
        outcome |= {"problem": problem_of(kind, error, path), "read": False}
    if measured:
        outcome["peak"] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return outcome


def main():
    kind, measured, files = json.loads(sys.stdin.read())
    if kind == "heidelberg":
        import h5py  # noqa: F401  # takes memory itself
    for name, limit in files:
        limit_memory(limit)
        print(json.dumps({"name": name}), flush=True)
        print(json.dumps(read(kind, Path(name), measured)), flush=True)


if __name__ == "__main__":
    main()
