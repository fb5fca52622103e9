"""The memory of a GeNN model: reading, writing, and emptying the rings between passes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .program_compiler import RESET_HISTORY, ZERO_ARRIVALS, GeNNNetwork, custom_update


def pull(group: Any, name: str, lanes: int) -> np.ndarray:
    """Copy of a neuron variable, (lanes, neurons)."""
    variable = group.vars[name]
    variable.pull_from_device()
    return np.array(variable.current_view).reshape(lanes, -1)


def push(group: Any, name: str, values: np.ndarray) -> None:
    """Set a neuron variable from (lanes, neurons) or (neurons,) values; in all slots of its ring,
    where GeNN gives it one since synapses read it."""
    variable = group.vars[name]
    shape = variable.view.shape
    fits = np.size(values) == np.prod(shape)
    variable.view[...] = np.reshape(values, shape) if fits else np.broadcast_to(values, shape)
    variable.push_to_device()


def allocate(model: Any, group: Any, name: str, size: int) -> None:
    """Make room for at least ``size`` elements in an extra global parameter; what it held
    is lost."""
    array = group.extra_global_params[name]
    if array.view is None or len(array.view) < size:
        runtime = model._runtime  # the only way to an array whose size is known late
        runtime.allocate_array(group, name, size)
        array.set_array(runtime.get_array(group, name))


def write(model: Any, group: Any, name: str, values: np.ndarray) -> None:
    """Set the first elements of an extra global parameter, which grows where it must."""
    flat = np.ravel(values)
    array = group.extra_global_params[name]
    if array.view is None or len(array.view) < len(flat):
        # some slack, so that batches of nearly equal size do not allocate again
        allocate(model, group, name, max(1, len(flat) + len(flat) // 4))
    array.view[: len(flat)] = flat
    array.push_to_device()


def read(group: Any, name: str, size: int) -> np.ndarray:
    """Copy of the first ``size`` elements of an extra global parameter."""
    array = group.extra_global_params[name]
    array.pull_from_device()
    return np.array(array.view[:size])


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
