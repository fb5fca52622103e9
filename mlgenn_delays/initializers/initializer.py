"""Initializers: distributions that values are drawn from."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from ..checks import Bounds, check_number
from ..reprs import CallRepr

#: Distributions are drawn from in single precision.
_LARGEST = float(np.finfo(np.float32).max)
_SINGLE: Bounds = {"minimum": -_LARGEST, "maximum": _LARGEST}


class Initializer(CallRepr, ABC):
    """Base class for all initializers."""

    @abstractmethod
    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Draw an array of ``shape``, float32, with the random numbers of ``rng``."""


class Normal(Initializer):
    """Draws from a normal distribution.

    Args:
        mean: mean
        sd: standard deviation, at least 0

    Raises:
        ValueError: arguments that are not finite, or ``sd`` below 0
    """

    def __init__(self, mean: float = 0.0, sd: float = 1.0):
        self.mean = check_number(mean, "Normal: mean", **_SINGLE)
        self.sd = check_number(sd, "Normal: sd", **_SINGLE)
        if self.sd < 0.0:
            raise ValueError(f"Normal: sd is {self.sd:g}, allowed are numbers of at least 0")

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        with np.errstate(over="ignore"):  # whoever uses the sample looks for what is not finite
            return rng.normal(self.mean, self.sd, shape).astype(np.float32)

    def __repr__(self) -> str:
        return f"Normal(mean={self.mean:g}, sd={self.sd:g})"


class Uniform(Initializer):
    """Draws from a uniform distribution.

    Args:
        min: lower end
        max: upper end, at least ``min``

    Raises:
        ValueError: arguments that are not finite, or ``max`` below ``min``
    """

    def __init__(self, min: float = 0.0, max: float = 1.0):
        self.min = check_number(min, "Uniform: min", **_SINGLE)
        self.max = check_number(max, "Uniform: max", **_SINGLE)
        if self.max < self.min:
            raise ValueError(
                f"Uniform: max is {self.max:g}, allowed are numbers of at least min = {self.min:g}"
            )

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        # Rounding to single precision could step over an end by half a unit
        sample = rng.uniform(self.min, self.max, shape).astype(np.float32)
        return np.clip(sample, np.float32(self.min), np.float32(self.max), out=sample)

    def __repr__(self) -> str:
        return f"Uniform(min={self.min:g}, max={self.max:g})"


class LogUniform(Initializer):
    """Draws from a distribution whose logarithm is uniform, such as time constants of which as many
    are between 10 and 20 ms as between 100 and 200.

    Args:
        min: lower end, above 0
        max: upper end, at least ``min``

    Raises:
        ValueError: arguments that are not finite, ``min`` not above 0, or ``max`` below ``min``
    """

    def __init__(self, min: float = 1.0, max: float = 10.0):
        self.min = check_number(min, "LogUniform: min", above=0.0, maximum=_LARGEST)
        self.max = check_number(max, "LogUniform: max", minimum=self.min, maximum=_LARGEST)

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        exponents = rng.uniform(np.log(self.min), np.log(self.max), shape)
        # as Uniform
        return np.clip(
            np.exp(exponents).astype(np.float32), np.float32(self.min), np.float32(self.max)
        )

    def __repr__(self) -> str:
        return f"LogUniform(min={self.min:g}, max={self.max:g})"


class HalfNormal(Initializer):
    """Draws absolute values of a normal distribution of mean 0, such as delays that are mostly
    short.

    Args:
        sd: standard deviation of the normal distribution, at least 0

    Raises:
        ValueError: ``sd`` is not finite, or below 0
    """

    #: Smallest value that is drawn.
    min = 0.0

    def __init__(self, sd: float = 1.0):
        self.sd = check_number(sd, "HalfNormal: sd", minimum=0.0, maximum=_LARGEST)

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        with np.errstate(over="ignore"):  # as Normal
            return np.abs(rng.normal(0.0, self.sd, shape)).astype(np.float32)

    def __repr__(self) -> str:
        return f"HalfNormal(sd={self.sd:g})"


class Orthogonal(Initializer):
    """Draws a matrix with orthogonal rows or columns, whichever are fewer, all such matrices being
    equally probable.

    Its singular values are all ``gain``: what goes through it keeps its length, which makes it
    a choice for recurrent weights (Saxe, McClelland & Ganguli 2014, arXiv 1312.6120; uniform by
    the signs of Mezzadri 2007, arXiv math-ph/0609050). It takes work of the third power of its
    size.

    Args:
        gain: factor, at least 0

    Raises:
        ValueError: ``gain`` is not finite, or below 0; when drawn, a shape that is no matrix, such
            as that of sparse connectivity
    """

    def __init__(self, gain: float = 1.0):
        self.gain = check_number(gain, "Orthogonal: gain", minimum=0.0, maximum=_LARGEST)

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        if len(shape) != 2:
            raise ValueError(
                f"Orthogonal: shape is {shape}, allowed are matrices (source, target); for "
                "connectivity that is not Dense take Normal"
            )
        rows, columns = shape
        normal = rng.standard_normal((max(shape), min(shape)))
        q, r = np.linalg.qr(normal)
        q *= np.where(np.diagonal(r) < 0.0, -1.0, 1.0)  # QR's own choice of signs is not uniform
        return (self.gain * (q if rows >= columns else q.T)).astype(np.float32)

    def __repr__(self) -> str:
        return f"Orthogonal(gain={self.gain:g})"
