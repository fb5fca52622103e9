"""A pass of a network, layer by layer, each over the whole trial; PyTorch goes back through it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...events.dataset import EventDataset
from ...program.check_surrogate import layer_order
from ...program.equations import has_relative_reset
from ...program.program import PopulationProgram, Program
from ...program.surrogate import DEFAULT_SLOPE, NORM_SMALL, LayerSurrogate, Normalisation
from ...program.timing import emission_steps
from .delays import feed_forward
from .derivatives import DERIVATIVES
from .layer import Dynamics, Recurrence, drop_at_spike, run_layer
from .projections import make_projection

#: Of running statistics of batch normalisation.
_MOMENTUM = 0.1


@dataclass
class Trial:
    """What a pass leaves, by population; (steps, examples, neurons) each."""

    voltages: dict[int, Tensor] = field(default_factory=dict)  #: before resets
    spikes: dict[int, Tensor] = field(default_factory=dict)
    #: running statistics of batch normalisation after a pass that learns, by parameter
    running: dict[int, Tensor] = field(default_factory=dict)


class ForwardPass:
    """One pass of a batch.

    Args:
        program: of the network
        values:  of all parameters, one per synapse or neuron, flat
        step:    of the optimiser, for which the pass is; None: it predicts
    """

    def __init__(self, program: Program, values: Sequence[Tensor], step: int | None) -> None:
        self._program, self._values, self._step = program, values, step
        self._learns = step is not None
        self._running: dict[int, Tensor] = {}

    def run(self, inputs: Mapping[int, Tensor]) -> Trial:
        """Run all layers.

        Args:
            inputs: input population -> (steps, examples, neurons) spikes of each step
        """
        program, trial = self._program, Trial(spikes=dict(inputs), running=self._running)
        leaving = dict(inputs)  # spikes after dropout
        for index in layer_order(program):
            population = program.populations[index]
            voltages, spikes = self._run_layer(population, leaving)
            trial.voltages[index], trial.spikes[index] = voltages, spikes
            share = self._layer(population).dropout
            mask = self._mask(population, spikes.shape[1], share, 0)
            leaving[index] = spikes if mask is None else spikes * mask
        return trial

    def _run_layer(
        self, population: PopulationProgram, leaving: Mapping[int, Tensor]
    ) -> tuple[Tensor, Tensor]:
        steps, examples = next(iter(leaving.values())).shape[:2]
        arrivals = self._values[0].new_zeros(
            (len(population.receptors), steps, examples, population.size)
        )
        parts = list(arrivals)
        recurrences = []
        for connection in self._program.incoming(population):
            projection = make_projection(self._program, connection, self._values, self._learns)
            receptor = connection.receptor
            if connection.source == population.index:
                share = self._layer(population).recurrent_dropout
                mask = self._mask(population, examples, share, 1)
                recurrences.append(Recurrence(receptor, projection, mask))
            else:
                arrived = feed_forward(leaving[connection.source], projection)
                parts[receptor] = parts[receptor] + arrived
        layer = self._layer(population)
        if layer.bias is not None:
            parts[0] = parts[0] + self._values[layer.bias]
        if layer.norm is not None:
            parts[0] = self._normalise(parts[0], layer.norm)
        mask = self._mask(population, examples, layer.current_dropout, 2)
        if mask is not None:
            parts = [part * mask for part in parts]
        return run_layer(torch.stack(parts), make_dynamics(self._program, population), recurrences)

    def _layer(self, population: PopulationProgram) -> LayerSurrogate:
        surrogate = self._program.surrogate
        return LayerSurrogate() if surrogate is None else surrogate.layers[population.index]

    def _normalise(self, arrivals: Tensor, norm: Normalisation) -> Tensor:
        """Batch normalisation over examples and steps."""
        values = self._values
        mean, var = values[norm.mean], values[norm.var]
        if self._learns:  # in place, but not yet in those of the engine: a step may not be taken
            mean, var = mean.clone(), var.clone()
            self._running.update({norm.mean: mean, norm.var: var})
        normed = functional.batch_norm(
            arrivals.flatten(0, 1),
            mean,
            var,
            values[norm.scale],
            values[norm.shift],
            training=self._learns,
            momentum=_MOMENTUM,
            eps=NORM_SMALL,
        )
        return normed.reshape(arrivals.shape)

    # -- dropout: one mask for all steps of a trial, drawn from seed, step and population

    def _mask(
        self, population: PopulationProgram, examples: int, share: float, stream: int
    ) -> Tensor | None:
        surrogate = self._program.surrogate
        if share == 0.0 or surrogate is None or self._step is None:
            return None
        rng = np.random.default_rng([surrogate.seed, self._step, population.index, stream])
        kept = rng.random((examples, population.size)) >= share
        return torch.as_tensor(kept / (1.0 - share)).to(self._values[0])


def make_dynamics(program: Program, population: PopulationProgram) -> Dynamics:
    """Constants of a population's layer."""
    model, surrogate = population.dynamics, program.surrogate
    function, slope = "arctangent", DEFAULT_SLOPE["arctangent"]
    if surrogate is not None:
        function, slope = surrogate.function, surrogate.slope
    return Dynamics(
        alpha=model.params["Alpha"],
        betas=tuple(r.model.params.get("ExpDecay", 0.0) for r in population.receptors),
        kappas=tuple(r.model.params.get("Kappa", 1.0) for r in population.receptors),
        initial=model.vars["V"],
        threshold=model.params["Vthresh"] if population.is_spiking else None,
        reset=model.params["Vreset"] if population.is_spiking else 0.0,
        is_relative=has_relative_reset(model),
        derivative=partial(_derivative, function, slope),
        differentiate_reset=surrogate is not None and surrogate.differentiate_reset,
    )


def held_voltages(program: Program, index: int, trial: Trial) -> Tensor:
    """Voltages of a population after resets, as other engines record them."""
    voltages, population = trial.voltages[index], program.populations[index]
    if not population.is_spiking:
        return voltages
    dynamics = make_dynamics(program, population)
    return voltages - trial.spikes[index] * drop_at_spike(voltages, dynamics)


def _derivative(function: str, slope: float, x: Tensor) -> Tensor:
    return DERIVATIVES[function](x, slope)


def count_spikes(
    events: EventDataset, indices: np.ndarray, dt: float, steps: int, like: Tensor
) -> Tensor:
    """Events of examples by step and neuron, (steps, examples, neurons).

    Args:
        indices: of the examples
        like: a tensor of the device and type that is wanted
    """
    all_steps, neurons = emission_steps(events, dt), events.num_neurons
    places = []
    for row, example in enumerate(indices):
        part = slice(events.offsets[example], events.offsets[example + 1])
        at = all_steps[part].astype(np.int64)
        inside = at < steps
        places.append((at[inside] * len(indices) + row) * neurons + events.neurons[part][inside])
    index = torch.as_tensor(np.concatenate(places)).to(like.device)
    counts = like.new_zeros(steps * len(indices) * neurons)
    counts.index_add_(0, index, torch.ones_like(index, dtype=counts.dtype))
    return counts.reshape(steps, len(indices), neurons)
