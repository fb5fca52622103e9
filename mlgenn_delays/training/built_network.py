"""What compilers hand over to compiled networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..connection import Connection
from ..losses import Loss, Trial
from ..population import Population
from ..program.program import Program


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
