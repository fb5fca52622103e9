"""Layers of the packages that others train with, against ours: outputs and gradients to 1e-6.

Ours are the literal simulation and, in double precision, the functions of which the engine is made.
``dcls`` (Khalfaoui-Hassani et al. 2023) has delays as positions in a convolution over time,
SpikingJelly (Fang et al. 2023) leaky neurons with surrogate gradients. Neither is needed
otherwise: without them these tests are skipped.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from numpy.random import default_rng

pytest.importorskip("torch.nn", reason="PyTorch is not installed")

import torch
from other_packages import DclsLayer, later, recur, spikingjelly_neurons
from surrogate_cases import Case
from surrogate_networks import Input, Layer, Network, Projection, Surrogate

from mlgenn_delays.engines.torch import delays, kernels
from mlgenn_delays.engines.torch.derivatives import DERIVATIVES
from mlgenn_delays.engines.torch.layer import Dynamics, Recurrence, run_layer

pytestmark = pytest.mark.torch

TOLERANCE = 1e-6

STEPS, EXAMPLES, INPUTS, NEURONS, MAX_DELAY = 40, 3, 5, 4, 6

Array = np.ndarray


def assert_close(found: Array, expected: Array) -> None:
    scale = np.max(np.abs(expected))
    assert found.shape == expected.shape and scale > 1e-3
    assert np.max(np.abs(found - expected)) <= TOLERANCE * scale


def random_inputs(seed: int) -> Array:
    """(steps, examples, inputs), some with two spikes."""
    return default_rng(seed).binomial(2, 0.15, (STEPS, EXAMPLES, INPUTS)).astype(float)


def random_targets(seed: int) -> Array:
    return default_rng(seed).normal(size=(STEPS, EXAMPLES, NEURONS))


def random_connection(
    seed: int,
    kind: str,
    sigma: float = 1.0,
    *,
    recurrent: bool = False,
    axonal: bool = False,
) -> Projection:
    """From inputs to neurons, or from neurons to themselves, then with weights around 0."""
    rng = default_rng(seed + 100)
    shape = (NEURONS if recurrent else INPUTS, NEURONS)
    parameters = {
        "g": rng.normal(0.0 if recurrent else 0.3, 0.5, shape),
        "d": rng.uniform(0.2, MAX_DELAY - 0.2, shape[:1] if axonal else shape),
    }
    if kind == "gaussian":
        parameters["sigma"] = np.array([sigma])
    source = 1 if recurrent else 0
    return Projection(source, 1, kind, MAX_DELAY, axonal=axonal, parameters=parameters)


def observed(layer: Layer, *projections: Projection, surrogate: Surrogate | None = None) -> Network:
    """Inputs, a population, and one whose voltage is the spikes of the former one step later."""
    output = Layer(layer.size, alpha=0.0, threshold=None, readout="trace")
    one_to_one = Projection(1, 2, "constant", 0, parameters={"g": np.eye(layer.size)})
    layers = (Input(INPUTS), layer, output)
    return Network(layers, (*projections, one_to_one), surrogate or Surrogate())


# -- what we compute

#: Spikes of the last population but one, voltages of the last, gradients by projection.
Ours = tuple[Array, Array, list[dict[str, Array]]]


def literal(case: Case) -> Ours:
    courses = case.run()
    return courses[-2].spikes, courses[-1].voltages, case.gradients(courses)[1]


def engine(case: Case) -> Ours:
    network, spikes = case.network, [torch.tensor(case.inputs[0])]
    values = [
        {name: torch.tensor(value, requires_grad=True) for name, value in p.parameters.items()}
        for p in network.projections
    ]
    made = [engine_projection(p, v) for p, v in zip(network.projections, values)]
    for index, layer in enumerate(network.layers[1:], start=1):
        (before,) = network.feed_forward(index)
        arriving = delays.feed_forward(spikes[network.projections[before].source], made[before])
        loops = [Recurrence(0, made[i], None) for i in network.recurrent(index)]
        voltages, spiked = run_layer(arriving[None], dynamics(layer, network.surrogate), loops)
        spikes.append(spiked)
    loss_of(voltages, case.targets[index]).backward()
    found = [{name: value.grad.numpy() for name, value in by_name.items()} for by_name in values]
    return spikes[-2].detach().numpy(), voltages.detach().numpy(), found


def engine_projection(projection: Projection, values: dict[str, torch.Tensor]) -> delays.Projection:
    """A connection in the functions of the engine; weights are part of kernels of synapses."""
    weights = values["g"]
    if projection.kind == "constant":
        ones = weights.new_ones((1, len(weights)))
        return delays.Projection(ones, weights, projection.max_delay + 1)
    if projection.kind == "gaussian":
        kernel = kernels.gaussian(values["d"], values["sigma"], MAX_DELAY + 1)
    else:
        kernel = kernels.triangle(values["d"], 1.0, kernels.triangle_taps(MAX_DELAY, 1.0))
    if projection.axonal:
        return delays.Projection(kernel, weights, 1)
    return delays.Projection(kernel * weights, None, 1)


def dynamics(layer: Layer, surrogate: Surrogate) -> Dynamics:
    return Dynamics(
        layer.alpha,
        layer.betas,
        layer.kappas,
        layer.v,
        layer.threshold,
        layer.v_reset,
        layer.relative_reset,
        partial(DERIVATIVES[surrogate.name], slope=surrogate.slope),
        surrogate.differentiate_reset,
    )


def loss_of(values: torch.Tensor, targets: Array) -> torch.Tensor:
    """That of :class:`Case`."""
    return torch.sum(torch.tensor(targets) * values + 0.5 * values**2)


both = pytest.mark.parametrize("ours", [literal, engine])


# -- one against the other


@both
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("axonal", [False, True])
@pytest.mark.parametrize(
    ("kind", "sigma"),
    [("gaussian", 3.5), ("gaussian", 1.2), ("gaussian", 0.5), ("fractional", 0.0)],
)
def test_delays_of_dcls(
    kind: str, sigma: float, axonal: bool, seed: int, ours: Callable[[Case], Ours]
) -> None:
    projection = random_connection(seed, kind, sigma, axonal=axonal)
    dcls = DclsLayer(projection)
    layer = Layer(NEURONS, alpha=0.0, threshold=None, readout="trace")
    inputs, targets = random_inputs(seed), random_targets(seed)
    network = Network((Input(INPUTS), layer), (projection,))
    _, arrived, (gradients,) = ours(Case(network, {0: inputs}, {1: targets}))

    expected = dcls(later(inputs))
    loss_of(expected, targets).backward()
    assert_close(arrived, expected.detach().numpy())
    assert dcls.gradients().keys() == gradients.keys()
    for name, gradient in dcls.gradients().items():
        assert_close(gradients[name], gradient)


@both
@pytest.mark.parametrize("differentiated", [False, True])
@pytest.mark.parametrize("is_soft", [False, True])
@pytest.mark.parametrize("tau", [1.005, 1.5, 2.0])
def test_neurons_of_spikingjelly(
    tau: float, is_soft: bool, differentiated: bool, ours: Callable[[Case], Ours]
) -> None:
    neurons = spikingjelly_neurons(tau, is_soft, differentiated)
    inputs, targets = random_inputs(4), random_targets(6)
    weights = default_rng(5).normal(0.5, 0.6, (INPUTS, NEURONS))
    network = observed(
        Layer(NEURONS, alpha=1.0 - 1.0 / tau, relative_reset=is_soft),
        Projection(0, 1, "constant", 0, parameters={"g": weights}),
        surrogate=Surrogate(differentiate_reset=differentiated),
    )
    spikes, _, gradients = ours(Case(network, {0: inputs}, {2: targets}))

    g = torch.tensor(weights, requires_grad=True)
    expected = neurons(torch.tensor(later(inputs)) @ g)
    loss_of(expected[:-1], targets[1:]).backward()
    assert 0.05 < spikes.mean() < 0.7
    assert np.array_equal(spikes, expected.detach().numpy())
    assert_close(gradients[0]["g"], g.grad.numpy())


@both
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_published_layer_of_both(seed: int, ours: Callable[[Case], Ours]) -> None:
    inputs, targets = random_inputs(seed), random_targets(seed)
    projection = random_connection(seed, "gaussian", 2.0)
    dcls, neurons = DclsLayer(projection), spikingjelly_neurons(1.5)
    network = observed(Layer(NEURONS, alpha=1.0 - 1.0 / 1.5), projection)
    spikes, _, gradients = ours(Case(network, {0: inputs}, {2: targets}))

    expected = neurons(dcls(later(inputs)))
    loss_of(expected[:-1], targets[1:]).backward()
    assert 0.02 < spikes.mean() < 0.7
    assert np.array_equal(spikes, expected.detach().numpy())
    for name, gradient in dcls.gradients().items():
        assert_close(gradients[0][name], gradient)


@both
@pytest.mark.parametrize("axonal", [False, True])
@pytest.mark.parametrize("is_soft", [False, True])
@pytest.mark.parametrize("kind", ["gaussian", "fractional"])
def test_recurrent_delays_of_both(
    kind: str, is_soft: bool, axonal: bool, ours: Callable[[Case], Ours]
) -> None:
    """Kernels of dcls between the spikes of a population: no package has that layer as a whole."""
    inputs, targets = random_inputs(1), random_targets(1)
    incoming = random_connection(1, "gaussian", 2.0)
    recurrent = random_connection(2, kind, 1.2, recurrent=True, axonal=axonal)
    forwards, back = DclsLayer(incoming), DclsLayer(recurrent)
    neurons = spikingjelly_neurons(2.0, is_soft, True, step_mode="s")
    network = observed(
        Layer(NEURONS, alpha=0.5, relative_reset=is_soft),
        incoming,
        recurrent,
        surrogate=Surrogate(differentiate_reset=True),
    )
    spikes, _, gradients = ours(Case(network, {0: inputs}, {2: targets}))

    expected = recur(neurons, back.kernel(), forwards(later(inputs)))
    loss_of(expected[:-1], targets[1:]).backward()
    assert 0.05 < spikes.mean() < 0.7
    assert np.array_equal(spikes, expected.detach().numpy())
    for layer, found in zip((forwards, back), gradients):
        assert layer.gradients().keys() == found.keys()
        for name, gradient in layer.gradients().items():
            assert_close(found[name], gradient)
