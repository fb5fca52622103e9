"""Files by which a study and its workers talk."""

from __future__ import annotations

import json
import os
import pickle
import socket
import time
from pathlib import Path

import pytest

from mlgenn_delays.studies.executors import signals
from mlgenn_delays.studies.executors.signals import Heartbeat, Heartbeats, StopFlag


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which the test changes."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_flag_is_seen_within_a_second(tmp_path: Path, clock: list[float]) -> None:
    flag, other = StopFlag(tmp_path), StopFlag(tmp_path)
    assert not other.is_set()
    flag.set()
    assert flag.is_set()
    clock[0] += 0.9
    assert not other.is_set()  # the disk is not asked all the time
    clock[0] += 0.2
    assert other.is_set()
    other.clear()
    assert not other.is_set() and list(tmp_path.iterdir()) == []


def test_flag_travels_without_its_clock(tmp_path: Path, clock: list[float]) -> None:
    flag = StopFlag(tmp_path)
    assert not flag.is_set()
    sent = pickle.dumps(flag)
    flag.set()
    clock[0] = 3.0  # another machine
    assert pickle.loads(sent).is_set()


def test_heart_beats_while_a_run_is_at_work(tmp_path: Path, clock: list[float]) -> None:
    hearts = Heartbeats(tmp_path / "running")
    assert hearts.read() == []
    with Heartbeat(tmp_path / "running", "run-1") as heart:
        (beat,) = hearts.read()
        assert (beat.name, beat.host, beat.pid) == ("run-1", socket.gethostname(), os.getpid())
        assert (beat.epoch, beat.epochs, beat.accuracy) == (0, None, None)
        heart.beat(1, 10, 0.5)
        assert hearts.read()[0].epoch == 0  # not twice within two seconds
        clock[0] += 2.1
        heart.beat(2, 10, 0.75)
        (beat,) = hearts.read()
        assert (beat.epoch, beat.epochs, beat.accuracy) == (2, 10, 0.75)
        with Heartbeat(tmp_path / "running", "run-0"):
            assert [beat.name for beat in hearts.read()] == ["run-0", "run-1"]
    assert hearts.read() == [] and list((tmp_path / "running").iterdir()) == []


def test_dead_hearts_do_not_count(tmp_path: Path, clock: list[float]) -> None:
    hearts = Heartbeats(tmp_path, patience=15.0)
    heart = Heartbeat(tmp_path, "run")
    heart.beat()
    assert len(hearts.read()) == 1
    clock[0] += 15.1
    assert hearts.read() == []
    heart.beat(1)
    assert len(hearts.read()) == 1


def test_what_a_killed_worker_left_does_not_count(tmp_path: Path, clock: list[float]) -> None:
    Heartbeat(tmp_path, "run").beat(1)
    hearts = Heartbeats(tmp_path)
    assert hearts.read() == []
    Heartbeat(tmp_path, "run").beat(2)  # it is done again
    assert [beat.epoch for beat in hearts.read()] == [2]


def test_other_files_are_passed_over(tmp_path: Path) -> None:
    hearts = Heartbeats(tmp_path)
    (tmp_path / "damaged.json").write_text('{"name": "ru')
    (tmp_path / "other.json").write_text(json.dumps({"name": "run", "colour": "red"}))
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "notes.txt").write_text("")
    assert hearts.read() == []


def test_heart_that_cannot_be_written_harms_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with Heartbeat(tmp_path / "file", "run") as heart:
        heart.beat(1)


def test_beating_costs_little(tmp_path: Path) -> None:
    flag = StopFlag(tmp_path)
    with Heartbeat(tmp_path, "run") as heart:
        begin = time.perf_counter()
        for i in range(1000):
            heart.beat(i)
            flag.is_set()
        assert time.perf_counter() - begin < 0.1  # about 1 ms
    assert signals._BEAT == 2.0
