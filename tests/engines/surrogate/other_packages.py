"""What other packages compute, with our values; tests that need one that is missing are skipped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from surrogate_networks import Projection

Array = np.ndarray

#: What the 0.1 series of dcls adds to the width of a Gaussian.
WIDTH_ADDED = 0.27

#: And to the sum by which it divides every kernel: ours are Gaussians divided by the same, but
#: delays between two steps whose parts sum to 1 as they are.
SUM_ADDED = 1e-7

#: Its name of our kinds of kernels.
VERSIONS = {"gaussian": "gauss", "fractional": "v1"}


def later(spikes: Array) -> Array:
    """Our connections take a step, in which theirs have no part."""
    return np.concatenate([np.zeros_like(spikes[:1]), spikes[:-1]])


class DclsLayer:
    """A layer of ``dcls`` with our values; its kernel is reversed and counted from the middle."""

    def __init__(self, projection: Projection):
        modules = pytest.importorskip("DCLS.construct.modules")
        values, self.longest = projection.parameters, projection.max_delay
        self.axonal = projection.axonal
        self.scale = 1.0 + SUM_ADDED if projection.kind == "fractional" else 1.0
        pre, post = values["g"].shape
        self.layer = modules.Dcls1d(
            pre,
            post,
            kernel_count=1,
            bias=False,
            dilated_kernel_size=self.longest + 1,
            version=VERSIONS[projection.kind],
        ).double()
        of_post = np.tile(values["d"], (post, 1)) if self.axonal else values["d"].T
        with torch.no_grad():
            self.layer.weight[:, :, 0] = torch.tensor(values["g"].T)
            position = self.longest - of_post - (self.longest + 1) // 2
            self.layer.P[0, :, :, 0] = torch.tensor(position)
            if "sigma" in values:
                self.layer.SIG.fill_(values["sigma"][0] - WIDTH_ADDED)

    def __call__(self, spikes: Array) -> torch.Tensor:
        """What arrives, (steps, examples, neurons)."""
        over_time = torch.tensor(spikes).permute(1, 2, 0)
        padded = torch.nn.functional.pad(over_time, (self.longest, 0))
        return self.scale * self.layer(padded).permute(2, 0, 1)

    def kernel(self) -> torch.Tensor:
        """What arrives of one spike of each neuron, (taps, pre, post)."""
        pre = self.layer.weight.shape[1]
        spikes = np.zeros((self.longest + 1, pre, pre))
        spikes[0] = np.eye(pre)
        return self(spikes)

    def gradients(self) -> dict[str, Array]:
        of_delays = -self.layer.P.grad[0, :, :, 0].T
        found = {
            "g": self.layer.weight.grad[:, :, 0].T,
            "d": of_delays.sum(dim=1) if self.axonal else of_delays,
        }
        if self.layer.SIG is not None:
            found["sigma"] = self.layer.SIG.grad.sum()[None]
        return {name: gradient.numpy() for name, gradient in found.items()}


def spikingjelly_neurons(
    tau: float, is_soft: bool = False, differentiated: bool = False, step_mode: str = "m"
) -> Any:
    """Leaky neurons with an Euler step and threshold 1; ``step_mode`` "m": all steps at once."""
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
    surrogate = pytest.importorskip("spikingjelly.activation_based.surrogate")
    return neuron.LIFNode(
        tau=tau,
        decay_input=False,
        v_threshold=1.0,
        v_reset=None if is_soft else 0.0,
        surrogate_function=surrogate.ATan(alpha=5.0),
        detach_reset=not differentiated,
        step_mode=step_mode,
    )


def recur(neurons: Any, kernel: torch.Tensor, arriving: torch.Tensor) -> torch.Tensor:
    """Spikes of neurons that listen to themselves, too, by a kernel (taps, pre, post)."""
    spikes: list[torch.Tensor] = []
    for n, arrived in enumerate(arriving):
        for tap, weights in enumerate(kernel[:n]):
            arrived = arrived + spikes[n - 1 - tap] @ weights
        spikes.append(neurons(arrived))
    return torch.stack(spikes)
