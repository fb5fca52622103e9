"""Settings that were asked for and that change nothing."""

from __future__ import annotations

from mlgenn_delays.models import SurrogateSettings

from .config import RunConfig
from .methods import is_surrogate
from .task import Task

_OF_LEARNED_DELAYS = ("delay_lr", "delay_ease_in")
_OF_DELAYS = ("delay_sharing", "max_delay", "input_delay", "hidden_delay", "output_delay")
_OF_RECURRENT_DELAYS = ("recurrent_delays", "recurrent_delay", "recurrent_delay_sharing")
_OF_RECURRENCE = ("recurrent_weight", "recurrent_lr", "recurrent_dropout")
_OF_WARM_UP = ("lr_ease_in", "lr_growth", "delay_ease_in")
_OF_EVENTPROP = ("timing", "i_minus_thresh_min")
_OF_SURROGATES = tuple(SurrogateSettings().flat())
_OF_SPREAD = ("spread_width", "spread_decay", "spread_min_width", "learned_widths")


def notes_without_effect(task: Task, config: RunConfig) -> tuple[str, ...]:
    """A line for each reason why settings that are not as published change nothing."""
    network = config.network
    reasons: dict[str, tuple[str, ...]] = {}
    if network.delays != "learned":
        reasons["no delays are learned"] = _OF_LEARNED_DELAYS
    if network.delays == "none":
        reasons["there are no delays"] = (*_OF_DELAYS, *_OF_RECURRENT_DELAYS)
    if not network.recurrent and network.hidden:
        recurrent = (*_OF_RECURRENCE, *_OF_RECURRENT_DELAYS)
        reasons["there are no recurrent connections"] = recurrent
    elif not network.recurrent_delays or network.recurrent_delay is None:
        reasons["there are no recurrent delays"] = ("recurrent_delay_sharing",)
    if not config.neuron.learn_time_constants:
        reasons["no time constants are learned"] = ("constant_lr",)
    if config.neuron.tau_mem_range is not None:
        reasons["tau_mem_range says it"] = ("tau_mem",)
    if config.neuron.tau_syn_range is not None:
        reasons["tau_syn_range says it"] = ("tau_syn",)
    if config.learning.schedule != "warm_up_cosine":
        reasons[f"the schedule is {config.learning.schedule}"] = _OF_WARM_UP
    reasons |= _of_method(config)
    settings = config.flat()
    without = {name for names in reasons.values() for name in names}
    published = task.config({n: v for n, v in settings.items() if n not in without}).flat()
    changed = {name for name in without if settings[name] != published[name]}
    notes = []
    for reason, names in reasons.items():
        found = [name for name in names if name in changed]
        if found:
            verb = "has" if len(found) == 1 else "have"
            notes.append(f"Note: {', '.join(found)} {verb} no effect: {reason}.")
    return tuple(notes)


def _of_method(config: RunConfig) -> dict[str, tuple[str, ...]]:
    """Reason -> settings that are without effect for it, of those that belong to a method."""
    network = config.network
    if not is_surrogate(config):
        return {"the method is eventprop": _OF_SURROGATES}
    reasons: dict[str, tuple[str, ...]] = {f"the method is {config.method}": _OF_EVENTPROP}
    if network.delays != "learned":
        reasons["no delays are learned"] = (*_OF_LEARNED_DELAYS, *_OF_SPREAD)
    if config.method == "dcls":
        reasons["the method is dcls"] = (*_OF_EVENTPROP, "learned_widths")
    if config.surrogate.synapse == "delta":
        reasons["synapses are delta"] = ("tau_syn", "tau_syn_output")
    return reasons
