"""Running Python scripts in two processes that MPI connects."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

#: Seconds; an idle machine needs 5.
TIME_LIMIT = 120

#: For Open MPI: more ranks than cores, in a container.
_SETTINGS = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
}


def mpiexec(
    *command: str, folder: Path, environment: Mapping[str, str] = os.environ
) -> subprocess.CompletedProcess[str]:
    """Run ``python COMMAND`` in two processes, in a folder; skips where there is no MPI."""
    path = os.pathsep.join((str(Path(sys.executable).parent), environment.get("PATH", "")))
    program = shutil.which("mpiexec", path=path)
    if program is None:
        pytest.skip("mpiexec not installed")
    return subprocess.run(
        [program, "-n", "2", sys.executable, *command],
        env={**environment, **_SETTINGS, "PATH": path},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )
