"""Parameters of optimisers that change from epoch to epoch or from batch to batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..checks import check_flag, check_number, check_whole_number
from .callback import Callback

ScheduleCallable = Callable[[int, float], float]


class OptimiserParamSchedule(Callback):
    """Sets a parameter of all optimisers (of weights and of delays) before each epoch.

    Args:
        param_name: name of the parameter, e.g. ``"alpha"``
        func: (epoch, value so far) -> value

    Raises:
        ValueError: when training begins, if an optimiser has no such parameter
    """

    def __init__(self, param_name: str, func: ScheduleCallable):
        self.param_name = param_name
        self.func = func

    def set_params(self, compiled_network: Any, **kwargs: Any) -> None:
        # One optimiser may serve weights and delays: func must not be applied to it twice
        unique = {id(o): o for o, _ in compiled_network.optimisers}
        self._optimisers = list(unique.values())
        for optimiser in self._optimisers:
            if not hasattr(optimiser, self.param_name):
                raise ValueError(
                    f"OptimiserParamSchedule: param_name is '{self.param_name}', "
                    f"{type(optimiser).__name__} has {', '.join(sorted(vars(optimiser)))}"
                )

    def on_epoch_begin(self, epoch: int) -> None:
        for optimiser in self._optimisers:
            value = self.func(epoch, getattr(optimiser, self.param_name))
            setattr(optimiser, self.param_name, value)


#: (step, number of steps of the whole run) -> factor to learning rates. Steps are batches, or
#: epochs where the factor has an attribute ``per_epoch`` that is true.
Factor = Callable[[int, int], float]


def _half_cosine(begin: float, end: float, progress: float) -> float:
    """Half a cosine from ``begin``, where ``progress`` is 0, to ``end``, where it is 1."""
    return end + (begin - end) * 0.5 * (1.0 + math.cos(math.pi * progress))


@dataclass(frozen=True)
class WarmUpCosine:
    """Factor that grows exponentially up to 1, times half a cosine that falls from 1.

    Attributes:
        start:  factor in the first step, above 0; 1: no warm-up
        growth: by what it is multiplied in each step until it is 1, at least 1
        final:  where the half cosine ends, at least 0

    Raises:
        ValueError, TypeError: the message names the argument, its value and what is allowed
    """

    start: float = 1.0
    growth: float = 1.0
    final: float = 0.0

    def __post_init__(self) -> None:
        check_number(self.start, "WarmUpCosine: start", above=0.0)
        check_number(self.growth, "WarmUpCosine: growth", minimum=1.0)
        check_number(self.final, "WarmUpCosine: final", minimum=0.0)

    def __call__(self, step: int, num_steps: int) -> float:
        # the exponent is bounded so that a long run cannot overflow
        growth = math.exp(min(step * math.log(self.growth), 700.0))
        decay = _half_cosine(1.0, self.final, min(step / num_steps, 1.0))
        return min(1.0, self.start * growth) * decay


@dataclass(frozen=True)
class Cosine:
    """Factor that falls from 1 along half a cosine (Loshchilov & Hutter 2017, arXiv 1608.03983,
    without restarts; PyTorch's ``CosineAnnealingLR``).

    It is ``final`` after the last step; in the last step it is a step away from that.

    Attributes:
        final:     where the half cosine ends, at least 0
        per_epoch: whether it moves from epoch to epoch, as in much published code, and not from
            batch to batch

    Raises:
        ValueError, TypeError: the message names the argument, its value and what is allowed
    """

    final: float = 0.0
    per_epoch: bool = False

    def __post_init__(self) -> None:
        check_number(self.final, "Cosine: final", minimum=0.0)
        check_flag(self.per_epoch, "Cosine: per_epoch")

    def __call__(self, step: int, num_steps: int) -> float:
        return _half_cosine(1.0, self.final, min(step / num_steps, 1.0))


@dataclass(frozen=True)
class OneCycle:
    """Factor that grows up to 1 and falls to nearly 0, each along half a cosine (Smith & Topin
    2018, arXiv 1708.07120, in the form of PyTorch's ``OneCycleLR``).

    Optimisers are given the rates of the peak. The first step has the factor 1 / div_factor, step
    ``pct_start * num_steps - 1`` the factor 1, the last step 1 / (div_factor * final_div_factor);
    a run of fewer than ``1 / pct_start`` steps begins in the fall. Learning rates alone move:
    PyTorch's also moves beta1, unless told not to.

    Attributes:
        pct_start:        share of the run in which it grows, in [0, 1]
        div_factor:       peak by what it begins with, at least 1
        final_div_factor: what it begins with by what it ends with, at least 1
        per_epoch:        whether it moves from epoch to epoch, as in much published code, and not
            from batch to batch

    Raises:
        ValueError, TypeError: the message names the argument, its value and what is allowed
    """

    pct_start: float = 0.3
    div_factor: float = 25.0
    final_div_factor: float = 1e4
    per_epoch: bool = False

    def __post_init__(self) -> None:
        check_number(self.pct_start, "OneCycle: pct_start", minimum=0.0, maximum=1.0)
        for name in ("div_factor", "final_div_factor"):
            check_number(getattr(self, name), f"OneCycle: {name}", minimum=1.0, maximum=1e30)
        check_flag(self.per_epoch, "OneCycle: per_epoch")

    def __call__(self, step: int, num_steps: int) -> float:
        begin = 1.0 / self.div_factor
        peak, last = self.pct_start * num_steps - 1.0, num_steps - 1.0
        at = min(step, last)
        if at <= peak:
            return _half_cosine(begin, 1.0, at / peak if peak > 0.0 else 1.0)
        return _half_cosine(1.0, begin / self.final_div_factor, (at - peak) / (last - peak))


class LearningRateSchedule(Callback):
    """Multiplies the learning rates that optimisers have now by a factor before each batch.

    The factor depends on the number of the batch, or of the epoch, alone, so that a resumed run has
    the same learning rates. Make it before :meth:`.CompiledTrainingNetwork.load_training_state` and
    before training, while the optimisers have the rates they begin with.

    Args:
        compiled_network: whose optimisers
        factor:           of the learning rates, e.g. :class:`WarmUpCosine`, :class:`OneCycle`
            or a function of (batch, number of batches in the whole run); with a true attribute
            ``per_epoch``, it is given (epoch, ``num_epochs``)
        num_epochs:       of the whole run, all calls of ``train`` together
        delay_factor:     of the learning rate of delays; None: ``factor``

    Raises:
        ValueError: ``num_epochs`` below 1, or an optimiser without learning rate ``alpha``; when
            training begins, another network
    """

    def __init__(
        self,
        compiled_network: Any,
        factor: Factor,
        num_epochs: int,
        delay_factor: Factor | None = None,
    ) -> None:
        self._factor = factor
        self._delay_factor = factor if delay_factor is None else delay_factor
        self._num_epochs = check_whole_number(
            num_epochs, "LearningRateSchedule: num_epochs", minimum=1
        )
        for optimiser, _ in compiled_network.optimisers:
            if not hasattr(optimiser, "alpha"):
                raise ValueError(
                    f"LearningRateSchedule: {type(optimiser).__name__} has no learning rate 'alpha'"
                )
        self._rates = [(optimiser, optimiser.alpha) for optimiser, _ in compiled_network.optimisers]
        self._optimisers = compiled_network.optimisers
        self._delay_optimiser = getattr(compiled_network, "delay_optimiser", None)
        self._epoch = 0

    def set_params(self, num_batches: int, compiled_network: Any = None, **kwargs: Any) -> None:
        optimisers = getattr(compiled_network, "optimisers", None)
        if compiled_network is not None and optimisers is not self._optimisers:
            raise ValueError(
                "LearningRateSchedule: it was made for another compiled network, each needs one of "
                "its own"
            )
        self._num_batches = num_batches

    def on_epoch_begin(self, epoch: int) -> None:
        self._epoch = epoch

    def on_batch_begin(self, batch: int) -> None:
        for optimiser, rate in self._rates:
            of_delays = optimiser is self._delay_optimiser
            factor = self._delay_factor if of_delays else self._factor
            optimiser.alpha = rate * self._value(factor, batch)

    def _value(self, factor: Factor, batch: int) -> float:
        if getattr(factor, "per_epoch", False):
            return factor(self._epoch, self._num_epochs)
        step = self._epoch * self._num_batches + batch
        return factor(step, self._num_epochs * self._num_batches)
