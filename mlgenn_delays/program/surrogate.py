"""Training with surrogate gradients: what a program says of it.

Spikes have the derivative of a smooth function in place of their own, and while a network learns,
each delay is spread over the timesteps around it, so that it has a derivative, too. Equations:
docs/surrogate.md. Sources: Neftci, Mostafa & Zenke 2019 (10.1109/MSP.2019.2931595); delays:
Hammouamri, Khalfaoui-Hassani & Masquelier 2024 (arXiv 2306.17670, DCLS), Queant, Rancon, Cottereau
& Masquelier 2025 (arXiv 2509.24852, DelRec).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

#: Derivatives that stand in for that of the step at threshold; x = V - theta, a the slope::
#:
#:     arctangent     (a / 2) / (1 + (pi a x / 2)^2)
#:     triangular     a max(0, 1 - a |x|)
#:     fast_sigmoid   1 / (1 + a |x|)^2
SurrogateFunction = Literal["arctangent", "triangular", "fast_sigmoid"]

#: Slope of each function where none is given: of the arctangent the one of DCLS and DelRec, of the
#: triangle the one of DelRec.
DEFAULT_SLOPE: dict[str, float] = {"arctangent": 5.0, "triangular": 1.0, "fast_sigmoid": 5.0}

#: How a delay of d timesteps is spread over taps m, with the width sigma::
#:
#:     gaussian   exp(-((m - d) / sigma)^2 / 2), divided by the sum over m         (DCLS)
#:     triangle   max(0, s - |m - d|) / s^2 with s = 1 + sigma                     (DelRec)
SpreadKind = Literal["gaussian", "triangle"]

#: What batch normalisation adds to variances.
NORM_SMALL = 1e-5

SURROGATE_FUNCTIONS: tuple[str, ...] = get_args(SurrogateFunction)
SPREAD_KINDS: tuple[str, ...] = get_args(SpreadKind)


@dataclass(frozen=True)
class Spread:
    """How the delays of a connection are spread while they are learned.

    Attributes:
        kind:  of the kernel
        sigma: index of the width [timesteps], one entry, in ``Program.parameters``
        width: index of learned widths p, one per delay: s = 1 + 2 sigma sigmoid(p); None: all
            delays have the same
    """

    kind: SpreadKind
    sigma: int
    width: int | None = None


@dataclass(frozen=True)
class Normalisation:
    """Batch normalisation of what arrives at a population by feed-forward connections: indices
    into ``Program.parameters``, of parameters with one entry per neuron.

    Ioffe & Szegedy 2015, arXiv 1502.03167; over examples and timesteps.
    """

    scale: int
    shift: int
    mean: int  #: running mean
    var: int  #: running variance


@dataclass(frozen=True)
class LayerSurrogate:
    """What a population has besides its model when it is trained.

    Attributes:
        bias: index of a current of each neuron, at every timestep; None: there is none
        norm: batch normalisation; None: there is none
        dropout: share of neurons whose spikes do not leave by feed-forward connections
        current_dropout: share of neurons that receive nothing by feed-forward connections
        recurrent_dropout: share of neurons that receive nothing from the population itself
    """

    bias: int | None = None
    norm: Normalisation | None = None
    dropout: float = 0.0
    current_dropout: float = 0.0
    recurrent_dropout: float = 0.0


@dataclass(frozen=True)
class SurrogateProgram:
    """How a program is trained with surrogate gradients.

    Attributes:
        function: derivative in place of that of a spike
        slope: of the function
        differentiate_reset: whether gradients flow through resets
        fractional_delays: of predictions: False: delays are rounded to timesteps; True: spikes
            arrive in the two timesteps around them, in parts
        spreads: one per connection; None: its delays are not spread
        layers: one per population
        seed: of dropout
    """

    function: SurrogateFunction
    slope: float
    differentiate_reset: bool
    fractional_delays: bool
    spreads: tuple[Spread | None, ...]
    layers: tuple[LayerSurrogate, ...]
    seed: int
