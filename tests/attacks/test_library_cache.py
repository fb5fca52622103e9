"""Damage to compiled networks in the cache: every start gives the right result, by compiling again.

What is damaged is a library with a large table, compiled in a fraction of a second; each start is a
process of its own, since a damaged library ends the process that loads it.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlgenn_delays.engines.cpu import toolchain


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def starts(cache):
    """``starts(n)``: outcomes of n processes that use the library at once."""
    environment = {**os.environ, "MLGENN_DELAYS_CACHE": str(cache)}
    command = [sys.executable, str(Path(__file__).with_name("library_user.py"))]
    with (cache.parent / "said").open("w") as said, subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True,
        env=environment,
    ) as process:  # fmt: skip

        def run(number: int) -> list[str]:
            process.stdin.write(f"{number}\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield run
        process.stdin.close()


@pytest.fixture
def other(tmp_path, monkeypatch):
    """Another library, with a seal, that gives another answer."""
    monkeypatch.setenv("MLGENN_DELAYS_CACHE", str(tmp_path / "other"))
    source = 'extern "C" __attribute__((visibility("default"))) int mgd_answer() { return 1; }'
    return toolchain.build(source, "answer")


def library_in(cache: Path) -> Path:
    (library,) = cache.glob("*.so")
    return library


def damage(library: Path, kind: str, rng, other: Path) -> None:
    """As half-written files, bad disks, wrong copies and curious people leave it."""
    content = bytearray(library.read_bytes())
    seal = library.with_name(f"{library.name}.seal")
    place = int(rng.integers(len(content)))
    if kind == "truncated":
        os.truncate(library, place)
    elif kind == "truncated to a page":
        os.truncate(library, place // 4096 * 4096)
    elif kind == "longer":
        library.write_bytes(content + rng.bytes(1 + place))
    elif kind == "bits":
        for at in rng.integers(len(content), size=rng.integers(1, 9)):
            content[at] ^= 1 << rng.integers(8)
        library.write_bytes(content)
    elif kind == "bits of the head":
        content[rng.integers(512)] ^= 1 << rng.integers(8)
        library.write_bytes(content)
    elif kind == "zero page":
        start = place // 4096 * 4096
        content[start : start + 4096] = bytes(len(content[start : start + 4096]))
        library.write_bytes(content)
    elif kind == "empty":
        library.write_bytes(b"")
    elif kind == "text":
        library.write_text("no library\n" * int(rng.integers(1, 1000)))
    elif kind == "another library":
        shutil.copy(other, library)
    elif kind == "another library with its seal":
        shutil.copy(other, library)
        shutil.copy(other.with_name(f"{other.name}.seal"), seal)
    elif kind == "folder":
        library.unlink()
        (library / "folder").mkdir(parents=True)
    elif kind == "pipe":
        library.unlink()
        os.mkfifo(library)
    elif kind == "gone":
        library.unlink()
    elif kind == "link to nowhere":
        library.unlink()
        library.symlink_to("nowhere")
    elif kind == "no seal":
        seal.unlink(missing_ok=True)
    elif kind == "empty seal":
        seal.write_bytes(b"")
    elif kind == "bytes for a seal":
        seal.write_bytes(rng.bytes(100))
    elif kind == "large seal":
        seal.write_bytes(rng.bytes(100000))
    elif kind == "folder for a seal":
        seal.unlink(missing_ok=True)
        (seal / "folder").mkdir(parents=True)
    elif kind == "pipe for a seal":
        seal.unlink(missing_ok=True)
        os.mkfifo(seal)
    elif kind == "folder for the source":
        source = library.with_suffix(".cpp")
        source.unlink()
        source.mkdir()
        os.truncate(library, place)


KINDS = (
    "truncated", "truncated to a page", "longer", "bits", "bits of the head", "zero page", "empty",
    "text", "another library", "another library with its seal", "folder", "pipe", "gone",
    "link to nowhere", "no seal", "empty seal", "bytes for a seal", "large seal",
    "folder for a seal", "pipe for a seal", "folder for the source",
)  # fmt: skip


def problem(outcome: str) -> str | None:
    return None if outcome == "right" else outcome


def test_damaged_libraries(cache, starts, other, rng, attempts, tally):
    tally.count("first", problem(starts(1)[0]))
    library = library_in(cache)
    kinds = [*KINDS, *rng.choice(KINDS[:6], attempts(90, 4))]
    for kind in kinds:
        damage(library, kind, rng, other)
        # made again, and then found
        for time in ("first", "second"):
            tally.count(f"{kind}, {time} start", problem(starts(1)[0]))
        if tally.lost and tally.lost[-1].startswith(kind):  # the next one on sound ground
            shutil.rmtree(cache)
            starts(1)


def test_many_processes_at_once(cache, starts, other, rng, attempts, tally):
    """As in arrays of jobs with one home: on an empty cache, and on a damaged one."""
    for kind in ("", *rng.choice(KINDS, attempts(5, 1), replace=False)):
        if kind:
            damage(library_in(cache), kind, rng, other)
        for outcome in starts(attempts(25, 8)):
            tally.count(f"{kind or 'empty cache'}, at once", problem(outcome))
        left = {path.suffix for path in cache.iterdir()}
        tally.count(f"{kind}, files", None if left == {".cpp", ".so", ".seal"} else str(left))


def test_a_library_in_use_is_replaced(cache, starts, rng, attempts, tally):
    """Whoever has loaded it keeps the old one. (What is cut off in place is lost to all.)"""
    starts(1)
    library = library_in(cache)
    loaded = toolchain.load(library)
    before = loaded.mgd_answer()
    for _ in range(attempts(10, 2)):
        content = library.read_bytes()
        library.unlink()
        library.write_bytes(content[: rng.integers(1, len(content))])
        outcome = problem(starts(1)[0])
        same = None if loaded.mgd_answer() == before else "another answer"
        tally.count("replaced while it is loaded", outcome or same)
    toolchain.unload(loaded)
