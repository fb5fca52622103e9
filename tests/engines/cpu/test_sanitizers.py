"""Generated code under the compiler's sanitizers: memory, undefined behaviour, races.

A Python process trains on two threads; the sanitizer's library has to be loaded first, so that it
sees NumPy's arrays, too.
"""

import functools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mlgenn_delays.engines.cpu import toolchain

pytestmark = pytest.mark.slow

#: Flags, and the library that has to be loaded first.
SANITIZERS = {
    "memory and undefined behaviour": (
        "-fsanitize=address,undefined -fno-sanitize-recover=undefined",
        "libasan.so",
    ),
    "races": ("-fsanitize=thread", "libtsan.so"),
}

#: A report ends the process; Python itself does not free all memory.
OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=0:exitcode=66",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "exitcode=66",
    "OPENBLAS_NUM_THREADS": "1",
}

FAULTS = {
    "memory and undefined behaviour": """
#include <cstdlib>
int main(int count, char**) { char* p = (char*)std::malloc(count); p[count] = 1; return p[0]; }
""",
    "races": """
#include <thread>
int shared = 0;
int main() {
    std::thread other([] { for (int i = 0; i < 1000; i++) shared++; });
    for (int i = 0; i < 1000; i++) shared++;
    other.join();
    return 0;
}
""",
}


@functools.cache
def missing(sanitizer: str) -> str | None:
    """Why a sanitizer cannot be used: whether it finds a fault is tried out."""
    flags, library = SANITIZERS[sanitizer]
    compiler = toolchain.find_compiler()
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder) / "fault.cpp", Path(folder) / "fault"
        source.write_text(FAULTS[sanitizer])
        command = [*compiler, *flags.split(), "-g", "-pthread", "-o", str(program), str(source)]
        built = subprocess.run(command, capture_output=True, text=True, check=False)
        if built.returncode != 0:
            return f"{compiler[0]} has no {flags.split()[0]}: {built.stderr[-300:]}"
        environment = {**os.environ, **OPTIONS}
        run = subprocess.run(
            [program], capture_output=True, text=True, check=False, env=environment
        )
        if run.returncode != 66:
            return f"{flags.split()[0]} does not work here: {run.stderr[-300:]}"
    if library_path(library) is None:
        return f"{compiler[0]} has no {library} that can be loaded first"
    return None


def library_path(library: str) -> str | None:
    command = [*toolchain.find_compiler(), f"-print-file-name={library}"]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return found if os.path.isabs(found) else None


def run(sanitizer: str, code: str, cache: Path) -> subprocess.CompletedProcess:
    """Python ``code`` in a process whose generated code is watched."""
    flags, library = SANITIZERS[sanitizer]
    environment = {
        **os.environ,
        **OPTIONS,
        "CXX": " ".join([*toolchain.find_compiler(), flags, "-g", "-fno-omit-frame-pointer"]),
        "LD_PRELOAD": str(library_path(library)),
        "MLGENN_DELAYS_CACHE": str(cache),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path[1:]]),
    }
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )


@pytest.mark.parametrize("sanitizer", SANITIZERS)
@pytest.mark.parametrize("program", ["recurrent", "first_spike", "refractory"])
def test_training_gives_no_report(sanitizer, program, tmp_path):
    if reason := missing(sanitizer):
        pytest.skip(reason)
    code = f"import emitted_programs; emitted_programs.train({program!r}, 2); print('done')"
    result = run(sanitizer, code, tmp_path)
    text = f"{result.stdout}\n{result.stderr}"
    assert "Sanitizer" not in text and "runtime error" not in text, text[-6000:]
    assert result.returncode == 0 and result.stdout.strip() == "done", text[-6000:]


@pytest.mark.parametrize(
    ("sanitizer", "right", "wrong"),
    [
        ("memory and undefined behaviour", "counts[j]++", "counts[j + batch.size * 64]++"),
        # every thread takes the examples of the first one
        ("races", "hands[thread]", "hands[0]"),
    ],
)
def test_faults_are_reported(sanitizer, right, wrong, tmp_path):
    """In code that was made wrong, so that silence means something."""
    if reason := missing(sanitizer):
        pytest.skip(reason)
    code = (
        "import emitted_programs\nfrom mlgenn_delays.engines.cpu import codegen\n"
        "generate = codegen.generate\n"
        f"codegen.generate = lambda program: generate(program).replace({right!r}, {wrong!r})\n"
        "emitted_programs.train('recurrent', 2)\n"
    )
    result = run(sanitizer, code, tmp_path)
    assert result.returncode != 0 and "Sanitizer" in result.stderr, result.stderr[-6000:]
