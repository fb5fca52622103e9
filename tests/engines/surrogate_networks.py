"""Networks for the literal simulation of surrogate gradients, described in numbers per timestep.

Nothing here knows of compilers, programs or engines. The place to make a ``Network`` of a program
and its parameters is beside the tests of the engine that is compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

Parameters = dict[str, np.ndarray]


@dataclass(frozen=True)
class Input:
    """A population that emits given numbers of spikes."""

    size: int
    mask: np.ndarray | None = None  #: see Layer


@dataclass(frozen=True)
class Layer:
    """A population with dynamics.

    Attributes:
        alpha:      decay of the voltage in a step
        betas, kappas: decays of the synaptic currents and their gains, one per receptor
        threshold:  None: it emits no spikes
        v:          voltage at the start
        relative_reset: whether ``threshold - v_reset`` is taken off, rather than V set to v_reset
        readout:    "avg_var", "sum_var", "var", "avg_var_exp_weight", "max_var",
                    "sum_softmax_var" or "trace"; None: it is not read out
        regulariser: (strength above, strength below, mean number of spikes)
        mask:       (examples, size) by which spikes are multiplied where they leave for other
                    populations: 0 or 1 / (1 - dropout)
        recurrent_mask: the same for what arrives from the population itself
        current_mask: the same for what arrives from others, once it is normalised
        use_running: whether normalisation is by "norm_mean" and "norm_var", not the batch's own
        parameters: (size,) each: "bias", "norm_scale", "norm_shift", "norm_mean", "norm_var"
    """

    size: int
    alpha: float
    betas: tuple[float, ...] = (0.0,)
    kappas: tuple[float, ...] = (1.0,)
    threshold: float | None = 1.0
    v_reset: float = 0.0
    v: float = 0.0
    relative_reset: bool = False
    readout: str | None = None
    regulariser: tuple[float, float, float] | None = None
    mask: np.ndarray | None = None
    recurrent_mask: np.ndarray | None = None
    current_mask: np.ndarray | None = None
    use_running: bool = False
    parameters: Parameters = field(default_factory=dict)


@dataclass(frozen=True)
class Projection:
    """All synapses from one population to another, or to itself.

    Attributes:
        source, target: indices of populations
        kind:       how a delay is spread over taps: "constant" (all synapses have ``max_delay``),
                    "rounded", "fractional", "gaussian", "triangle"
        max_delay:  the largest delay, in steps
        axonal:     whether delays and widths are one per presynaptic neuron, not per synapse
        pre, post:  (synapses,) indices of neurons; None: dense
        parameters: "g" (pre, post) or (synapses,); but for "constant": "d", shaped like "g" or
                    (pre,) where axonal; for "gaussian" and "triangle" "sigma" (1,); where
                    widths are learned "p", shaped like "d"
    """

    source: int
    target: int
    kind: str
    max_delay: int
    receptor: int = 0
    axonal: bool = False
    pre: np.ndarray | None = None
    post: np.ndarray | None = None
    parameters: Parameters = field(default_factory=dict)


@dataclass(frozen=True)
class Surrogate:
    """What replaces the derivative of a spike.

    Attributes:
        smooth: whether spikes are replaced, too, by numbers of which the surrogate is the true
            derivative, so that the whole network has one
        differentiate_reset: whether gradients flow through the reset
    """

    name: str = "arctangent"
    slope: float = 5.0
    smooth: bool = False
    differentiate_reset: bool = False


@dataclass(frozen=True)
class Network:
    """Populations, each after all that it listens to but itself, and what connects them."""

    layers: tuple[Input | Layer, ...]
    projections: tuple[Projection, ...]
    surrogate: Surrogate = Surrogate()

    def feed_forward(self, target: int) -> list[int]:
        """Indices of the projections to a population from others."""
        return [
            i for i, p in enumerate(self.projections) if p.target == target and p.source != target
        ]

    def recurrent(self, target: int) -> list[int]:
        """Indices of the projections of a population to itself."""
        return [i for i, p in enumerate(self.projections) if p.target == p.source == target]


def synapses(projection: Projection, sizes: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Presynaptic and postsynaptic neuron of each synapse."""
    if projection.pre is not None and projection.post is not None:
        return projection.pre, projection.post
    return np.repeat(np.arange(sizes[0]), sizes[1]), np.tile(np.arange(sizes[1]), sizes[0])


def predicting(network: Network, fractional: bool = False) -> Network:
    """The network as it predicts: delays rounded, or spread over two steps, running statistics
    and no dropout."""
    kind = "fractional" if fractional else "rounded"
    layers = (
        replace(p, mask=None)
        if isinstance(p, Input)
        else replace(p, mask=None, recurrent_mask=None, current_mask=None, use_running=True)
        for p in network.layers
    )
    projections = (
        p if p.kind == "constant" else replace(p, kind=kind) for p in network.projections
    )
    return replace(network, layers=tuple(layers), projections=tuple(projections))
