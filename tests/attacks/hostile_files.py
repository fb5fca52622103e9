"""Damage to files, and reading what came of it in processes that may crash or want memory."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

#: Memory that the smallest files may need, most of it for modules and HDF5 [bytes].
FLOOR = 64 * 2**20
#: Numbers that claim a lot, as sizes are written.
_HUGE = [
    bytes.fromhex(text)
    for text in ("ffffffff", "7fffffff", "ffffff7f", "ffffffffffffff7f", "0000004000000000", "00")
]


def damaged(content, rng):
    """What a bad disk, a broken download or a spiteful hand makes of a file."""
    content = bytearray(content)
    place = int(rng.integers(len(content)))
    match rng.integers(8):
        case 0:
            for _ in range(rng.integers(1, 9)):
                content[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
        case 1:
            del content[place:]
        case 2:
            huge = _HUGE[rng.integers(len(_HUGE))]
            content[place : place + len(huge)] = huge
        case 3:
            content[place:place] = rng.bytes(int(rng.integers(1, 20)))
        case 4:
            del content[place : place + int(rng.integers(1, 20))]
        case 5:
            part = content[place : place + int(rng.integers(1, 200))]
            content[place:place] = part * int(rng.integers(1, 4))
        case 6:
            size = min(int(rng.integers(1, 64)), len(content) - place)
            content[place : place + size] = rng.bytes(size)
        case 7:
            nested = (b"(", b"[", b"{", b"]", b"\x85")[rng.integers(5)]
            content[place:place] = nested * int(rng.integers(1, 5000))
    return bytes(content)


def read_all(kind, limits, measured=False):
    """Read files in a process of its own, or several if it crashes.

    Args:
        kind: of file
        limits: path -> memory that reading it may take [bytes]
        measured: whether to measure the memory that Python takes, which takes much time

    Returns:
        path -> what became of the file: {"problem", "read", "peak"}
    """
    outcomes = {}
    left = [(str(path), limit) for path, limit in limits.items()]
    while left:
        result = subprocess.run(
            [sys.executable, Path(__file__).with_name("reading_process.py")],
            input=json.dumps([kind, measured, left]),
            capture_output=True,
            text=True,
            timeout=300,
        )
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        done = lines[1::2]
        outcomes |= {Path(name): outcome for (name, _), outcome in zip(left, done)}
        left = left[len(done) :]
        if left:
            assert len(lines) % 2, result.stderr  # it could not even start
            problem = f"the process ended with {result.returncode}: {result.stderr[-300:]}"
            outcomes[Path(left.pop(0)[0])] = {"problem": problem, "read": False, "peak": 0}
    return outcomes


def claim_of(array, shape):
    """An ``.npy`` file whose header has another shape."""
    import io

    file = io.BytesIO()
    about = {"descr": np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False}
    np.lib.format.write_array_header_1_0(file, about | {"shape": shape})
    return file.getvalue() + array.tobytes()
