"""What a run was made with."""

from __future__ import annotations

import platform
import socket
import subprocess
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

import mlgenn_delays
from mlgenn_delays.engines.code_cache import CompilerError
from mlgenn_delays.engines.cpu.toolchain import find_compiler


def describe_environment(backend: str) -> dict[str, Any]:
    """Versions of the package, of what it runs on and, if it is a checkout, its commit: as they
    are when a process first asks, since that is what it has imported."""
    return dict(_describe(backend))


@lru_cache
def _describe(backend: str) -> dict[str, Any]:
    # four commands are started for it, which takes longer than an epoch of a small network
    return {
        "mlgenn_delays": mlgenn_delays.__version__,
        "git_commit": git_commit(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "host": socket.gethostname(),
        "platform": platform.platform(),
        "processor": _processor(),
        "compiler": None if backend.startswith(("reference", "torch")) else _compiler(),
        "pygenn": _version("pygenn") if backend.startswith("genn") else None,
        "ml_genn": _version("ml_genn") if backend.startswith("genn") else None,
        "torch": _version("torch") if backend.startswith("torch") else None,
    }


def git_commit() -> str | None:
    """Commit of the checkout the package is in, with "+" where files were changed since."""
    package = Path(mlgenn_delays.__file__).resolve().parent
    # a virtual environment within another project's checkout must not be taken for it
    if _run("git", "-C", str(package), "ls-files", "--error-unmatch", "version.py") is None:
        return None
    commit = _run("git", "-C", str(package), "rev-parse", "HEAD")
    if commit is None:
        return None
    changes = _run("git", "-C", str(package), "status", "--porcelain", "--untracked-files=no")
    return commit + ("+" if changes else "")


def _compiler() -> str | None:
    try:
        command = find_compiler()
    except CompilerError:
        return None
    version = _run(*command, "--version")
    return version.splitlines()[0] if version else " ".join(command)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _run(*command: str) -> str | None:
    """Output of a command, None where it failed or does not exist."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip()
