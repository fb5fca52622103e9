"""Programs in a canonical form that JSON can hold: what checkpoints say of their network.

Programs that are equal have the same description, whatever engine runs them. Not in it: what an
engine may choose (threads, spikes to record), ``batch_size``, and what is drawn from a seed or
learned: values of parameters and lists of synapses. Its parts:

- ``dt``, ``populations``, ``connections``, ``parameters``: what predictions follow from, together
  with the values of the parameters;
- ``trial``: timesteps, and the weights of readouts, which depend on them;
- ``gradients``: what only the backward pass knows.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .constants import of_single_neurons
from .model import NeuronModel
from .parameters import ParameterSpec
from .program import ConnectionProgram, PopulationProgram, Program, ReadoutProgram, Receptor

#: What JSON can hold.
Description = dict[str, Any]

#: Code of a model that runs forwards.
_FORWARD = ("sim_code", "threshold_condition_code", "reset_code")

#: Said of time constants that are those of single neurons.
ONE_PER_NEURON = "one per neuron"

#: Constants that engines themselves read.
_ALWAYS_READ = frozenset({"TauM", "Vreset"})


def describe_program(program: Program) -> Description:
    """The canonical form of a program; its order is that of the program and part of it."""
    populations = program.populations
    names = [p.name for p in populations]
    return {
        "dt": number(program.dt),
        # not said of the grid, so that hashes stay what they were
        **({"timing": program.timing} if program.is_substep else {}),
        "populations": {p.name: describe_population(p) for p in populations},
        "connections": {
            c.name: _describe_connection(program, c, names) for c in program.connections
        },
        "parameters": {spec.key: _describe_parameter(spec) for spec in program.parameters},
        "trial": {
            "timesteps": program.timesteps,
            "readouts": {
                p.name: _describe_weights(p.readout) for p in populations if p.readout is not None
            },
        },
        "gradients": {
            "learned": [spec.key for spec in program.parameters if spec.learned],
            "populations": {p.name: _describe_gradients(p) for p in program.neurons},
            **({} if program.surrogate is None else {"surrogate": _describe_surrogate(program)}),
        },
    }


def digest(description: Description) -> str:
    """Hash of a description: the same wherever and whenever it is made."""
    text = json.dumps(description, allow_nan=False, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def describe_population(population: PopulationProgram) -> Description:
    """What a population does forwards."""
    model, readout, own = population.model, population.readout, population.own
    return {
        "neuron": population.neuron,
        "shape": list(population.shape),
        "readout": None if readout is None else readout.name,
        "readout_kind": None if readout is None else readout.kind.value,
        "model": None if model is None else _describe_model(model, own),
        "receptors": [_describe_receptor(r, model, own) for r in population.receptors],
    }


def _describe_model(model: NeuronModel, own: tuple[str, ...]) -> Description:
    # what single neurons have is drawn or learned
    read = _read_forwards(model) - of_single_neurons(model, None, own)
    return {
        "params": _numbers({n: v for n, v in model.params.items() if n in read}),
        "vars": _numbers(model.vars),
        "output_var_name": model.output_var_name,
        **{part: _code(getattr(model, part)) for part in _FORWARD},
        "tau_refrac": number(model.tau_refrac or 0.0),
        "refractory_steps": model.refractory_steps,
    }


def _read_forwards(model: NeuronModel) -> frozenset[str]:
    """Constants that the forward pass depends on: others make gradients alone."""
    snippets = model.snippets()
    return _ALWAYS_READ.union(*(snippets[part].names for part in _FORWARD if part in snippets))


def _describe_receptor(
    receptor: Receptor, neuron: NeuronModel | None, own: tuple[str, ...]
) -> Description:
    model = receptor.model
    left_out = frozenset() if neuron is None else of_single_neurons(neuron, receptor, own)
    return {
        "tau": ONE_PER_NEURON if receptor.own_tau else number(receptor.tau),
        "params": _numbers({n: v for n, v in model.params.items() if n not in left_out}),
        "sim_code": _code(model.sim_code),
        "adjoint_sim_code": _code(model.adjoint_sim_code),
    }


def _describe_connection(
    program: Program, connection: ConnectionProgram, names: Sequence[str]
) -> Description:
    own_tau = program.receptor(connection).own_tau
    return {
        "source": names[connection.source],
        "target": names[connection.target],
        "connectivity": "sparse" if connection.is_sparse else "dense",
        "synapses": connection.num_synapses,
        "delays": "per_synapse" if connection.has_synapse_delays else "constant",
        "max_delay_steps": connection.max_delay_steps,
        "tau_syn": ONE_PER_NEURON if own_tau else number(connection.tau_syn),
    }


def _describe_parameter(spec: ParameterSpec) -> Description:
    return {
        "shape": list(spec.shape),
        "bounds": _describe_bounds(spec),
        "map": None if spec.map is None else digest_of_map(spec.map),
    }


def digest_of_map(entries: np.ndarray) -> str:
    """Hash of a map from synapses or neurons to entries."""
    return hashlib.sha256(np.ascontiguousarray(entries, dtype="<i8").tobytes()).hexdigest()


def _describe_bounds(spec: ParameterSpec) -> list[float | str] | str | None:
    """Bounds that the network says. Those of each entry, and of constants of single neurons, may
    follow from values that are drawn or learned."""
    if spec.constant:
        return None
    return "per_entry" if spec.has_entry_bounds else [number(b) for b in spec.bounds]


def _describe_weights(readout: ReadoutProgram) -> Description:
    """Weights by their sum, their norm and where they lie: the last bits of each one of them
    depend on the processor."""
    weights, density = readout.weights, readout.density
    # not said of whole trials, so that hashes stay what they were
    window = {} if readout.window is None else {"window": list(readout.window)}
    if weights is None:
        return {"weights": None, "density": None, **window}
    steps = np.arange(1, len(weights) + 1)
    totals = np.sum(weights), np.sqrt(np.sum(weights**2)), np.sum(steps * weights)
    return {
        "weights": [number(float(total)) for total in totals],
        "density": None if density is None else [number(density.scale), number(density.tau)],
        **window,
    }


def _describe_gradients(population: PopulationProgram) -> Description:
    model, regulariser = population.dynamics, population.regulariser
    read, adjoint = _read_forwards(model), model.adjoint
    left_out = read | of_single_neurons(model, None, population.own)
    return {
        "params": _numbers({n: v for n, v in model.params.items() if n not in left_out}),
        "vars": _numbers(adjoint.vars),
        "sim_code": _code(adjoint.sim_code),
        "jump_code": _code(adjoint.jump_code),
        "tape": {name: _code(code) for name, code in adjoint.tape.items()},
        "regulariser": None if regulariser is None else _numbers(vars(regulariser)),
    }


def _describe_surrogate(program: Program) -> Description:
    surrogate = program.surrogate
    assert surrogate is not None
    shares = ("dropout", "current_dropout", "recurrent_dropout")
    return {
        "function": surrogate.function,
        "slope": number(surrogate.slope),
        "differentiate_reset": surrogate.differentiate_reset,
        "spreads": {
            c.name: spread.kind
            for c, spread in zip(program.connections, surrogate.spreads, strict=True)
            if spread is not None
        },
        "dropout": {
            p.name: [number(getattr(layer, share)) for share in shares]
            for p, layer in zip(program.populations, surrogate.layers, strict=True)
            if not p.is_input
        },
    }


def _numbers(values: Mapping[str, Any]) -> Description:
    return {name: number(value) for name, value in values.items()}


def number(value: float) -> float | str:
    """A number without the last digits, in which mathematical libraries differ; JSON has no
    infinite ones, they are text."""
    value = float(value)
    return float(f"{value:.12g}") + 0.0 if math.isfinite(value) else str(value)


def _code(text: str) -> str:
    """Code without differences in white space."""
    return " ".join(text.split())
