"""Headers of the C++ library, compiled once for all networks of tests: a fifth of each's time."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from mlgenn_delays.engines import code_cache, cpu
from mlgenn_delays.engines.cpu import compiler


def without_precompiled(command: Sequence[str]) -> list[str]:
    """A compiler's command without what :func:`precompiled` has added."""
    return list(command[: command.index("-include")] if "-include" in command else command)


def precompiled(command: Sequence[str], flags: Sequence[str], folder: Path) -> list[str]:
    """What to add to a compiler's command so that it finds the headers; nothing where it cannot.

    It is called with these ``flags`` for networks, too: g++ takes headers that were compiled with
    others as text.
    """
    version = compiler.version(tuple(command))
    if "Free Software Foundation" not in version:
        return []
    template = files(cpu) / "templates" / "network.cpp.j2"
    includes = re.findall("^#include <[a-z]+>$", template.read_text(encoding="utf-8"), re.MULTILINE)
    text = "\n".join([*includes, ""])
    identity = "\0".join((text, *command, version, *flags, code_cache.processor()))
    header = folder / f"headers-{hashlib.sha256(identity.encode()).hexdigest()[:20]}.hpp"
    made = Path(f"{header}.gch")
    if not made.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as own:
            source, result = Path(own) / "headers.hpp", Path(own) / "headers.gch"
            source.write_text(text, encoding="utf-8")
            call = [*command, *flags, "-x", "c++-header", "-o", str(result), str(source)]
            if subprocess.run(call, capture_output=True, check=False).returncode != 0:
                return []
            os.replace(source, header)
            os.replace(result, made)
    return ["-include", str(header)]
