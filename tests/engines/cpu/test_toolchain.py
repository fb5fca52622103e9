"""Compiling: which compiler, the cache, and what is said when it goes wrong."""

import ctypes
import errno
import os
import shutil
import sys
import time
from pathlib import Path

import pytest
from programs import recurrent_case

from mlgenn_delays.engines.cpu import CompilerError, CpuEngine, codegen, compiler, toolchain
from mlgenn_delays.losses import SparseCategoricalCrossentropy

SOURCE = 'extern "C" __attribute__((visibility("default"))) int mgd_answer() { return 42; }\n'


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MLGENN_DELAYS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def no_compiler(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(compiler, "find_spec", lambda name: None)


def test_same_source_is_built_once(empty_cache):
    first = toolchain.build(SOURCE, "answer")
    built = first.stat().st_mtime_ns
    assert toolchain.build(SOURCE, "answer") == first
    assert first.stat().st_mtime_ns == built
    assert toolchain.build(SOURCE + "// another\n", "answer") != first
    assert (
        sorted(p.suffix for p in empty_cache.iterdir())
        == [".cpp"] * 2 + [".seal"] * 2 + [".so"] * 2
    )


def test_the_compiler_is_part_of_the_key(monkeypatch):
    first = toolchain.build(SOURCE, "answer")
    monkeypatch.setattr(compiler, "version", lambda command: "another version")
    assert toolchain.build(SOURCE, "answer") != first


def test_cxx_is_used(monkeypatch, tmp_path):
    log = tmp_path / "log"
    wrapper = tmp_path / "my-c++"
    real = toolchain.find_compiler()[0]
    wrapper.write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("CXX", f"{wrapper} -DMARK")
    toolchain.build(SOURCE, "answer")
    assert "-DMARK -std=c++17" in log.read_text()


def test_cxx_that_is_not_there(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler -O2")
    with pytest.raises(CompilerError, match="CXX is 'no-such-compiler -O2', but there is no such"):
        toolchain.build(SOURCE, "answer")


@pytest.mark.usefixtures("no_compiler")
def test_no_compiler_says_what_to_install():
    case = recurrent_case(SparseCategoricalCrossentropy())
    with pytest.raises(CompilerError, match=r"no C\+\+ compiler found.*apt install g\+\+.*ziglang"):
        case.engine(CpuEngine, 1)


def test_ziglang_is_the_last_resort(monkeypatch, no_compiler):
    monkeypatch.setattr(compiler, "find_spec", lambda name: object())
    compiler._find_compiler.cache_clear()
    assert toolchain.find_compiler() == (sys.executable, "-m", "ziglang", "c++")
    compiler._find_compiler.cache_clear()


def test_compiler_errors_are_shown():
    with pytest.raises(CompilerError, match=r"could not compile .*\.cpp:\n.*error"):
        toolchain.build("this is no C++", "broken")


def test_a_cache_that_cannot_be_written(monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("MLGENN_DELAYS_CACHE", str(blocked / "cache"))
    with pytest.raises(CompilerError, match="MLGENN_DELAYS_CACHE"):
        toolchain.build(SOURCE, "answer")


def test_a_disk_that_is_full(monkeypatch, empty_cache):
    def full(self, *args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(CompilerError, match=r"cache.*No space left.*MLGENN_DELAYS_CACHE"):
        toolchain.build(SOURCE, "answer")
    assert list(empty_cache.iterdir()) == []


def answer() -> int:
    library = toolchain.load(toolchain.build(SOURCE, "answer"))
    given = library.mgd_answer()
    toolchain.unload(library)
    return given


def test_a_library_that_is_damaged(caplog):
    """It is made again, with one line, and then found again."""
    library = toolchain.build(SOURCE, "answer")
    content = library.read_bytes()
    for damaged in (content[:-100], content[:100], b"", bytes(len(content))):
        library.write_bytes(damaged)
        caplog.clear()
        assert answer() == answer() == 42
        assert library.read_bytes() == content
        messages = [record.getMessage() for record in caplog.records]
        assert messages == [f"{library} in the cache was damaged and is made again"]


def test_a_library_of_other_code():
    """It is another file, though its seal fits."""
    library = toolchain.build(SOURCE, "answer")
    other = toolchain.build(SOURCE.replace("42", "43"), "answer")
    for suffix in (".so", ".so.seal"):
        shutil.copy(other.with_suffix(suffix), library.with_suffix(suffix))
    assert answer() == 42


def test_a_library_that_cannot_be_loaded(tmp_path):
    library = tmp_path / "answer-1.so"
    library.write_bytes(b"no library")
    with pytest.raises(CompilerError, match=r"cannot be loaded .* delete .*answer-\w+\.so"):
        toolchain.load(library)


def test_the_cache_may_be_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MLGENN_DELAYS_CACHE", ".")
    monkeypatch.chdir(tmp_path)
    assert answer() == 42 and len(list(tmp_path.glob("answer-*.so"))) == 1


def test_unloading_counts():
    path = toolchain.build(SOURCE, "answer")
    first, second = toolchain.load(path), toolchain.load(path)
    answer = first.mgd_answer
    toolchain.unload(second)
    assert answer() == 42 and is_loaded(path)
    toolchain.unload(first)
    assert not is_loaded(path)


def is_loaded(path):
    try:
        handle = ctypes.CDLL(str(path), mode=os.RTLD_NOLOAD)
    except OSError:
        return False
    toolchain.unload(handle)
    return True


def test_compile_times():
    """Very loose bounds, for machines that do much else (the benchmark has the figures)."""
    case = recurrent_case(
        SparseCategoricalCrossentropy(), sizes=(700, 256, 20), delays=((0, 20), (0, 20), None)
    )
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        case.engine(CpuEngine, 1)
        seconds.append(time.perf_counter() - start)
    assert seconds[0] < 60.0 and seconds[1] < seconds[0] / 3


def test_source_is_readable_and_depends_on_the_program():
    case = recurrent_case(SparseCategoricalCrossentropy(), delays=((0, 15), None, 3))
    source = codegen.generate(case.program)
    assert "namespace pop_hidden {  // hidden: LeakyIntegrateFire, 3 neurons" in source
    assert "V = (Alpha * V) + Isyn;" in source
    assert "{{" not in source and "{%" not in source
    other = case.with_settings(timesteps=31)
    assert codegen.generate(other.program) != source
    assert codegen.generate(case.program) == source
    inference = codegen.generate(case.with_settings(training=False).program)
    assert "struct Adjoint" not in inference and len(inference) < len(source)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1.0f"), (0.1, "0.100000001f"), (1e-12, "9.99999996e-13f"), (-3.0, "-3.0f")],
)
def test_literals_keep_every_digit(value, text):
    assert codegen.literal(value) == text


def test_identifiers_are_unique_and_valid():
    taken: set[str] = set()
    names = [
        codegen._identifier("pop", n, i, taken) for i, n in enumerate(["a b", "a-b", "é", "a"])
    ]
    assert len(set(names)) == 4
    assert all(n.isidentifier() for n in names)
