"""A run outlives its screen, and Ctrl-C ends it in one line whatever it is doing."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from experiment_runs import SMALL, Run

from mlgenn_delays.studies.commands.command import run_command
from mlgenn_delays.studies.commands.screen import lasting_screen
from mlgenn_delays.studies.results import read_json

SCRIPTS = Path(__file__).parents[3] / "experiments"
RUN = [sys.executable, str(SCRIPTS / "braille.py"), *SMALL, "--epochs", "2"]


def shell(command: str, tmp_path: Path) -> tuple[int, str, str]:
    """Run the experiment as ``$RUN`` in a shell."""
    environment = {**os.environ, "RUN": f"{' '.join(RUN)} --out {tmp_path / 'out'}"}
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, env=environment
    )
    return done.returncode, done.stdout, done.stderr


#: What may be slow: the others go the same ways.
SLOW = (
    "$RUN 2>&1 | head -1",
    "$RUN > /dev/full 2>&1",
    "$RUN >&-",
    "$RUN 2>&-",
    "PYTHONIOENCODING=ascii $RUN --seeds 0 1",
)


@pytest.mark.parametrize(
    "command",
    [
        "$RUN | head -2",
        "$RUN 2> >(head -1 >/dev/null)",
        "$RUN > /dev/full",
        "$RUN <&- >&- 2>&-",
        *(pytest.param(command, marks=pytest.mark.slow) for command in SLOW),
    ],
)
def test_run_outlives_its_screen(tmp_path: Path, command: str) -> None:
    if "/dev/full" in command and not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    code, _, err = shell(command, tmp_path)
    assert (code, "Traceback" in err, "Exception ignored" in err) == (0, False, False), err
    folder = tmp_path / "out" / ("seed-1" if "--seeds" in command else "")
    assert read_json(folder / "summary.json")["status"] == "finished"
    # no file of results was taken for a standard stream
    assert (folder / "metrics.csv").read_text().startswith("epoch,")


def test_report_outlives_its_screen(tmp_path: Path, finished: Run) -> None:
    shutil.copytree(finished.folder, tmp_path / "out")
    report = f"{sys.executable} {SCRIPTS / 'report.py'} {tmp_path} --out {tmp_path / 'report'}"
    full = " > /dev/full" if Path("/dev/full").exists() else ""
    code, _, err = shell(report + full, tmp_path)
    assert (code, err) == (0, "")
    assert (tmp_path / "report" / "report.md").read_text().startswith("# braille")


class Broken:
    """A stream of Python alone that cannot be written."""

    def __init__(self, error: OSError) -> None:
        self.error = error

    def write(self, text: str) -> int:
        raise self.error

    def flush(self) -> None:
        raise self.error

    def fileno(self) -> int:
        raise OSError("no descriptor")


@pytest.mark.parametrize("error", [BrokenPipeError(), BlockingIOError(), OSError(28, "full")])
def test_streams_of_python(monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    broken = Broken(error)
    monkeypatch.setattr(sys, "stdout", broken)
    with lasting_screen():
        print("lost", flush=True)
    assert sys.stdout is broken


@pytest.mark.parametrize(
    ("encoding", "said"), [("utf-8", "a\\udcffb ±"), ("ascii", "a\\udcffb \\xb1")]
)
def test_characters_that_a_terminal_does_not_know(
    monkeypatch: pytest.MonkeyPatch, encoding: str, said: str
) -> None:
    screen = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", screen)
    with lasting_screen():
        print("a\udcffb ±", end="")
    assert screen.buffer.getvalue() == said.encode(encoding)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "\nx.py: interrupted\n"),
        (OSError(28, "full", "file"), 1, "x.py: error: [Errno 28] full: 'file'\n"),
        (MemoryError(), 1, "x.py: error: not enough memory\n"),
    ],
)
def test_ends_of_a_command(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
    message: str,
) -> None:
    monkeypatch.delenv("MLGENN_DELAYS_DEBUG", raising=False)

    def fail() -> int:
        raise error

    assert run_command("x.py", fail) == code
    assert capsys.readouterr().err == message


def test_ctrl_c_is_a_scripts_own_before_and_after() -> None:
    def own(*arguments: object) -> None:
        raise AssertionError("not within the command")

    before = signal.signal(signal.SIGINT, own)
    try:
        assert run_command("x.py", lambda: signal.raise_signal(signal.SIGINT) or 0) == 130
        assert signal.getsignal(signal.SIGINT) is own
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        assert run_command("x.py", lambda: signal.raise_signal(signal.SIGINT) or 0) == 0
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("script", sorted(p.name for p in SCRIPTS.glob("*.py") if p.stem[0] != "_"))
def test_ctrl_c_during_import(script: str) -> None:
    process = subprocess.Popen(
        # says when the first module of the package is imported, and lets Ctrl-C come in then
        [sys.executable, "-v", str(SCRIPTS / script), "--help"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("import 'numpy'"):
            break
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait() == 130
    assert "Traceback" not in rest


def test_ctrl_c_while_the_process_ends(tmp_path: Path) -> None:
    """Twice, as soon as the first epoch is there: the second meets whatever comes after."""
    process = subprocess.Popen(
        [*RUN, "--epochs", "100000", "--out", str(tmp_path / "out")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 60.0
    while not (tmp_path / "out" / "checkpoint_last.npz").exists() and time.monotonic() < end:
        time.sleep(0.02)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
    _, err = process.communicate(timeout=60.0)
    # Python itself dies of it where the process is just being taken down: 130 in a shell
    assert process.returncode in (130, -signal.SIGINT)
    assert "Traceback" not in err
    assert not [p for p in (tmp_path / "out").iterdir() if p.name.startswith(".")]
