"""Two processes with MPI train as one does, and end together."""

from __future__ import annotations

import subprocess
from pathlib import Path

import mpi_worker
import numpy as np
import pytest
from mpi_processes import mpiexec

pytestmark = pytest.mark.mpi


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
