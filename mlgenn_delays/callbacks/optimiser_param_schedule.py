"""Parameters of optimisers that change from epoch to epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
