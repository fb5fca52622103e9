"""Two inputs, two outputs: which input spiked first? Delays alone can tell.

The task and the network of Mészáros, Knight & Nowotny 2025 (10.1038/s41467-025-65394-8): inputs
are connected directly to leaky integrators, all weights are the same and stay as they are, all
delays are zero at first. Both outputs then do the same, and half of all answers are right. A delay
that brings the spikes of one order together at an output lets its voltage rise higher for this
order than for the other one.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import default_params
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.neurons import LeakyIntegrate, SpikeInput
from mlgenn_delays.synapses import Exponential

from .classifier import (
    ClassifierNetwork,
    ClassifierSettings,
    check_delays,
    initial_delays,
    longest_delay_steps,
)

NUM_CHANNELS = 2
#: Which input spiked first.
CLASS_NAMES = ("0 first", "1 first")
#: Length of a trial [ms]: spikes with the longest delays and what follows from them fit in.
DURATION = 100.0


@dataclass(frozen=True)
class SequenceSettings(ClassifierSettings):
    """Published settings, but for a lower temperature and smaller steps, so that one can watch."""

    tau_mem_output: float = 10.0
    tau_syn_output: float = 5.0
    readout: str = "max_var"
    temperature: float = 0.1
    input_weight: tuple[float, float] = (1.0, 0.0)
    max_delay: float = 30.0
    input_delay: tuple[float, float] | None = (0.0, 0.0)
    epochs: int = 30
    batch_size: int = 32
    lr: float = 0.0  # weights are frozen
    delay_lr: float = 0.1


def build_network(
    settings: ClassifierSettings | None = None, delays: str = "learned"
) -> ClassifierNetwork:
    """Describe the network; it has no hidden neurons.

    Args:
        settings: default ``SequenceSettings()``.
        delays: ``"learned"``, ``"fixed"`` (as they are at first) or ``"none"``.

    Raises:
        ValueError: another value of ``delays``, a negative ``max_delay``, or settings that the
            parts of the network refuse.
    """
    settings = SequenceSettings() if settings is None else settings
    check_delays(settings, delays)
    has_delays = delays != "none"
    drawn = initial_delays(settings, settings.input_delay or (0.0, 0.0))
    network = Network(default_params)
    with network:
        source = Population(SpikeInput(), NUM_CHANNELS, record_spikes=True, name="input")
        output = Population(
            LeakyIntegrate(tau_mem=settings.tau_mem_output, readout=settings.readout),
            len(CLASS_NAMES),
            name="output",
        )
        connection = Connection(
            source,
            output,
            Dense(settings.input_weight[0], drawn if has_delays else 0),
            Exponential(settings.tau_syn_output),
            name="input_output",
            max_delay_steps=longest_delay_steps(settings) if has_delays else None,
        )
    learned = [connection] if delays == "learned" else []
    return ClassifierNetwork(network, source, [], output, {"input_output": connection}, learned)
