"""Settings of executors are checked before anything runs."""

from __future__ import annotations

from typing import Any

import pytest

from mlgenn_delays.engines.create import default_num_threads
from mlgenn_delays.studies.executors import ExecutorSettings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"executor": "cloud"}, "executor is 'cloud', allowed are local, dask, slurm"),
        ({"jobs": 0}, "jobs is 0, allowed are whole numbers of at least 1"),
        ({"slurm_minutes": 0}, "slurm_minutes is 0, allowed"),
        ({"slurm_memory_gb": 0.0}, "slurm_memory_gb is 0, allowed"),
        ({"slurm_runs_per_task": 0}, "slurm_runs_per_task is 0, allowed"),
        ({"executor": "slurm", "slurm_options": ("--=x",)}, "slurm_options has '--=x', allowed"),
        (
            {"dask_address": "a:1"},
            "dask_address is 'a:1', which is for executor 'dask', and executor is 'local'",
        ),
        (
            {"executor": "dask", "slurm_partition": "long"},
            "slurm_partition is 'long', which is for executor 'slurm', and executor is 'dask'",
        ),
        (
            {"executor": "dask", "dask_address": "a:1", "jobs": 2},
            "jobs is 2, which is not for a cluster that runs",
        ),
    ],
)
def test_refusals(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        ExecutorSettings(**settings)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("settings", "num_runs", "expected"),
    [
        (ExecutorSettings(), 10**6, default_num_threads()),
        (ExecutorSettings(), 1, 1),
        (ExecutorSettings(jobs=5), 3, 3),
        (ExecutorSettings(jobs=5), 8, 5),
        (ExecutorSettings(executor="slurm"), 1000, 100),
        (ExecutorSettings(jobs=5), 0, 1),
    ],
)
def test_no_more_jobs_than_runs(settings: ExecutorSettings, num_runs: int, expected: int) -> None:
    assert settings.num_jobs(num_runs) == expected


def test_command_line() -> None:
    tyro = pytest.importorskip("tyro", reason="tyro not installed")
    text = "--executor slurm --slurm-partition long --slurm-options account=a qos=b --jobs 7"
    assert tyro.cli(ExecutorSettings, args=text.split()) == ExecutorSettings(
        executor="slurm", slurm_partition="long", slurm_options=("account=a", "qos=b"), jobs=7
    )
