"""Rendering a program into the C++ source of one network.

The templates beside this module read like the program they emit; here the program is
only spelled out for them: names, numbers as literals, which parts are needed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jinja2
import numpy as np

from ...events.dataset import channel_dtype
from ...program.check_model import used_functions
from ...program.parameters import ParameterSpec
from ...program.program import ConnectionProgram, PopulationProgram, Program
from ...program.timing import step_dtype
from ...version import __version__
from ..rendering import statements, template_environment
from .buffers import padded, storage

#: Independent partial sums in reductions, so that additions need not wait for each other.
LANES = 4


def literal(value: float) -> str:
    """``value`` as a C++ float literal that keeps every float32 digit."""
    text = f"{np.float32(value):.9g}"
    return f"{text}{'' if '.' in text or 'e' in text else '.0'}f"


#: A number with decimal point or exponent, which C++ would take for a double.
_REAL_NUMBER = re.compile(r"(?<![\w.])(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][+-]?\d+)?(?![\w.])")


def _code(snippet: str) -> str:
    """A model's code snippet in single precision as a statement list, one per line."""
    return statements(_REAL_NUMBER.sub(r"\g<0>f", snippet))


#: What the templates append to a population's identifier.
_SUFFIXES = ("_adjoint", "_first", "_readout_step", "_release", "_spike")


def _identifier(prefix: str, name: str, index: int, taken: set[str]) -> str:
    """C++ identifier for a population or connection: its name as far as C++ admits it."""
    plain = re.sub(r"[^0-9A-Za-z]+", "_", name).strip("_")
    identifier = f"{prefix}_{plain}" if plain else f"{prefix}_{index}"
    while identifier in taken or identifier.endswith(_SUFFIXES):
        identifier = f"{identifier}_{index}"
    taken.add(identifier)
    return identifier


def _comment(text: str) -> str:
    """``text`` within a line: names may hold anything, and must not end a C++ comment or
    carry it on to the next line."""
    return " ".join(text.split()).replace("\\", "/")


def _items(values: Mapping[str, float]) -> list[tuple[str, str]]:
    return [(name, literal(value)) for name, value in values.items()]


def _bounds(spec: ParameterSpec) -> list[str] | None:
    return [literal(bound) for bound in spec.bounds] if spec.is_bounded else None


def _population(program: Program, population: PopulationProgram, name: str) -> dict[str, Any]:
    model = population.dynamics
    receptors = [
        {
            "index": index,
            "tau": receptor.tau,
            "params": _items(receptor.model.params),
            "sim_code": _code(receptor.model.sim_code),
            "adjoint_sim_code": _code(receptor.model.adjoint_sim_code),
        }
        for index, receptor in enumerate(population.receptors)
    ]
    return {
        "id": name,
        "title": _comment(f"{population.name}: {population.neuron}, {population.size} neurons"),
        "index": population.index,
        "size": population.size,
        "padded": padded(population.size),
        "slots": program.ring_slots(population),
        "receptors": receptors,
        "vars": _items(model.vars),
        "params": _items(model.params),
        "output_var": model.output_var_name,
        "sim_code": _code(model.sim_code),
        "threshold_condition_code": _code(model.threshold_condition_code),
        "reset_code": _code(model.reset_code),
        # longer than the trial is as good as the trial, and fits the counter
        "refractory_steps": min(model.refractory_steps, program.timesteps),
        "spiking": population.is_spiking,
        "training": program.training,
        "adjoint_vars": _items(model.adjoint.vars),
        # in the order in which they are recorded; the generated code numbers all receptors
        "adjoint_variables": [
            *(f"LambdaI{index}" for index in range(len(receptors))),
            *model.adjoint.vars,
        ],
        "adjoint_sim_code": _code(model.adjoint.sim_code),
        "jump_code": _code(model.adjoint.jump_code),
        "tape": [(tape_name, _code(code)) for tape_name, code in model.adjoint.tape.items()],
        "functions": used_functions(model),
        "readout": population.readout.kind.value if population.readout else None,
        "trace": population.trace and program.training,
        "regulariser": population.regulariser is not None,
    }


def _connection(
    program: Program, connection: ConnectionProgram, name: str, target: dict[str, Any]
) -> dict[str, Any]:
    source = program.populations[connection.source]
    feedback = program.training and not source.is_input
    own = [i for i in (connection.weight, connection.delay) if i is not None]
    learned = [i for i in own if program.learns(i)]
    target_name = program.populations[connection.target].name
    return {
        "id": name,
        "title": _comment(f"{connection.name}: {source.name} to {target_name}"),
        "index": connection.index,
        "target": target,
        "receptor": connection.receptor,
        "tau_syn": literal(connection.tau_syn),
        "pre": connection.source_size,
        "storage": storage(connection),
        "sparse": connection.is_sparse,
        "synapse_delays": connection.has_synapse_delays,
        "constant_delay": connection.constant_delay,
        "weight": connection.weight,
        "delay": connection.delay,
        "learned": [{"index": i, "bounds": _bounds(program.parameters[i])} for i in learned],
        "learn_weights": program.learns(connection.weight),
        "learn_delays": program.learns(connection.delay),
        "feedback": feedback,
        "backward": feedback or bool(learned),
        # random access stops at the last neuron, contiguous access runs over whole vectors
        "loop_size": -(-connection.target_size // LANES) * LANES
        if connection.has_synapse_delays
        else padded(connection.target_size),
    }


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    return template_environment("mlgenn_delays.engines.cpu")


def generate(program: Program) -> str:
    """C++ source of ``program``: the forward pass and, for training, the backward pass."""
    taken: set[str] = set()
    by_index: dict[int, dict[str, Any]] = {}
    for population in program.populations:
        name = _identifier("pop", population.name, population.index, taken)
        if population.is_input:
            by_index[population.index] = {
                "id": name,
                "index": population.index,
                "step_type": f"{step_dtype(program.timesteps)}_t",
                "channel_type": f"{channel_dtype(population.size)}_t",
            }
        else:
            by_index[population.index] = _population(program, population, name)
    connections = [
        _connection(program, c, _identifier("conn", c.name, c.index, taken), by_index[c.target])
        for c in program.connections
    ]
    for population in program.populations:
        by_index[population.index]["outgoing"] = [
            connections[c.index] for c in program.outgoing(population)
        ]
    populations = [by_index[p.index] for p in program.populations if not p.is_input]
    environment = _environment()
    assert environment.loader is not None
    runtime = environment.loader.get_source(environment, "runtime.hpp")[0]
    text = environment.get_template("network.cpp.j2").render(
        version=__version__,
        runtime=runtime,
        timesteps=program.timesteps,
        dt=literal(program.dt),
        lanes=LANES,
        dt_ms=program.dt,
        training=program.training,
        inputs=[by_index[p.index] for p in program.inputs],
        populations=populations,
        functions=sorted(frozenset().union(*(p["functions"] for p in populations))),
        connections=connections,
        parameters=program.parameters,
    )
    return re.sub(r"\n{3,}", "\n\n", text)
