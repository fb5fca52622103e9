"""Threads that hammer networks with public calls, in a process of its own.

    python thread_scenarios.py SCENARIO BACKEND SEED SECONDS

Prints a JSON list of what was lost and how many calls were made. A crash is seen by who started it.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from tally import undocumented
from trained_networks import compile_recurrent, describe_recurrent, make_spikes

from mlgenn_delays.program.exchange import Batch
from mlgenn_delays.training.data import prepare

THREADS = 4


class Hammer:
    """Random calls of one network."""

    def __init__(self, net: SimpleNamespace, network: Any, rng: np.random.Generator):
        self.net, self.network, self.rng = net, network, rng
        self.state = network.training_state()
        self.variables = [
            v for c in network.connection_populations.values() for v in c.vars.values()
        ]
        x, y = make_spikes(9, 8)
        self.x, self.y = x, y
        self.calls = [
            self.train, self.evaluate, self.predict, self.gradients, self.save, self.load,
            self.pull, self.push, self.close, self.use, self.engine, self.old_engine, self.norms,
        ]  # fmt: skip
        self.batch = prepare(network._built, *self.data(4)).batches(4)[0]
        self.kept = network.engine

    def data(self, most: int = 9) -> tuple[dict[Any, Any], dict[Any, Any]]:
        size = int(self.rng.integers(1, most + 1))
        return {self.net.x: self.x[:size]}, {self.net.y: self.y[:size]}

    def call(self) -> None:
        self.calls[self.rng.integers(len(self.calls))]()

    def train(self) -> None:
        self.network.train(*self.data(), 1, callbacks=[])

    def evaluate(self) -> None:
        self.network.evaluate(*self.data(), callbacks=[])

    def predict(self) -> None:
        self.network.predict(self.data()[0], self.net.y, callbacks=[])

    def gradients(self) -> None:
        self.network.gradients(*self.data(4))

    def norms(self) -> None:
        self.network.gradient_norms()
        self.network.memory_estimate()

    def save(self) -> None:
        self.network.training_state()

    def load(self) -> None:
        self.network.load_training_state(self.state)

    def pull(self) -> None:
        self.variables[self.rng.integers(len(self.variables))].pull_from_device()

    def push(self) -> None:
        self.variables[self.rng.integers(len(self.variables))].push_to_device()

    def close(self) -> None:
        self.network.__exit__(None, None, None)

    def use(self) -> None:
        with self.network:
            self.predict()

    def engine(self) -> None:
        self.run_engine(self.network.engine)

    def old_engine(self) -> None:
        self.run_engine(self.kept)
        if self.rng.random() < 0.2:
            self.kept.close()
            self.kept = self.network.engine

    def run_engine(self, engine: Any) -> None:
        indices = np.arange(self.rng.integers(1, self.batch.size + 1))
        result = engine.forward(Batch(self.batch.inputs, indices))
        data = prepare(self.network._built, {self.net.x: self.x[:4]}, {self.net.y: self.y[:4]})
        small = Batch(data.inputs, indices)
        _, gradients = self.network.evaluate_losses(result, data, small)
        try:
            engine.backward(gradients)
        except RuntimeError as error:  # another thread has been there in between
            if "needs a forward pass" not in str(error):
                raise
        engine.apply_gradients(self.network._rules, 3)
        if hasattr(engine, "spikes"):
            engine.spikes(int(self.rng.integers(-1, 3)), int(self.rng.integers(0, 3)))
        engine.set_parameters(engine.get_parameters())
        engine.set_optimiser_state(engine.optimiser_state())


def run_threads(works: list[Callable[[], None]], seconds: float) -> tuple[int, list[str]]:
    """Each in a thread of its own, again and again; number of calls, and what was lost."""
    end, lost, counts = time.monotonic() + seconds, [], [0] * len(works)

    def run(index: int) -> None:
        while time.monotonic() < end:
            counts[index] += 1
            try:
                works[index]()
            except Exception as error:
                problem = undocumented(error)
                if problem is not None:
                    lost.append(problem)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts), lost


def one_network(backend: str, rng: np.random.Generator, seconds: float) -> tuple[int, list[str]]:
    """Any calls, from all threads."""
    net = describe_recurrent()
    network = compile_recurrent(net, backend, num_threads=2)
    hammers = [Hammer(net, network, child) for child in rng.spawn(THREADS)]
    return run_threads([hammer.call for hammer in hammers], seconds)


def predictions(backend: str, rng: np.random.Generator, seconds: float) -> tuple[int, list[str]]:
    """All threads find what one of them finds alone, though the network is closed in between."""
    net = describe_recurrent()
    network = compile_recurrent(net, backend, num_threads=2)
    x, y = make_spikes(9, 8)

    def find(size: int) -> list[np.ndarray]:
        part = {net.x: x[:size]}, {net.y: y[:size]}
        loss, gradients = network.gradients(*part)
        predicted = network.predict(part[0], net.y, callbacks=[])[0][net.y]
        return [predicted, np.array(loss), *(g for c in gradients.values() for g in c.values())]

    expected = {size: find(size) for size in range(1, 5)}
    wrong: list[str] = []

    def work(child: np.random.Generator) -> Callable[[], None]:
        def call() -> None:
            size = int(child.integers(1, 5))
            if child.random() < 0.1:
                network.__exit__(None, None, None)
            if not all(map(np.array_equal, find(size), expected[size])):
                wrong.append(f"another result for {size} examples")

        return call

    count, lost = run_threads([work(child) for child in rng.spawn(THREADS)], seconds)
    return count, lost + wrong


def several_networks(
    backend: str, rng: np.random.Generator, seconds: float
) -> tuple[int, list[str]]:
    """Networks of one program, a thread for each: they train as they do alone."""
    net = describe_recurrent()
    sets = [make_spikes(8, 8, seed) for seed in range(THREADS)]
    state: Any = None
    trained: dict[int, list[np.ndarray]] = {}
    wrong: list[str] = []

    def train(index: int) -> None:
        x, y = sets[index]
        with compile_recurrent(net, backend, num_threads=1) as network:
            network.load_training_state(state)
            network.train({net.x: x}, {net.y: y}, 2, callbacks=[])
            found = network.engine.get_parameters()
        known = trained.setdefault(index, found)
        if not all(map(np.array_equal, known, found)):
            wrong.append(f"data set {index} trains to another result")

    state = compile_recurrent(net, backend, num_threads=1).training_state()
    for index in range(THREADS):
        train(index)
    count, lost = run_threads([lambda i=i: train(i) for i in range(THREADS)], seconds)
    return count, lost + wrong


SCENARIOS = {f.__name__: f for f in (one_network, predictions, several_networks)}

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    name, backend_name, seed, seconds_each = sys.argv[1:]
    generator = np.random.default_rng(int(seed))
    tried, lost_calls = SCENARIOS[name](backend_name, generator, float(seconds_each))
    print(json.dumps({"tried": tried, "lost": lost_calls}))
