"""Small random networks with spread delays: every way in which they can be put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.random import Generator, default_rng
from surrogate_adjoint import Gradients, gradients
from surrogate_networks import Input, Layer, Network, Projection, Surrogate
from surrogate_simulation import Course, readout, regularisation, simulate

STEPS, EXAMPLES = 12, 2


@dataclass
class Case:
    """A network, what goes in, and a loss of what is read out: targets' product and squares."""

    network: Network
    inputs: dict[int, np.ndarray]
    targets: dict[int, np.ndarray]

    def outputs(self, courses: list[Course]) -> dict[int, np.ndarray]:
        """What is read out of each population that is."""
        layers = self.network.layers
        return {i: readout(layers[i], courses[i].voltages) for i in self.targets}

    def loss(self, courses: list[Course]) -> float:
        """The loss of a run, regularisation included."""
        outputs = self.outputs(courses)
        total = sum(np.sum(t * outputs[i] + 0.5 * outputs[i] ** 2) for i, t in self.targets.items())
        for layer, course in zip(self.network.layers, courses):
            if isinstance(layer, Layer) and layer.regulariser is not None:
                total += regularisation(layer, course.spikes)
        return float(total)

    def gradients(self, courses: list[Course]) -> Gradients:
        """Its derivatives by all parameters."""
        outputs = self.outputs(courses)
        slopes = {i: target + outputs[i] for i, target in self.targets.items()}
        return gradients(self.network, courses, slopes)

    def run(self) -> list[Course]:
        """The network's run."""
        return simulate(self.network, self.inputs)


class Builder:
    """Puts a random network together, population by population."""

    def __init__(self, seed: int, **surrogate: Any):
        self.rng: Generator = default_rng(seed)
        self.surrogate = Surrogate(**surrogate)
        self.layers: list[Input | Layer] = []
        self.projections: list[Projection] = []

    def mask(self, size: int) -> np.ndarray:
        """Dropout of 0.4, not all of it."""
        mask = (self.rng.random((EXAMPLES, size)) >= 0.4) / 0.6
        mask[0, 0], mask[-1, -1] = 0.0, 1.0 / 0.6
        return mask

    def input(self, size: int = 3, dropout: bool = False) -> int:
        """Add an input; its index."""
        self.layers.append(Input(size, self.mask(size) if dropout else None))
        return len(self.layers) - 1

    def layer(
        self,
        size: int = 3,
        *,
        bias: bool = False,
        norm: bool = False,
        dropout: bool = False,
        recurrent_dropout: bool = False,
        current_dropout: bool = False,
        **numbers: Any,
    ) -> int:
        """Add a population; its index."""
        rng, parameters = self.rng, {}
        if bias:
            parameters["bias"] = rng.normal(0.1, 0.2, size)
        if norm:
            parameters |= {
                "norm_scale": rng.uniform(0.5, 1.5, size),
                "norm_shift": rng.normal(0.2, 0.2, size),
                "norm_mean": rng.normal(0.0, 0.3, size),
                "norm_var": rng.uniform(0.5, 1.5, size),
            }
        self.layers.append(
            Layer(
                size,
                mask=self.mask(size) if dropout else None,
                recurrent_mask=self.mask(size) if recurrent_dropout else None,
                current_mask=self.mask(size) if current_dropout else None,
                parameters=parameters,
                **{"alpha": 0.7, **numbers},
            )
        )
        return len(self.layers) - 1

    def connect(
        self,
        source: int,
        target: int,
        kind: str = "gaussian",
        max_delay: int = 4,
        *,
        sigma: float = 1.3,
        learned_width: bool = False,
        density: float | None = None,
        axonal: bool = False,
        receptor: int = 0,
        weight: float = 0.7,
    ) -> None:
        """Connect two populations, with random weights and delays."""
        rng, sizes = self.rng, (self.layers[source].size, self.layers[target].size)
        pre = post = None
        shape: tuple[int, ...] = sizes
        if density is not None:
            pre, post = np.nonzero(rng.random(sizes) < density)
            shape = (len(pre),)
        parameters = {"g": rng.normal(weight, 0.6, shape)}
        of_delays = (sizes[0],) if axonal else shape
        if kind != "constant":
            parameters["d"] = rng.uniform(0.0, max_delay, of_delays)
        if kind in ("gaussian", "triangle"):
            parameters["sigma"] = np.array([sigma])
        if learned_width:
            parameters["p"] = rng.normal(0.0, 1.0, of_delays)
        self.projections.append(
            Projection(source, target, kind, max_delay, receptor, axonal, pre, post, parameters)
        )

    def build(self, rate: float = 0.4) -> Case:
        """The network with random numbers of input spikes, some of them 2."""
        network = Network(tuple(self.layers), tuple(self.projections), self.surrogate)
        inputs, targets = {}, {}
        for i, layer in enumerate(self.layers):
            if isinstance(layer, Input):
                shape = (STEPS, EXAMPLES, layer.size)
                inputs[i] = self.rng.binomial(2, rate / 2, shape).astype(float)
            elif layer.readout is not None:
                shape = (STEPS, EXAMPLES, layer.size)
                targets[i] = self.rng.normal(size=shape if layer.readout == "trace" else shape[1:])
        return Case(network, inputs, targets)


def layered(
    seed: int,
    surrogate: dict[str, Any] | None = None,
    *,
    readout: str = "avg_var",
    recurrent: dict[str, Any] | None = None,
    connection: dict[str, Any] | None = None,
    output: dict[str, Any] | None = None,
    **hidden: Any,
) -> Case:
    """Input -> hidden, with or without recurrence -> output."""
    b = Builder(seed, **(surrogate or {}))
    first, middle = b.input(), b.layer(**hidden)
    last = b.layer(2, threshold=None, readout=readout, **(output or {}))
    b.connect(first, middle, **(connection or {}))
    if recurrent is not None:
        b.connect(middle, middle, **{"weight": 0.0, **recurrent})
    b.connect(middle, last, **(connection or {}))
    return b.build()


def skipping(seed: int, **surrogate: Any) -> Case:
    """Two hidden populations with recurrence, and connections that skip one; two outputs."""
    b = Builder(seed, **surrogate)
    first, other = b.input(2, dropout=True), b.input(2)
    one, two = (
        b.layer(bias=True, dropout=True),
        b.layer(2, norm=True, recurrent_dropout=True, current_dropout=True),
    )
    last = b.layer(2, threshold=None, readout="sum_var", norm=True, bias=True)
    largest = b.layer(2, threshold=None, readout="max_var", v=0.3)
    b.connect(first, one)
    b.connect(one, one, "triangle", 3, sigma=0.7, axonal=True, weight=0.0)
    b.connect(first, two, "triangle", 3, sigma=2.2)
    b.connect(other, two, "constant", 2)
    b.connect(one, two, "gaussian", 3, density=0.7)
    b.connect(two, two, "triangle", 2, learned_width=True, axonal=True, weight=0.0)
    b.connect(one, last, "constant", 0)
    b.connect(two, last)
    b.connect(two, largest)
    return b.build()


def two_receptors(seed: int, **surrogate: Any) -> Case:
    """Fast and slow synapses onto one population, from others and itself."""
    b = Builder(seed, **surrogate)
    first = b.input()
    middle = b.layer(betas=(0.4, 0.8), kappas=(0.9, 0.3), bias=True, v=-0.3, v_reset=-0.2)
    last = b.layer(2, threshold=None, readout="avg_var_exp_weight", betas=(0.6,), kappas=(0.5,))
    b.connect(first, middle, receptor=0, weight=0.3)
    b.connect(first, middle, "constant", 3, receptor=1, weight=0.3)
    b.connect(middle, middle, "triangle", 3, receptor=1, sigma=1.8, weight=0.0)
    b.connect(middle, middle, "constant", 1, receptor=0, density=0.6, weight=0.0)
    b.connect(middle, last)
    return b.build()


SYNAPTIC, AXONAL = {"kind": "triangle", "max_delay": 3}, {"kind": "triangle", "axonal": True}
WIDE = {**AXONAL, "learned_width": True, "sigma": 2.0}
RESETS = {"differentiate_reset": True}
SOFT = {"relative_reset": True, "v_reset": 0.1}

#: How a network of a seed is made, by what is special about it; all have smooth twins.
NETWORKS: dict[str, Callable[..., Case]] = {
    "gaussian": lambda seed, **s: layered(seed, s),
    "narrow gaussian": lambda seed, **s: layered(seed, s, connection={"sigma": 0.4}),
    "triangle": lambda seed, **s: layered(seed, s, connection=SYNAPTIC),
    "fractional": lambda seed, **s: layered(seed, s, connection={"kind": "fractional"}),
    "rounded": lambda seed, **s: layered(seed, s, connection={"kind": "rounded"}),
    "constant": lambda seed, **s: layered(seed, s, connection={"kind": "constant"}),
    "axonal": lambda seed, **s: layered(seed, s, connection={"axonal": True}),
    "recurrent": lambda seed, **s: layered(seed, s, recurrent=SYNAPTIC),
    "axonal recurrent": lambda seed, **s: layered(seed, s, recurrent=AXONAL),
    "learned width": lambda seed, **s: layered(seed, s, recurrent=WIDE),
    "width of a synapse": lambda seed, **s: layered(
        seed, s, recurrent={**SYNAPTIC, "learned_width": True, "density": 0.7}
    ),
    "soft reset": lambda seed, **s: layered(seed, s, recurrent=SYNAPTIC, **SOFT),
    "to a value": lambda seed, **s: layered(seed, s, recurrent=SYNAPTIC, v_reset=-0.4, v=0.5),
    "sparse": lambda seed, **s: layered(seed, s, connection={"density": 0.6}),
    "sparse axonal": lambda seed, **s: layered(
        seed, s, connection={**AXONAL, "density": 0.6}, recurrent={**WIDE, "density": 0.6}
    ),
    "exponential": lambda seed, **s: layered(
        seed, s, readout="var", betas=(0.6,), kappas=(0.7,), recurrent=SYNAPTIC
    ),
    "normalised": lambda seed, **s: layered(seed, s, norm=True, bias=True, recurrent=AXONAL),
    "running statistics": lambda seed, **s: layered(seed, s, norm=True, use_running=True),
    "dropout": lambda seed, **s: layered(
        seed, s, recurrent=SYNAPTIC, dropout=True, recurrent_dropout=True
    ),
    "regularised": lambda seed, **s: layered(
        seed, s, recurrent=SYNAPTIC, regulariser=(0.3, 0.2, 5.0)
    ),
    "sum_softmax_var": lambda seed, **s: layered(seed, s, readout="sum_softmax_var"),
    "max_var": lambda seed, **s: layered(seed, s, readout="max_var", recurrent=AXONAL),
    "trace": lambda seed, **s: layered(seed, s, readout="trace", recurrent=AXONAL),
    "bias": lambda seed, **s: layered(seed, s, readout="sum_var", bias=True, output={"bias": True}),
    "skipping": skipping,
    "two receptors": two_receptors,
}


def with_parameter(case: Case, owner: str, index: int, name: str, value: np.ndarray) -> Case:
    """The case with another value of a parameter of ``owner`` "layers" or "projections"."""
    owners = list(getattr(case.network, owner))
    owners[index] = replace(
        owners[index], parameters={**owners[index].parameters, name: np.asarray(value)}
    )
    return replace(case, network=replace(case.network, **{owner: tuple(owners)}))
