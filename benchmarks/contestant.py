"""One contestant of ``backends.py`` in a process of its own: mlGeNN, or this package.

Both get the same description, written once below with the names that they share; what is
imported, ``ml_genn`` or ``mlgenn_delays``, is part of the task. Weights, delays, spikes and
labels come from one file.

    python benchmarks/contestant.py '{"root": "mlgenn_delays", "phase": "train", ...}'

Compiles the network, then trains one epoch for every line of standard input. Answers are lines
of JSON on standard output: how long it took until the network was ready, how long each epoch
took, and at the end the peak memory. In the phase "count", spikes are recorded too.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

#: What is needed of either package: module -> names.
NAMES = {
    "": ("Connection", "Network", "Population"),
    ".callbacks": ("Callback", "SpikeRecorder"),
    ".compilers": ("EventPropCompiler",),
    ".compilers.event_prop_compiler": ("default_params",),
    ".connectivity": ("Dense",),
    ".neurons": ("LeakyIntegrate", "LeakyIntegrateFire", "SpikeInput"),
    ".optimisers": ("Adam",),
    ".synapses": ("Exponential",),
    ".utils.data": ("PreprocessedSpikes",),
}


@dataclass(frozen=True)
class Described:
    """A network in the classes of either package."""

    network: Any
    input: Any
    hidden: Any
    output: Any
    delayed: list[Any]  #: connections whose delays are learned


def load_package(root: str) -> Any:
    """The classes of ``ml_genn`` or ``mlgenn_delays``."""
    return SimpleNamespace(
        **{
            name: getattr(import_module(root + module), name)
            for module, names in NAMES.items()
            for name in names
        }
    )


def describe(p: Any, task: dict[str, Any], arrays: Any) -> Described:
    """Recurrent hidden layer, learned delays on both connections into it."""
    constants, ends = task["constants"], arrays["end_spikes"]
    weight = {name: arrays[f"{name}_weight"] for name in ("input", "recurrent", "output")}
    network = p.Network(p.default_params)
    with network:
        spikes_of_a_batch = task["batch"] * int(np.max(ends[:, -1]))
        source = p.Population(p.SpikeInput(max_spikes=spikes_of_a_batch), ends.shape[1])
        hidden = p.Population(
            p.LeakyIntegrateFire(v_thresh=constants["v_thresh"], tau_mem=constants["tau_mem"]),
            len(weight["recurrent"]),
            record_spikes=task["phase"] == "count",
        )
        readout = p.LeakyIntegrate(
            tau_mem=constants["tau_mem_output"], readout=constants["readout"]
        )
        output = p.Population(readout, weight["output"].shape[1])
        delayed = [
            p.Connection(
                population,
                hidden,
                p.Dense(weight[name], arrays[f"{name}_delay"]),
                p.Exponential(constants["tau_syn"]),
                max_delay_steps=task["max_delay"],
            )
            for name, population in (("input", source), ("recurrent", hidden))
        ]
        synapse = p.Exponential(constants["tau_syn_output"])
        p.Connection(hidden, output, p.Dense(weight["output"]), synapse)
    return Described(network, source, hidden, output, delayed)


def compile_network(p: Any, task: dict[str, Any], described: Described) -> Any:
    """Compiled network, not entered yet."""
    compiler = p.EventPropCompiler(
        task["timesteps"],
        "sparse_categorical_crossentropy",
        # optimisers work, but leave the parameters, and so the activity, as they are
        p.Adam(0.0),
        delay_optimiser=p.Adam(0.0),
        delay_learn_conns=described.delayed,
        batch_size=task["batch"],
        max_spikes=task["max_spikes"],
        strict_buffer_checking=task["phase"] == "count",  # a lost spike ends the process
        **task["arguments"],
    )
    return compiler.compile(described.network, name="benchmark")


def get_spikes(p: Any, arrays: Any) -> list[Any]:
    """Input spikes as either package takes them, one entry per example."""
    ends = arrays["end_spikes"]
    times = np.split(arrays["spike_times"], np.cumsum(ends[:, -1])[:-1])
    return [p.PreprocessedSpikes(e, t) for e, t in zip(ends, times)]


def peak() -> float:
    """Peak resident memory of this process [MB]."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage counts what the parent had, too
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def epoch_times(p: Any) -> Any:
    """Callback with the seconds of each epoch."""

    class EpochTimes(p.Callback):
        def __init__(self) -> None:
            self.seconds: list[float] = []

        def on_epoch_begin(self, epoch: int) -> None:
            self._start = time.perf_counter()

        def on_epoch_end(self, epoch: int, metrics: Any) -> None:
            self.seconds.append(time.perf_counter() - self._start)

    return EpochTimes()


def run(task: dict[str, Any], answer: Any) -> None:
    """Compile, then train an epoch per line of input."""
    p = load_package(task["root"])
    arrays = dict(np.load(task["arrays"]))
    x, labels = get_spikes(p, arrays), arrays["labels"]
    base = peak()
    start = time.perf_counter()
    described = describe(p, task, arrays)
    compiled = compile_network(p, task, described)
    with compiled:  # which builds mlGeNN's code
        answer(seconds=time.perf_counter() - start)
        times = epoch_times(p)
        callbacks = [times]
        if task["phase"] == "count":
            callbacks.append(p.SpikeRecorder(described.hidden, "spikes", record_counts=True))
        for epoch, _ in enumerate(sys.stdin):
            data = compiled.train(
                {described.input: x}, {described.output: labels}, 1,
                start_epoch=epoch, shuffle=False, callbacks=callbacks,
            )[-1]  # fmt: skip
            if task["phase"] == "count":
                np.save(task["counts"], np.array(data["spikes"])[: len(x)])
            answer(seconds=times.seconds[-1])
        answer(peak=peak(), base=base)


def main(run: Callable[[dict[str, Any], Callable[..., None]], None] = run) -> None:
    """Run a task of the command line, its answers on standard output."""
    # GeNN's make writes to standard output, which is for answers alone
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(**values: float) -> None:
        print(json.dumps(values), file=output, flush=True)

    run(json.loads(sys.argv[1]), answer)


if __name__ == "__main__":
    main()
