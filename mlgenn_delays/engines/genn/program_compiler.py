"""mlGeNN's compiler with the models of delayed EventProp: program -> GeNN model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ml_genn.compilers import Compiler
from ml_genn.compilers.compiler import create_reset_custom_update
from ml_genn.optimisers import Optimiser
from ml_genn.utils.model import CustomUpdateModel, NeuronModel
from pygenn import (
    CustomUpdateVarAccess,
    SynapseMatrixType,
    create_var_ref,
    create_wu_var_ref,
)

from ...program.parameters import ParameterSpec
from ...program.program import ConnectionProgram, Program
from . import models
from .mirror import mirror
from .optimisers import ProgramAdam

#: Groups of custom updates, by what runs them.
RESET_FORWARD = "ResetForward"
RESET_BACKWARD = "ResetBackward"
RESET_HISTORY = "ResetHistory"
ZERO_ARRIVALS = "ZeroOutPost"
ZERO_GRADIENT = "ZeroGradient"
REDUCE_GRADIENT = "GradientBatchReduce"

#: GeNN's variables of the gradients of weights and of delays.
GRADIENT, DELAY_GRADIENT = "Gradient", "DelayGradient"

_REDUCE = {
    "vars": [("ReducedGradient", "scalar", CustomUpdateVarAccess.REDUCE_BATCH_SUM)],
    "var_refs": [("Gradient", "scalar")],
    "update_code": "ReducedGradient = Gradient;",
}


def learn_group(parameter: int) -> str:
    """Custom update group of the optimiser step of a parameter."""
    return f"GradientLearn{parameter}"


def learned_gradients(program: Program, connection: ConnectionProgram) -> dict[int, str]:
    """Learned parameter -> GeNN's variable of its gradient, of a connection."""
    named = ((connection.weight, GRADIENT), (connection.delay, DELAY_GRADIENT))
    return {i: variable for i, variable in named if i is not None and program.learns(i)}


@dataclass
class GeNNNetwork:
    """A GeNN model and its groups, by index into the program."""

    program: Program
    lanes: int  #: examples that GeNN simulates at once
    model: Any
    populations: list[Any]
    connections: list[Any]
    population_models: dict[int, models.PopulationModel]
    groups: set[str]  #: names of custom update groups
    #: learned parameter -> custom update of the optimiser
    optimisers: dict[int, Any] = field(default_factory=dict)
    #: learned parameter -> custom update that sums gradients over the lanes
    reductions: dict[int, Any] = field(default_factory=dict)
    fingerprint: str = ""  #: changes with the generated code


def custom_update(network: GeNNNetwork, group: str) -> None:
    """Run the custom updates of a group, if there are any."""
    if group in network.groups:
        network.model.custom_update(group)


MakeOptimiser = Callable[[int], Optimiser]


class ProgramCompiler(Compiler):
    """Builds the GeNN model of a program.

    The hooks of mlGeNN's compiler are filled with the models of :mod:`.models`.

    Args:
        program:        what to build
        lanes:          examples that GeNN simulates at once (1 on its CPU backend)
        backend:        GeNN's name of its backend
        make_optimiser: ml_genn optimiser of a learned parameter
        record_spikes:  populations that GeNN's own recording system records
        genn_kwargs:    further settings of GeNN's ``GeNNModel``
    """

    def __init__(
        self,
        program: Program,
        lanes: int,
        backend: str,
        make_optimiser: MakeOptimiser = lambda parameter: ProgramAdam(),
        record_spikes: frozenset[int] = frozenset(),
        rng_seed: int = 0,
        kernel_profiling: bool = False,
        **genn_kwargs: Any,
    ):
        super().__init__(
            [SynapseMatrixType.DENSE, SynapseMatrixType.SPARSE],
            program.dt,
            lanes,
            rng_seed,
            kernel_profiling,
            backend=backend,
            **{"optimize_code": True, **genn_kwargs},
        )
        self._program = program
        self._mirror = mirror(program, record_spikes)
        self._make_optimiser = make_optimiser
        self._population_index = {p: i for i, p in enumerate(self._mirror.populations)}
        self._connection_index = {c: i for i, c in enumerate(self._mirror.connections)}
        self._models: dict[int, models.PopulationModel] = {}
        self._groups: set[str] = set()
        self._text: list[str] = []

    def compile_program(self, name: str) -> GeNNNetwork:
        """GeNN model called ``name`` (a C identifier); not built yet."""
        built: GeNNNetwork = self.compile(self._mirror.network, name)
        text = "\0".join(self._text)
        built.fingerprint = hashlib.sha256(text.encode()).hexdigest()[:20]
        return built

    # -- mlGeNN's hooks

    def apply_delay(self, genn_pop: Any, conn: Any, delay: Any, compile_state: Any) -> None:
        connection = self._program.connections[self._connection_index[conn]]
        # a slot for every delay, the largest included
        genn_pop.max_dendritic_delay_timesteps = connection.max_delay_steps + 1
        self._note(connection.index, connection.max_delay_steps)

    def build_neuron_model(self, pop: Any, model: Any, compile_state: Any) -> NeuronModel:
        index = self._population_index[pop]
        population = self._program.populations[index]
        if population.is_input:
            built = models.input_model(self._program)
        else:
            of_population = models.PopulationModel(self._program, population, self.batch_size)
            self._models[population.index] = of_population
            built = of_population.model
        self._note(index, population.size, pop.record_spikes, built.model, built.param_vals)
        return built

    def build_synapse_model(self, conn: Any, model: Any, compile_state: Any) -> Any:
        return models.synapse_model()

    def build_weight_update_model(
        self, connection: Any, connect_snippet: Any, compile_state: Any
    ) -> Any:
        of_program = self._program.connections[self._connection_index[connection]]
        built = models.weight_update_model(self._program, of_program)
        self._note(of_program.index, of_program.num_synapses, built.model, built.param_vals)
        self._note(of_program.source, of_program.target, of_program.receptor)
        if of_program.pre_ind is not None:
            self._note(of_program.pre_ind.tobytes())  # row lengths become sizes in the code
        return built

    def create_compiled_network(
        self,
        genn_model: Any,
        neuron_populations: dict[Any, Any],
        connection_populations: dict[Any, Any],
        compile_state: Any,
    ) -> GeNNNetwork:
        network = GeNNNetwork(
            self._program,
            self.batch_size,
            genn_model,
            [neuron_populations[p] for p in self._mirror.populations],
            [connection_populations[c] for c in self._mirror.connections],
            self._models,
            self._groups,
        )
        for connection, group in zip(self._program.connections, network.connections):
            group.post_target_var = models.arrivals(connection.receptor)
            if connection.num_synapses == 0:
                group.max_connections = 1  # PyGeNN fails to load rows of length zero
            feeds_back = not self._program.populations[connection.source].is_input
            if self._program.training and feeds_back:
                group.pre_target_var = "RevISyn"
            self._groups.add(ZERO_ARRIVALS)
            self.add_out_post_zero_custom_update(
                genn_model, group, ZERO_ARRIVALS, f"CUZeroOutPost{connection.index}"
            )
            if self._program.training:
                self._add_learning(network, connection, group)
        self._add_resets(network)
        self._note(self._program.dt, self.batch_size, genn_model.backend_name)
        self._note(self.genn_kwargs, self.kernel_profiling)
        self._note_order()
        return network

    # -- custom updates

    def add_custom_update(self, genn_model: Any, model: Any, group: str, name: str) -> Any:
        """mlGeNN's, noted: initial values are parameters of the updates that reset."""
        self._note(group, name, model.model, model.param_vals)
        return super().add_custom_update(genn_model, model, group, name)

    def _add_resets(self, network: GeNNNetwork) -> None:
        for index, of_population in self._models.items():
            for group, variables in (
                (RESET_FORWARD, of_population.forward_vars),
                (RESET_BACKWARD, of_population.backward_vars),
                (RESET_HISTORY, of_population.history_vars),
            ):
                if variables:
                    self._add_reset(network, index, group, variables)
        for population in self._program.inputs:
            if self._program.training:
                variables = [("BackSpike", "int", 0)]
                self._add_reset(network, population.index, RESET_BACKWARD, variables)

    def _add_reset(
        self, network: GeNNNetwork, population: int, group: str, variables: models.Variables
    ) -> None:
        target = network.populations[population]
        reset = create_reset_custom_update(variables, lambda name: create_var_ref(target, name))
        self._groups.add(group)
        self.add_custom_update(network.model, reset, group, f"CU{group}{population}")

    def _add_learning(
        self, network: GeNNNetwork, connection: ConnectionProgram, group: Any
    ) -> None:
        gradients = learned_gradients(self._program, connection)
        if gradients:
            zero = create_reset_custom_update(
                [(variable, "scalar", 0.0) for variable in gradients.values()],
                lambda name: create_wu_var_ref(group, name),
            )
            self._groups.add(ZERO_GRADIENT)
            self.add_custom_update(
                network.model, zero, ZERO_GRADIENT, f"CUZeroGradient{connection.index}"
            )
        for parameter, variable in gradients.items():
            gradient = create_wu_var_ref(group, variable)
            if self.batch_size > 1:
                gradient = self._add_reduction(network, parameter, gradient)
            self._add_optimiser(network, parameter, gradient, group)

    def _add_reduction(self, network: GeNNNetwork, parameter: int, gradient: Any) -> Any:
        """Sum over the examples that are simulated at once; returns a reference to it."""
        model = CustomUpdateModel(
            dict(_REDUCE), {}, {"ReducedGradient": 0.0}, {"Gradient": gradient}
        )
        self._groups.add(REDUCE_GRADIENT)
        reduction = self.add_custom_update(
            network.model, model, REDUCE_GRADIENT, f"CUReduce{parameter}"
        )
        network.reductions[parameter] = reduction
        return create_wu_var_ref(reduction, "ReducedGradient")

    def _add_optimiser(
        self, network: GeNNNetwork, parameter: int, gradient: Any, group: Any
    ) -> None:
        spec = self._program.parameters[parameter]
        model = self._make_optimiser(parameter).get_model(
            gradient,
            create_wu_var_ref(group, spec.name),
            False,
            _clamp(spec),
        )
        learn = learn_group(parameter)
        self._groups.add(learn)
        network.optimisers[parameter] = self.add_custom_update(
            network.model, model, learn, f"CULearn{parameter}"
        )

    def _note_order(self) -> None:
        """GeNN goes through groups in the order of their names; else the code says nothing of
        names, which are new for each network where its user gave none."""
        for groups in (self._mirror.populations, self._mirror.connections):
            self._note(sorted(range(len(groups)), key=[g.name for g in groups].__getitem__))

    def _note(self, *parts: Any) -> None:
        """Add to the text whose hash tells whether generated code can be used again."""
        self._text.extend(repr(part) for part in parts)


def _clamp(spec: ParameterSpec) -> tuple[float, float] | None:
    """Bounds as GeNN's code can have them, in which there are no infinite numbers."""
    if not spec.is_bounded or spec.has_entry_bounds:
        return None
    largest = float(np.finfo(np.float32).max)
    low, high = spec.bounds
    return max(low, -largest), min(high, largest)
