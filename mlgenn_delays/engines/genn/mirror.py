"""A program as an ml_genn network, the form in which mlGeNN's compiler takes it.

Populations and connections correspond one to one, in the program's order; names become
C identifiers, since GeNN makes code of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import ml_genn
from ml_genn.connectivity import Dense
from ml_genn.connectivity.sparse_base import SparseBase
from ml_genn.neurons import Neuron
from ml_genn.synapses import Delta
from ml_genn.utils.model import NeuronModel

from ...program.program import ConnectionProgram, Program


class ProgramNeuron(Neuron):
    """Stands for a population of a program; the compiler builds its model."""

    def get_model(self, population: Any, dt: float, batch_size: int) -> NeuronModel:
        return NeuronModel({}, None, {}, {}, {})


class ListedSynapses(SparseBase):
    """Sparse connectivity whose synapses are listed."""

    def __init__(self, connection: ConnectionProgram):
        super().__init__(weight=0.0, delay=0)
        self.pre_ind = connection.pre_ind
        self.post_ind = connection.post_ind

    def connect(self, source: Any, target: Any) -> None:
        """Sizes are those of the program."""

    def get_snippet(self, connection: Any, supported_matrix_type: Any) -> Any:
        return self._get_snippet(supported_matrix_type, None)


@dataclass(frozen=True)
class Mirror:
    """The network and its members in the program's order."""

    network: ml_genn.Network
    populations: list[ml_genn.Population]
    connections: list[ml_genn.Connection]


def mirror(program: Program, record_spikes: frozenset[int] = frozenset()) -> Mirror:
    """``program`` as an ml_genn network.

    Args:
        record_spikes: indices of populations that GeNN's own recording system records
    """
    network = ml_genn.Network()
    with network:
        populations = [
            ml_genn.Population(
                ProgramNeuron(),
                (p.size,),
                record_spikes=p.index in record_spikes,
                name=_identifier("pop", p.index, p.name),
            )
            for p in program.populations
        ]
        connections = [
            ml_genn.Connection(
                populations[c.source],
                populations[c.target],
                ListedSynapses(c) if c.is_sparse else Dense(0.0),
                Delta(),
                name=_identifier("conn", c.index, c.name),
                max_delay_steps=c.max_delay_steps,
            )
            for c in program.connections
        ]
    return Mirror(network, populations, connections)


def _identifier(kind: str, index: int, name: str) -> str:
    return f"{kind}{index}_{re.sub(r'[^0-9A-Za-z]+', '_', name).strip('_')}".rstrip("_")
