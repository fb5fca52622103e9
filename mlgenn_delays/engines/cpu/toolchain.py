"""Building generated sources into libraries, with a cache, and loading them.

The cache lies in ``$MLGENN_DELAYS_CACHE`` or the user's cache directory. A library is
found again by the hash of its source, the compiler, its flags and the processor: code
is generated for the processor at hand, and home directories are shared in clusters.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import platform
import signal
import sys
from _ctypes import dlclose
from pathlib import Path

from .. import code_cache
from ..code_cache import CompilerError
from ..waiting import waiting
from . import compiler
from .compiler import find_compiler as find_compiler

logger = logging.getLogger(__name__)

_FLAGS = (
    "-std=c++17",
    "-O3",
    "-fopenmp-simd",  # for its pragma alone: nothing of OpenMP is linked
    "-fPIC",
    "-shared",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fvisibility=hidden",
    "-Wno-unknown-pragmas",
)

#: What compilers say that is not about the source, and what it means.
_MEANINGS = (
    ("No space left on device", "the disk of the cache directory {directory} is full"),
    ("Disk quota exceeded", "the disk quota of the cache directory {directory} is used up"),
    ("Killed", "the compiler was killed: is there enough memory?"),
    ("out of memory", "the compiler ran out of memory"),
)


def _native_flag() -> str:
    return "-mcpu=native" if platform.machine() in ("arm64", "aarch64") else "-march=native"


def flags() -> tuple[str, ...]:
    """What the compiler is called with, for this machine."""
    link = ("-undefined", "dynamic_lookup") if sys.platform == "darwin" else ("-pthread",)
    return (*_FLAGS, _native_flag(), *link)


def build(source: str, name: str) -> Path:
    """Compile ``source`` to a shared library, or find it in the cache.

    Args:
        source: C++ text
        name:   readable beginning of the file names

    Raises:
        CompilerError: no compiler, or it failed; its output is part of the message.
    """
    command = compiler.find_compiler()
    identity = "\0".join(
        (source, *command, compiler.version(command), *flags(), code_cache.processor())
    )
    key = hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:20]
    directory = code_cache.cache_dir()
    library = directory / f"{name}-{key}.so"
    if code_cache.is_usable(library):
        return library
    try:
        with waiting(compiler.announce(command)):
            _compile([*command, *flags()], source, library)
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
    with code_cache.aside(library.parent) as folder:
        part, made = folder / "network.cpp", folder / "network.so"
        part.write_text(source, encoding="utf-8")
        status, text = compiler.run([*command, "-o", str(made), str(part)], folder)
        code_cache.move(part, source_file)
        if status != 0:
            raise CompilerError(
                f"{compiler.shown(command)} could not compile {source_file}"
                f"{_reason(status, text, library.parent)}:\n{text[-4000:]}"
            )
        if not made.is_file() or made.stat().st_size == 0:
            raise CompilerError(
                f"{compiler.shown(command)} reported no error, but made no library of "
                f"{source_file}; is CXX a C++17 compiler?\n{text[-4000:]}"
            )
        # what cannot be loaded does not get into the cache; what has not reached a full disk cannot
        code_cache.sync(made)
        unload(load(made))
        code_cache.keep(made, library)


def _reason(status: int, text: str, directory: Path) -> str:
    """Why a compiler failed, where that is not the source."""
    for words, meaning in _MEANINGS:
        if words in text or (words == "Killed" and status == -signal.SIGKILL):
            return f" ({meaning.format(directory=directory)})"
    # some number their signals by themselves
    known = status < 0 and -status in signal.valid_signals()
    return f" (it was ended by {signal.Signals(-status).name})" if known else ""


def load(library: Path) -> ctypes.CDLL:
    """Load a compiled network, until :func:`unload`; the system counts how often it is loaded.

    Raises:
        CompilerError: it is no library, or code may not be run from its folder
    """
    try:
        return ctypes.CDLL(str(library))
    except OSError as error:
        if "undefined symbol" in str(error):
            advice = "a C++ compiler is needed, which links C++'s library: g++, not gcc"
        else:
            advice = (
                f"delete {library} to have it built again, or set the environment variable "
                "MLGENN_DELAYS_CACHE to a folder whose files may be executed, or CXX to a C++17 "
                "compiler for this machine"
            )
        raise CompilerError(f"the compiled network cannot be loaded ({error}); {advice}") from error


def unload(library: ctypes.CDLL) -> None:
    """Give a library back; its code goes with the last one that is given back."""
    handle = library._handle
    vars(library).clear()  # its functions, which refer to it, lead nowhere now
    dlclose(handle)
