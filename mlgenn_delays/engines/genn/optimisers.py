"""Optimisers as GeNN custom updates."""

from __future__ import annotations

from typing import Any

from ml_genn.optimisers import Adam as MlGennAdam

from ...optimisers import Adam

_CONSTANTS = {"Beta1": "beta1", "Beta2": "beta2", "Epsilon": "epsilon"}


class ProgramAdam(MlGennAdam):
    """mlGeNN's Adam whose constants, too, are set anew at every step: a program is compiled
    before its optimisers are known."""

    def get_model(
        self, gradient_ref: Any, var_ref: Any, zero_gradient: bool, clamp_var: Any = None
    ) -> Any:
        model = super().get_model(gradient_ref, var_ref, zero_gradient, clamp_var)
        for name in _CONSTANTS:
            model.set_param_dynamic(name)
        return model


def set_step(custom_update: Any, optimiser: Adam, step: int) -> None:
    """Settings of the coming update, from an optimiser of this package."""
    settings = MlGennAdam(optimiser.alpha, optimiser.beta1, optimiser.beta2, optimiser.epsilon)
    settings.set_step(custom_update, step)
    for name, attribute in _CONSTANTS.items():
        custom_update.set_dynamic_param_value(name, getattr(optimiser, attribute))
