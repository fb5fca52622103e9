"""How much memory this process takes."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_memory() -> int:
    """Largest resident memory of this process [bytes]: on Linux since the last
    :func:`reset_peak_memory`, elsewhere since the process began."""
    with suppress(OSError):
        found = re.search(r"^VmHWM:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
        if found:
            return int(found[1]) * 1024
    import resource  # not on every platform, and needed here only

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def reset_peak_memory() -> None:
    """Let :func:`peak_memory` begin anew with what the process has now, where the system can."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
