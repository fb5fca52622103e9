"""What is exported: a program whose initial values are the current ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...checks import describe
from ...compilers.build import build_program
from ...compilers.settings import BuildSettings
from ...network import Network
from ...program.program import ConnectionProgram, Program
from ...program.timing import round_delays
from ...training.built_network import BuiltNetwork
from ...training.compiled_network import CompiledNetwork


def current_state(network: Network | CompiledNetwork, settings: BuildSettings) -> BuiltNetwork:
    """A network for predictions, whose parameters have the values that they have now.

    Args:
        network:  a description, whose values are drawn as its compiler draws them, or a compiled
            network, as it is after training
        settings: of the compiler, for a description

    Raises:
        TypeError: neither
        ValueError: what is wrong with a description; parameters that NIR cannot say
    """
    if isinstance(network, Network):
        return build_program(network, settings)
    if not isinstance(network, CompiledNetwork):
        raise TypeError(
            f"network should be a Network or a compiled network, not {describe(network)}"
        )
    program = network.program
    _check_parameters(program)
    engine = network.engine
    parameters = tuple(
        replace(spec, initial=np.array(engine.get_parameter(i)).reshape(spec.shape), learned=False)
        for i, spec in enumerate(program.parameters)
    )
    populations = tuple(replace(p, regulariser=None, trace=False) for p in program.populations)
    program = replace(
        program, populations=populations, parameters=parameters, training=False, surrogate=None
    )
    return replace(network._built, program=program, losses={})


def _check_parameters(program: Program) -> None:
    of_neurons = {i for p in program.neurons for i in program.own_parameters(p).values()}
    known = program.of_synapses | of_neurons
    further = [spec.label for i, spec in enumerate(program.parameters) if i not in known]
    if further:
        raise ValueError(
            f"{further[0]} cannot be said in NIR, nor in the description of a network; take "
            "compilers.convert, which puts what can be into weights and delays, then export its "
            "network"
        )


def synapse_values(
    program: Program, connection: ConnectionProgram
) -> tuple[np.ndarray, np.ndarray]:
    """Weights and delays [timesteps] of the synapses of a connection as engines use them, (source
    size, target size) float32; both are 0 where there is no synapse.

    On the grid of timesteps, delays are whole.
    """
    spec = program.parameters[connection.weight]
    weights = spec.expand(spec.initial)
    if connection.delay is None:
        delays = np.full(weights.shape, connection.constant_delay, dtype=np.float32)
    else:
        spec = program.parameters[connection.delay]
        delays = spec.expand(spec.initial)
        if not program.is_substep:
            delays = round_delays(delays)
    return _matrix(weights, connection), _matrix(delays, connection)


def _matrix(values: np.ndarray, connection: ConnectionProgram) -> np.ndarray:
    shape = connection.source_size, connection.target_size
    if not connection.is_sparse:
        return values.reshape(shape)
    matrix = np.zeros(shape, dtype=np.float32)
    matrix[connection.pre_ind, connection.post_ind] = values
    return matrix
