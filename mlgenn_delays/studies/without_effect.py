"""Settings that were asked for and that change nothing."""

from __future__ import annotations

from .config import RunConfig
from .task import Task

_OF_LEARNED_DELAYS = ("delay_lr", "delay_ease_in")
_OF_DELAYS = ("max_delay", "input_delay", "hidden_delay", "output_delay")
_OF_RECURRENT_DELAYS = ("recurrent_delays", "recurrent_delay")
_OF_RECURRENT_WEIGHTS = ("recurrent_weight", "recurrent_lr")


def notes_without_effect(task: Task, config: RunConfig) -> tuple[str, ...]:
    """A line for each reason why settings that are not as published change nothing."""
    network = config.network
    reasons: dict[str, tuple[str, ...]] = {}
    if network.delays != "learned":
        reasons["no delays are learned"] = _OF_LEARNED_DELAYS
    if network.delays == "none":
        reasons["there are no delays"] = (*_OF_DELAYS, *_OF_RECURRENT_DELAYS)
    if not network.recurrent and network.hidden:
        recurrent = (*_OF_RECURRENT_WEIGHTS, *_OF_RECURRENT_DELAYS)
        reasons["there are no recurrent connections"] = recurrent
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
