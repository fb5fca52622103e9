"""One contestant of ``methods.py`` in a process of its own: a method, and its network.

    python benchmarks/methods_process.py '{"method": "dcls", "dt": 10, ...}'

Says, when its network is compiled, how long that took and how much memory it is expected to take.
Then it trains or predicts as many samples as a line of standard input says, "train 32" or
"predict 32", and answers with the seconds; at the end with the peak memory.
"""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np
from calls import TestTimes
from common import CountEvents, EpochTimes, Size, random_spikes
from contestant import main, peak

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import EventPropCompiler, SurrogateCompiler
from mlgenn_delays.connectivity import Axonal, Dense
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.synapses import Delta, Exponential, Synapse


@dataclass(frozen=True)
class Method:
    """How a network is trained.

    Attributes:
        surrogate: with surrogate gradients; else EventProp
        recurrent: delays are those between neurons of a layer, else those between layers
        synapse:   of all connections
        drive:     spread of input weights, at which hidden neurons spike about ten times a trial
    """

    surrogate: bool
    recurrent: bool
    synapse: Synapse
    drive: float


#: Surrogate gradients cost the same whatever spikes; the costs of EventProp grow with spikes.
METHODS = {
    "eventprop": Method(False, False, Exponential(5.0), 0.09),
    "dcls": Method(True, False, Delta(), 0.02),
    "eventprop-recurrent": Method(False, True, Exponential(5.0), 0.08),
    "delrec": Method(True, True, Delta(), 0.018),
}


@dataclass
class Described:
    """Two hidden layers; those connections whose delays are learned."""

    network: Network = field(default_factory=Network)
    populations: list[Population] = field(default_factory=list)
    delayed: list[Connection] = field(default_factory=list)


def describe(method: Method, size: Size) -> Described:
    """The network of a method."""
    described = Described()
    populations, delayed = described.populations, described.delayed
    delays, longest = Uniform(0, size.max_delay), size.max_delay
    with described.network:
        populations.append(Population(SpikeInput(), size.inputs))
        for drive in (method.drive, 3 * method.drive):
            weights, layer = Normal(drive / 4, drive), LeakyIntegrateFire(tau_mem=20.0)
            populations.append(Population(layer, size.hidden))
            before, hidden = populations[-2:]
            if method.recurrent:
                # DelRec has one recurrent delay per neuron
                shared = Axonal(delays) if method.surrogate else delays
                among = Dense(Normal(0.0, method.drive), shared)
                Connection(before, hidden, Dense(weights), method.synapse)
                delayed.append(
                    Connection(hidden, hidden, among, method.synapse, max_delay_steps=longest)
                )
            else:
                between = Dense(weights, delays)
                delayed.append(
                    Connection(before, hidden, between, method.synapse, max_delay_steps=longest)
                )
        readout = LeakyIntegrate(tau_mem=20.0, readout="avg_var_exp_weight")
        populations.append(Population(readout, size.outputs))
        Connection(populations[-2], populations[-1], Dense(Normal(0.0, 0.03)), method.synapse)
    return described


def compile_network(method: Method, described: Described, size: Size, task: dict[str, Any]) -> Any:
    """Compiled network, not entered yet."""
    settings: dict[str, Any] = {
        "dt": task["dt"],
        # optimisers work, but leave the parameters, and so the activity, as they are
        "delay_optimiser": Adam(0.0),
        "delay_learn_conns": described.delayed,
        "batch_size": size.batch,
        "num_threads": task["threads"],
    }
    loss = "sparse_categorical_crossentropy"
    if not method.surrogate:
        # weights are not trained ones: gradients through both layers stay finite so
        settings["i_minus_thresh_min"] = 0.5
        compiler: Any = EventPropCompiler(size.timesteps, loss, Adam(0.0), **settings)
        return compiler.compile(described.network)
    compiler = SurrogateCompiler(
        size.timesteps,
        loss,
        Adam(0.0),
        backend=f"torch:{task['device']}",
        **settings,
    )
    return compiler.compile(described.network)


def limit_memory(megabytes: float) -> None:
    """Allow this process so much, so that it ends, and not others; GPUs map more than they use."""
    allowed = int(1e6 * megabytes)
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed))


def run(task: dict[str, Any], answer: Any) -> None:
    """Compile, then do what the lines of input say."""
    method, size = METHODS[task["method"]], Size(**task["size"])
    of_a_trial = Size(size.inputs, size.hidden, size.outputs, task["duration"], size.batch)
    x = random_spikes(of_a_trial, size.batch, task["events"])
    labels = np.arange(size.batch) % size.outputs
    torch = import_module("torch") if method.surrogate else None
    on_gpu = method.surrogate and task["device"] == "cuda"
    if not on_gpu:
        limit_memory(task["memory"])
    base, start = peak(), time.perf_counter()
    described = describe(method, size)
    source, *hidden, output = described.populations
    times, tests = EpochTimes(), TestTimes()
    counters = [CountEvents(size, source, layer) for layer in hidden]
    with compile_network(method, described, size, task) as compiled:
        needed = sum(compiled.memory_estimate().values()) / 1e6
        answer(seconds=time.perf_counter() - start, needed=needed)
        for line in sys.stdin:
            what, number = line.split()
            data = {source: x[: int(number)]}, {output: labels[: int(number)]}
            if what == "predict":
                compiled.evaluate(*data, callbacks=[tests])
                answer(seconds=tests.seconds)
            else:
                compiled.train(*data, 1, callbacks=[times, *counters])
                answer(seconds=times.seconds[-1])
        spikes = float(np.mean([counter.spikes_per_neuron for counter in counters]))
        gpu = torch.cuda.max_memory_allocated() / 1e6 if torch and on_gpu else 0.0
        answer(peak=peak(), base=base, gpu=gpu, spikes=spikes)


if __name__ == "__main__":
    main(run)
