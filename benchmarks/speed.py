"""Speed of training on the CPU engine: whole epochs (loss, optimiser, shuffling, Python).

    python benchmarks/speed.py                      everything, about 4 minutes
    python benchmarks/speed.py --only dense silent  some of it
    python benchmarks/speed.py --json speed.json    and the figures as JSON

dense    recurrent, 256 hidden, learned delays up to 256 steps, T = 1300, input like the
         Spiking Heidelberg Digits (700 channels, 8,000 events a trial): ns per synaptic
         event, forward plus backward, on 1 and 2 threads
sharing  the same network without delays, with one learned delay per axon, per dendrite and per
         synapse, measured in turn: ms of one thread per training example
convolution  one layer of 5 x 5 kernels, T = 100, without delays and with learned ones that are
         shared like the weights: ns of one thread per synaptic event, of prediction and training
silent   the same network without input: ns per neuron and timestep
constants  the same network, without input and with it, with time constants, thresholds and resets
         that are numbers, those of single neurons, or learned, measured in turn: ms of one thread
         per training example
braille  real Braille letters (24 channels, 41 events a trial), T = 1304, batch 32, at 5 and
         at 10 hidden spikes per neuron: ms of one thread per training example
compile  seconds to compile the dense network, the first time and from the cache
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
from common import (
    Constants,
    EpochTimes,
    Size,
    build,
    calibrate,
    median,
    random_spikes,
    report,
    time_epochs,
)

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.callbacks import Callback
from mlgenn_delays.compilers import EventPropCompiler
from mlgenn_delays.connectivity import Axonal, Conv2D, Dendritic, Dense
from mlgenn_delays.datasets import BrailleNotFoundError, load_braille
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.synapses import Exponential

DENSE = Size(inputs=700, hidden=256, outputs=20, timesteps=1300, batch=32)
BRAILLE = Size(inputs=24, hidden=256, outputs=27, timesteps=1304, batch=32)


def dense(repeats: int) -> list[dict[str, Any]]:
    """Nanoseconds per synaptic event on one and two threads, measured in turn."""
    x, y = random_spikes(DENSE, 128, 8000), np.arange(128) % DENSE.outputs
    weight = Normal(0.03, 0.01)
    networks = {threads: build(DENSE, threads, weight) for threads in (1, 2)}
    times: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(repeats):
        for threads, built in networks.items():
            seconds, counter = time_epochs(built, x, y, 1)
            times[threads] += seconds
    events = counter.synaptic_events / counter.examples
    return [
        {
            "threads": threads,
            "ms per example": 1e3 * median(seconds),
            "hidden spikes per neuron": counter.spikes_per_neuron,
            "ns per synaptic event": 1e9 * median(seconds) / events,
            "speed against 1 thread": median([a / b for a, b in zip(times[1], seconds)]),
        }
        for threads, seconds in times.items()
    ]


def sharing(repeats: int) -> list[dict[str, Any]]:
    """Milliseconds per example of one thread, by what delays belong to."""
    x, y = random_spikes(DENSE, 32, 8000), np.arange(32) % DENSE.outputs
    drawn = Uniform(0, DENSE.max_delay)
    delays = {"none": 0, "axons": Axonal(drawn), "dendrites": Dendritic(drawn), "synapses": drawn}
    # weights are not trained ones: without delays, gradients would grow beyond all numbers
    networks = {
        name: build(DENSE, 1, Normal(0.03, 0.01), delay=delay, i_minus_thresh_min=0.5)
        for name, delay in delays.items()
    }
    times: dict[str, list[float]] = {name: [] for name in networks}
    counters = {}
    for _ in range(repeats):
        for name, built in networks.items():
            seconds, counters[name] = time_epochs(built, x, y, 1)
            times[name] += seconds
    return [
        {
            "delays of": name,
            "ms per example": 1e3 * median(seconds),
            "hidden spikes per neuron": counters[name].spikes_per_neuron,
            "time against none": median([b / a for a, b in zip(times["none"], seconds)]),
        }
        for name, seconds in times.items()
    ]


@dataclass(frozen=True)
class Layer:
    """One convolution, from spikes that are given."""

    source: tuple[int, int, int]
    filters: int
    events: int

    def size(self) -> Size:
        """Its sizes, those of the target left out."""
        return Size(math.prod(self.source), 0, 10, timesteps=100, batch=32)

    def compile(self, delay: Any) -> tuple[Any, Population, Population, Connection]:
        """Network of one thread; learning rates of 0 keep its activity as it is."""
        learned = not isinstance(delay, int)
        network = Network()
        with network:
            source = Population(SpikeInput(), self.source)
            hidden = Population(LeakyIntegrateFire(tau_mem=20.0))
            output = Population(LeakyIntegrate(tau_mem=20.0, readout="avg_var"), 10)
            shared = Conv2D(Normal(0.1, 0.5), self.filters, 5, delay=delay)
            layer = Connection(source, hidden, shared, Exponential(5.0),
                               max_delay_steps=20 if learned else None)  # fmt: skip
            Connection(hidden, output, Dense(Normal(0, 0.03)), Exponential(5.0))
        compiler = EventPropCompiler(
            self.size().timesteps,
            "sparse_categorical_crossentropy",
            Adam(0.0),
            delay_learn_conns=[layer] if learned else [],
            batch_size=32,
            num_threads=1,
        )
        return compiler.compile(network), source, output, layer


class CountSynapticEvents(Callback):
    """Counts spikes times the synapses that they reach, over all connections."""

    def set_params(self, compiled_network: Any, **kwargs: Any) -> None:
        self._network, self.events = compiled_network, 0

    def on_batch_end(self, batch: int, metrics: Any) -> None:
        network = self._network
        for c, of in zip(network.program.connections, network.connection_populations):
            counts = network.spike_counts[of.source()].sum(axis=0)
            targets = c.target_size
            if c.is_sparse:
                targets = np.bincount(c.pre_ind, minlength=c.source_size)
            self.events += int(np.sum(counts * targets))


def convolution(repeats: int) -> list[dict[str, Any]]:
    """Nanoseconds per synaptic event of one thread."""
    layers = {
        "28 x 28 x 1 to 24 x 24 x 16": Layer((28, 28, 1), 16, 3000),
        "12 x 12 x 16 to 8 x 8 x 32": Layer((12, 12, 16), 32, 3000),
    }
    rows = []
    for name, layer in layers.items():
        x, y = random_spikes(layer.size(), 64, layer.events), np.arange(64) % 10
        for delays, delay in {"none": 0, "learned": Uniform(0, 20)}.items():
            compiled, source, output, _ = layer.compile(delay)
            counter, times = CountSynapticEvents(), EpochTimes()
            data = {source: x}, {output: y}
            with compiled:
                predicting = []
                for _ in range(repeats + 1):
                    start = time.perf_counter()
                    compiled.evaluate(*data, callbacks=[])
                    predicting.append(time.perf_counter() - start)
                compiled.train(*data, repeats + 1, callbacks=[times, counter])
            events = counter.events / (repeats + 1)
            rows.append(
                {
                    "layer": name,
                    "delays": delays,
                    "events per example": events / 64,
                    "prediction, ns per event": 1e9 * median(predicting[1:]) / events,
                    "training, ns per event": 1e9 * median(times.seconds[1:]) / events,
                }
            )
    return rows


def silent(repeats: int) -> list[dict[str, Any]]:
    """Nanoseconds per neuron and timestep when nothing spikes."""
    x, y = random_spikes(DENSE, 256, 0), np.zeros(256, dtype=int)
    seconds, counter = time_epochs(build(DENSE, 1, Normal(0.03, 0.01)), x, y, repeats)
    assert counter.synaptic_events == 0
    steps = DENSE.timesteps * (DENSE.hidden + DENSE.outputs)
    return [
        {
            "ms per example": 1e3 * median(seconds),
            "ns per neuron and step": 1e9 * median(seconds) / steps,
        }
    ]


def constants(repeats: int) -> list[dict[str, Any]]:
    """Milliseconds per example of one thread, by what time constants and thresholds are. With other
    thresholds other spikes are emitted: with input, what an event takes counts."""
    networks = {
        kind: build(DENSE, 1, Normal(0.03, 0.01), constants=kind, i_minus_thresh_min=0.5)
        for kind in get_args(Constants)
    }
    rows = []
    for events, examples in ((0, 128), (8000, 16)):
        x, y = random_spikes(DENSE, examples, events), np.arange(examples) % DENSE.outputs
        times: dict[str, list[float]] = {kind: [] for kind in networks}
        counters = {}
        for _ in range(repeats):
            for kind, built in networks.items():
                seconds, counters[kind] = time_epochs(built, x, y, 1)
                times[kind] += seconds
        for kind, seconds in times.items():
            base = times["numbers of connections"]
            rows.append(
                {
                    "input spikes": events,
                    "constants": kind,
                    "ms per example": 1e3 * median(seconds),
                    "time against numbers": median([b / a for a, b in zip(base, seconds)]),
                    "ns per synaptic event": 1e9
                    * median(seconds)
                    * examples
                    / max(counters[kind].synaptic_events, 1)
                    if events
                    else "",
                }
            )
    return rows


def braille(repeats: int) -> list[dict[str, Any]]:
    """Milliseconds per example of the real Braille data at two activities."""
    data = load_braille("real", threshold=10)
    x, y = data.spikes[::4], np.asarray(data.labels)[::4]
    rows = []
    for target in (5.0, 10.0):
        built = build(BRAILLE, 1, calibrate(BRAILLE, x, y, target))
        seconds, counter = time_epochs(built, x, y, repeats)
        rows.append(
            {
                "hidden spikes per neuron": counter.spikes_per_neuron,
                "ms per example": 1e3 * median(seconds),
                "ns per synaptic event": 1e9
                * median(seconds)
                / (counter.synaptic_events / counter.examples),
            }
        )
    return rows


def compilation(repeats: int) -> list[dict[str, Any]]:
    """Seconds from description to running network, first time and from the cache."""
    first: list[float] = []
    cached: list[float] = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as cache:
            os.environ["MLGENN_DELAYS_CACHE"] = cache
            for times in (first, cached):
                start = time.perf_counter()
                with build(DENSE, 1, Normal(0.03, 0.01)).compiled:
                    times.append(time.perf_counter() - start)
    del os.environ["MLGENN_DELAYS_CACHE"]
    return [{"first time, s": median(first), "from the cache, s": median(cached)}]


PARTS = {
    "dense": ("SHD-like input, recurrent 256 hidden, learned delays up to 256 steps", dense),
    "sharing": ("The same network, by what its delays belong to, one thread", sharing),
    "convolution": ("One layer of 5 x 5 kernels, one thread", convolution),
    "silent": ("The same network without input", silent),
    "constants": ("The same network, by what its time constants are, one thread", constants),
    "braille": ("Real Braille letters, recurrent 256 hidden, one thread", braille),
    "compile": ("Compilation", compilation),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to run"
    )
    parser.add_argument(
        "--repeats", type=int, default=7, help="runs of which the median counts (7)"
    )
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    arguments = parser.parse_args()
    for name in arguments.only:
        title, part = PARTS[name]
        try:
            report(title, part(arguments.repeats), arguments.json)
        except BrailleNotFoundError as error:
            print(f"\n{title}\n\nskipped: {error}")


if __name__ == "__main__":
    main()
