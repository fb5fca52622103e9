"""Base class of neuron models."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ..checks import REAL, check_whole_number, single
from ..per_neuron import PerNeuronModel, check_per_neuron
from ..program.model import NeuronModel
from ..readouts import Readout, default_readouts
from ..registry import get_object
from ..reprs import CallRepr

ReadoutInitializer = Readout | str | None


class Neuron(PerNeuronModel, CallRepr, ABC):
    """Base class for all neuron models; docs/models.md shows how to write one.

    Attributes:
        per_neuron: parameters that may be one number per neuron, and their names in the model
        is_input: emits given spikes, has no dynamics and cannot be the target of a connection
        is_spiking: can emit spikes
    """

    is_input: ClassVar[bool] = False
    is_spiking: ClassVar[bool] = False

    def __init__(self, readout: ReadoutInitializer = None):
        self.readout = readout

    @property
    def readout(self) -> Readout | None:
        """What is read out of the population; populations with a readout are outputs.

        Can be set to a :class:`.Readout`, its name (e.g. ``"avg_var"``) or None.
        """
        return self._readout

    @readout.setter
    def readout(self, readout: ReadoutInitializer) -> None:
        self._readout = get_object(readout, Readout, "Readout", default_readouts)

    @abstractmethod
    def check(self) -> None:
        """Check parameters, which can be assigned to after construction.

        Raises:
            ValueError: the message names the parameter, its value and what is allowed
            TypeError: a parameter is not a number
        """

    def get_model(self, dt: float, i_minus_thresh_min: float) -> NeuronModel:
        """Dynamics and adjoint of the neuron as code, for a timestep of ``dt`` [ms].

        ``i_minus_thresh_min`` bounds I - theta (what a spike divides by) from below.

        Raises:
            TypeError: the neuron has no dynamics (inputs)
        """
        raise TypeError(f"{type(self).__name__} has no dynamics")


class SpikeInput(Neuron):
    """Emits spike trains given as :class:`.PreprocessedSpikes`.

    Args:
        max_spikes: accepted for compatibility with mlGeNN; there is no limit here

    Raises:
        ValueError: ``max_spikes`` is not a whole number of at least 1
    """

    is_input = True
    is_spiking = True

    def __init__(self, max_spikes: int = 1000000):
        super().__init__()
        self.max_spikes = max_spikes
        self.check()

    def check(self) -> None:
        check_whole_number(self.max_spikes, "SpikeInput: max_spikes", minimum=1)


#: Of the way from rest to threshold, how far learned thresholds may fall, and resets rise.
_LOWEST_THRESHOLD, _HIGHEST_RESET = 0.1, 0.05


def threshold_bounds(
    name: str, values: Mapping[str, np.ndarray], v: float
) -> tuple[float, float] | None:
    """What a learned ``v_thresh`` or ``v_reset`` is kept within: well apart from the other, and
    from where the voltage starts.

    Args:
        name:   of the parameter; another one has no such bounds
        values: of both at first
        v:      initial voltage
    """
    rest = max(float(values["v_reset"].max()), v)
    way = float(values["v_thresh"].min()) - rest
    bounds = {
        "v_thresh": (rest + (_LOWEST_THRESHOLD * way), np.inf),
        "v_reset": (-np.inf, rest + (_HIGHEST_RESET * way)),
    }
    return bounds.get(name)


def check_below_threshold(value: Any, v_thresh: float | None, name: str) -> None:
    """Check a voltage that must not make a neuron spike, as engines compare it; None is a threshold
    of single neurons, and voltages of such are compared neuron by neuron.

    Raises:
        ValueError: not finite, out of range, or not below the threshold in single precision
        TypeError: not a number
    """
    number = check_per_neuron(value, name, **REAL)
    if number is None or v_thresh is None:
        return
    if single(number) >= single(v_thresh):
        close = " in single precision" if number < v_thresh else ""
        raise ValueError(
            f"{name} is {number!r}, allowed are numbers below v_thresh = {v_thresh!r}{close}"
        )
