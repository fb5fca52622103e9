"""Optimisers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from numbers import Real

import numpy as np

from ..checks import NOT_NEGATIVE, POSITIVE, check_number, single
from ..program.exchange import AdamStep
from ..reprs import CallRepr

#: Learning rates, which engines have in single precision.
_LARGEST = float(np.finfo(np.float32).max)


class Optimiser(CallRepr, ABC):
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

    def check_moments(
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

    With g the gradient and s the number of updates so far::

        g <- g + weight_decay x
        m <- beta1 m + (1 - beta1) g        v <- beta2 v + (1 - beta2) g^2
        x <- x - alpha m / (1 - beta1^(s+1)) / (sqrt(v / (1 - beta2^(s+1))) + epsilon)

    Args:
        alpha: learning rate, at least 0
        beta1: decay of the mean of gradients, in [0, 1)
        beta2: decay of the mean of squared gradients, in [0, 1)
        epsilon: small number that keeps the quotient finite, above 0
        weight_decay: coupled weight decay, at least 0: the gradient of an L2 penalty
            weight_decay / 2 x^2 goes through m and v as the loss's own does (see :class:`AdamW`
            for the other kind). Engines leave steps with weight decay to :meth:`update`. It holds
            for all that the optimiser updates: delays have an optimiser of their own where they
            are not to decay

    Raises:
        ValueError, TypeError: see :meth:`.Optimiser.check`
    """

    _kind = "Adam"  #: in messages

    def __init__(
        self,
        alpha: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ):
        self.alpha = alpha
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weight_decay = weight_decay
        self.check()

    def check(self) -> None:
        kind = self._kind
        check_number(self.alpha, f"{kind}: alpha", minimum=0.0, maximum=_LARGEST)
        check_number(self.epsilon, f"{kind}: epsilon", **POSITIVE)
        check_number(self.weight_decay, f"{kind}: weight_decay", **NOT_NEGATIVE)
        for name in ("beta1", "beta2"):
            value = check_number(getattr(self, name), f"{kind}: {name}", minimum=0.0)
            if single(value) >= 1.0:  # nothing would be learned
                raise ValueError(
                    f"{kind}: {name} is {value!r}, "
                    "allowed are numbers in [0, 1), in single precision"
                )

    def check_moments(
        self, moments: Mapping[str, np.ndarray], shape: tuple[int, ...], label: str
    ) -> None:
        if not self._is_known:
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
        if not self._is_known or self.weight_decay != 0.0:
            return None
        return AdamStep(
            float(self.alpha),
            float(self.beta1),
            float(self.beta2),
            float(self.epsilon),
            1.0 / (1.0 - self.beta1 ** (step + 1)),
            1.0 / (1.0 - self.beta2 ** (step + 1)),
        )

    @property
    def _is_known(self) -> bool:
        return type(self) in (Adam, AdamW)  # a derived class may do something else

    def update(
        self, value: np.ndarray, gradient: np.ndarray, state: dict[str, np.ndarray], step: int
    ) -> np.ndarray:
        if self.weight_decay != 0.0:
            gradient = gradient + self.weight_decay * value
        return value - self._change(value, gradient, state, step)

    def _change(
        self, value: np.ndarray, gradient: np.ndarray, state: dict[str, np.ndarray], step: int
    ) -> np.ndarray:
        """What a step takes from a value, with the moments brought up to date."""
        if not state:
            state["m"] = np.zeros_like(value)
            state["v"] = np.zeros_like(value)
        m, v = state["m"], state["v"]
        m[...] = self.beta1 * m + (1.0 - self.beta1) * gradient
        v[...] = self.beta2 * v + (1.0 - self.beta2) * gradient * gradient
        mean = m / (1.0 - self.beta1 ** (step + 1))
        scale = np.sqrt(v / (1.0 - self.beta2 ** (step + 1))) + self.epsilon
        change: np.ndarray = (self.alpha * mean / scale).astype(value.dtype)
        return change

    def __repr__(self) -> str:
        # attributes may be set to anything until the next step
        names = ("alpha", "beta1", "beta2", "epsilon", "weight_decay")
        values = {name: getattr(self, name) for name in names}
        shown = (f"{n}={v:g}" if isinstance(v, Real) else f"{n}={v!r}" for n, v in values.items())
        return f"{self._kind}({', '.join(shown)})"


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv 1711.05101).

    Besides Adam's step, which does not see it::

        x <- x - alpha weight_decay x

    Args:
        alpha, beta1, beta2, epsilon: see :class:`Adam`
        weight_decay: what is taken from a parameter, as a share of it and per unit of ``alpha``,
            at least 0; as in PyTorch, schedules of ``alpha`` scale it, too

    Raises:
        ValueError, TypeError: see :meth:`.Optimiser.check`
    """

    _kind = "AdamW"

    def __init__(
        self,
        alpha: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.01,
    ):
        super().__init__(alpha, beta1, beta2, epsilon, weight_decay)

    def update(
        self, value: np.ndarray, gradient: np.ndarray, state: dict[str, np.ndarray], step: int
    ) -> np.ndarray:
        decay = (self.alpha * self.weight_decay * value).astype(value.dtype)
        return value - decay - self._change(value, gradient, state, step)
