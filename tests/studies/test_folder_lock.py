"""One run at a time writes to a results folder."""

from __future__ import annotations

import errno
import fcntl
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from experiment_runs import SMALL, Run

from mlgenn_delays.experiments import report
from mlgenn_delays.studies import folder_lock as module
from mlgenn_delays.studies.folder_lock import LOCK_FILE, FolderInUse, folder_lock

#: A process that locks the folder of its argument, says so and waits.
HOLDER = """
import sys
from pathlib import Path
from mlgenn_delays.studies.folder_lock import folder_lock
with folder_lock(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> subprocess.Popen:
    """Another process that has the lock of the folder ``out``."""
    (tmp_path / "out").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "out")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "locked\n"
    yield process
    process.kill()
    process.wait()


def test_nothing_is_left(tmp_path: Path) -> None:
    for _ in range(2):
        with folder_lock(tmp_path):
            assert [p.name for p in tmp_path.iterdir()] == [LOCK_FILE]
        assert list(tmp_path.iterdir()) == []


def test_second_process_is_told_who_has_it(tmp_path: Path, holder: subprocess.Popen) -> None:
    with pytest.raises(FolderInUse) as caught, folder_lock(tmp_path / "out"):
        pass
    assert f"process {holder.pid} on " in str(caught.value)
    assert " since 2" in str(caught.value)
    assert str(tmp_path / "out") in str(caught.value)  # its command
    holder.communicate()
    with folder_lock(tmp_path / "out"):
        pass


def test_killed_process_leaves_no_lock(tmp_path: Path, holder: subprocess.Popen) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (tmp_path / "out" / LOCK_FILE).read_text().startswith(f"process {holder.pid}")
    with folder_lock(tmp_path / "out"):
        pass
    assert list((tmp_path / "out").iterdir()) == []


def test_forked_processes_do_not_keep_the_lock_of_one_that_is_gone(tmp_path: Path) -> None:
    """Such as workers of a pool, which may outlive a process that is killed."""
    (tmp_path / "out").mkdir()
    forks = HOLDER.replace(
        '    print("locked", flush=True)\n',
        "    import os, time\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        time.sleep(60)\n"
        "        os._exit(0)\n"
        "    print(child, flush=True)\n",
    )
    process = subprocess.Popen(
        [sys.executable, "-c", forks, str(tmp_path / "out")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    child = int(process.stdout.readline())
    try:
        with pytest.raises(FolderInUse), folder_lock(tmp_path / "out"):
            pass
        process.kill()
        process.wait()
        # the child lets go as soon as it runs, which may take a moment
        with folder_lock(tmp_path / "out", wait=30.0):
            pass
    finally:
        os.kill(child, signal.SIGKILL)


def test_who_waits_gets_it_when_it_is_free(tmp_path: Path, holder: subprocess.Popen) -> None:
    timer = threading.Timer(0.2, holder.stdin.close)
    timer.start()
    with folder_lock(tmp_path / "out", wait=30.0):
        timer.join()


def _take_turns(folder: Path, number: int) -> None:
    for _ in range(number):
        with folder_lock(folder, wait=60.0):
            # fails if another process is in here
            os.mkdir(folder / "inside")
            os.rmdir(folder / "inside")


def test_never_two_at_once(tmp_path: Path) -> None:
    """The file is made and removed by all; who locks one that has no name any more tries again."""
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_take_turns, args=(tmp_path, 40)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [p.exitcode for p in processes] == [0] * 4
    assert list(tmp_path.iterdir()) == []


def test_hostile_text_of_the_holder(tmp_path: Path, holder: subprocess.Popen) -> None:
    (tmp_path / "out" / LOCK_FILE).write_bytes(b"\x1b[31m\n\xff" + 10_000 * b"x")
    with pytest.raises(FolderInUse) as caught, folder_lock(tmp_path / "out"):
        pass
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) <= 1200


@pytest.mark.parametrize("error", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_file_systems_without_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: int
) -> None:
    def flock(file: int, operation: int) -> None:
        raise OSError(error, os.strerror(error))

    module._note_unsupported.cache_clear()
    monkeypatch.setattr(fcntl, "flock", flock)
    with folder_lock(tmp_path), folder_lock(tmp_path):
        pass
    assert caplog.text.count("this file system has no locks") == 1


def test_full_disk_does_not_need_a_description(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", write)
    with folder_lock(tmp_path):
        pass


@pytest.mark.usefixtures("blank_pictures")
def test_second_run_is_refused(
    run: Callable[..., Run], finished: Run, tmp_path: Path, holder: subprocess.Popen
) -> None:
    checkpoint = finished.folder / "checkpoint_best.npz"
    for arguments in ((*SMALL, "--epochs", "1"), ("--quick", "--evaluate", checkpoint)):
        result = run(*arguments)
        assert result.code == 2
        assert f"'{tmp_path / 'out'}' is in use by process {holder.pid} on " in result.err
        assert "choose another folder" in result.err
        assert [p.name for p in result.folder.iterdir()] == [LOCK_FILE]
    holder.communicate()
    assert run(*SMALL, "--epochs", "1").code == 0


@pytest.mark.usefixtures("blank_pictures")
def test_run_of_a_seed_that_another_process_trains(run: Callable[..., Run], tmp_path: Path) -> None:
    (tmp_path / "out" / "seed-1").mkdir(parents=True)
    with folder_lock(tmp_path / "out" / "seed-1"):
        result = run(*SMALL, "--epochs", "1", "--seeds", "0", "1")
        assert (result.code, "seed-1' is in use by process" in result.err) == (2, True)
        # other seeds in the same folder are nobody's business
        assert run(*SMALL, "--epochs", "1", "--seeds", "2").code == 0
    assert run(*SMALL, "--epochs", "1", "--seeds", "0", "1").code == 0


def test_reports_wait_for_each_other(
    tmp_path: Path,
    holder: subprocess.Popen,
    finished: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(report, "_WAIT", 0.1)
    arguments = [str(finished.folder), "--no-pictures", "--out", str(tmp_path / "out")]
    assert report.main(arguments) == 2
    assert f"is in use by process {holder.pid}" in capsys.readouterr().err
    holder.communicate()
    assert report.main(arguments) == 0


def test_runs_that_are_reported_may_be_in_use(
    finished: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with folder_lock(finished.folder):
        arguments = [str(finished.folder), "--no-pictures", "--out", str(tmp_path / "report")]
        assert report.main(arguments) == 0
