"""A small network to build programs from."""

from __future__ import annotations

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers.settings import BuildSettings
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.program.parameters import OwnerKind
from mlgenn_delays.synapses import Exponential


def settings(**kwargs):
    arguments = {
        "timesteps": 50,
        "timesteps_name": "example_timesteps",
        "training": True,
        "losses": "sparse_categorical_crossentropy",
        **kwargs,
    }
    return BuildSettings(**arguments)


def make_network(
    connectivity=None, hidden=None, output=None, max_delay_steps=None, weight=0.5, synapse=None
):
    network = Network()
    with network:
        x = Population(SpikeInput(), 3, name="x")
        h = Population(hidden or LeakyIntegrateFire(), 4, name="h")
        y = Population(output or LeakyIntegrate(readout="avg_var"), 2, name="y")
        Connection(
            x,
            h,
            connectivity or Dense(weight),
            synapse or Exponential(5.0),
            name="xh",
            max_delay_steps=max_delay_steps,
        )
        Connection(h, y, Dense(1.0), Exponential(5.0), name="hy")
    return network


def learn_delays(network, **kwargs):
    return settings(delay_learn_conns=frozenset(network.connections[:1]), **kwargs)


def initial_values(built):
    """Initial values of the parameters of each connection, by name."""
    program = built.program
    indices = [program.parameters_of(OwnerKind.CONNECTION, c.index) for c in program.connections]
    return [{n: program.parameters[i].initial for n, i in of.items()} for of in indices]
