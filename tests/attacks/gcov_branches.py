"""Branches of generated C++, counted by gcov, at the lines of the templates they come from."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from precompiled_headers import without_precompiled
from template_marks import Branch, places

from mlgenn_delays.engines.cpu import toolchain

#: Compiler that keeps source and gcov's notes of all that it compiles, each in a folder. Loops stay
#: loops, and what processors have instructions for is done in the portable way.
_COMPILER = """#!/bin/sh
for source; do :; done
plain="-O0 -fno-openmp-simd -DMLGENN_DELAYS_PORTABLE"
case "$source" in
*.cpp) folder=$(mktemp -d "{notes}/XXXXXX") && cp "$source" "$folder/network.cpp" ;;
*.hpp) exec {compiler} "$@" $plain ;;
*) exec {compiler} "$@" ;;
esac
exec {compiler} "$@" $plain --coverage -fprofile-update=atomic -dumpdir "$folder/"
"""

_PROGRAM = "int main(int count, char**) { return count > 1 ? 1 : 0; }\n"


def write_compiler(folder: Path) -> Path:
    """A program for $CXX; what it keeps comes into ``folder``/notes."""
    notes, script = folder / "notes", folder / "count_branches"
    notes.mkdir()
    text = _COMPILER.format(
        notes=notes, compiler=" ".join(without_precompiled(toolchain.find_compiler()))
    )
    script.write_text(text)
    script.chmod(0o755)
    return script


def missing(folder: Path) -> str | None:
    """Why branches cannot be counted: it is tried out in an empty ``folder``."""
    if sys.platform != "linux":
        return "memory is taken away as Linux does it"
    if shutil.which("gcov") is None:
        return "no gcov"
    compiler, source, program = write_compiler(folder), folder / "network.cpp", folder / "program"
    source.write_text(_PROGRAM)
    command = [str(compiler), "-o", str(program), str(source)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    if built.returncode != 0:
        return f"no --coverage with {toolchain.find_compiler()[0]}: {built.stderr[-300:]}"
    subprocess.run([program], check=False)
    (notes,) = (folder / "notes").iterdir()
    counts = [arm["count"] for line in _lines(notes) for arm in _arms(line)]
    return None if sorted(counts) == [0, 1] else f"gcov finds {counts} where it should [0, 1]"


def count_branches(folder: Path) -> Counter[Branch]:
    """How often each was taken in the networks that were compiled and run."""
    counts: Counter[Branch] = Counter()
    for notes in (folder / "notes").iterdir():
        known = places((notes / "network.cpp").read_text(encoding="utf-8"))
        for line in _lines(notes):
            if line["line_number"] in known:
                template, number = known[line["line_number"]]
                for k, arm in enumerate(_arms(line)):
                    counts[Branch(template, number, f"C++ branch {k}")] += arm["count"]
    return counts


def _lines(notes: Path) -> Iterator[dict[str, Any]]:
    """Lines of network.cpp with what gcov knows of them, once per function."""
    command = ["gcov", "--json-format", "--stdout", "--branch-probabilities"]
    command += [path.name for path in notes.glob("*.gcno")]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=notes)
    for text in run.stdout.splitlines():
        for file in json.loads(text)["files"]:
            if Path(file["file"]).name == "network.cpp":
                yield from file["lines"]


def _arms(line: dict[str, Any]) -> list[dict[str, Any]]:
    """Ways on from a line, without those of exceptions: behind each call g++ puts two, to the
    next statement and out of the function."""
    arms: list[dict[str, Any]] = []
    for arm in line["branches"]:
        if arm["throw"]:
            del arms[-1:]
        else:
            arms.append(arm)
    return arms
