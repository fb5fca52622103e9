"""Optimisers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from numbers import Real

import numpy as np

from ..checks import POSITIVE, check_number, single
from ..program.exchange import AdamStep

#: Learning rates, which engines have in single precision.
_LARGEST = float(np.finfo(np.float32).max)


class Optimiser(ABC):
    """Base class for all optimisers.

    Parameters are plain attributes: schedules set them while training runs.
    """

    @abstractmethod
    def update(
        self, value: np.ndarray, gradient: np.ndarray, state: dict[str, np.ndarray], step: int
    ) -> np.ndarray:
        """New value of a parameter.

        Args:
            value: parameter, any shape; left as it is
            gradient: gradient of the loss, same shape
            state: what the optimiser remembers of this parameter, arrays of the same
                shape; empty at first, changed in place
            step: number of updates so far

        Returns:
            New array of the same shape and type.
        """

    def adam_step(self, step: int) -> AdamStep | None:
        """The coming step, where it is one of Adam, which engines compute themselves.

        Args:
            step: number of updates so far
        """
        return None

    @abstractmethod
    def check(self) -> None:
        """Check parameters.

        Raises:
            ValueError: the message names the parameter, its value and what is allowed
            TypeError: a parameter is not a number
        """

    def check_moments(  # noqa: B027
        self, moments: Mapping[str, np.ndarray], shape: tuple[int, ...], label: str
    ) -> None:
        """Check what a checkpoint has of a parameter that was updated before, as far as the
        optimiser knows what there should be; all are finite numbers.

        Args:
            moments: what :meth:`update` had left in its ``state``
            shape:   of the parameter
            label:   whose they are, for messages

        Raises:
            ValueError: moments are missing, or have values that are not allowed
        """


class Adam(Optimiser):
    """Adam (Kingma & Ba 2014, arXiv 1412.6980).

    With s the number of updates so far::

        m <- beta1 m + (1 - beta1) g        v <- beta2 v + (1 - beta2) g^2
        x <- x - alpha m / (1 - beta1^(s+1)) / (sqrt(v / (1 - beta2^(s+1))) + epsilon)

    Args:
        alpha: learning rate, at least 0
        beta1: decay of the mean of gradients, in [0, 1)
        beta2: decay of the mean of squared gradients, in [0, 1)
        epsilon: small number that keeps the quotient finite, above 0

    Raises:
        ValueError, TypeError: see :meth:`.Optimiser.check`
    """

    def __init__(
        self,
        alpha: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
    ):
        self.alpha = alpha
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.check()

    def check(self) -> None:
        check_number(self.alpha, "Adam: alpha", minimum=0.0, maximum=_LARGEST)
        check_number(self.epsilon, "Adam: epsilon", **POSITIVE)
        for name in ("beta1", "beta2"):
            value = check_number(getattr(self, name), f"Adam: {name}", minimum=0.0)
            if single(value) >= 1.0:  # nothing would be learned
                raise ValueError(
                    f"Adam: {name} is {value!r}, allowed are numbers in [0, 1), in single precision"
                )

    def check_moments(
        self, moments: Mapping[str, np.ndarray], shape: tuple[int, ...], label: str
    ) -> None:
        if type(self) is not Adam:  # as below
            return
        if moments.keys() != {"m", "v"}:
            found = ", ".join(map(repr, sorted(moments))) or "no moments"
            raise ValueError(f"{label} has {found}, it should have 'm' and 'v'")
        for name, value in moments.items():
            if value.shape != shape or value.dtype.kind != "f":
                raise ValueError(
                    f"{label}: moment {name!r} has shape {value.shape} and type {value.dtype}, it "
                    f"should be real numbers of shape {shape}"
                )
        if np.any(moments["v"] < 0.0):
            raise ValueError(f"{label}: moment 'v', a mean of squares, has negative values")

    def adam_step(self, step: int) -> AdamStep | None:
        if type(self) is not Adam:  # a derived class may do something else
            return None
        return AdamStep(
            float(self.alpha),
            float(self.beta1),
            float(self.beta2),
            float(self.epsilon),
            1.0 / (1.0 - self.beta1 ** (step + 1)),
            1.0 / (1.0 - self.beta2 ** (step + 1)),
        )

    def update(
        self, value: np.ndarray, gradient: np.ndarray, state: dict[str, np.ndarray], step: int
    ) -> np.ndarray:
        if not state:
            state["m"] = np.zeros_like(value)
            state["v"] = np.zeros_like(value)
        m, v = state["m"], state["v"]
        m[...] = self.beta1 * m + (1.0 - self.beta1) * gradient
        v[...] = self.beta2 * v + (1.0 - self.beta2) * gradient * gradient
        mean = m / (1.0 - self.beta1 ** (step + 1))
        scale = np.sqrt(v / (1.0 - self.beta2 ** (step + 1))) + self.epsilon
        return value - (self.alpha * mean / scale).astype(value.dtype)

    def __repr__(self) -> str:
        # attributes may be set to anything until the next step
        names = ("alpha", "beta1", "beta2", "epsilon")
        values = {name: getattr(self, name) for name in names}
        shown = (f"{n}={v:g}" if isinstance(v, Real) else f"{n}={v!r}" for n, v in values.items())
        return f"Adam({', '.join(shown)})"
