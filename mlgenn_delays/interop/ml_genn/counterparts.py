"""Models that both packages have: same names, same arguments.

A class that is only derived from one of these may behave in another way and has no
counterpart.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from inspect import isclass
from numbers import Number
from types import SimpleNamespace
from typing import Any

import ml_genn
import numpy as np
from ml_genn import connectivity as ml_connectivity
from ml_genn import initializers as ml_initializers
from ml_genn import neurons as ml_neurons
from ml_genn import readouts as ml_readouts
from ml_genn import synapses as ml_synapses

from ... import connectivity, initializers, neurons, readouts, synapses
from ...connection import Connection
from ...layer import InputLayer, Layer, SequentialNetwork
from ...network import Network
from ...population import Population
from .sparse import Sparse

#: This package's counterpart of the module ``ml_genn``.
_OURS = SimpleNamespace(
    Connection=Connection,
    InputLayer=InputLayer,
    Layer=Layer,
    Network=Network,
    Population=Population,
    SequentialNetwork=SequentialNetwork,
    connectivity=connectivity,
)


class Package(IntEnum):
    """Where a model comes from; the value is its place in :attr:`Family.pairs`."""

    ML_GENN = 0
    MLGENN_DELAYS = 1

    @property
    def other(self) -> Package:
        return Package(1 - self)

    @property
    def module(self) -> Any:
        """What networks are made of."""
        return (ml_genn, _OURS)[self]


@contextmanager
def naming(label: str) -> Iterator[None]:
    """Put the population or connection in front of what its parts complain about."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise type(error)(f"{label}: {error}") from error


@dataclass(frozen=True)
class Family:
    """Counterparts of one kind.

    Attributes:
        kind: what the models are, for messages
        pairs: (mlGeNN's class, ours) -> arguments, which are attributes, too
        hints: what to do about a model without counterpart, by its class or by its package
        further_types: of arguments besides numbers and flags; to mlGeNN's neurons and synapses a
            word is an initializer, a tuple an array
    """

    kind: str
    pairs: dict[tuple[type, type], tuple[str, ...]]
    hints: dict[type | Package, str] = field(default_factory=dict)
    further_types: tuple[type, ...] = ()

    def find(self, model: Any, label: str, source: Package) -> tuple[type, tuple[str, ...]]:
        """Class that ``model`` has in the other package, and the names of its arguments.

        Args:
            label: which population or connection it belongs to, for messages
            source: package of ``model``

        Raises:
            ValueError: there is none
        """
        for pair, arguments in self.pairs.items():
            if type(model) is pair[source]:
                return pair[source.other], arguments
        allowed = ", ".join(pair[source].__name__ for pair in self.pairs)
        hint = self.hints.get(type(model), self.hints.get(source))
        raise ValueError(
            f"{label}: its {self.kind} is {type(model).__name__}, which has no counterpart in "
            f"{source.other.name.lower()}; allowed are {allowed}{f' ({hint})' if hint else ''}"
        )

    def create(self, model: Any, label: str, source: Package, **others: Any) -> Any:
        """Counterpart of ``model`` in the other package.

        Args:
            label, source: see :meth:`find`
            others: arguments of the counterpart that are no plain numbers

        Raises:
            ValueError, TypeError: there is none, or it does not allow the values
        """
        counterpart, arguments = self.find(model, label, source)
        what = type(model).__name__
        values = {
            n: _plain(getattr(model, n), f"{label}: {n} of {what}", self.further_types)
            for n in arguments
            if n not in others
        }
        with naming(label):
            return counterpart(**values, **others)


def _plain(value: Any, name: str, further_types: tuple[type, ...]) -> Any:
    """A single number (or None, a flag, one of ``further_types``): here the two packages mean the
    same by it."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, (Number, np.bool_, *further_types)):
        return value
    given = f"an array of shape {value.shape}" if isinstance(value, np.ndarray) else repr(value)
    raise ValueError(f"{name} is {given}, allowed is one number for all")


NEURONS = Family(
    "neuron",
    {
        (ml_neurons.SpikeInput, neurons.SpikeInput): ("max_spikes",),
        (ml_neurons.LeakyIntegrate, neurons.LeakyIntegrate): ("v", "bias", "tau_mem", "scale_i"),
        (ml_neurons.LeakyIntegrateFire, neurons.LeakyIntegrateFire): (
            "v_thresh",
            "v_reset",
            "v",
            "tau_mem",
            "tau_refrac",
            "relative_reset",
            "integrate_during_refrac",
            "scale_i",
        ),
    },
    hints={
        Package.MLGENN_DELAYS: 'other models run on GeNN with backend="genn"',
        ml_neurons.AdaptiveLeakyIntegrateFire: "that of mlGeNN does not scale its input",
    },
)

READOUTS = Family(
    "readout",
    {
        (getattr(ml_readouts, readout.__name__), readout): ()
        for readout in readouts.default_readouts.values()
        if hasattr(ml_readouts, readout.__name__)
    },
)

SYNAPSES = Family(
    "synapse",
    {(ml_synapses.Exponential, synapses.Exponential): ("tau", "scale_i")},
    hints={
        ml_synapses.Delta: "pass one to Connection or Layer, mlGeNN's default is Delta, which "
        "scales weights where neurons have scale_i=True",
        synapses.Delta: "that of mlGeNN scales weights where neurons have scale_i=True",
    },
)

INITIALIZERS = Family(
    "initializer",
    {
        (ml_initializers.Normal, initializers.Normal): ("mean", "sd"),
        (ml_initializers.Uniform, initializers.Uniform): ("min", "max"),
    },
    hints={Package.MLGENN_DELAYS: "or give an array", Package.ML_GENN: "or give an array"},
)


def copy_value(value: Any, label: str, source: Package) -> Any:
    """A number as it is, a copied array, or the counterpart of an initializer."""
    # mlGeNN keeps the class of an initializer that is given by its name
    is_class = isclass(value) and issubclass(value, ml_initializers.Initializer)
    initializer = value() if is_class else value
    if isinstance(initializer, (ml_initializers.Initializer, initializers.Initializer)):
        return INITIALIZERS.create(initializer, label, source)
    return np.array(value) if isinstance(value, np.ndarray) and value.ndim else value


CONNECTIVITY = Family(
    "connectivity",
    {
        (ml_connectivity.Dense, connectivity.Dense): (),
        (ml_connectivity.FixedProbability, connectivity.FixedProbability): (
            "p",
            "allow_self_connections",
        ),
        (ml_connectivity.OneToOne, connectivity.OneToOne): (),
        (Sparse, connectivity.Sparse): (),
        (ml_connectivity.Conv2D, connectivity.Conv2D): (
            "filters",
            "conv_size",
            "flatten",
            "conv_strides",
            "conv_padding",
        ),
        (ml_connectivity.AvgPool2D, connectivity.AvgPool2D): (
            "pool_size",
            "flatten",
            "pool_strides",
        ),
    },
    further_types=(str, tuple),
)
