"""The GeNN engine: a thin layer over mlGeNN's compiler and PyGeNN."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ...program.constants import Constants
from ...program.exchange import (
    AdamStep,
    Batch,
    ForwardResult,
    OutputGradient,
    Recording,
    RecordRequest,
    WholeBatch,
)
from ...program.program import Program
from ..base import Engine, Moments, check_readouts, is_finite
from . import arrays
from .availability import choose_backend
from .build import load
from .optimisers import set_step
from .program_compiler import GeNNNetwork, ProgramCompiler, learn_group, learned_gradients
from .recording import Watcher
from .simulation import Simulation

#: GeNN's CPU backend simulates one example at a time.
_ONE_EXAMPLE = "single_threaded_cpu"

#: Names of Adam's moments in checkpoints, and in mlGeNN's custom update.
_MOMENTS = {"m": "M", "v": "V"}


def count_lanes(program: Program, genn_backend: str) -> int:
    """Examples that one of GeNN's backends simulates at once."""
    return 1 if genn_backend == _ONE_EXAMPLE else program.batch_size


class GennEngine(Engine):
    """Runs a program on GeNN, in float32 on the grid of timesteps, as the CPU engine does.

    Args:
        backend: "genn" (CUDA where GeNN has it and a GPU is there, else its CPU backend),
            "genn:cpu" or "genn:cuda"
        network: GeNN model of the program; None: one is made for ``backend``
        num_recording_timesteps: length of a trial, where GeNN's own recording is used

    Raises:
        ImportError: PyGeNN or ml_genn is not installed
        ValueError: the backend is not available, or a readout that it does not have
        CompilerError: the generated code could not be compiled
    """

    def __init__(
        self,
        program: Program,
        backend: str = "genn",
        network: GeNNNetwork | None = None,
        num_recording_timesteps: int | None = None,
    ):
        super().__init__(program, 1)
        check_readouts(program)
        if network is None:
            genn_backend = choose_backend(backend)
            lanes = count_lanes(program, genn_backend)
            network = ProgramCompiler(program, lanes, genn_backend).compile_program("mlgenn_delays")
        self.network = network
        on_cpu = network.model.backend_name == _ONE_EXAMPLE
        self.name = "genn:cpu" if on_cpu else f"genn:{network.model.backend_name}"
        #: learned parameter -> GeNN's variable of its gradient
        self._gradients = {
            i: name
            for c in program.connections
            for i, name in learned_gradients(program, c).items()
        }
        #: told of every step of forward and of backward passes
        self.watchers: tuple[Watcher | None, Watcher | None] = (None, None)
        load(network, num_recording_timesteps)
        self._simulation = Simulation(network)
        #: parameters of neurons, and those that no model reads
        self._stored: dict[int, np.ndarray] = {}
        self._constants = {p.index: Constants(program, p) for p in program.neurons}
        self._size: int | None = None  # examples of the last forward pass
        self._initialise()

    def close(self) -> None:
        super().close()
        if self.network.model._loaded:
            self.network.model.unload()

    # -- parameters

    def _group(self, parameter: int) -> Any:
        return self.network.connections[self.program.parameters[parameter].owner.index]

    def _write(self, parameter: int, elements: np.ndarray) -> None:
        spec = self.program.parameters[parameter]
        if parameter in self.program.of_synapses:
            _set_values(self._group(parameter), spec.name, elements)
            return
        self._stored[parameter] = np.array(elements, dtype=self.dtype)
        for index, constants in self._constants.items():
            mine = constants.parameters.values()
            # they are set one after another at first
            if parameter in mine and self._stored.keys() >= set(mine):
                for name, values in constants.values(self._stored).items():
                    arrays.push(self.network.populations[index], name, values)

    def _read(self, parameter: int) -> np.ndarray:
        if parameter not in self.program.of_synapses:
            return np.array(self._stored[parameter])
        return get_values(self._group(parameter), self.program.parameters[parameter].name)

    # -- forward and backward

    def forward(self, batch: Batch, record: RecordRequest | None = None) -> ForwardResult:
        self._check_batch(batch)
        self._check_request(record)
        self._size = None
        result = self._simulation.forward(batch, record, self.watchers[0])
        self._size = batch.size
        return replace(result, traces=self._traces(self._simulation.traces()))

    def backward(
        self,
        gradients: Mapping[int, OutputGradient],
        record: RecordRequest | None = None,
        whole: WholeBatch | None = None,
    ) -> Recording:
        self._check_request(record)
        self._check_backward(self._size, gradients)
        return self._simulation.backward(gradients, record, whole, self.watchers[1])

    # -- learning

    def _read_gradient(self, parameter: int) -> np.ndarray:
        reduction = self.network.reductions.get(parameter)
        if reduction is not None:
            return get_values(reduction, "ReducedGradient")
        return get_values(self._group(parameter), self._gradients[parameter])

    def _computes(self, steps: Mapping[int, AdamStep | None]) -> frozenset[int]:
        # GeNN's optimisers clamp to two numbers
        specs = self.program.parameters
        return frozenset(
            i for i, adam in steps.items() if adam is not None and not specs[i].has_entry_bounds
        )

    def _adam(self, steps: Mapping[int, AdamStep]) -> bool:
        for parameter, adam in steps.items():
            set_step(self.network.optimisers[parameter], adam)
            self.network.model.custom_update(learn_group(parameter))
        return self._are_finite(steps)

    def _are_finite(self, parameters: Iterable[int]) -> bool:
        arrays = (a for i in parameters for a in (self._read(i), *self._read_moments(i).values()))
        return all(map(is_finite, arrays))

    def _read_moments(self, parameter: int) -> Moments:
        update = self.network.optimisers[parameter]
        return {name: get_values(update, variable) for name, variable in _MOMENTS.items()}

    def _write_moments(self, parameter: int, moments: Mapping[str, np.ndarray]) -> None:
        for name in _MOMENTS.keys() & moments.keys():
            _set_values(self.network.optimisers[parameter], _MOMENTS[name], moments[name])

    # -- memory

    def memory_estimate(self) -> dict[str, int]:
        program, lanes = self.program, self.network.lanes
        total = Counter({"parameters": 0, "gradients": 0, "optimiser": 0, "delay rings": 0})
        total["parameters"] = 4 * sum(spec.num_elements for spec in program.parameters)
        for c in program.connections:
            total["delay rings"] += 4 * lanes * (c.max_delay_steps + 1) * c.target_size
        for i in self.learned:
            elements = program.parameters[i].num_elements
            total["gradients"] += 4 * elements * (lanes + (lanes > 1))
            total["optimiser"] += 8 * elements
        for p in program.neurons if program.training else ():
            adjoints = 1 + len(p.receptors)
            total["delay rings"] += 4 * lanes * adjoints * program.ring_slots(p) * p.size
        total["output traces"] = sum(
            8 * program.timesteps * p.size * program.batch_size for p in self._kept_traces()
        )
        return dict(total)


def get_values(group: Any, name: str) -> np.ndarray:
    """Variable of a synapse group or of a custom update on one, (synapses,)."""
    variable = group.vars[name]
    variable.pull_from_device()
    return np.array(variable.values, dtype=np.float32).ravel()


def _set_values(group: Any, name: str, values: np.ndarray) -> None:
    group.vars[name].values = np.ravel(values).astype(np.float32)
    group.vars[name].push_to_device()
