"""Training that is made to diverge: its error tells the truth, and there is a way back.

Learning rates and decays of any size, parameters and moments that are not finite, weights so large
that predictions overflow, at a random moment. Then a state that was good is loaded: predictions,
gradients and further training are those of a network that never diverged, bit for bit.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from divergence import Watch, check_claims, observe
from trained_networks import compile_recurrent, make_spikes, recurrent

from mlgenn_delays.compilers import TrainingDiverged
from mlgenn_delays.optimisers import Adam

__all__ = ["recurrent"]

EXTREMES = (np.nan, np.inf, -np.inf, 1e38, -1e38, 3.4e38, 1e300, 1e30, 1e10, 0.0, -1.0, 1.0)


class Derived(Adam):
    """The same rule, which engines cannot know: it is computed in NumPy."""


def attack_attribute(network: Any, rng: np.random.Generator) -> tuple[str, Any]:
    optimiser, _ = network.optimisers[rng.integers(len(network.optimisers))]
    name = str(rng.choice(["alpha", "alpha", "beta1", "beta2", "epsilon", "weight_decay"]))
    value = float(rng.choice(EXTREMES))
    return f"{name} = {value}", lambda: setattr(optimiser, name, value)


def attack_parameter(network: Any, rng: np.random.Generator) -> tuple[str, Any]:
    engine, parameter = network.engine, int(rng.integers(len(network.program.parameters)))
    value = float(rng.choice(EXTREMES))

    def write() -> None:
        values = engine.get_parameter(parameter)
        values[rng.random(values.shape) < rng.choice([0.02, 0.5, 1.0])] = value
        if np.isnan(value):
            engine._set(parameter, values)  # as a step does
        else:
            engine.set_parameter(parameter, network.program.parameters[parameter].clip(values))

    return f"{network.program.parameters[parameter].key} = {value}", write


def attack_moments(network: Any, rng: np.random.Generator) -> tuple[str, Any]:
    engine, value = network.engine, float(rng.choice(EXTREMES))

    def write() -> None:
        state = engine.optimiser_state()
        for moment in state.values():
            moment[rng.random(moment.shape) < 0.3] = value
        engine.set_optimiser_state(state)

    return f"moments = {value}", write


ATTACKS = (attack_attribute, attack_parameter, attack_moments)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_divergence(recurrent, backend, rng, attempts, tally):
    x, y = make_spikes(8, 8)
    data = {recurrent.x: x}, {recurrent.y: y}
    kinds = {
        kind: {"optimiser": kind(0.01), "delay_optimiser": kind(0.1)} for kind in (Adam, Derived)
    }
    good, expected = {}, {}
    for kind, rules in kinds.items():
        first, fresh = (compile_recurrent(recurrent, backend, num_threads=2, **rules) for _ in "12")
        first.train(*data, 1, callbacks=[])
        good[kind] = first.training_state()
        expected[kind] = observe(fresh, recurrent, data, fresh.load_training_state(good[kind]))
    for _ in range(attempts(60, 8)):
        kind = list(kinds)[rng.integers(len(kinds))]
        network = compile_recurrent(recurrent, backend, num_threads=2, **kinds[kind])
        network.load_training_state(good[kind])
        what, attack = ATTACKS[rng.integers(len(ATTACKS))](network, rng)
        watch = Watch(network, int(rng.integers(1, 4)), attack)
        what = f"{kind.__name__}, {what} before batch {watch.moment}"
        tally.attempt(what, partial(train, network, data, watch))
        if rng.random() < 0.5:
            network.__exit__(None, None, None)
        tally.attempt(f"{what}, what is left", partial(look, network, recurrent, data))
        call = partial(check_return, network, recurrent, data, good[kind], expected[kind])
        tally.attempt(f"{what}, loading", call)


def train(network: Any, data: Any, watch: Watch) -> None:
    """Train; where it diverges, compare what is said with what is."""
    try:
        network.train(*data, 2, start_epoch=1, callbacks=[watch])
    except TrainingDiverged as error:
        check_claims(error, network, watch, 2, start_epoch=1)
        raise


def look(network: Any, net: Any, data: Any) -> None:
    """What must work with parameters of any kind."""
    network.training_state()
    network.gradient_norms()
    network.predict(data[0], net.y, callbacks=[])


def check_return(network: Any, net: Any, data: Any, good: Any, expected: list[Any]) -> None:
    """Whether a good state gives the network of that state."""
    found = observe(network, net, data, network.load_training_state(good))
    same = len(found) == len(expected) and all(map(np.array_equal, found, expected))
    assert same, "it is not the network of the state"
