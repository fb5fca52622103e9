"""What is said of compilers that take long, and what is not."""

from __future__ import annotations

import io
import os
import pty
import shutil
import subprocess
import sys
import threading
import time

import pytest

from mlgenn_delays.engines import waiting as module
from mlgenn_delays.engines.cpu import compiler, toolchain
from mlgenn_delays.engines.waiting import waiting

SOURCE = 'extern "C" __attribute__((visibility("default"))) int mgd_answer() { return %s; }\n'


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    monkeypatch.setattr(module, "INTERVAL", 0.02)


class Screen(io.StringIO):
    """A terminal of Python alone."""

    def isatty(self) -> bool:
        return True

    def shown(self) -> str:
        """What is seen of the line in the end."""
        line: list[str] = []
        for part in self.getvalue().split("\r"):
            line[: len(part)] = part
        return "".join(line).rstrip()


def test_a_file_has_one_line(capsys):
    with waiting("Compiling"):
        time.sleep(0.3)
    assert capsys.readouterr() == ("", "Compiling\n")


def test_what_is_quick_says_nothing(capsys, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 60.0)
    begun = time.monotonic()
    with waiting("Compiling"):
        pass
    assert time.monotonic() - begun < 30.0
    assert capsys.readouterr() == ("", "")


def test_a_terminal_counts_seconds_and_is_clean_again(monkeypatch):
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    with waiting("Compiling"):
        time.sleep(0.3)
        assert screen.shown().startswith("Compiling (0 s)")
    assert "\n" not in screen.getvalue() and screen.shown() == ""


def test_lines_longer_than_the_terminal_are_cut(monkeypatch):
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((20, 24)))
    with waiting("Compiling the network with a compiler"):
        time.sleep(0.3)
    assert "\rCompiling the (0 s)\r" in screen.getvalue()
    assert max(map(len, screen.getvalue().split("\r"))) == 19


def test_errors_pass_and_the_next_one_is_said(capsys):
    for _ in range(2):
        with pytest.raises(KeyError), waiting("Compiling"):
            time.sleep(0.3)
            raise KeyError
    assert capsys.readouterr().err == "Compiling\n" * 2


def test_of_several_threads_one_speaks(capsys):
    together = threading.Barrier(4)

    def compile_network() -> None:
        with waiting("Compiling"):
            together.wait(30)
            time.sleep(0.3)

    threads = [threading.Thread(target=compile_network) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert capsys.readouterr().err == "Compiling\n"


def test_workers_of_studies_say_nothing(capsys, monkeypatch):
    monkeypatch.setattr(module, "_silent", False)
    module.be_silent()
    with waiting("Compiling"):
        time.sleep(0.3)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("stream", [None, "closed", "full"])
def test_a_screen_that_cannot_be_written(stream, monkeypatch):
    if stream == "closed":
        stream = io.StringIO()
        stream.close()
    elif stream == "full":
        stream = Screen()
        monkeypatch.setattr(stream, "write", lambda text: os.write(-1, b""))
    monkeypatch.setattr(sys, "stderr", stream)
    with waiting("Compiling"):
        time.sleep(0.2)
    assert not [t for t in threading.enumerate() if t.name.endswith("(_tell)")]


# -- compilers


@pytest.fixture
def slow_compiler(tmp_path, monkeypatch):
    """A compiler that takes its time."""
    script = tmp_path / "slow++"
    real = shutil.which(toolchain.find_compiler()[0])
    script.write_text(f'#!/bin/sh\n[ "$1" = --version ] || sleep 1\nexec {real} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("CXX", str(script))
    monkeypatch.setenv("MLGENN_DELAYS_CACHE", str(tmp_path / "cache"))
    return script


def test_compiling_is_announced(slow_compiler, capsys):
    toolchain.build(SOURCE % 1, "answer")
    said = f"Compiling the network with {slow_compiler}; it is kept for the next time\n"
    assert capsys.readouterr() == ("", said)
    toolchain.build(SOURCE % 1, "answer")  # from the cache
    assert capsys.readouterr() == ("", "")


def test_the_first_time_of_ziglang_is_announced():
    text = compiler.announce((sys.executable, "-m", "ziglang", "c++"))
    assert "ziglang" in text and "very first time takes a minute" in text


def test_a_real_terminal(slow_compiler):
    """A line that counts, and nothing of it is left."""
    code = (
        "from mlgenn_delays.engines.cpu import toolchain\n"
        "from mlgenn_delays.engines import waiting\n"
        "waiting.PATIENCE = 0.1\n"
        f"toolchain.build({SOURCE % 2!r}, 'answer')\n"
    )
    ours, theirs = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", code], stderr=theirs)
    os.close(theirs)
    said = b""
    while True:
        try:
            read = os.read(ours, 4096)
        except OSError:  # Linux, when the other end is closed
            read = b""
        if not read:
            break
        said += read
    os.close(ours)
    assert process.wait() == 0
    lines = said.decode().split("\r")
    assert b"\n" not in said and lines[1].startswith("Compiling the network with ")
    assert lines[-2].strip() == lines[-1] == ""


def test_ctrl_c_at_the_end_leaves_the_line_to_others(monkeypatch):
    def interrupted(self, timeout=None):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "join", interrupted)
        with pytest.raises(KeyboardInterrupt), waiting("Compiling"):
            pass
    assert not module._line.locked()
