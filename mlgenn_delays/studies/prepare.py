"""What a run needs before it begins: data that are loaded, a network that is compiled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from mlgenn_delays.callbacks import SpikeStatistics
from mlgenn_delays.compilers import CompiledTrainingNetwork
from mlgenn_delays.models import ClassifierNetwork
from mlgenn_delays.training.diagnosis import find_quiet_layers

from .checkpoints import get_delays
from .compiling import compile_network
from .config import RunConfig
from .errors import user_errors
from .progress import RunStart
from .record import count_parameters
from .results import ResultsFolder
from .run_files import now
from .task import Observer, Task, TaskData, load_data


@dataclass(frozen=True)
class Prepared:
    """A run whose data are loaded and whose network is compiled."""

    task: Task
    config: RunConfig
    data: TaskData
    network: ClassifierNetwork
    compiled: CompiledTrainingNetwork
    observer: Observer
    delays_before: Mapping[str, np.ndarray]  #: connection -> delays [timesteps] before training
    started: str  #: ISO 8601


@contextmanager
def prepare(task: Task, config: RunConfig) -> Iterator[Prepared]:
    """Load data and compile the network of a run, for as long as the ``with`` block lasts.

    Raises:
        RunError: bad settings or data.
    """
    started = now()
    data = load_data(task, config)
    with user_errors():
        network = task.build(config, data)
        compiled = compile_network(task, network, config, data)
    with compiled:
        with user_errors():
            observer = task.observe(config, data, network)
        before = get_delays(network, compiled)
        yield Prepared(task, config, data, network, compiled, observer, before, started)


def describe_start(prepared: Prepared, folder: ResultsFolder | None, notice: str) -> RunStart:
    """What is going to be trained, by a network as it is at first."""
    network, compiled, data = prepared.network, prepared.compiled, prepared.data
    weights, delays, others = count_parameters(compiled.program, network)
    layers = (network.input, *network.hidden, network.output)
    return RunStart(
        config=prepared.config,
        folder=None if folder is None else folder.path,
        kind=data.kind,
        num_examples=(len(data.train), len(data.validation), len(data.test)),
        notice=notice,
        sizes=tuple(population.size for population in layers),
        num_weights=weights,
        num_delays=delays,
        num_others=others,
        backend=compiled.engine.name,
        threads=compiled.engine.num_threads,
        memory=compiled.memory_estimate(),
        memory_so_far=compiled.peak_memory(),
        warnings=tuple(_find_quiet(prepared)),
    )


def _find_quiet(prepared: Prepared) -> list[str]:
    """Hidden layers that are silent or hardly spike in a batch of training samples."""
    network, counts = prepared.network, SpikeStatistics()
    events = prepared.data.train.first(prepared.config.learning.batch_size).events
    prepared.compiled.predict({network.input: events}, network.output, callbacks=[counts])
    hidden = {layer.name for layer in network.hidden}
    spikes = {name: n for name, n in counts.spikes_per_neuron.items() if name in hidden}
    return find_quiet_layers(spikes, counts.silent_neurons, counts.sizes, counts.num_trials)
