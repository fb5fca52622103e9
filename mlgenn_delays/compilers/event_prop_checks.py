"""What engines can simulate and EventProp cannot train."""

from __future__ import annotations

from ..network import Network
from ..neurons import LeakyIntegrateFire
from ..readouts import SpikeCount
from ..synapses import Delta


def refuse_for_event_prop(network: Network) -> None:
    """Refuse populations and connections that have no exact gradient by EventProp.

    Raises:
        ValueError: one of them; the message names it and says what to take
    """
    for population in network.populations:
        neuron = population.neuron
        if isinstance(neuron.readout, SpikeCount):
            raise ValueError(
                f"population {population.name!r}: readout is {neuron.readout.name!r}, which "
                "EventProp cannot train: a number of spikes has no derivative; take "
                "'first_spike_time', or an output of LeakyIntegrate with 'avg_var', or train it "
                "with SurrogateCompiler"
            )
        if isinstance(neuron, LeakyIntegrateFire) and neuron.relative_reset:
            raise ValueError(
                f"population {population.name!r}: relative_reset is True, which EventProp does not "
                "have; pass relative_reset=False or create the network with "
                "Network(default_params), or train it with SurrogateCompiler"
            )
    for connection in network.connections:
        if isinstance(connection.synapse, Delta):
            raise ValueError(
                f"connection {connection.name!r}: its synapse is Delta, which EventProp cannot "
                "train: spikes then happen when others arrive, so that their times have no "
                "derivative by weights; take Exponential, or train it with SurrogateCompiler"
            )
