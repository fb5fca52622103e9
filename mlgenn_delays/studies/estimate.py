"""How long a study will take, from short timed runs of the smallest and the largest network of each
method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from .compiling import compile_network, count_timesteps
from .config import RunConfig
from .errors import user_errors
from .matching import count_described
from .study import PlannedRun
from .task import Task, TaskData, load_data

#: Batches that are trained with: the first one warms up, the others are timed.
_NUM_BATCHES = 3

#: Time of a forward pass by that of training, roughly.
_FORWARD = 0.4


@dataclass(frozen=True)
class Cost:
    """What runs of a study will take.

    Attributes:
        seconds: of each run
        memory: of one worker process with the largest network [bytes]
    """

    seconds: tuple[float, ...]
    memory: int


def estimate_cost(task: Task, runs: Sequence[PlannedRun]) -> Cost:
    """Time some batches of the smallest and the largest network of each method of some runs.

    Networks spike more once they have learned something, so that most take somewhat longer.

    Args:
        task: of the runs
        runs: at least one

    Raises:
        RunError: data cannot be loaded, or a network cannot be made.
    """
    configs = [run.config for run in runs]
    alike = [config.change(seed=0) for config in configs]  # networks that differ in nothing else
    # those of the same data one after the other, so that each set is loaded once
    known = {c: _count(task, c) for c in sorted(set(alike), key=lambda c: repr(c.data))}
    parameters = np.array([known[config] for config in alike])
    seconds, memory = np.zeros(len(configs)), 0
    for method in dict.fromkeys(
        config.method for config in configs
    ):  # their costs have nothing in common
        own = np.array([i for i, config in enumerate(configs) if config.method == method])
        ends = own[[np.argmin(parameters[own]), np.argmax(parameters[own])]]
        measured = {i: _measure(task, configs[i]) for i in dict.fromkeys(ends.tolist())}
        per_epoch = [measured[i][0] for i in ends]
        seconds[own] = np.interp(parameters[own], parameters[ends], per_epoch)
        memory = max(memory, measured[ends[1]][1])
    epochs = [config.learning.epochs for config in configs]
    return Cost(tuple((seconds * epochs).tolist()), memory)


def _count(task: Task, config: RunConfig) -> int:
    data = load_data(task, config)
    with user_errors():
        count_timesteps(data.duration, config.network.dt)
        return count_described(task, config, data)


def _measure(task: Task, config: RunConfig) -> tuple[float, int]:
    """Seconds of an epoch, and memory of a process with this network [bytes]."""
    data = load_data(task, config)
    with user_errors():
        network = task.build(config, data)
        compiled = compile_network(task, network, config, data)
    size = config.learning.batch_size
    with compiled:
        batches = [data.train.first(size)] * _NUM_BATCHES
        start, times = perf_counter(), []
        for part in batches:
            with user_errors():
                compiled.train(
                    {network.input: part.events},
                    {network.output: part.labels},
                    num_epochs=1,
                    callbacks=[],
                )
            start, last = perf_counter(), start
            times.append(start - last)
        memory = compiled.peak_memory()  # the network's own included
    per_sample = float(np.median(times[1:])) / min(size, len(data.train))
    return per_sample * _effective_samples(data), memory


def _effective_samples(data: TaskData) -> float:
    """Samples of an epoch, those of validation counted by what they take."""
    return len(data.train) + _FORWARD * len(data.validation)
