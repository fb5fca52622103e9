"""Which of two inputs spiked first? Learned by moving delays alone; weights are frozen.

As in Mészáros, Knight & Nowotny 2025: two inputs, two outputs, no hidden neurons. With delays of
zero both outputs do the same, and half of the answers are right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlgenn_delays import plotting
from mlgenn_delays.callbacks import Callback
from mlgenn_delays.compilers import CompiledTrainingNetwork
from mlgenn_delays.datasets.spike_orders import generate_spike_orders
from mlgenn_delays.losses import evaluate
from mlgenn_delays.models import ClassifierNetwork
from mlgenn_delays.models.sequence_detection import (
    DURATION,
    NUM_CHANNELS,
    build_network,
    sequence_settings,
)
from mlgenn_delays.plotting import tasks as task_plotting
from mlgenn_delays.plotting.tasks import Snapshot
from mlgenn_delays.program.exchange import Batch, RecordRequest
from mlgenn_delays.program.timing import emission_steps, round_delays

from ..config import DataSettings, RunConfig
from ..evaluation import TestResult
from ..task import Part, Task, TaskData

#: Pairs of spikes for training, validation and test, and the seeds they are drawn with.
SIZES, SIZES_QUICK = (256, 200, 1000), (64, 32, 54)
SEEDS = (1, 2, 3)
#: The connection that has the delays.
CONNECTION = "input_output"
#: Time that the picture shows beyond the last arrival [ms].
_MARGIN = 25.0


def _load(wanted: DataSettings) -> TaskData:
    sizes = SIZES_QUICK if wanted.quick else SIZES
    train, validation, test = (
        generate_spike_orders(size, seed, duration=DURATION)
        for size, seed in zip(sizes, SEEDS, strict=True)
    )
    return TaskData(
        train=Part.of(train),
        validation=Part.of(validation),
        test=Part.of(test),
        class_names=train.class_names,
        num_channels=NUM_CHANNELS,
        duration=DURATION,
        kind=train.kind,
        source={**train.source, "seed": list(SEEDS)},
    )


class DelayCourse(Callback):
    """Keeps the delays [timesteps] before the first step of the optimiser and after each."""

    def __init__(self, network: ClassifierNetwork) -> None:
        self._connection = network.connections[CONNECTION]
        self._is_learned = bool(network.delay_learn_conns)
        self._delays: list[np.ndarray] = []

    @property
    def delays(self) -> np.ndarray:
        """(steps + 1, inputs, outputs); no steps where delays are not learned."""
        return np.array(self._delays).reshape(-1, NUM_CHANNELS, NUM_CHANNELS)

    def set_params(self, compiled_network: CompiledTrainingNetwork, **kwargs: Any) -> None:
        self._compiled = compiled_network

    def on_epoch_begin(self, epoch: int) -> None:
        if not self._delays:
            self._add()

    def on_batch_end(self, batch: int, metrics: Mapping[Any, Any]) -> None:
        self._add()

    def _add(self) -> None:
        if self._is_learned:
            self._delays.append(get_delays(self._compiled, self._connection))

    def state_dict(self) -> dict[str, np.ndarray]:
        """The course so far."""
        return {"delays": self.delays}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`state_dict` gave."""
        delays = np.array(state["delays"], dtype=np.float64)
        if delays.shape[1:] != (NUM_CHANNELS, NUM_CHANNELS):
            raise ValueError(f"delays have shape {delays.shape}")
        self._delays = list(delays)


def get_delays(compiled: CompiledTrainingNetwork, connection: Any) -> np.ndarray:
    """Delays [timesteps] of a connection, (inputs, outputs)."""
    variable = compiled.connection_populations[connection].vars["d"]
    variable.pull_from_device()
    return np.array(variable.values, dtype=np.float64)


def set_delays(compiled: CompiledTrainingNetwork, connection: Any, delays: np.ndarray) -> None:
    """Set the delays [timesteps] of a connection, (inputs, outputs)."""
    variable = compiled.connection_populations[connection].vars["d"]
    variable.view[:] = np.ravel(delays)
    variable.push_to_device()


class CoursePicture:
    """Draws ``sequence_detection.png``: a trial before, during and after training, and the
    delays."""

    callbacks: Sequence[Callback]

    def __init__(self, config: RunConfig, data: TaskData, network: ClassifierNetwork) -> None:
        self._data = data
        self._network = network
        self._course = DelayCourse(network)
        self.callbacks = [self._course]

    def draw(self, folder: Path, compiled: CompiledTrainingNetwork, test: TestResult) -> None:
        """Write the picture; nothing where no delays are learned."""
        network, data = self._network, self._data
        connection, course = network.connections[CONNECTION], self._course.delays
        if len(course) < 2:
            return
        best = get_delays(compiled, connection)
        snapshots = []
        for name, step in zip(("Before", "During", "After"), _moments(course), strict=True):
            set_delays(compiled, connection, course[step])
            snapshots.append(_take_snapshot(name, step, compiled, network, data))
        set_delays(compiled, connection, best)
        figure = task_plotting.plot_delay_learning(
            snapshots, compiled.program.dt * course, f" ({data.class_names[0]})"
        )
        plotting.save_figure(figure, folder / "sequence_detection.png")


def _moments(course: np.ndarray) -> tuple[int, int, int]:
    """The first step, the one where the longest delay is half of what it becomes, the last."""
    last = len(course) - 1
    longest = course.reshape(len(course), -1).max(axis=1)
    return 0, int(np.argmax(longest >= 0.5 * longest[-1])), last


def _take_snapshot(
    name: str,
    step: int,
    compiled: CompiledTrainingNetwork,
    network: ClassifierNetwork,
    data: TaskData,
) -> Snapshot:
    """The first test trial of class 0 with the delays the network has now."""
    example = int(np.argmin(data.test.labels))
    channels = data.test.events.example(example)[1]
    voltages, adjoints = _run_trial(compiled, network, data.test, example)
    program = compiled.program
    delays = program.dt * round_delays(get_delays(compiled, network.connections[CONNECTION]))
    # a spike takes effect at the end of the step it is emitted in
    emitted = program.dt * (emission_steps(data.test.events, program.dt)[2 * example :][:2] + 1)
    arrivals = emitted[:, np.newaxis] + delays[channels]
    shown = np.arange(program.timesteps) * program.dt <= emitted[-1] + delays.max() + _MARGIN
    return Snapshot(
        step=step,
        title=f"{name} ({_accuracy(compiled, network, data.test):.0%} of trials right)",
        times=program.dt * (np.arange(program.timesteps)[shown] + 1.0),
        voltages=voltages[shown],
        adjoints=adjoints[shown],
        arrivals=arrivals,
    )


def _run_trial(
    compiled: CompiledTrainingNetwork, network: ClassifierNetwork, part: Part, example: int
) -> tuple[np.ndarray, np.ndarray]:
    """Voltages and adjoints of the outputs in one trial, (timesteps, outputs) each."""
    source = compiled.population_index(network.input)
    output = compiled.population_index(network.output)
    population = compiled.program.populations[output]
    chosen, rows = np.ones(1, dtype=bool), np.array([example])
    engine = compiled.engine
    result = engine.forward(
        Batch({source: part.events}, rows),
        RecordRequest(chosen, variables=frozenset([(output, "V")])),
    )
    loss = compiled.losses[network.output]
    gradient = evaluate(loss, population, result, part.labels[rows], compiled.trial)[1]
    backward = engine.backward(
        {output: gradient}, RecordRequest(chosen, variables=frozenset([(output, "LambdaV")]))
    )
    voltages = result.recording.variables[output, "V"][0]
    return np.array(voltages), np.array(backward.variables[output, "LambdaV"][0])


def _accuracy(compiled: CompiledTrainingNetwork, network: ClassifierNetwork, part: Part) -> float:
    outputs, _ = compiled.predict({network.input: part.events}, network.output, callbacks=[])
    return float(np.mean(np.argmax(outputs[network.output], axis=1) == part.labels))


_NO_HIDDEN = "there is no hidden layer"

TASK = Task(
    name="sequence_detection",
    description=__doc__,
    settings=lambda config: sequence_settings(),
    load=_load,
    build=lambda settings, data: build_network(settings),
    data=DataSettings(),
    defaults={"hidden": ()},
    quick={"hidden": (), "epochs": 4, "batch_size": 8},
    without={
        "kind": "its data are generated",
        "data_dir": "its data are generated",
        "hidden": "inputs are connected to outputs",
        "recurrent": _NO_HIDDEN,
        "recurrent_delays": _NO_HIDDEN,
        "lr": "weights are frozen",
    },
    compiler_arguments=lambda settings: {"weight_learn_conns": []},
    observe=CoursePicture,
)
