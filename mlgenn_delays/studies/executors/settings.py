"""Where the runs of a study are done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from tyro.conf import arg

from mlgenn_delays.checks import check_number, check_whole_number
from mlgenn_delays.engines.create import default_num_threads

#: Where runs are done.
ExecutorName = Literal["local", "dask", "slurm"]

#: Tasks of a job array of Slurm that run at once, where ``jobs`` is not given.
_SLURM_TASKS = 100


class ExecutorError(RuntimeError):
    """An executor cannot be used: it is not installed, not there, or does not answer."""


@dataclass(frozen=True)
class ExecutorSettings:
    """Where the runs of a study are done, and how many at once.

    Raises:
        ValueError: a value out of range, or one that the executor does not use
    """

    executor: ExecutorName = "local"
    """processes of this machine, workers of Dask, or job arrays of Slurm"""

    jobs: Annotated[
        int | None,
        arg(metavar="INT", help_behavior_hint="(default: one for each processor; slurm: 100)"),
    ] = None
    """runs at once, each in a process of its own"""

    dask_address: Annotated[
        str | None,
        arg(metavar="STR", help_behavior_hint="(default: a cluster of processes of this machine)"),
    ] = None
    """address of a running Dask scheduler, such as tcp://10.0.0.1:8786, or its file (.json)"""

    slurm_partition: Annotated[
        str | None, arg(metavar="STR", help_behavior_hint="(default: that of the cluster)")
    ] = None
    """partition of Slurm"""

    slurm_minutes: int = 60
    """time limit of a task of a job array; a task that needs more is queued again, three times"""

    slurm_memory_gb: float = 2.0
    """memory of a task [GB]"""

    slurm_runs_per_task: int = 8
    """runs that a task does, one after the other"""

    slurm_options: Annotated[
        tuple[str, ...], arg(metavar="STR [STR ...]", help_behavior_hint="(default: none)")
    ] = ()
    """further options of sbatch, as account=brains qos=long"""

    def __post_init__(self) -> None:
        names = get_args(ExecutorName)
        if self.executor not in names:
            raise ValueError(f"executor is {self.executor!r}, allowed are {', '.join(names)}")
        if self.jobs is not None:
            check_whole_number(self.jobs, "jobs", 1)
        check_whole_number(self.slurm_minutes, "slurm_minutes", 1)
        check_number(self.slurm_memory_gb, "slurm_memory_gb", above=0.0)
        check_whole_number(self.slurm_runs_per_task, "slurm_runs_per_task", 1)
        for option in self.slurm_options:
            if not option.partition("=")[0].strip("-"):
                raise ValueError(
                    f"slurm_options has {option!r}, allowed are options of sbatch such as "
                    "account=brains or exclusive"
                )
        for name in names:
            if name != self.executor:
                self._refuse(name)
        if self.dask_address is not None and self.jobs is not None:
            raise ValueError(
                f"jobs is {self.jobs}, which is not for a cluster that runs (dask_address is "
                f"{self.dask_address!r}): it has the workers that it has"
            )

    def _refuse(self, executor: str) -> None:
        """See that no settings of an executor are given that is not used."""
        for name, field in self.__dataclass_fields__.items():
            value = getattr(self, name)
            if name.startswith(f"{executor}_") and value != field.default:
                raise ValueError(
                    f"{name} is {value!r}, which is for executor {executor!r}, and executor is "
                    f"{self.executor!r}"
                )

    def num_jobs(self, num_runs: int) -> int:
        """Runs at once.

        Args:
            num_runs: no more than there are
        """
        jobs = self.jobs
        if jobs is None:
            jobs = _SLURM_TASKS if self.executor == "slurm" else default_num_threads()
        return max(1, min(jobs, num_runs))
