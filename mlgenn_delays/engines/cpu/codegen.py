"""Rendering a program into the C++ source of one network.

The templates beside this module read like the program they emit; here the program is
only spelled out for them: names, numbers as literals, which parts are needed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import jinja2
import numpy as np

from ...events.dataset import channel_dtype
from ...program.constants import Constants
from ...program.model import GRADIENT_PARTS
from ...program.parameters import ParameterSpec
from ...program.program import ConnectionProgram, PopulationProgram, Program, Receptor
from ...program.snippet import parse_expression, parse_statements
from ...program.timing import step_dtype
from ...program.window import Kernel
from ...version import __version__
from ..rendering import template_environment
from . import abi, substep
from .buffers import axonal_delays, holds_entries, padded, storage, walks_kernel
from .constants import ConstantTable, constant_table
from .literal import literal, literals

#: Independent partial sums in reductions, so that additions need not wait for each other.
LANES = 4


def _statements(text: str, names: Mapping[str, str] = {}) -> str:
    return parse_statements(text).render(names, single_precision=True)


def _expression(text: str, names: Mapping[str, str] = {}) -> str:
    return parse_expression(text).render(names, single_precision=True)


#: What the templates append to a population's identifier.
_SUFFIXES = ("_adjoint", "_first", "_readout_step", "_release", "_rests", "_spike")


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


def _bounds(spec: ParameterSpec) -> list[str] | None:
    is_constant = spec.is_bounded and not spec.has_entry_bounds
    return [literal(bound) for bound in spec.bounds] if is_constant else None


def _receptor(receptor: Receptor, index: int, own: Collection[str]) -> dict[str, Any]:
    """One receptor; constants of single neurons have its number, others are in its namespace."""
    model = receptor.model
    names = {name: f"{name}{index}" for name in model.params if f"{name}{index}" in own}
    return {
        "index": index,
        "tau": "that of each neuron" if receptor.own_tau else f"{receptor.tau} ms",
        "params": literals({n: value for n, value in model.params.items() if n not in names}),
        "sim_code": _statements(model.sim_code, names),
        "adjoint_sim_code": _statements(model.adjoint_sim_code, names),
    }


def _gradients(
    population: PopulationProgram, constants: Constants, table: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Sums that gradients by constants are."""
    names = {name: f"before_{name}[j]" for name in constants.history}
    names |= {f"LambdaI{i}": f"a.LambdaI{i}[j]" for i in range(len(population.receptors))}
    names |= {
        f"TauSyn{i}": literal(receptor.tau)
        for i, receptor in enumerate(population.receptors)
        if not receptor.own_tau
    }
    return [
        {
            "name": name,
            "index": table[name],
            **{
                part: _expression(text, names) if text else ""
                for part in GRADIENT_PARTS
                for text in [getattr(gradient, part)]
            },
        }
        for name, gradient in constants.gradients.items()
    ]


def _population(
    program: Program, population: PopulationProgram, name: str, table: ConstantTable
) -> dict[str, Any]:
    model = population.dynamics
    constants = Constants(program, population)
    indices = {n: table[population.index, n] for n in constants.names}
    receptors = [_receptor(r, i, indices) for i, r in enumerate(population.receptors)]
    known = list(indices)
    kind = population.readout.kind.value if population.readout else None
    tau_mem = f"own_{name}[{known.index('TauM')}][j]" if "TauM" in known else f"{name}::TauM"
    return {
        "id": name,
        "title": _comment(f"{population.name}: {population.neuron}, {population.size} neurons"),
        "index": population.index,
        "size": population.size,
        "padded": padded(population.size),
        "slots": program.ring_slots(population),
        "receptors": receptors,
        "vars": literals(model.vars),
        "params": literals({n: value for n, value in model.params.items() if n not in known}),
        "own": list(indices.items()),
        "gradients": _gradients(population, constants, indices),
        "history": list(constants.history),
        # the constant, or the value of neuron j
        "tau_mem": tau_mem,
        "own_tau_mem": "TauM" in known,
        "output_var": model.output_var_name,
        "sim_code": _statements(model.sim_code),
        "threshold_condition_code": _expression(model.threshold_condition_code)
        if population.is_spiking
        else "",
        "reset_code": _statements(model.reset_code),
        # longer than the trial is as good as the trial, and fits the counter
        "refractory_steps": min(model.refractory_steps, program.timesteps),
        "spiking": population.is_spiking,
        "training": program.training,
        "adjoint_vars": literals(model.adjoint.vars),
        # in the order in which they are recorded; the generated code numbers all receptors
        "adjoint_variables": [
            *(f"LambdaI{index}" for index in range(len(receptors))),
            *model.adjoint.vars,
        ],
        "adjoint_sim_code": _statements(model.adjoint.sim_code),
        "jump_code": _statements(model.adjoint.jump_code),
        "tape": [(name, _expression(code)) for name, code in model.adjoint.tape.items()],
        "functions": {name for code in model.snippets().values() for name in code.functions},
        "readout": kind,
        "window": None if population.readout is None else population.readout.window,
        # the weights of the steps times a number per neuron drive the adjoint
        "driven": kind == "weighted" and not population.trace,
        # the adjoint stays at zero until, backwards, the first spike
        "rests": population.is_spiking and not any(model.adjoint.vars.values()),
        "trace": population.trace and program.training,
        "regulariser": population.regulariser is not None,
        **(substep.population_context(program, population) if program.is_substep else {}),
    }


def _connection(
    program: Program,
    connection: ConnectionProgram,
    name: str,
    target: dict[str, Any],
    table: ConstantTable,
) -> dict[str, Any]:
    source = program.populations[connection.source]
    feedback = program.training and not source.is_input
    own = [i for i in (connection.weight, connection.delay) if i is not None]
    learned = [i for i in own if program.learns(i)]
    axonal = axonal_delays(program)
    target_name = program.populations[connection.target].name
    return {
        "id": name,
        "title": _comment(f"{connection.name}: {source.name} to {target_name}"),
        "index": connection.index,
        "target": target,
        "receptor": connection.receptor,
        "tau_syn": literal(connection.tau_syn),
        # where the time constants of single neurons are, None: there are none
        "own_tau": table.get((connection.target, f"TauSyn{connection.receptor}")),
        "pre": connection.source_size,
        "storage": storage(program, connection),
        "sparse": connection.is_sparse,
        "kernel": _kernel(connection.kernel) if walks_kernel(program, connection) else None,
        "synapse_delays": connection.has_synapse_delays,
        "axonal": connection.delay is not None and connection.delay in axonal,
        "constant_delay": connection.constant_delay,
        "weight": connection.weight,
        "delay": connection.delay,
        # those whose entries are shared otherwise learn in Python
        "learned": [
            {
                "index": i,
                "bounds": _bounds(program.parameters[i]),
                "entry_bounds": program.parameters[i].has_entry_bounds,
                "axonal": i in axonal,
            }
            for i in learned
            if i in holds_entries(program)
        ],
        "learn_weights": program.learns(connection.weight),
        "learn_delays": program.learns(connection.delay),
        "feedback": feedback,
        "backward": feedback or bool(learned),
    }


def _kernel(kernel: Kernel | None) -> dict[str, int] | None:
    """Sizes of a kernel; one along one axis has one row."""
    if kernel is None:
        return None
    window = kernel.window
    one_axis = len(window.size) == 1
    sizes = {"channels": kernel.channels, "filters": kernel.filters}
    for name, values, of_row in (
        ("source", window.source, 1),
        ("target", window.target, 1),
        ("window", window.size, 1),
        ("stride", window.strides, 1),
        ("padding", window.padding, 0),
    ):
        rows, columns = (of_row, *values) if one_axis else values
        sizes |= {f"{name}_rows": rows, f"{name}_columns": columns}
    return sizes


def _lines(text: str, width: int) -> str:
    """Lines of a macro, at a place of a template that is indented by ``width``."""
    return text.rstrip("\n").replace("\n", "\n" + " " * width)


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = template_environment("mlgenn_delays.engines.cpu")
    environment.filters["lines"] = _lines
    return environment


def generate(program: Program) -> str:
    """C++ source of ``program``: the forward pass and, for training, the backward pass.

    Programs that differ in initial values alone, and in bounds of single entries, as those of
    several seeds do where synapses are the same, have one source; the last few are kept.
    """
    any_values = np.zeros(0, np.float32)
    parameters = tuple(
        replace(
            spec,
            initial=any_values,
            bounds=any_values if spec.has_entry_bounds else spec.bounds,
        )
        for spec in program.parameters
    )
    return _generate(replace(program, parameters=parameters))


@lru_cache(maxsize=8)
def _generate(program: Program) -> str:
    taken: set[str] = set()
    table = constant_table(program)
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
            by_index[population.index] = _population(program, population, name, table)
    connections = [
        _connection(
            program, c, _identifier("conn", c.name, c.index, taken), by_index[c.target], table
        )
        for c in program.connections
    ]
    for population in program.populations:
        by_index[population.index]["outgoing"] = [
            connections[c.index] for c in program.outgoing(population)
        ]
    if program.is_substep:
        substep.order(program, by_index, connections)
    populations = [by_index[p.index] for p in program.populations if not p.is_input]
    text = (
        _environment()
        .get_template("network.cpp.j2")
        .render(
            version=__version__,
            abi=abi.HEADER,
            abi_version=abi.VERSION,
            timesteps=program.timesteps,
            dt=literal(program.dt),
            lanes=LANES,
            dt_ms=program.dt,
            training=program.training,
            substep=program.is_substep,
            inputs=[by_index[p.index] for p in program.inputs],
            populations=populations,
            functions=sorted(frozenset().union(*(p["functions"] for p in populations))),
            connections=connections,
            parameters=program.parameters,
            num_constants=len(table),
        )
    )
    # macros that had nothing to say leave their indentation
    text = "\n".join([line for line in text.split("\n") if not line.isspace()])
    return re.sub(r"\n\n\n+", "\n\n", text)  # ten times as fast as \n{3,}
