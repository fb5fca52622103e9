"""Finding the machine's C++ compiler and building generated sources, with a cache.

The cache lies in ``$MLGENN_DELAYS_CACHE`` or the user's cache directory. A library is
found again by the hash of its source, the compiler, its flags and the processor: code
is generated for the processor at hand, and home directories are shared in clusters.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import importlib.util
import logging
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ..code_cache import CompilerError, cache_dir, processor

logger = logging.getLogger(__name__)

_FLAGS = (
    "-std=c++17",
    "-O3",
    "-fPIC",
    "-shared",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fvisibility=hidden",
    "-Wno-unknown-pragmas",
)


@functools.lru_cache(maxsize=8)
def _find_compiler(cxx: str | None, path: str | None) -> tuple[str, ...]:
    if cxx:
        command = shlex.split(cxx)
        if not command or shutil.which(command[0], path=path) is None:
            raise CompilerError(
                f"the environment variable CXX is {cxx!r}, but there is no such program; "
                "set it to a C++17 compiler or unset it"
            )
        return tuple(command)
    for name in ("g++", "clang++", "c++"):
        if shutil.which(name, path=path):
            return (name,)
    if importlib.util.find_spec("ziglang") is not None:
        return (sys.executable, "-m", "ziglang", "c++")
    raise CompilerError(
        "no C++ compiler found (looked for $CXX, g++, clang++, c++ and the ziglang wheel). "
        "Install one: 'apt install g++' (Debian, Ubuntu), 'dnf install gcc-c++' (Fedora), "
        "'xcode-select --install' (macOS), or anywhere 'pip install ziglang'"
    )


def find_compiler() -> tuple[str, ...]:
    """Command of the C++ compiler: ``$CXX``, g++, clang++, c++, or the ziglang wheel.

    Raises:
        CompilerError: there is none; the message says what to install.
    """
    return _find_compiler(os.environ.get("CXX"), os.environ.get("PATH"))


@functools.lru_cache(maxsize=8)
def _compiler_version(command: tuple[str, ...]) -> str:
    result = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False)
    return result.stdout.strip()


def _native_flag() -> str:
    return "-mcpu=native" if platform.machine() in ("arm64", "aarch64") else "-march=native"


def _link_flags() -> tuple[str, ...]:
    return ("-undefined", "dynamic_lookup") if sys.platform == "darwin" else ("-pthread",)


def build(source: str, name: str) -> Path:
    """Compile ``source`` to a shared library, or find it in the cache.

    Args:
        source: C++ text
        name:   readable beginning of the file names

    Raises:
        CompilerError: no compiler, or it failed; its output is part of the message.
    """
    command = find_compiler()
    flags = (*_FLAGS, _native_flag(), *_link_flags())
    identity = "\0".join((source, *command, _compiler_version(command), *flags, processor()))
    key = hashlib.sha256(identity.encode()).hexdigest()[:20]
    directory = cache_dir()
    library = directory / f"{name}-{key}.so"
    if library.exists():
        return library
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _compile([*command, *flags], source, library)
    except OSError as error:
        raise CompilerError(
            f"the cache directory {directory} cannot be written ({error}); "
            "set the environment variable MLGENN_DELAYS_CACHE to another one"
        ) from error
    return library


def _compile(command: list[str], source: str, library: Path) -> None:
    """Compile ``source`` to ``library``; the source is kept beside it."""
    source_file = library.with_suffix(".cpp")
    logger.info("compiling %s", source_file)
    # Built aside and moved into place, so that processes that start together do not read
    # each other's half-written files.
    with tempfile.TemporaryDirectory(dir=library.parent) as aside:
        part = Path(aside) / "network.cpp"
        part.write_text(source, encoding="utf-8")
        built = Path(aside) / "network.so"
        result = subprocess.run(
            [*command, "-o", str(built), str(part)],
            capture_output=True,
            text=True,
            check=False,
        )
        os.replace(part, source_file)
        if result.returncode != 0:
            raise CompilerError(
                f"{' '.join(command)} could not compile {source_file}:\n{result.stderr[-4000:]}"
            )
        os.replace(built, library)


def load(library: Path) -> ctypes.CDLL:
    """Load a compiled network.

    Raises:
        CompilerError: the file is damaged, or code may not be run from its folder
    """
    try:
        return ctypes.CDLL(str(library))
    except OSError as error:
        raise CompilerError(
            f"the compiled network cannot be loaded ({error}); delete {library} to have it built "
            "again, or set the environment variable MLGENN_DELAYS_CACHE to a folder whose files "
            "may be executed"
        ) from error
