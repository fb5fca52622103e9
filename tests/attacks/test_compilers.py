"""Compilers that are none, that hang, lie or die: CompilerError in time, or success."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import pytest
from tally import undocumented

from mlgenn_delays.engines.cpu import compiler, toolchain

SOURCE = 'extern "C" __attribute__((visibility("default"))) int mgd_answer() { return %d; }\n'

#: Seconds that compilers may take here, and how much longer until the error must be there.
LIMIT, GRACE = 1.0, 20.0

#: Shell commands by what they do when they are asked for their version.
VERSIONS = {
    "says it": "echo 'fake 1.0'",
    "says nothing": ":",
    "no text": r"printf 'fake \377\376\200 1.0'",
    "a thousand lines": "i=0; while [ $i -lt 1000 ]; do echo line $i; i=$((i+1)); done",
    "refuses": "echo 'unknown option' >&2; exit 1",
    "hangs": "sleep 1000",
}

#: The same when they are asked to compile; $out is the file to be made.
COMPILATIONS = {
    "works": 'exec {real} "$@"',
    "works and says no text": r'''printf 'warning \377\376' >&2; exec {real} "$@"''',
    "makes nothing": ":",
    "makes an empty file": ': > "$out"',
    "makes text": 'echo "no library" > "$out"',
    "makes a folder": 'mkdir "$out"',
    "makes an object": 'exec {real} "$@" -c',
    "makes a program": 'echo "int main() {{}}" | exec {real} -x c++ -o "$out" -',
    "makes a pipe": 'mkfifo "$out"',
    "fails": "echo 'error: internal' >&2; exit 1",
    "fails and says no text": r"printf '\377\376' >&2; exit 3",
    "fails silently": "exit 1",
    "says much": "yes error | head -c 3000000; exit 1",
    "says things for ever": "yes error",
    "hangs": "sleep 1000",
    "hangs on signals": "trap '' TERM INT HUP; while :; do sleep 1; done",
    "leaves a child that talks": "sleep 1000 & exit 0",
    "reads": "cat; exit 1",
    "is killed": "kill -9 $$",
    "crashes": "kill -SEGV $$",
    "removes its folder": 'rm -rf "$(dirname "$out")"; exit 1',
    "removes its source": 'for source; do :; done; rm -f "$source"; exit 1',
}

#: Those that do not end by themselves.
HANGING = (
    "says things for ever", "hangs", "hangs on signals", "leaves a child that talks",
)  # fmt: skip

#: Values of CXX; {folder} is an empty folder.
COMMANDS = (
    "'", 'g++ "', "g++ \\", " ", "\t", "'' g++", "true", "false", "cat", "echo", "yes",
    "sleep 1000",
    "/", "{folder}", "/etc/passwd", "/dev/null", "/dev/zero", "no-such", "./no-such", "--", "-x",
    "\udcff\udcfe", "g++ -\udcff", "g++ --no-such-option", "g++ -x", "g++ -S", "g++ -E", "g++ -c",
    "g++ -fsyntax-only", "g++ -std=c++98", "g++ -m32", "g++ -v", "g++ -###", "g++ {folder}/no.cpp",
    "gcc", "cc", "as", "ld", "python3", "sh", "env", "env g++", "g++ -O1", "tee /dev/full",
)  # fmt: skip


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MLGENN_DELAYS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MLGENN_DELAYS_COMPILE_LIMIT", str(LIMIT))
    compiler.version.cache_clear()
    compiler._find_compiler.cache_clear()
    return tmp_path / "cache"


@pytest.fixture
def attack(tally, own_cache):
    """``attack(what, number)``: build a library, which gives the number, or report."""

    def attack(what: str, number: int) -> None:
        problem, start = None, time.monotonic()
        try:
            library = toolchain.load(toolchain.build(SOURCE % number, "answer"))
            if library.mgd_answer() != number:
                problem = "another answer"
            toolchain.unload(library)
        except Exception as error:
            problem = undocumented(error)
        if time.monotonic() - start > LIMIT + GRACE:
            problem = f"took {time.monotonic() - start:.1f} s"
        tally.count(what, problem or left_in(own_cache))

    return attack


def left_in(cache: Path) -> str | None:
    """Folders and half files that should have gone."""
    left = [path.name for path in cache.glob("*.tmp")] if cache.is_dir() else []
    return f"left {left}" if left else None


def script(folder: Path, version: str, compilation: str) -> Path:
    path = folder / "fake++"
    real = shlex.join(real_compiler())
    path.write_text(
        f'#!/bin/sh\nif [ "$1" = --version ]; then\n{VERSIONS[version]}\nexit\nfi\n'
        'previous=; for a; do if [ "$previous" = -o ]; then out="$a"; fi; previous="$a"; done\n'
        f"{COMPILATIONS[compilation].format(real=real)}\n"
    )
    path.chmod(0o755)
    return path


def real_compiler() -> tuple[str, ...]:
    return compiler._find_compiler(None, os.environ["PATH"])


def test_compilers_that_are_none(attack, attempts, rng, tmp_path, monkeypatch):
    quick = product([v for v in VERSIONS if v != "hangs"], sorted(COMPILATIONS.keys() - HANGING))
    pairs = [*quick, ("hangs", "works"), *product(["says it"], HANGING)]
    chosen = rng.permutation(len(pairs))[: attempts(len(pairs), 12)]
    for number, (version, compilation) in enumerate(pairs[k] for k in chosen):
        monkeypatch.setenv("CXX", str(script(tmp_path, version, compilation)))
        compiler.version.cache_clear()
        attack(f"version: {version}; compiling: {compilation}", number)


def test_values_of_cxx(attack, attempts, rng, tmp_path, monkeypatch):
    for number in rng.permutation(len(COMMANDS))[: attempts(len(COMMANDS), 12)]:
        command = COMMANDS[number].format(folder=tmp_path)
        monkeypatch.setenv("CXX", command)
        attack(f"CXX={command!r}", int(number))


@pytest.mark.parametrize("path", ["", ":", "/nowhere", None])
@pytest.mark.parametrize("given", [False, True])
def test_paths_without_anything(attack, path, given, monkeypatch):
    monkeypatch.setenv("CXX", str(shutil.which(real_compiler()[0])) if given else "")
    if path is None:
        monkeypatch.delenv("PATH")
    else:
        monkeypatch.setenv("PATH", path)
    attack(f"PATH={path!r}", 1)


@pytest.mark.parametrize("place", ["a file", "below a file", "/proc/none", "/dev/null", "long"])
def test_caches_that_cannot_be_written(attack, place, tmp_path, monkeypatch):
    (tmp_path / "a file").write_text("")
    places = {"a file": "a file", "below a file": "a file/cache", "long": 300 * "x"}
    monkeypatch.setenv("MLGENN_DELAYS_CACHE", str(tmp_path / places.get(place, place)))
    attack(f"cache: {place}", 1)


def test_disks_that_are_full(tally, attempts, own_cache):
    """As a limit on the size of files, which ends compilers, too."""
    code = (
        "import resource, signal, sys\n"
        "from mlgenn_delays.engines.code_cache import CompilerError\n"
        "from mlgenn_delays.engines.cpu import toolchain\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))\n"
        f"source = {SOURCE % 7!r} + 'static int table[9999] = {{1}}; int* p = table;'\n"
        "try:\n"
        "    print(toolchain.load(toolchain.build(source, 'answer')).mgd_answer())\n"
        "except CompilerError as error:\n"
        "    print(error)\n"
    )
    sizes = (0, 1, 50, 100, 150, 500, 2000, 6000, 12000, 20000, 40000, 50000, 10**6)
    for size in sizes if attempts(True, False) else sizes[::3]:
        shutil.rmtree(own_cache, ignore_errors=True)
        command = [sys.executable, "-c", code, str(size)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        good = result.returncode == 0 and not result.stderr
        problem = None if good else f"{result.returncode}: {result.stdout} {result.stderr}"
        tally.count(f"at most {size} bytes", problem or left_in(own_cache))


def processes_of(cache: Path) -> list[str]:
    """Commands of processes that work in a folder."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if f"{cache}/" in line]


def test_ctrl_c(tally, attempts, rng, own_cache, tmp_path, monkeypatch):
    """At any time while a compiler runs: no process, no folder and no half library stays."""
    heavy = "#include <algorithm>\n#include <functional>\n#include <thread>\n#include <vector>\n"
    code = (
        "from mlgenn_delays.engines.cpu import toolchain\nprint('now', flush=True)\n"
        f"toolchain.build({heavy + SOURCE % 3!r}, 'answer')\n"
    )
    fake = script(tmp_path, "says it", "hangs on signals")
    for _ in range(attempts(8, 2)):
        for cxx in (None, str(fake)):
            shutil.rmtree(own_cache, ignore_errors=True)
            environment = {**os.environ, "MLGENN_DELAYS_COMPILE_LIMIT": "60"}
            environment |= {} if cxx is None else {"CXX": cxx}
            with subprocess.Popen(
                [sys.executable, "-c", code], env=environment, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            ) as process:  # fmt: skip
                process.stdout.readline()
                time.sleep(rng.uniform(0.0, 1.0))
                process.send_signal(signal.SIGINT)
                problem = process.communicate(timeout=60)[1]
            # in Python's last moments nobody catches it
            ended = "KeyboardInterrupt" in problem or process.returncode in (0, -signal.SIGINT)
            running = processes_of(own_cache)
            problem = left_in(own_cache) if ended else problem
            problem = f"still running: {running}" if running else problem
            tally.count(f"Ctrl-C, {cxx or 'compiler'}", problem)
