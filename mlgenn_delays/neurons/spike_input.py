"""Input that emits given spikes."""

from __future__ import annotations

from ..checks import check_whole_number
from .neuron import Neuron


class SpikeInput(Neuron):
    """Emits spike trains given as :class:`.PreprocessedSpikes`.

    Args:
        max_spikes: accepted for compatibility with mlGeNN; there is no limit here

    Raises:
        ValueError: ``max_spikes`` is not a whole number of at least 1
    """

    is_input = True
    is_spiking = True

    def __init__(self, max_spikes: int = 1000000):
        super().__init__()
        self.max_spikes = max_spikes
        self.check()

    def check(self) -> None:
        check_whole_number(self.max_spikes, "SpikeInput: max_spikes", minimum=1)
