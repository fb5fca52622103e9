"""Synapses without a current."""

from __future__ import annotations

from .synapse import Synapse


class Delta(Synapse):
    """A spike that arrives moves the voltage by its weight, and leaves no current.

    On the grid of timesteps, with w the weights of all that arrives in step n::

        V[n] = exp(-dt/tau_mem) V[n-1] + sum w

    So a weight is in units of the voltage, and ``scale_i`` of the neuron has no part in it (in
    mlGeNN, neurons with ``scale_i=True`` scale such weights by 1 - exp(-dt/tau_mem)).

    Networks with such synapses predict on the grid (``InferenceCompiler``) and train with
    surrogate gradients. EventProp refuses them: spikes happen when something arrives, whatever
    the weights, so that their times have no derivative by weights.
    """

    def check(self) -> None:
        """There is nothing to check."""
