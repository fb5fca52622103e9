"""Programs that the environment calls a C++ compiler: what is said of those that are none."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from mlgenn_delays.engines.code_cache import CompilerError
from mlgenn_delays.engines.cpu import compiler, toolchain

SOURCE = 'extern "C" __attribute__((visibility("default"))) int mgd_answer() { return 42; }\n'


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MLGENN_DELAYS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """``fake(commands)``: CXX is a shell script; $out is the file that it should make."""

    def write(commands: str, version: str = "echo 1.0") -> None:
        path = tmp_path / "fake++"
        path.write_text(
            f'#!/bin/sh\nif [ "$1" = --version ]; then {version}; exit; fi\n'
            'for a; do if [ "$previous" = -o ]; then out="$a"; fi; previous="$a"; done\n'
            f"{commands}\n"
        )
        path.chmod(0o755)
        compiler.version.cache_clear()
        monkeypatch.setenv("CXX", str(path))

    return write


def failure() -> str:
    """What is said when a library should be built."""
    with pytest.raises(CompilerError) as caught:
        toolchain.build(SOURCE, "answer")
    return str(caught.value)


@pytest.mark.parametrize("command", ["'", 'g++ "', "g++ \\"])
def test_cxx_that_does_not_parse(command, monkeypatch):
    monkeypatch.setenv("CXX", command)
    assert "CXX is" in (text := failure()) and "which is no command" in text


@pytest.mark.parametrize("command", ["true", "echo"])
def test_programs_that_do_nothing(command, monkeypatch, empty_cache):
    monkeypatch.setenv("CXX", command)
    text = failure()
    assert text.startswith(f"{command} -std=c++17") and "made no library of" in text
    assert "is CXX a C++17 compiler?" in text
    assert [path.suffix for path in empty_cache.iterdir()] == [".cpp"]


@pytest.mark.parametrize("made", [": >", "echo text >", "mkdir"])
def test_what_is_no_library_does_not_get_into_the_cache(made, fake, empty_cache):
    fake(f'{made} "$out"')
    text = failure()
    assert "made no library" in text or "cannot be loaded" in text
    assert [path.suffix for path in empty_cache.iterdir()] == [".cpp"]


def test_programs_that_cannot_be_started(tmp_path, monkeypatch):
    script = tmp_path / "no-interpreter"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    monkeypatch.setenv("CXX", str(script))
    assert f"the compiler {script} cannot be run" in failure()


def test_text_that_is_not_utf8(fake):
    fake(r"printf 'error \377\376' >&2; exit 1", r"printf '\377 1.0'")
    assert "could not compile" in (text := failure()) and "error \ufffd\ufffd" in text


def test_compilers_whose_text_is_not_utf8_work(fake):
    real = shutil.which(compiler._find_compiler(None, os.environ["PATH"])[0])
    fake(rf"""printf '\377' >&2; exec {real} "$@" """, r"printf '\377 1.0'")
    assert toolchain.build(SOURCE, "answer").is_file()


def test_a_c_compiler(monkeypatch):
    if shutil.which("gcc") is None or "Free Software Foundation" not in compiler.version(("gcc",)):
        pytest.skip("no gcc")
    monkeypatch.setenv("CXX", "gcc")
    source = '#include <iostream>\nextern "C" void mgd_say(int i) { std::cout << i; }\n'
    with pytest.raises(CompilerError, match=r"a C\+\+ compiler is needed.*: g\+\+, not gcc"):
        toolchain.build(source, "say")


@pytest.mark.parametrize(
    ("signal_name", "reason"),
    [("KILL", "is there enough memory"), ("SEGV", "ended by SIGSEGV")],
)
def test_compilers_that_are_killed(signal_name, reason, fake):
    fake(f"kill -{signal_name} $$")
    assert reason in failure()


def test_a_full_disk(fake):
    fake("echo 'cannot write: No space left on device' >&2; exit 1")
    assert "the disk of the cache directory" in failure()


@pytest.mark.parametrize(
    ("compiling", "version"),
    [
        ("sleep 1000", "echo 1.0"),
        ("trap '' TERM INT; sleep 1000 & sleep 1000", "echo 1.0"),
        ("yes", "echo 1.0"),
        ("sleep 1000 &", "echo 1.0"),
        ("exit 1", "sleep 1000"),
    ],
)
def test_compilers_that_hang(compiling, version, fake, monkeypatch):
    """Nothing of them is left."""
    monkeypatch.setenv("MLGENN_DELAYS_COMPILE_LIMIT", "0.3")
    fake(compiling, version)
    start = time.monotonic()
    assert "did not end within 0.3 seconds; the environment variable MLGENN_DELAYS_C" in failure()
    assert time.monotonic() - start < 10.0


@pytest.mark.parametrize("limit", ["0", "-1", "x", "nan", "inf", "1e300"])
def test_limits_that_are_none(limit, monkeypatch):
    monkeypatch.setenv("MLGENN_DELAYS_COMPILE_LIMIT", limit)
    compiler.version.cache_clear()
    assert f"MLGENN_DELAYS_COMPILE_LIMIT is '{limit}'" in failure()


def test_ctrl_c_ends_the_compiler(fake, tmp_path, empty_cache):
    """With all that it has started; its folder goes, too."""
    fake(f"sleep 1000 & echo $$ $! > {tmp_path}/processes; wait")
    code = f"from mlgenn_delays.engines.cpu import toolchain\ntoolchain.build({SOURCE!r}, 'answer')"
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) as process:
        started = tmp_path / "processes"
        while not started.exists() or not started.read_text().endswith("\n"):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert b"KeyboardInterrupt" in process.communicate(timeout=60)[1]
    assert list(empty_cache.iterdir()) == []
    end = time.monotonic() + 10.0
    for number in started.read_text().split():
        while is_running(int(number)):
            assert time.monotonic() < end
            time.sleep(0.01)


def is_running(process: int) -> bool:
    listed = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
    )
    return listed.stdout.strip() not in ("", "Z")  # what nobody waits for has ended all the same
