"""Two processes with MPI train as one does, and end together."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import mpi_worker
import numpy as np
import pytest

pytestmark = pytest.mark.mpi

#: Seconds; an idle machine needs 5.
TIME_LIMIT = 120

#: For Open MPI: more ranks than cores, in a container.
ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
}


def mpiexec(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a Python script in two processes."""
    beside = str(Path(sys.executable).parent)
    path = os.pathsep.join((beside, os.environ.get("PATH", "")))
    program = shutil.which("mpiexec", path=path)
    if program is None:
        pytest.skip("mpiexec not installed")
    return subprocess.run(
        [program, "-n", "2", sys.executable, *command],
        env={**os.environ, **ENVIRONMENT, "PATH": path},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )


def work(task: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return mpiexec(mpi_worker.__file__, task, str(folder), folder=folder)


def test_two_processes_are_as_one(tmp_path):
    """Batches of 8 are 4 examples of each rank; the last one of an epoch is smaller."""
    ended = work("train", tmp_path)
    assert ended.returncode == 0, ended.stderr
    mpi_worker.save(tmp_path / "alone.npz", mpi_worker.train(None))
    first, second, alone = (
        dict(np.load(tmp_path / f"{name}.npz")) for name in ("rank0", "rank1", "alone")
    )
    for name, values in alone.items():
        np.testing.assert_array_equal(first[name], second[name])
        np.testing.assert_allclose(first[name], values, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(first["accuracies"], alone["accuracies"])
    assert ended.stderr.count("100%") == 1  # progress bars
    assert (tmp_path / "best.npz").exists() and any((tmp_path / "epochs").iterdir())


def test_error_on_one_rank_ends_all(tmp_path):
    ended = work("fail", tmp_path)
    assert ended.returncode != 0
    assert "ZeroDivisionError: of rank 1" in ended.stderr


def test_error_outside_of_training_ends_all(tmp_path):
    """Rank 0 waits in ``compile`` for one that has ended."""
    ended = work("fail alone", tmp_path)
    assert ended.returncode != 0
    assert "ZeroDivisionError: of rank 1" in ended.stderr


def test_ctrl_c_on_one_rank_ends_all(tmp_path):
    ended = work("interrupt", tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "rank 1: training was interrupted; the running batch was finished" in ended.stdout
    assert "rank 0: rank 1 has stopped: KeyboardInterrupt: training was" in ended.stdout
