"""What the benchmarks share: the network they train, timing, tables, JSON."""

from __future__ import annotations

import json
import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

import mlgenn_delays
from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.callbacks import Callback
from mlgenn_delays.compilers import EventPropCompiler
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.initializers import LogUniform, Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.utils.data import PreprocessedSpikes, preprocess_spikes

#: What time constants, thresholds and resets of hidden neurons, and time constants of synapses
#: are: numbers, those of synapses all the same or others for each connection; or those of single
#: neurons.
Constants = Literal["numbers", "numbers of connections", "one per neuron", "learned"]


@dataclass(frozen=True)
class Size:
    """A recurrent network with learned delays on both connections into the hidden layer."""

    inputs: int
    hidden: int
    outputs: int
    timesteps: int
    batch: int
    max_delay: int = 256
    recurrent: bool = True


class CountEvents(Callback):
    """Counts spikes and synaptic events (one spike on one synapse) of a training epoch."""

    def __init__(self, size: Size, input_population: Population, hidden: Population) -> None:
        self._size, self._input, self._hidden = size, input_population, hidden
        self.examples = self.input_spikes = self.hidden_spikes = 0

    def set_params(self, compiled_network: Any, **kwargs: Any) -> None:
        self._network = compiled_network

    def on_batch_end(self, batch: int, metrics: Any) -> None:
        counts = self._network.spike_counts
        self.examples += len(counts[self._hidden])
        self.input_spikes += int(np.sum(counts[self._input]))
        self.hidden_spikes += int(np.sum(counts[self._hidden]))

    @property
    def synaptic_events(self) -> int:
        """Spikes times the synapses they reach."""
        targets = self._size.outputs + (self._size.hidden if self._size.recurrent else 0)
        return self.input_spikes * self._size.hidden + self.hidden_spikes * targets

    @property
    def spikes_per_neuron(self) -> float:
        """Mean hidden spikes per neuron and example."""
        return self.hidden_spikes / self.examples / self._size.hidden


@dataclass
class Built:
    """A compiled network with its populations."""

    compiled: Any
    input: Population
    hidden: Population
    output: Population
    size: Size
    network: Network


def build(
    size: Size,
    threads: int,
    input_weight: Normal,
    backend: str = "cpu",
    delay: Any = None,
    constants: Constants = "numbers",
    **settings: Any,
) -> Built:
    """Compile the benchmark network; learning rates of 0 keep its activity as it is. ``delay`` is
    that of both connections into the hidden layer: None: drawn for each synapse; a number is not
    learned. ``settings`` are further ones of the compiler."""
    delay = Uniform(0, size.max_delay) if delay is None else delay
    learned = not isinstance(delay, int)
    longest = size.max_delay if learned else None
    tau_mem, taus, others = _constants(constants)
    network = Network()
    with network:
        source = Population(SpikeInput(), size.inputs, name="input")
        hidden = Population(
            LeakyIntegrateFire(tau_mem=tau_mem, **others), size.hidden, name="hidden"
        )
        readout = LeakyIntegrate(tau_mem=20.0, readout="avg_var_exp_weight")
        output = Population(readout, size.outputs, name="output")
        delayed = [
            Connection(source, hidden, Dense(input_weight, delay), Exponential(taus[0]),
                       max_delay_steps=longest)
        ]  # fmt: skip
        if size.recurrent:
            delayed.append(
                Connection(hidden, hidden, Dense(Normal(0, 0.3 / size.hidden**0.5), delay),
                           Exponential(taus[1]), max_delay_steps=longest)
            )  # fmt: skip
        Connection(hidden, output, Dense(Normal(0, 0.03)), Exponential(5.0))
    if constants == "learned":
        settings["neuron_learn_params"] = {hidden: ["tau_mem", "v_thresh", "v_reset"]}
        settings["synapse_learn_params"] = {c: ["tau"] for c in delayed}
    compiler = EventPropCompiler(
        size.timesteps,
        "sparse_categorical_crossentropy",
        Adam(0.0),
        delay_optimiser=Adam(0.0) if learned else None,
        delay_learn_conns=delayed if learned else [],
        batch_size=size.batch,
        rng_seed=1,
        backend=backend,
        num_threads=threads,
        **settings,
    )
    return Built(compiler.compile(network), source, hidden, output, size, network)


def _constants(kind: Constants) -> tuple[Any, tuple[Any, Any], dict[str, Any]]:
    """tau_mem, tau of both connections into the hidden layer, threshold and reset."""
    if kind == "numbers":
        return 20.0, (5.0, 5.0), {}
    if kind == "numbers of connections":
        return 20.0, (5.0, 6.0), {}
    spread = {"v_thresh": Uniform(0.9, 1.1), "v_reset": Uniform(-0.1, 0.1)}
    return LogUniform(15, 30), (LogUniform(4, 6), LogUniform(5, 7)), spread


def random_spikes(
    size: Size, examples: int, events: int, seed: int = 0
) -> list[PreprocessedSpikes]:
    """``events`` input spikes per example, uniform in time and channel."""
    rng = np.random.default_rng(seed)
    return [
        preprocess_spikes(
            np.sort(rng.uniform(0.0, size.timesteps - 1.0, events)).astype(np.float32),
            rng.integers(0, size.inputs, events),
            size.inputs,
        )
        for _ in range(examples)
    ]


class EpochTimes(Callback):
    """Seconds of each epoch: forward, loss, backward, optimiser and all Python between."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int) -> None:
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, metrics: Any) -> None:
        self.seconds.append(time.perf_counter() - self._start)


def time_epochs(
    built: Built, x: Sequence, y: np.ndarray, repeats: int
) -> tuple[list[float], CountEvents]:
    """Seconds per example of ``repeats`` training epochs; one more before warms up."""
    counter, times = CountEvents(built.size, built.input, built.hidden), EpochTimes()
    callbacks = [times, counter]
    built.compiled.train({built.input: x}, {built.output: y}, repeats + 1, callbacks=callbacks)
    return [seconds / len(x) for seconds in times.seconds[1:]], counter


def calibrate(size: Size, x: Sequence, y: np.ndarray, target: float) -> Normal:
    """Input weights at which hidden neurons spike ``target`` times per example."""
    low, high = 0.01, 30.0
    for _ in range(14):
        mean = (low * high) ** 0.5
        weight = Normal(mean, mean / 2.0)
        with (built := build(size, 2, weight)).compiled:
            counter = CountEvents(size, built.input, built.hidden)
            built.compiled.evaluate(
                {built.input: x[:256]}, {built.output: y[:256]}, callbacks=[counter]
            )
        low, high = (mean, high) if counter.spikes_per_neuron < target else (low, mean)
    return weight


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    model = platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return {
        "processor": model,
        "python": platform.python_version(),
        "system": platform.system(),
        "mlgenn_delays": mlgenn_delays.__version__,
    }


def report(title: str, rows: list[dict[str, Any]], path: Path | None) -> None:
    """Print a table of rows with equal keys and write them to a JSON file."""
    names = list(rows[0])
    cells = [names] + [[_text(row[n]) for n in names] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(names))]
    print(f"\n{title}\n")
    for line in cells:
        print("  ".join(text.rjust(width) for text, width in zip(line, widths)))
    if path is not None:
        known = json.loads(path.read_text()) if path.exists() else {}
        known[title] = rows
        known["machine"] = machine()
        path.write_text(json.dumps(known, indent=2) + "\n")


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def median(values: Sequence[float]) -> float:
    """Median, as a float."""
    return float(statistics.median(values))
