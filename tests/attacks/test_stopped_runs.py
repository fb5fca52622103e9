"""Runs that are killed, interrupted, or have no room: --resume ends them as if nothing had been."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_runs import RUN, check_files, difference, finish, results

SCRIPTS = Path(__file__).parent.parent.parent / "experiments"


@pytest.fixture(scope="module")
def whole(server, tmp_path_factory):
    """Folder of an uninterrupted run."""
    folder = tmp_path_factory.mktemp("whole") / "out"
    assert finish(server, folder).code == 0
    return folder


@pytest.fixture(scope="module")
def seconds(server, whole, tmp_path_factory):
    """How long an uninterrupted run takes."""
    start = time.monotonic()
    assert finish(server, tmp_path_factory.mktemp("timed") / "out").code == 0
    return time.monotonic() - start


def make_old(folder: Path) -> None:
    """Let what kills, and a second Ctrl-C, left be a day old: it is cleared then."""
    for path in folder.glob(".*.tmp"):
        os.utime(path, (0.0, 0.0))


def test_killed(server, whole, seconds, tmp_path, rng, attempts, tally):
    expected = results(whole)
    for attack in range(attempts(16, 2)):
        folder = tmp_path / f"out{attack}"
        problem = None
        for _ in range(rng.integers(1, 5)):
            resume = ("--resume",) if (folder / "config.json").exists() else ()
            running = server.start("order", *RUN, *resume, "--out", folder)
            time.sleep(rng.uniform(0.0, 1.1 * seconds))
            running.send(signal.SIGKILL)
            ended = running.wait()
            problem = problem or (None if ended.code == -signal.SIGKILL else ended.problem)
            problem = problem or check_files(folder)
        make_old(folder)
        ended = finish(server, folder)
        problem = problem or (ended.err if ended.code else difference(folder, expected))
        tally.count(f"kills {attack}", problem)


def test_interrupted(server, whole, seconds, tmp_path, rng, attempts, tally):
    expected = results(whole)
    for attack in range(attempts(16, 2)):
        folder = tmp_path / f"out{attack}"
        running = server.start("order", *RUN, "--out", folder, takedown=1)
        time.sleep(rng.uniform(0.0, 1.1 * seconds))
        for gap in rng.uniform(0.0, 0.4 * seconds, size=rng.integers(0, 3)):
            running.send(signal.SIGINT)
            time.sleep(gap)
        running.send(signal.SIGINT)
        ended = running.wait()
        problem = ended.problem or check_files(folder)
        if problem is None and ended.code in (1, 2):
            problem = ended.err
        make_old(folder)
        ended = finish(server, folder)
        problem = problem or (ended.err if ended.code else difference(folder, expected))
        tally.count(f"Ctrl-C {attack}", problem)


def test_interrupted_import(rng, attempts, tally):
    """Ctrl-C, once or twice, while a script imports its modules."""
    program = (
        # what a script does first is to choose what Ctrl-C does; then it may come
        "import runpy, signal, sys; choose = signal.signal;"
        "signal.signal = lambda *a: (choose(*a), print(flush=True))[0];"
        "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    scripts = sorted(p for p in SCRIPTS.glob("*.py") if p.stem[0] != "_")
    for attack in range(attempts(12, 2)):
        script = scripts[rng.integers(len(scripts))]
        process = subprocess.Popen(
            [sys.executable, "-c", program, script, "--help"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        process.stdout.readline()
        time.sleep(rng.uniform(0.0, 0.8))
        for _ in range(rng.integers(1, 3)):
            process.send_signal(signal.SIGINT)
            time.sleep(rng.uniform(0.0, 0.05))
        _, err = process.communicate(timeout=120)
        survived = process.returncode in (0, 130, -signal.SIGINT) and not err
        tally.count(f"{script.name} {attack}", None if survived else f"{process.returncode} {err}")


def full_disk(whole: Path, rng) -> tuple[str, int, int]:
    """Any file of a run, how many times it is written well, and bytes that are left then."""
    names = sorted(p.name for p in whole.iterdir())
    name = names[rng.integers(len(names))]
    times = rng.integers(10) if name in ("metrics.csv", "checkpoint_last.npz") else 0
    return name, int(times), int(rng.integers((whole / name).stat().st_size + 10))


def room_for_files(whole: Path, rng) -> int:
    """Bytes of the largest file; errors have room, which go to a file, too."""
    return int(1_000 + 24_000 * rng.random() ** 2)


@pytest.mark.parametrize(("kind", "draw"), [("disk", full_disk), ("file_size", room_for_files)])
def test_full_disk(server, whole, tmp_path, rng, attempts, tally, kind, draw):
    """No room for any more bytes, or for large files."""
    expected, failed = results(whole), 0
    for attack in range(attempts(12, 3)):
        folder = tmp_path / f"{kind}{attack}"
        limit = draw(whole, rng)
        ended = server.run("order", *RUN, "--out", folder, **{kind: limit})
        problem = ended.problem or check_files(folder)
        if problem is None and ended.code:
            last = (ended.err.strip().splitlines() or ["nothing"])[-1]
            named = "error: " in last and str(folder) in last
            problem = None if named else f"names no file: {last}"
            failed += 1
        ended = finish(server, folder)
        problem = problem or (ended.err if ended.code else difference(folder, expected))
        tally.count(f"{kind} {limit}", problem)
    assert failed, "no disk was full"


def test_full_disk_when_a_run_is_made_longer(server, whole, tmp_path, rng, attempts, tally):
    longer = ("--epochs", 12)
    folder = tmp_path / "longer"
    shutil.copytree(whole, folder)
    assert finish(server, folder, *longer).code == 0
    expected = results(folder)
    for attack in range(attempts(5, 1)):
        folder = tmp_path / f"out{attack}"
        shutil.copytree(whole, folder)
        name, times, left = full_disk(whole, rng)
        disk = (name, times // 5, left)
        ended = server.run("order", "--resume", *longer, "--out", folder, disk=disk)
        problem = ended.problem or check_files(folder)
        ended = finish(server, folder, *longer)
        problem = problem or (ended.err if ended.code else difference(folder, expected))
        tally.count(f"full disk {disk}", problem)
