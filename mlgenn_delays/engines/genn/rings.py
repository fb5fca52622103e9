"""Emptying the rings between passes: dendritic delay buffers, the history of adjoints."""

from __future__ import annotations

from typing import Any

import numpy as np

from .program_compiler import RESET_HISTORY, ZERO_ARRIVALS, GeNNNetwork, custom_update

#: GeNN's backend whose memory is the host's.
_HOST_BACKEND = "single_threaded_cpu"


class Rings:
    """Rings of a loaded GeNN model.

    Custom updates clear them on a device. GeNN's CPU code for those takes a slot of every ring
    for each neuron in turn, an eighth of the whole time at 256 neurons and 250 steps; there the
    memory is filled directly.
    """

    def __init__(self, network: GeNNNetwork):
        self._network = network
        self._on_host = network.model.backend_name == _HOST_BACKEND
        program = network.program
        runtime = network.model._runtime
        self._arrivals = [
            np.asarray(runtime.get_array(network.connections[c.index], "denDelay").host_view)
            for c in program.connections
            if self._on_host and c.max_delay_steps > 0
        ]
        self._history: list[np.ndarray[Any, Any]] = [
            network.populations[index].vars[name].view
            for index, of_population in network.population_models.items()
            for name, _, _ in of_population.history_vars
            if self._on_host
        ]

    def clear_arrivals(self) -> None:
        """Forget what has not arrived yet."""
        if self._on_host:
            for ring in self._arrivals:
                ring.fill(0)
        else:
            custom_update(self._network, ZERO_ARRIVALS)

    def clear_history(self) -> None:
        """Set the adjoints that synapses read to zero, the end of the trial."""
        if self._on_host:
            for ring in self._history:
                ring.fill(0)
        else:
            custom_update(self._network, RESET_HISTORY)
