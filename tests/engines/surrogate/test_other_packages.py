"""Layers of the packages that others train with, against ours: outputs and gradients to 1e-6.

``dcls`` (Khalfaoui-Hassani et al. 2023) has delays as positions in a convolution over time,
SpikingJelly (Fang et al. 2023) leaky neurons with surrogate gradients. Neither is needed
otherwise: without them these tests are skipped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.random import default_rng
from surrogate_cases import Case
from surrogate_networks import Input, Layer, Network, Projection, Surrogate

# not "torch": where PyTorch is missing, that is the name of this folder
pytest.importorskip("torch.nn")

import torch

TOLERANCE = 1e-6

STEPS, EXAMPLES, INPUTS, NEURONS, MAX_DELAY = 40, 3, 5, 4, 6

#: What the 0.1 series of dcls adds to the width of a Gaussian.
WIDTH_ADDED = 0.27

Array = np.ndarray


def assert_close(found: Array, expected: Array) -> None:
    scale = np.max(np.abs(expected))
    assert found.shape == expected.shape and scale > 1e-3
    assert np.max(np.abs(found - expected)) <= TOLERANCE * scale


def random_inputs(seed: int) -> Array:
    """(steps, examples, inputs), some with two spikes."""
    return default_rng(seed).binomial(2, 0.15, (STEPS, EXAMPLES, INPUTS)).astype(float)


def random_connection(seed: int, kind: str, sigma: float = 1.0) -> Projection:
    rng, shape = default_rng(seed + 100), (INPUTS, NEURONS)
    parameters = {"g": rng.normal(0.3, 0.5, shape), "d": rng.uniform(0.2, MAX_DELAY - 0.2, shape)}
    if kind == "gaussian":
        parameters["sigma"] = np.array([sigma])
    return Projection(0, 1, kind, MAX_DELAY, parameters=parameters)


def seen_by_output(size: int, source: int) -> tuple[Layer, Projection]:
    """A population whose voltage is the spikes of another one step later, read out as they are."""
    layer = Layer(size, alpha=0.0, threshold=None, readout="trace")
    weights = {"g": np.eye(size)}
    return layer, Projection(source, source + 1, "constant", 0, parameters=weights)


# -- what other packages compute


class DclsLayer:
    """A layer of ``dcls`` with our values; its kernel is reversed and counted from the middle."""

    def __init__(self, projection: Projection, version: str):
        modules = pytest.importorskip("DCLS.construct.modules")
        values = projection.parameters
        self.layer = modules.Dcls1d(
            INPUTS,
            NEURONS,
            kernel_count=1,
            bias=False,
            dilated_kernel_size=MAX_DELAY + 1,
            version=version,
        ).double()
        with torch.no_grad():
            self.layer.weight[:, :, 0] = torch.tensor(values["g"].T)
            position = MAX_DELAY - values["d"].T - (MAX_DELAY + 1) // 2
            self.layer.P[0, :, :, 0] = torch.tensor(position)
            if "sigma" in values:
                self.layer.SIG.fill_(values["sigma"][0] - WIDTH_ADDED)

    def __call__(self, spikes: Array) -> torch.Tensor:
        """What arrives, (steps, examples, neurons)."""
        over_time = torch.tensor(spikes).permute(1, 2, 0)
        padded = torch.nn.functional.pad(over_time, (MAX_DELAY, 0))
        return self.layer(padded).permute(2, 0, 1)

    def gradients(self) -> dict[str, Array]:
        found = {"g": self.layer.weight.grad[:, :, 0].T, "d": -self.layer.P.grad[0, :, :, 0].T}
        if self.layer.SIG is not None:
            found["sigma"] = self.layer.SIG.grad.sum()[None]
        return {name: gradient.numpy() for name, gradient in found.items()}


def spikingjelly_neurons(tau: float, is_soft: bool, differentiated: bool) -> Any:
    """Leaky neurons with an Euler step and threshold 1."""
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
    surrogate = pytest.importorskip("spikingjelly.activation_based.surrogate")
    return neuron.LIFNode(
        tau=tau,
        decay_input=False,
        v_threshold=1.0,
        v_reset=None if is_soft else 0.0,
        surrogate_function=surrogate.ATan(alpha=5.0),
        detach_reset=not differentiated,
        step_mode="m",
    )


# -- what we compute


def literal(case: Case) -> tuple[list[Array], Callable[[], dict[str, Array]]]:
    """Spikes and voltages of the last population, and gradients of the first projection."""
    courses = case.run()
    last = courses[-1]
    return [courses[-2].spikes, last.voltages], lambda: case.gradients(courses)[1][0]


def loss_of(values: torch.Tensor, targets: Array) -> torch.Tensor:
    """That of :class:`Case`."""
    return torch.sum(torch.tensor(targets) * values + 0.5 * values**2)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    ("kind", "version", "sigma"),
    [
        ("gaussian", "gauss", 3.5),
        ("gaussian", "gauss", 1.2),
        ("gaussian", "gauss", 0.5),
        ("fractional", "v1", 0.0),
    ],
)
def test_delays_of_dcls(kind, version, sigma, seed):
    projection = random_connection(seed, kind, sigma)
    layer = Layer(NEURONS, alpha=0.0, threshold=None, readout="trace")
    inputs = random_inputs(seed)
    targets = default_rng(seed).normal(size=(STEPS, EXAMPLES, NEURONS))
    case = Case(Network((Input(INPUTS), layer), (projection,)), {0: inputs}, {1: targets})
    (_, arrived), gradients = literal(case)

    dcls = DclsLayer(projection, version)
    expected = dcls(inputs)
    loss_of(expected, targets).backward()
    assert_close(arrived, expected.detach().numpy())
    assert dcls.gradients().keys() == gradients().keys()
    for name, gradient in dcls.gradients().items():
        assert_close(gradients()[name], gradient)


@pytest.mark.parametrize("differentiated", [False, True])
@pytest.mark.parametrize("is_soft", [False, True])
@pytest.mark.parametrize("tau", [1.005, 1.5, 2.0])
def test_neurons_of_spikingjelly(tau, is_soft, differentiated):
    inputs = random_inputs(4)
    weights = default_rng(5).normal(0.5, 0.6, (INPUTS, NEURONS))
    connection = Projection(0, 1, "constant", 0, parameters={"g": weights})
    layer = Layer(NEURONS, alpha=1.0 - 1.0 / tau, relative_reset=is_soft)
    output, outgoing = seen_by_output(NEURONS, 1)
    targets = default_rng(6).normal(size=(STEPS, EXAMPLES, NEURONS))
    network = Network(
        (Input(INPUTS), layer, output),
        (connection, outgoing),
        Surrogate(differentiate_reset=differentiated),
    )
    (spikes, _), gradients = literal(Case(network, {0: inputs}, {2: targets}))

    g = torch.tensor(weights, requires_grad=True)
    expected = spikingjelly_neurons(tau, is_soft, differentiated)(torch.tensor(inputs) @ g)
    loss_of(expected[:-1], targets[1:]).backward()
    assert 0.05 < spikes.mean() < 0.7
    assert np.array_equal(spikes, expected.detach().numpy())
    assert_close(gradients()["g"], g.grad.numpy())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_published_layer_of_both(seed):
    inputs = random_inputs(seed)
    projection = random_connection(seed, "gaussian", 2.0)
    layer = Layer(NEURONS, alpha=1.0 - 1.0 / 1.5)
    output, outgoing = seen_by_output(NEURONS, 1)
    targets = default_rng(seed).normal(size=(STEPS, EXAMPLES, NEURONS))
    network = Network((Input(INPUTS), layer, output), (projection, outgoing))
    (spikes, _), gradients = literal(Case(network, {0: inputs}, {2: targets}))

    dcls = DclsLayer(projection, "gauss")
    expected = spikingjelly_neurons(1.5, False, False)(dcls(inputs))
    loss_of(expected[:-1], targets[1:]).backward()
    assert 0.02 < spikes.mean() < 0.7
    assert np.array_equal(spikes, expected.detach().numpy())
    for name, gradient in dcls.gradients().items():
        assert_close(gradients()[name], gradient)
