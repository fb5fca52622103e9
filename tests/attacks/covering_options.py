"""What networks can have that code is generated for, and few networks that have all of it."""

from __future__ import annotations

from itertools import combinations, product
from types import SimpleNamespace as Options
from typing import Any

import numpy as np

#: Delays "constant" are those of all synapses of a connection.
DELAYS = ("constant", "fixed", "learned")

#: What a network may have.
CHOICES: dict[str, tuple[Any, ...]] = {
    "training": (True, True, True, False),  # as often as they are drawn
    "neuron": ("leaky", "adaptive", "own", "bare"),
    "refractory": (None, 1.0, 3.0, 1e9),  # [ms]
    "readout": ("avg_var", "avg_var_exp_weight", "first_spike_time", "max_var", "sum_var", "var"),
    "per_timestep": (False, True),
    "into": DELAYS,
    "back": (None, *DELAYS),
    "out": DELAYS,
    "sparse_into": (False, True),
    "sparse_back": (False, True),
    "sparse_out": (False, True),
    "frozen": ("none", "some", "all"),  # weights
    "receptors": (1, 2),
    "own_parameters": ("none", "one", "all"),
    "sharing": ("none", "axonal", "dendritic"),  # of delays that are not constant
    "convolved": (False, True),  # from the first input
    "regularised": (False, True),
    "inputs": (1, 2),
    "outputs": (1, 2),
    "threads": (1, 2, 7),
}

#: Of ordinary size; steps and channels need more than 16 bits; from inputs straight to outputs.
SMALL = {
    "timesteps": 30, "channels": 6, "hidden": True, "timing": "grid", "synapse": "exponential",
    "window": False, "bounds": "none",
}  # fmt: skip
_SPARSE = {f"sparse_{name}": True for name in ("into", "back", "out")}
_LEARNED = {"into": "learned", "back": "learned", "out": "learned"}
LARGE = {**SMALL, "timesteps": 66_000, "channels": 66_000, "threads": 2}
STRAIGHT = {**SMALL, "hidden": False}
#: Of kernels, the delays alone.
KERNELS = {**SMALL, "convolved": True, "into": "learned", "out": "learned", "frozen": "all"}
#: Of which there are no gradients.
DELTA = {**SMALL, "synapse": "delta", "training": False}
#: Windows of readouts, and bounds of weights.
BOUNDED: tuple[dict[str, Any], ...] = (
    {**SMALL, "readout": "max_var", "window": True, "bounds": "signs"},
    # with inputs straight to the outputs, which then spike often enough
    {**SMALL, "readout": "first_spike_time", "window": True, "bounds": "clamped", "receptors": 2},
)
#: Learned constants of neurons and synapses.
CONSTANTS: tuple[dict[str, Any], ...] = (
    {**SMALL, "own_parameters": "learned", "neuron": "adaptive", "refractory": 1.0, **_LEARNED},
    {**SMALL, "own_parameters": "learned", "per_timestep": True, "receptors": 2, **_SPARSE},
)
COUNTS = {**SMALL, "readout": "spike_count", "training": False, "receptors": 2}

#: What there is no choice of in sub-step timing; how many networks of it are chosen among others,
#: and some that are not among them.
WITHIN_STEPS = {
    **SMALL, "timing": "substep", "neuron": "leaky", "refractory": None, "own_parameters": "none",
}  # fmt: skip
NUMBER_WITHIN_STEPS = 14
_NOTHING_LEARNED = {"frozen": "all", "into": "fixed", "back": "fixed", "out": "fixed"}
FURTHER_WITHIN_STEPS: tuple[dict[str, Any], ...] = (
    {},
    _NOTHING_LEARNED,
    {**_NOTHING_LEARNED, **_SPARSE},
    {**_LEARNED, "receptors": 2},
    {**_LEARNED, **_SPARSE},
)


def drawn(rng: np.random.Generator) -> Options:
    """Any of the networks."""
    return Options(**_draw(rng), **SMALL)


def covering(rng: np.random.Generator) -> list[Options]:
    """Few networks in which every two choices meet, two of another size and shape, one of
    kernels, some in sub-step timing, and some of which there are no gradients: with delta
    synapses, and with spikes that are counted."""
    plain = {name: values[0] for name, values in CHOICES.items()}
    pairs = [Options(**chosen, **SMALL) for chosen in _all_pairs(rng)]
    others = [Options(**{**plain, **other}) for other in (LARGE, STRAIGHT, KERNELS)]
    # the first ones of those that are chosen have most of the pairs
    chosen = _all_pairs(np.random.default_rng(1))[:NUMBER_WITHIN_STEPS]
    further = [{**plain, **c} for c in FURTHER_WITHIN_STEPS]
    within_steps = [Options(**{**c, **WITHIN_STEPS}) for c in (*chosen, *further)]
    ways = list(product(("grid", "substep"), (False, True)))
    special = [*CONSTANTS, DELTA, *({**COUNTS, "timing": t, "window": w} for t, w in ways)]
    special += [{**b, "timing": t} for b in BOUNDED for t in ("grid", "substep")]
    return [*pairs, *others, *within_steps, *(Options(**{**plain, **u}) for u in special)]


def _draw(rng: np.random.Generator) -> dict[str, Any]:
    return {name: values[rng.integers(len(values))] for name, values in CHOICES.items()}


def _all_pairs(rng: np.random.Generator, tries: int = 30) -> list[dict[str, Any]]:
    """Each is the best of some that are drawn around a pair that is still missing."""
    missing = {
        ((a, x), (b, y))
        for a, b in combinations(CHOICES, 2)
        for x, y in product(CHOICES[a], CHOICES[b])
    }
    chosen = []
    while missing:
        wanted = sorted(missing, key=repr)
        candidates = [_draw(rng) | dict(wanted[rng.integers(len(wanted))]) for _ in range(tries)]
        pairs = [set(combinations(c.items(), 2)) for c in candidates]
        best = max(range(tries), key=lambda k: len(missing & pairs[k]))
        chosen.append(candidates[best])
        missing -= pairs[best]
    return chosen
