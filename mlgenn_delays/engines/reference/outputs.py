"""What trials read out and record, and the drives that a loss gradient means for them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...program.exchange import NO_SPIKE, OutputGradient, Recording, RecordRequest, Trace
from ...program.program import PopulationProgram, Program
from .backward import BackwardPass, Drives
from .forward import ForwardPass, Spike
from .quadrature import nodes_at, readout_nodes, trace_nodes, window_times


def read_out(trial: ForwardPass, population: PopulationProgram) -> np.ndarray:
    """Readout of each neuron of one example, (outputs,) float64."""
    readout, program = population.readout, trial.circuit.program
    assert readout is not None
    if readout.uses_spikes:
        spikes = _spikes_within(trial, population)
        if readout.uses_spike_times:
            return np.array([-s[0].time if s else NO_SPIKE for s in spikes])
        return np.array([float(len(s)) for s in spikes])
    return np.array(
        [readout_nodes(readout, t, program).value(t) for t in trial.trajectories(population.index)]
    )


def _spikes_within(trial: ForwardPass, population: PopulationProgram) -> list[list[Spike]]:
    """Spikes of each neuron that the readout may read."""
    assert population.readout is not None
    start, end = window_times(population.readout, trial.circuit.program)
    cells = trial.cells[population.index]
    return [[s for s in cell.spikes if start < s.time <= end] for cell in cells]


def trace(trial: ForwardPass, population: PopulationProgram) -> Trace:
    """Voltages of one example at quadrature nodes."""
    trajectories = trial.trajectories(population.index)
    times, weights = trace_nodes(trajectories, trial.circuit.program)
    return Trace(times, weights, np.stack([t.voltage(times) for t in trajectories], axis=1))


def make_drives(
    trial: ForwardPass,
    example: int,
    gradients: Mapping[int, OutputGradient],
    times: Mapping[int, np.ndarray],
) -> Drives:
    """Drives of the adjoint variables of one example, but for the regulariser.

    Args:
        trial:     the example's forward pass
        example:   its position in the batch
        gradients: per output population, of the whole batch
        times:     nodes [ms] of the example's traces, per population that has one
    """
    drives = Drives()
    for index, gradient in gradients.items():
        population = trial.circuit.program.populations[index]
        if gradient.silent is not None:
            drives.silent[index] = gradient.silent[example]
        if gradient.trace is not None:
            values = np.asarray(gradient.trace[example], dtype=np.float64)
            drives.voltage[index] = [
                nodes_at(t, times[index], values[:, k])
                for k, t in enumerate(trial.trajectories(index))
            ]
        elif gradient.readout is None or population.readout is None:
            continue
        elif population.readout.uses_spike_times:
            for spikes, slope in zip(
                _spikes_within(trial, population), gradient.readout[example], strict=True
            ):
                drives.spikes.update({spike: float(slope) for spike in spikes[:1]})
        else:
            program = trial.circuit.program
            drives.voltage[index] = [
                readout_nodes(population.readout, t, program).scaled(float(factor))
                for t, factor in zip(
                    trial.trajectories(index), gradient.readout[example], strict=True
                )
            ]
    return drives


def kept_populations(program: Program, variables: frozenset[tuple[int, str]]) -> frozenset[int]:
    """Populations of which the forward pass must keep trajectories."""
    outputs = (p.index for p in program.outputs if p.readout is None or not p.readout.uses_spikes)
    return frozenset(outputs) | {index for index, name in variables if name == "V"}


def record_forward(program: Program, trials: list[ForwardPass], record: RecordRequest) -> Recording:
    """Spikes and voltages (at the ends of timesteps) of the requested examples."""
    chosen = [trials[b] for b in _requested(record, len(trials))]
    recording = Recording()
    for index in record.spikes:
        recording.spikes[index] = [trial.spikes(index) for trial in chosen]
    for index, name in record.variables:
        if name == "V":
            values = [_voltages(trial, index) for trial in chosen]
            recording.variables[index, name] = _stack(values, program, index)
    return recording


def record_backward(
    program: Program, passes: list[BackwardPass], record: RecordRequest
) -> Recording:
    """Adjoint variables, at the starts of timesteps, of the requested examples."""
    chosen = [passes[b] for b in _requested(record, len(passes))]
    recording = Recording()
    for index, name in record.variables:
        names = ("LambdaV", *program.populations[index].current_adjoints)
        if name in names:
            values = [run.samples(index)[names.index(name)] for run in chosen]
            recording.variables[index, name] = _stack(values, program, index)
    return recording


def _requested(record: RecordRequest, size: int) -> list[int]:
    # a mask of a whole batch may be longer than the last batch of a data set
    return [int(i) for i in np.flatnonzero(record.examples[:size])]


def _voltages(trial: ForwardPass, population: int) -> np.ndarray:
    program = trial.circuit.program
    times = (np.arange(program.timesteps) + 1.0) * program.dt
    return np.stack([t.voltage(times) for t in trial.trajectories(population)], axis=1)


def _stack(arrays: list[np.ndarray], program: Program, population: int) -> np.ndarray:
    # also where no example of the batch was asked for
    shape = (len(arrays), program.timesteps, program.populations[population].size)
    return np.array(arrays, dtype=np.float32).reshape(shape)
