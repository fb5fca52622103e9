"""What compilers hand over to compiled networks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..connection import Connection
from ..losses import Loss, Trial
from ..population import Population
from ..program.description import Description, describe_program, number
from ..program.program import PopulationProgram, Program


@dataclass(frozen=True)
class BuiltNetwork:
    """A program, losses, and the objects of the description that users know its parts by.

    Nothing is read from these objects: they are keys, what users change in them has no effect.
    """

    program: Program
    populations: tuple[Population, ...]  #: in the order of ``program.populations``
    connections: tuple[Connection, ...]  #: in the order of ``program.connections``
    losses: Mapping[int, Loss]  #: by output population; empty in inference
    trial: Trial  #: what losses know of a trial


def describe_network(built: BuiltNetwork) -> Description:
    """The canonical form of a program and its losses, which JSON can hold."""
    populations = built.program.populations
    losses = {
        populations[index].name: _describe_loss(loss, populations[index], built.trial)
        for index, loss in built.losses.items()
    }
    return {**describe_program(built.program), "losses": losses}


def _describe_loss(loss: Loss, population: PopulationProgram, trial: Trial) -> Description:
    """Class and settings, those that begin with an underscore excepted."""
    settings = {n: _describe(v) for n, v in sorted(vars(loss).items()) if n[:1] != "_"}
    readout = population.readout
    if readout is not None and readout.uses_spike_times:
        settings |= {n: number(getattr(trial, n)) for n in ("ttfs_alpha", "softmax_temperature")}
    return {"loss": type(loss).__name__, "per_timestep": population.trace, **settings}


def _describe(value: Any) -> Any:
    """A setting of a loss, in a form JSON can hold: of arrays a hash, of other things the class."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float, np.number)) and np.isrealobj(value):
        return number(float(value))
    if isinstance(value, np.ndarray):
        content = f"{value.dtype.str}{value.shape}".encode() + np.ascontiguousarray(value).tobytes()
        return f"sha256:{hashlib.sha256(content).hexdigest()}"
    if isinstance(value, (list, tuple)):
        return [_describe(item) for item in value]
    return type(value).__name__
