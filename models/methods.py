"""How settings that were published for EventProp change for training with surrogate gradients.

Rates and schedules are those that DCLS-Delays (Hammouamri, Khalfaoui-Hassani & Masquelier 2024,
arXiv 2306.17670) and DelRec (Queant, Rancon, Cottereau & Masquelier 2025, arXiv 2509.24852) were
published with. What networks are is left as it is, so that methods train the same ones: batch
normalisation, dropout and biases, which the published networks have, are settings of their own.
"""

from __future__ import annotations

from typing import Any

from .settings import Method

#: What both have in common: no regularised spike counts, one rate for all weights, and timesteps in
#: which spikes have no places.
_COMMON: dict[str, Any] = {
    "timing": "grid",
    "lr": 5e-3,
    "recurrent_lr": 1.0,
    "output_lr": 1.0,
    "schedule": "one_cycle",
    "lr_final": 0.0,
    "weight_decay": 1e-5,
    "reg_lambda": 0.0,
}


#: Settings of tasks in steps of 1 ms: surrogates keep every timestep, and a kernel as long as the
#: longest delay for each synapse; they were published in bins of 10 ms.
IN_BINS: dict[str, dict[str, Any]] = {"dcls": {"dt": 10.0}, "delrec": {"dt": 10.0}}


def method_settings(method: Method, dt: float) -> dict[str, Any]:
    """Settings by name in which a method differs from EventProp, whatever the task.

    Args:
        method: ``"eventprop"``, which differs in nothing, ``"dcls"`` or ``"delrec"``
        dt: timestep [ms]: published rates of delays are in timesteps
    """
    if method == "dcls":
        # it has no recurrent delays, and was published for feed-forward networks
        return {**_COMMON, "recurrent": False, "delay_lr": 0.1 * dt}
    if method == "delrec":
        # its width has no lower bound: 0.05 is less than 10 * 0.95^100
        return {
            **_COMMON,
            "recurrent_delay_sharing": "axonal",
            "delay_lr": 0.05 * dt,
            "spread_min_width": 0.05,
        }
    return {}
