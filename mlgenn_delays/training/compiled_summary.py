"""What a compiled network is, in words: engine, trials, what it learns with which optimisers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..losses import Loss
from ..network_summary import readout_text, shape_text, sizes_text, values_text
from ..optimisers import Optimiser
from ..program.parameters import OwnerKind, ParameterSpec
from ..program.program import ConnectionProgram, PopulationProgram, Program
from ..summary import Summary, Table, bytes_text, parameters_text

#: What parameters of connections and populations are called in texts, by their names.
_KINDS = {"g": "weights", "d": "delays", "sigma": "widths of delays", "p": "widths of delays"}

#: Parameters each with the optimiser that updates them.
Optimised = Sequence[tuple[Optimiser, Sequence[int]]]


def describe_trials(program: Program) -> str:
    """Length of trials, their timesteps, and examples per batch."""
    timing = ", spikes anywhere within timesteps" if program.is_substep else ""
    return (
        f"{program.duration:g} ms, {program.timesteps:,} timesteps of {program.dt:g} ms{timing}; "
        f"batches of up to {program.batch_size:,}"
    )


def describe_engine(name: str, num_threads: int) -> str:
    """Engine and its threads."""
    return f"{name}, {num_threads} thread{'s' * (num_threads != 1)}"


def describe_learning(program: Program, optimised: Optimised) -> list[str]:
    """What is learned, a text for each optimiser and kind of parameter; none: nothing."""
    texts = []
    for optimiser, parameters in optimised:
        by_kind: dict[str, list[ParameterSpec]] = {}
        for spec in (program.parameters[i] for i in parameters):
            by_kind.setdefault(spec.name, []).append(spec)
        for name, specs in by_kind.items():
            texts.append(f"{_kind(name)} of {_owners(specs, program)} ({_short(optimiser)})")
    return texts


def _kind(name: str) -> str:
    return _KINDS.get(name, name)


def _owners(specs: Sequence[ParameterSpec], program: Program) -> str:
    kind = specs[0].owner.kind
    of = program.connections if kind is OwnerKind.CONNECTION else program.neurons
    if len(specs) == len(of) > 1:
        return f"{'both' if len(of) == 2 else f'all {len(of)}'} {kind.value}s"
    return ", ".join(f"'{spec.owner.name}'" for spec in specs)


def _short(optimiser: Optimiser) -> str:
    """An optimiser and its learning rate as it is now."""
    alpha = getattr(optimiser, "alpha", None)
    name = type(optimiser).__name__
    return f"{name}, alpha {alpha:g}" if isinstance(alpha, (int, float)) else name


def describe_compiled(kind: str, program: Program, engine: str, learning: Sequence[str]) -> str:
    """A compiled network in some lines."""
    first, *further = learning or ["nothing"]
    lines = [
        f"{kind} on {engine}",
        f"  trials  {describe_trials(program)}",
        f"  learns  {first}",
        *(f"          {text}" for text in further),
    ]
    return "\n".join(lines)


def summarise_compiled(
    kind: str,
    program: Program,
    values: Sequence[np.ndarray],
    losses: Mapping[int, Loss],
    facts: Mapping[str, str],
) -> Summary:
    """See :meth:`.CompiledNetwork.summary`.

    Args:
        kind: name of the network's class
        program: what was compiled
        values: of all parameters, as they are now
        losses: by output population
        facts: what else there is to say
    """
    neurons = sum(p.size for p in program.neurons)
    title = sizes_text(kind, len(program.populations), len(program.connections), neurons)
    parameters = _count_parameters(program)
    learned = sum(spec.size for spec in program.parameters if spec.learned)
    facts = {"parameters": f"{parameters_text(parameters)}; {learned:,} are learned", **facts}
    populations = Table(
        "Populations",
        ("name", "neurons", "model", "tau_mem [ms]", "per neuron", "learned", "readout", "loss"),
        tuple(_population(p, program, values, losses) for p in program.populations),
        frozenset(["neurons", "tau_mem [ms]"]),
    )
    connections = Table(
        "Connections",
        (
            "name",
            "from -> to",
            "synapses",
            "tau [ms]",
            "weights",
            "bounds of weights",
            "delays [ms]",
            "learned",
        ),
        tuple(_connection(c, program, values) for c in program.connections),
        frozenset(["synapses", "tau [ms]"]),
    )
    return Summary(title, (populations, connections), facts, parameters)


def _count_parameters(program: Program) -> dict[str, int]:
    counts = {"weights": 0, "delays": 0}
    for spec in program.parameters:
        if spec.fixed:
            continue
        kind = _kind(spec.name)
        counts[kind] = counts.get(kind, 0) + spec.size
    return counts


def _population(
    population: PopulationProgram,
    program: Program,
    values: Sequence[np.ndarray],
    losses: Mapping[int, Loss],
) -> tuple[str, ...]:
    loss = losses.get(population.index)
    model = population.model
    tau: Any = None if model is None else model.params.get("TauM")
    of_neurons = {
        c: i for c, i in program.own_parameters(population).items() if c in population.own
    }
    if "TauM" in of_neurons:
        tau_text = values_text(np.asarray(values[of_neurons["TauM"]]))
    else:
        tau_text = f"{tau:g}" if isinstance(tau, (int, float)) else ""
    specs = [program.parameters[i] for i in of_neurons.values()]
    further = [
        f"{program.parameters[i].name} {values_text(np.asarray(values[i]))}"
        for constant, i in of_neurons.items()
        if constant != "TauM"
    ]
    return (
        population.name,
        shape_text(population.shape),
        population.neuron,
        tau_text,
        ", ".join(further),
        ", ".join(spec.name for spec in specs if spec.learned),
        _readout(population, program.dt),
        "" if loss is None else repr(loss),
    )


def _readout(population: PopulationProgram, dt: float) -> str:
    readout = population.readout
    if readout is None:
        return ""
    first, end = (None, None) if readout.window is None else (n * dt for n in readout.window)
    return readout_text(readout.name, first, end)


def _bounds(spec: ParameterSpec) -> str:
    """Smallest and largest weight allowed, and whether each keeps its sign."""
    if not spec.is_bounded:
        return ""
    low, high = map(np.asarray, spec.bounds)
    least, most = float(low.min(initial=math.inf)), float(high.max(initial=-math.inf))
    parts = []
    if math.isfinite(least) and math.isfinite(most):
        parts.append(f"{_short_number(least)} to {_short_number(most)}")
    elif math.isfinite(least) or math.isfinite(most):
        least_or_most = f"at least {_short_number(least)}"
        parts.append(least_or_most if math.isfinite(least) else f"at most {_short_number(most)}")
    if spec.has_entry_bounds:
        one_sign = bool(np.all((low >= 0.0) | (high <= 0.0)))
        parts.append("signs kept" if one_sign else "by entry")
    return ", ".join(parts)


def _short_number(value: float) -> str:
    # a weight that keeps its sign may come as close to 0 as single precision allows
    return "0" if abs(value) < 1e-30 else f"{value:.3g}"


def _connection(
    connection: ConnectionProgram, program: Program, values: Sequence[np.ndarray]
) -> tuple[str, ...]:
    ends = (program.populations[i].name for i in (connection.source, connection.target))
    if connection.delay is None:
        delays = f"{connection.constant_delay * program.dt:g} for all"
    else:
        spec = program.parameters[connection.delay]
        # of synapses, whose delays may be sums of several
        delays = values_text(spec.expand(values[connection.delay]).astype(np.float64) * program.dt)
        if connection.axonal_delays:
            delays += ", one per axon"
        elif spec.map is not None:
            delays += f", {spec.size:,} shared"
    own = program.own_parameters(program.populations[connection.target])
    tau = own.get(f"TauSyn{connection.receptor}")
    weights = program.parameters[connection.weight]
    shared = "" if weights.map is None else f", {weights.size:,} shared"
    learned = [
        _kind(program.parameters[i].name)
        for i in (connection.weight, connection.delay, tau)
        if i is not None and program.parameters[i].learned
    ]
    if tau is not None:
        tau_text = values_text(np.asarray(values[tau]))
    else:
        tau_text = f"{connection.tau_syn:g}" if connection.tau_syn else "delta"
    return (
        connection.name,
        " -> ".join(ends),
        f"{connection.num_synapses:,}",
        tau_text,
        f"{values_text(np.asarray(values[connection.weight]))}{shared}",
        _bounds(weights),
        delays,
        ", ".join(learned) or "nothing",
    )


def memory_text(memory: Mapping[str, int]) -> str:
    """Memory in all, and what takes most of it."""
    largest = sorted(((size, name) for name, size in memory.items() if size), reverse=True)[:3]
    parts = ", ".join(f"{name} {bytes_text(size)}" for size, name in largest)
    return f"{bytes_text(sum(memory.values()))} ({parts}) without spikes and data"
