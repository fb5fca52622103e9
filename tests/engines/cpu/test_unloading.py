"""Compiled libraries are unloaded with the last engine that uses them, however engines end."""

import ctypes
import gc
import os
import shutil
import subprocess
import sys
import threading

import pytest
from emitted_programs import PROGRAMS, train

from mlgenn_delays.engines.cpu import CompilerError, CpuEngine, abi, toolchain


@pytest.fixture
def program():
    return PROGRAMS["recurrent"]().program


@pytest.fixture
def path(program, tmp_path, monkeypatch):
    """A library of the program that no other test has loaded."""
    real = toolchain.build(CpuEngine(program, 1).source, "network")
    copy = shutil.copy(real, tmp_path / "network.so")
    monkeypatch.setattr(toolchain, "build", lambda source, name: copy)
    return copy


def is_loaded(path) -> bool:
    try:
        handle = ctypes.CDLL(str(path), mode=os.RTLD_NOLOAD)
    except OSError:
        return False
    toolchain.unload(handle)
    return True


def test_the_last_engine_unloads(program, path):
    first, second = CpuEngine(program, 2), CpuEngine(program, 1)
    first.close()
    first.close()  # does no harm
    assert is_loaded(path)
    for index, spec in enumerate(program.parameters):
        assert second.get_parameter(index).shape == spec.shape
    second.close()
    assert not is_loaded(path)


def test_engines_that_are_dropped(program, path):
    engine = CpuEngine(program, 2)
    assert is_loaded(path)
    del engine
    assert not is_loaded(path)


def test_engines_in_circles(program, path):
    engine = CpuEngine(program, 2)
    engine.itself = engine
    del engine
    gc.collect()
    assert not is_loaded(path)


def test_engines_that_could_not_be_made(program, path, monkeypatch):
    def refuse(*args):
        raise CompilerError("another version")

    monkeypatch.setattr(abi, "declare", refuse)
    with pytest.raises(CompilerError, match="another version"):
        CpuEngine(program, 1)
    assert not is_loaded(path)


def test_engines_that_another_thread_closes(program, path):
    engines = [CpuEngine(program, 2) for _ in range(4)]
    threads = [threading.Thread(target=engine.close) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not is_loaded(path)


def test_forked_processes_leave_them_alone(program, path):
    engine = CpuEngine(program, 2)
    process = os.fork()
    if process == 0:
        engine.close()
        os._exit(0 if is_loaded(path) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    engine.close()
    assert not is_loaded(path)


@pytest.mark.parametrize("last", ["", "raise SystemExit(0)", "engine.itself = engine; del engine"])
def test_the_end_of_python(last):
    """With an engine that was not closed: no crash, no message."""
    CpuEngine(PROGRAMS["recurrent"]().program, 2).close()  # compilers that take long are announced
    code = (
        "from emitted_programs import PROGRAMS\nfrom mlgenn_delays.engines.cpu import CpuEngine\n"
        f"engine = CpuEngine(PROGRAMS['recurrent']().program, 2)\n{last}\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(__file__)}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    assert (result.returncode, result.stderr) == (0, "")


def resident() -> int:
    """Memory of this process [bytes]."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_many_networks_take_no_memory(path, tmp_path, monkeypatch):
    """Libraries that stay loaded take 0.2 MB each."""
    copies = iter([shutil.copy(path, tmp_path / f"{k}.so") for k in range(100)])
    monkeypatch.setattr(toolchain, "build", lambda source, name: next(copies))
    for _ in range(20):  # what is kept once, and what the allocator keeps
        train("recurrent", 2)
    before = resident()
    for _ in range(80):
        train("recurrent", 2)
    assert resident() - before < 4e6
