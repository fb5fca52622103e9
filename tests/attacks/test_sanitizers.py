"""Generated code under the compiler's sanitizers: memory, undefined behaviour, races.

A Python process runs all networks of covering_programs.py; the sanitizer's library has to be loaded
first, so that it sees NumPy's arrays, too.
"""

import functools
import os
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from covering_programs import covering_programs
from precompiled_headers import precompiled, without_precompiled

from mlgenn_delays.engines.cpu import toolchain


@dataclass(frozen=True)
class Sanitizer:
    """How code is watched."""

    flags: str  #: optimised as far as it saves more time than it takes
    library: str  #: to be loaded first
    fault: str  #: code that it should report
    threads: int = 1  #: fewer would show nothing


SANITIZERS = {
    "memory and undefined behaviour": Sanitizer(
        "-O0 -fsanitize=address,undefined,float-cast-overflow"
        " -fno-sanitize-recover=undefined,float-cast-overflow -D_GLIBCXX_ASSERTIONS",
        "libasan.so",
        """
#include <cstdlib>
int main(int count, char**) { char* p = (char*)std::malloc(count); p[count] = 1; return p[0]; }
""",
    ),
    "races": Sanitizer(
        "-O1 -fsanitize=thread",
        "libtsan.so",
        """
#include <thread>
int shared = 0;
int main() {
    std::thread other([] { for (int i = 0; i < 1000; i++) shared++; });
    for (int i = 0; i < 1000; i++) shared++;
    other.join();
    return 0;
}
""",
        threads=2,
    ),
}

#: A report ends the process; Python itself does not free all memory.
OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=0:exitcode=66",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:exitcode=66",
    "OPENBLAS_NUM_THREADS": "1",
}

#: A compiler for $CXX: what comes last on the command line counts.
COMPILER = """#!/bin/sh
exec {compiler} "$@" {flags} -fno-omit-frame-pointer
"""


@functools.cache
def missing(name: str) -> str | None:
    """Why a sanitizer cannot be used: whether it finds a fault is tried out."""
    sanitizer, compiler = SANITIZERS[name], without_precompiled(toolchain.find_compiler())
    first = next(flag for flag in sanitizer.flags.split() if flag.startswith("-fsanitize"))
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder) / "fault.cpp", Path(folder) / "fault"
        source.write_text(sanitizer.fault)
        flags = sanitizer.flags.split()
        command = [*compiler, *flags, "-g", "-pthread", "-o", str(program), str(source)]
        built = subprocess.run(command, capture_output=True, text=True, check=False)
        if built.returncode != 0:
            return f"{compiler[0]} has no {first}: {built.stderr[-300:]}"
        environment = {**os.environ, **OPTIONS}
        run = subprocess.run(
            [program], capture_output=True, text=True, check=False, env=environment
        )
        if run.returncode != 66:
            return f"{first} does not work here: {run.stderr[-300:]}"
    if library_path(sanitizer.library) is None:
        return f"{compiler[0]} has no {sanitizer.library} that can be loaded first"
    return None


def library_path(library: str) -> str | None:
    command = [*without_precompiled(toolchain.find_compiler()), f"-print-file-name={library}"]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return found if os.path.isabs(found) else None


@pytest.fixture(params=SANITIZERS)
def watched(request, tmp_path, monkeypatch):
    """A sanitizer with which what is compiled is watched."""
    if reason := missing(request.param):
        pytest.skip(reason)
    sanitizer, compiler = SANITIZERS[request.param], tmp_path / "watch"
    command = " ".join(without_precompiled(toolchain.find_compiler()))
    compiler.write_text(COMPILER.format(compiler=command, flags=sanitizer.flags))
    compiler.chmod(0o755)
    headers = precompiled([str(compiler)], toolchain.flags(), tmp_path)
    monkeypatch.setenv("CXX", shlex.join([str(compiler), *headers]))
    monkeypatch.setenv("MLGENN_DELAYS_CACHE", str(tmp_path / "cache"))
    return sanitizer


def run(sanitizer: Sanitizer, *arguments: str) -> subprocess.CompletedProcess:
    """Python in a process whose generated code is watched."""
    environment = {
        **os.environ,
        **OPTIONS,
        "LD_PRELOAD": str(library_path(sanitizer.library)),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path[1:]]),
    }
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, env=environment
    )


def test_all_networks_give_no_report(watched, request, attempts, tally):
    seed, number = request.config.getoption("--attack-seed"), attempts(30, 0)
    # in short: what threads share does not depend on the models
    step = attempts(1, 2 if watched.threads == 1 else 3)
    script = str(Path(__file__).parent / "exercise.py")
    result = run(watched, script, str(seed), str(number), str(watched.threads), str(step))
    *labels, last = result.stdout.splitlines() or ["before the first network"]
    if result.returncode == 0 and last == "done":
        assert labels == [p.label for p in covering_programs(seed, number)[::step]]
        last = labels.pop()
    text = result.stderr[-6000:]
    for label in labels:
        tally.count(label)
    wrong = result.returncode != 0 or "Sanitizer" in text or "runtime error" in text
    tally.count(last, text if wrong else None)


#: Text of generated code, and what it is replaced with.
FAULTS = {
    "memory and undefined behaviour": {
        "one element too far": (
            "first; k < last; k++) {\n        m[k]",
            "first; k <= last; k++) {\n        m[k]",
        ),
        "a spike that is not there": ("_spike - 1] == n", "_spike] == n"),
        "a sum that is too large": ("push_back(n);", "push_back(n + 2147483640);"),
        "a delay before its spike": ("uint16_t(round_half", "uint16_t(-1.0f - round_half"),
    },
    "races": {
        "examples of another thread": ("hands[thread]", "hands[0]"),
        "gradients of another thread": ("size_t(thread) * synapses", "size_t(0) * synapses"),
    },
}


@pytest.mark.parametrize(
    ("watched", "fault"),
    [(name, fault) for name, faults in FAULTS.items() for fault in faults],
    indirect=["watched"],
)
def test_faults_are_reported(watched, fault):
    """In code that was made wrong, so that silence means something."""
    right, wrong = next(faults[fault] for faults in FAULTS.values() if fault in faults)
    code = f"import exercise; exercise.run_wrong({right!r}, {wrong!r})"
    result = run(watched, "-c", code)
    reports = ("Sanitizer", "runtime error", "Assertion '")
    assert result.returncode != 0, result.stderr[-6000:]
    assert any(text in result.stderr for text in reports), result.stderr[-6000:]
