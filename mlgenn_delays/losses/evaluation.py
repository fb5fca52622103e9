"""From the outcome of a forward pass to what drives the backward pass."""

from __future__ import annotations

import numpy as np

from ..program.exchange import ForwardResult, OutputGradient, Trace
from ..program.program import PopulationProgram
from ..program.timing import steps_until
from ..readouts import FirstSpikeTime
from .loss import Loss, Trial


def evaluate(
    loss: Loss,
    population: PopulationProgram,
    result: ForwardResult,
    y: np.ndarray,
    trial: Trial,
    num_examples: int | None = None,
) -> tuple[np.ndarray, OutputGradient]:
    """Loss of each example and gradient of their mean with respect to one output.

    Args:
        loss: loss of the output
        population: the output
        result: outcome of the forward pass of B examples
        y: targets of the B examples, as :meth:`.Loss.check` returned them
        trial: its duration, and settings of losses of spike times
        num_examples: of the whole batch, where the B examples are a part of it; None: B

    Returns:
        (B,) loss, gradient of the mean over the batch. Gradients of traces contain the
        integration weights of their nodes.

    Raises:
        ValueError: the loss needs a trace and the result has none
    """
    size = len(y) if num_examples is None else num_examples
    if loss.needs_trace(population.trace):
        if population.index not in result.traces:
            raise ValueError(
                f"output population '{population.name}': loss '{loss.name}' needs the voltage "
                "of every timestep, which was not kept"
            )
        readout = population.readout
        window = None if readout is None else readout.window
        return _evaluate_traces(loss, result.traces[population.index], y, trial, size, window)
    values = result.readouts[population.index]
    if population.readout is not None and population.readout.uses_spike_times:
        return _evaluate_spike_times(loss, values, y, trial, size)
    losses, gradient = loss.on_readout(values, y)
    return losses, OutputGradient(readout=gradient / size)


def _evaluate_spike_times(
    loss: Loss, values: np.ndarray, y: np.ndarray, trial: Trial, size: int
) -> tuple[np.ndarray, OutputGradient]:
    spiked = FirstSpikeTime.spiked(values)
    losses, gradient, silent = loss.on_spike_times(-values, spiked, y, trial)
    return losses, OutputGradient(readout=gradient / size, silent=silent / size)


def _evaluate_traces(
    loss: Loss,
    traces: list[Trace],
    y: np.ndarray,
    trial: Trial,
    size: int,
    window: tuple[int, int] | None,
) -> tuple[np.ndarray, OutputGradient]:
    losses = np.empty(len(traces))
    gradients = []
    for i, trace in enumerate(traces):
        density, gradient = loss.on_trace(trace.values, y[i], trace.times, trial.dt)
        weights = trace.weights / trial.duration
        if window is not None:
            first, end = window
            steps = steps_until(trace.times, trial.dt)
            inside = (steps >= first) & (steps < end)
            weights = np.where(inside, trace.weights / ((end - first) * trial.dt), 0.0)
        losses[i] = np.dot(weights, density)
        gradients.append(gradient * (weights / size)[:, np.newaxis])
    return losses, OutputGradient(trace=gradients)
