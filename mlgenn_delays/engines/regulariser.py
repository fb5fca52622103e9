"""Spike count regularisation, the same for all engines."""

from __future__ import annotations

import numpy as np

from ..program.program import PopulationProgram, Program


def regulariser_jump(
    program: Program, population: PopulationProgram, spike_counts: np.ndarray
) -> np.ndarray:
    """What each spike of a neuron adds to its lambda_V, to steer its spike count.

    As in mlGeNN: -lambda (mean count - nu) / examples with lambda the upper or the lower
    strength. mlGeNN's adjoints of losses on voltages are 1/tau_mem of the output smaller
    than the exact ones used here, so that its strengths mean the same after
    multiplication with that tau_mem.

    Args:
        spike_counts: (examples, neurons) of the batch

    Returns:
        (neurons,) float64
    """
    excess = spike_counts.mean(axis=0, dtype=np.float64) - population.reg_nu_upper
    strength = np.where(excess > 0.0, population.reg_lambda_upper, population.reg_lambda_lower)
    output = program.outputs[0]
    uses_spike_times = output.readout is not None and output.readout.uses_spike_times
    scale = 1.0
    if not uses_spike_times:
        model = output.neuron.get_model(program.dt, program.i_minus_thresh_min)
        scale = model.params["TauM"]
    return -scale * strength * excess / len(spike_counts)
