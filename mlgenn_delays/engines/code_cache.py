"""Where engines keep generated code, and what it depends on besides its text."""

from __future__ import annotations

import functools
import os
import platform
from pathlib import Path

import platformdirs


class CompilerError(RuntimeError):
    """No C++ compiler was found, or it refused the generated source."""


def cache_dir() -> Path:
    """Directory of compiled networks (``$MLGENN_DELAYS_CACHE``, else the user's cache)."""
    given = os.environ.get("MLGENN_DELAYS_CACHE")
    return Path(given) if given else Path(platformdirs.user_cache_dir("mlgenn_delays")) / "code"


@functools.lru_cache(maxsize=1)
def processor() -> str:
    """Text that changes with the instruction set that -march=native would use."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("flags", "Features")):
                return platform.machine() + line
    except OSError:
        pass
    return platform.machine() + platform.processor()
