"""The GeNN engine: a thin layer over mlGeNN's compiler and PyGeNN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...optimisers import Adam, Optimiser
from ...program.program import ConnectionProgram, Parameters, Program
from ..base import Batch, Engine, ForwardResult, OutputGradient, Recording, RecordRequest
from .availability import choose_backend
from .build import load
from .optimisers import set_step
from .program_compiler import GRADIENTS, ProgramCompiler, learn_group
from .simulation import Simulation

#: GeNN's CPU backend simulates one example at a time.
_ONE_EXAMPLE = "single_threaded_cpu"

#: Names of Adam's moments in checkpoints, and in mlGeNN's custom update.
_MOMENTS = {"m": "M", "v": "V"}


class GennEngine(Engine):
    """Runs a program on GeNN, in float32 on the grid of timesteps, as the CPU engine does.

    Args:
        backend: "genn" (CUDA where GeNN has it and a GPU is there, else its CPU backend),
            "genn:cpu" or "genn:cuda"

    Raises:
        ImportError: PyGeNN or ml_genn is not installed
        ValueError: the backend is not available
        CompilerError: the generated code could not be compiled
    """

    def __init__(self, program: Program, parameters: Parameters, backend: str = "genn"):
        super().__init__(program, 1)
        genn_backend = choose_backend(backend)
        lanes = 1 if genn_backend == _ONE_EXAMPLE else program.batch_size
        self.name = "genn:cpu" if genn_backend == _ONE_EXAMPLE else f"genn:{genn_backend}"
        compiler = ProgramCompiler(program, lanes, genn_backend)
        self.network = compiler.compile_program("mlgenn_delays")
        load(self.network)
        self._simulation = Simulation(self.network)
        self._optimiser_state: dict[str, dict[str, np.ndarray]] = {}
        self.set_parameters(parameters)

    def close(self) -> None:
        if self.network.model._loaded:
            self.network.model.unload()

    # -- parameters

    def set_parameter(self, connection: int, name: str, value: np.ndarray) -> None:
        of_program = self.program.connections[connection]
        if name == "d":
            check_delays(of_program, value)
        variable = self.network.connections[connection].vars[name]
        variable.values = np.ravel(np.asarray(value, dtype=np.float32))
        variable.push_to_device()

    def get_parameter(self, connection: int, name: str) -> np.ndarray:
        return self._synapse_values(self.network.connections[connection], name, connection)

    def _synapse_values(self, group: Any, name: str, connection: int) -> np.ndarray:
        variable = group.vars[name]
        variable.pull_from_device()
        shape = self.program.connections[connection].param_shape
        return np.array(variable.values, dtype=np.float32).reshape(shape)

    def _set_synapse_values(self, group: Any, name: str, values: np.ndarray) -> None:
        group.vars[name].values = np.ravel(values).astype(np.float32)
        group.vars[name].push_to_device()

    # -- forward and backward

    def forward(self, batch: Batch, record: RecordRequest | None = None) -> ForwardResult:
        return self._simulation.forward(batch, record)

    def backward(
        self, gradients: Mapping[int, OutputGradient], record: RecordRequest | None = None
    ) -> Recording:
        return self._simulation.backward(gradients, record)

    # -- learning

    def _learned(self) -> list[tuple[ConnectionProgram, str]]:
        return [
            (c, name)
            for c in self.program.connections
            for name, learns in (("g", c.learn_weights), ("d", c.learn_delays))
            if learns and self.program.training
        ]

    def gradients(self) -> list[dict[str, np.ndarray]]:
        found: list[dict[str, np.ndarray]] = [{} for _ in self.program.connections]
        for c, name in self._learned():
            reduction = self.network.reductions.get((c.index, name))
            if reduction is None:
                group, variable = self.network.connections[c.index], GRADIENTS[name]
            else:
                group, variable = reduction, "ReducedGradient"
            found[c.index][name] = self._synapse_values(group, variable, c.index)
        return found

    def apply_gradients(self, optimisers: Sequence[Mapping[str, Optimiser]], step: int) -> None:
        for c, name in self._learned():
            optimiser = optimisers[c.index][name]
            if type(optimiser) is Adam:
                self._optimiser_state.pop(f"{c.index}.{name}", None)  # GeNN has it
                set_step(self.network.optimisers[c.index, name], optimiser, step)
                self.network.model.custom_update(learn_group(c, name))
            else:
                self._apply_in_numpy(c, name, optimiser, step)

    def _apply_in_numpy(
        self, connection: ConnectionProgram, name: str, optimiser: Optimiser, step: int
    ) -> None:
        state = self._optimiser_state.setdefault(f"{connection.index}.{name}", {})
        gradient = self.gradients()[connection.index][name]
        value = optimiser.update(self.get_parameter(connection.index, name), gradient, state, step)
        if name == "d":
            value = np.clip(value, 0.0, connection.max_delay_steps)
        self.set_parameter(connection.index, name, value)

    def optimiser_state(self) -> dict[str, np.ndarray]:
        state = {
            f"{c.index}.{name}.{moment}": self._synapse_values(
                self.network.optimisers[c.index, name], variable, c.index
            )
            for c, name in self._learned()
            for moment, variable in _MOMENTS.items()
        }
        for key, moments in self._optimiser_state.items():
            state.update({f"{key}.{name}": array.copy() for name, array in moments.items()})
        return state

    def set_optimiser_state(self, state: Mapping[str, np.ndarray]) -> None:
        for key, value in state.items():
            index, name, moment = key.split(".")
            # moments with these names may be those of another optimiser: the next step tells
            self._optimiser_state.setdefault(f"{index}.{name}", {})[moment] = np.array(value)
            if moment in _MOMENTS:
                update = self.network.optimisers[int(index), name]
                self._set_synapse_values(update, _MOMENTS[moment], value)

    # -- memory

    def memory_estimate(self) -> dict[str, int]:
        lanes = self.network.lanes
        total = {"parameters": 0, "gradients": 0, "optimiser": 0, "delay rings": 0}
        for c in self.program.connections:
            total["parameters"] += 4 * c.num_synapses * len(c.parameter_names)
            total["delay rings"] += 4 * lanes * (c.max_delay_steps + 1) * c.target_size
        for c, _ in self._learned():
            total["gradients"] += 4 * c.num_synapses * (lanes + (lanes > 1))
            total["optimiser"] += 8 * c.num_synapses
        if self.program.training:
            for p in self.program.populations:
                if not p.is_input:
                    adjoints = 1 + len(p.taus_syn)
                    slots = self.program.ring_slots(p)
                    total["delay rings"] += 4 * lanes * adjoints * slots * p.size
        total["output traces"] = sum(
            8 * self.program.timesteps * p.size * self.program.batch_size
            for p in self.program.outputs
            if p.per_timestep_loss and self.program.training
        )
        return total


def check_delays(connection: ConnectionProgram, value: np.ndarray) -> None:
    """Raise ValueError unless delays lie in [0, max_delay_steps]."""
    limit = connection.max_delay_steps
    # an empty connection has nothing to compare
    if np.size(value) and not (np.min(value) >= 0.0 and np.max(value) <= limit):
        raise ValueError(
            f"connection '{connection.name}': delays from {np.min(value)} to "
            f"{np.max(value)} steps, allowed are 0 to max_delay_steps = {limit}"
        )
