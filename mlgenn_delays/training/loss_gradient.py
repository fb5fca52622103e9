"""From the outcome of a forward pass to what drives the backward pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..readouts import FirstSpikeTime

if TYPE_CHECKING:
    from ..engines.base import ForwardResult, OutputGradient, Trace
    from ..losses.loss import Loss
    from ..program.program import PopulationProgram, Program


def evaluate(
    loss: Loss,
    population: PopulationProgram,
    result: ForwardResult,
    y: np.ndarray,
    program: Program,
) -> tuple[np.ndarray, OutputGradient]:
    """Loss of each example and gradient of their mean with respect to one output.

    Args:
        loss: loss of the output
        population: the output
        result: outcome of the forward pass of B examples
        y: targets of the B examples, as :meth:`.Loss.check` returned them
        program: the network

    Returns:
        (B,) loss, gradient of the mean over the batch. Gradients of traces contain the
        integration weights of their nodes.

    Raises:
        ValueError: the loss needs a trace and the result has none
    """
    if loss.needs_trace(population.per_timestep_loss):
        if population.index not in result.traces:
            raise ValueError(
                f"output population '{population.name}': loss '{loss.name}' needs the voltage "
                "of every timestep, which was not kept"
            )
        return _evaluate_traces(loss, result.traces[population.index], y, program)
    values = result.readouts[population.index]
    if population.readout is not None and population.readout.uses_spike_times:
        return _evaluate_spike_times(loss, values, y, program)
    return _evaluate_readouts(loss, values, y)


def _evaluate_readouts(
    loss: Loss, values: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, OutputGradient]:
    from ..engines.base import OutputGradient

    losses, gradient = loss.on_readout(values, y)
    return losses, OutputGradient(readout=gradient / len(values))


def _evaluate_spike_times(
    loss: Loss, values: np.ndarray, y: np.ndarray, program: Program
) -> tuple[np.ndarray, OutputGradient]:
    from ..engines.base import OutputGradient

    losses, gradient, silent = loss.on_spike_times(
        -values, FirstSpikeTime.spiked(values), y, program.duration, program
    )
    size = len(values)
    return losses, OutputGradient(readout=gradient / size, silent=silent / size)


def _evaluate_traces(
    loss: Loss, traces: list[Trace], y: np.ndarray, program: Program
) -> tuple[np.ndarray, OutputGradient]:
    from ..engines.base import OutputGradient

    losses = np.empty(len(traces))
    gradients = []
    for i, trace in enumerate(traces):
        density, gradient = loss.on_trace(trace.values, y[i], trace.times, program.dt)
        weights = trace.weights / program.duration
        losses[i] = np.dot(weights, density)
        gradients.append(gradient * (weights / len(traces))[:, np.newaxis])
    return losses, OutputGradient(trace=gradients)
