"""Optimisers as GeNN custom updates."""

from __future__ import annotations

from typing import Any

from ml_genn.optimisers import Adam as MlGennAdam

from ...program.exchange import AdamStep

#: GeNN's parameters of a step that mlGeNN takes as constants.
_CONSTANTS = {"Beta1": "beta1", "Beta2": "beta2", "Epsilon": "epsilon"}
_DYNAMIC = {"Alpha": "alpha", "MomentScale1": "scale1", "MomentScale2": "scale2", **_CONSTANTS}


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


def set_step(custom_update: Any, adam: AdamStep) -> None:
    """Numbers of the coming update."""
    for name, attribute in _DYNAMIC.items():
        custom_update.set_dynamic_param_value(name, getattr(adam, attribute))
