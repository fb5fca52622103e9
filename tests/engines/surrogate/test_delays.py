"""Delays as PyTorch's engine computes them: quick ways beside plain ones."""

from __future__ import annotations

import pytest

pytest.importorskip("torch.nn", reason="PyTorch is not installed")

import torch

from mlgenn_delays.engines.torch import delays
from mlgenn_delays.engines.torch.delay_lines import make_line
from mlgenn_delays.engines.torch.delays import Projection, feed_forward
from mlgenn_delays.engines.torch.kernels import rounded, triangle, triangle_taps

pytestmark = pytest.mark.torch

PRE, POST, EXAMPLES = 4, 3, 2


def random(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("steps, taps", [(5, 30), (64, 17), (100, 16), (33, 33), (200, 20), (1, 2)])
@pytest.mark.parametrize("shift", [1, 4])
def test_many_taps_are_those_of_a_plain_convolution(monkeypatch, steps, taps, shift):
    outcomes = []
    for many in (1, 1000):
        monkeypatch.setattr(delays, "_MANY_TAPS", many)
        spikes = random(steps, EXAMPLES, PRE).requires_grad_()
        kernel = random(taps, PRE, POST, seed=1).requires_grad_()
        arrived = feed_forward(spikes, Projection(kernel, None, shift))
        (arrived * random(*arrived.shape, seed=2)).sum().backward()
        outcomes.append((arrived.detach(), spikes.grad, kernel.grad))
    for found, expected in zip(*outcomes):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


def run(line, kernel, steps):
    """Spikes that depend on what arrives, and gradients that depend on those of later steps."""
    spikes = torch.zeros(line.reach + steps, EXAMPLES, PRE, dtype=torch.float64)
    given, drive = random(steps, EXAMPLES, PRE), random(steps, EXAMPLES, POST, seed=3)
    line.prepare(spikes, line.reach)
    arrived, back = [], torch.zeros(steps, EXAMPLES, PRE, dtype=torch.float64)
    for step in range(steps):
        arrived.append(line.arrivals(step))
        spikes[line.reach + step] = given[step] + arrived[-1].sum(dim=1, keepdim=True)
    line.prepare_backward(steps, EXAMPLES)
    for step in reversed(range(steps)):
        back[step] = line.gradient_of_spikes(step)
        line.put_back(step, drive[step] + back[step].sum(dim=1, keepdim=True))
    return torch.stack(arrived), back, line.gradients()


SPREAD = torch.tensor([0.0, 3.0, 11.25, 20.0], dtype=torch.float64)
LONGEST = 20


@pytest.mark.parametrize("half_width", [None, 1.0, 3.5, 40.0])
@pytest.mark.parametrize("shift", [1, 3])
@pytest.mark.parametrize("masked", [False, True])
def test_delays_of_neurons_are_those_of_their_synapses(half_width, shift, masked):
    """The same kernel for all synapses of a neuron, with and without what is known of it."""
    if half_width is None:
        kernel = rounded(SPREAD, LONGEST + 1)
    else:
        kernel = triangle(SPREAD, half_width, triangle_taps(LONGEST, half_width))
    weights = 0.1 * random(PRE, POST, seed=4)
    mask = random(EXAMPLES, POST, seed=5) if masked else None
    steps = 50
    axonal = run(make_line(Projection(kernel, weights, shift), mask), kernel, steps)
    full = kernel.unsqueeze(2) * weights
    synaptic = run(make_line(Projection(full, None, shift), mask), kernel, steps)
    for found, expected in zip(axonal[:2], synaptic[:2]):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    (of_kernel, of_weights), (of_full, _) = axonal[2], synaptic[2]
    expected = (of_full * weights).sum(dim=2)
    matters = kernel != 0.0
    torch.testing.assert_close(of_kernel[matters], expected[matters], rtol=1e-12, atol=1e-12)
    expected = (of_full * kernel.unsqueeze(2)).sum(dim=0)
    torch.testing.assert_close(of_weights, expected, rtol=1e-12, atol=1e-12)
    before = torch.roll(matters, -1, 0) & ~matters  # triangles have a gradient where they begin
    before[-1] = False
    assert (of_kernel[before] != 0.0).all()
