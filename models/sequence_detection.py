"""Two inputs, two outputs: which input spiked first? Delays alone can tell.

The task and the network of Mészáros, Knight & Nowotny 2025 (10.1038/s41467-025-65394-8): inputs
are connected directly to leaky integrators, all weights are the same and stay as they are, all
delays are zero at first. Both outputs then do the same, and half of all answers are right. A delay
that brings the spikes of one order together at an output lets its voltage rise higher for this
order than for the other one.
"""

from __future__ import annotations

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import default_params
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.neurons import LeakyIntegrate, SpikeInput

from .classifier import ClassifierNetwork, initial_delays, longest_delay_steps, make_synapse
from .settings import ClassifierSettings, LearningSettings, NetworkSettings, NeuronSettings

NUM_CHANNELS = 2
#: Which input spiked first.
CLASS_NAMES = ("0 first", "1 first")
#: Length of a trial [ms]: spikes with the longest delays and what follows from them fit in.
DURATION = 100.0


def sequence_settings() -> ClassifierSettings:
    """Published settings, but for a lower temperature and smaller steps, so that one can watch.
    There is no hidden layer."""
    return ClassifierSettings(
        NetworkSettings(
            hidden=(),
            recurrent=False,
            input_weight=(1.0, 0.0),
            max_delay=30.0,
            input_delay=(0.0, 0.0),
        ),
        NeuronSettings(tau_mem_output=10.0, tau_syn_output=5.0, readout="max_var"),
        LearningSettings(
            epochs=30,
            batch_size=32,
            lr=0.0,  # weights are frozen
            delay_lr=0.1,
            temperature=0.1,
        ),
    )


def build_network(settings: ClassifierSettings | None = None) -> ClassifierNetwork:
    """Describe the network; it has no hidden neurons.

    Args:
        settings: default ``sequence_settings()``. ``delays`` may be ``"learned"``, ``"fixed"`` (as
            they are at first) or ``"none"``.

    Raises:
        ValueError: settings that the parts of the network refuse.
    """
    settings = sequence_settings() if settings is None else settings
    wanted, neuron = settings.network, settings.neuron
    has_delays = wanted.delays != "none"
    drawn = initial_delays(wanted, wanted.input_delay or (0.0, 0.0))
    network = Network(default_params)
    with network:
        source = Population(SpikeInput(), NUM_CHANNELS, record_spikes=True, name="input")
        output = Population(
            LeakyIntegrate(tau_mem=neuron.tau_mem_output, readout=neuron.readout),
            len(CLASS_NAMES),
            name="output",
        )
        connection = Connection(
            source,
            output,
            Dense(wanted.input_weight[0], drawn if has_delays else 0),
            make_synapse(settings, neuron.tau_syn_output),
            name="input_output",
            max_delay_steps=longest_delay_steps(wanted) if has_delays else None,
        )
    learned = [connection] if wanted.delays == "learned" else []
    return ClassifierNetwork(network, source, [], output, {"input_output": connection}, learned)
