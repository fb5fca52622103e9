"""What a compiled network has learned, and its description does not know."""

from __future__ import annotations

from ..cautions import caution
from ..network import Network
from ..per_neuron import PerNeuronModel
from .settings import BuildSettings

_WHAT = {"g": "weights", "d": "delays"}


def warn_of_learned(network: Network, settings: BuildSettings) -> None:
    """Warn, once for each time, where a network is compiled again after one that was compiled from
    it has learned: learned values stay in the compiled network unless they are loaded.

    Who trains again with another seed wants other initial values, and hears nothing.
    """
    left: dict[str, list[str]] = {}
    for connection in network.connections:
        for name, seed in connection.connectivity.take_learned().items():
            if not settings.training or seed == settings.rng_seed:
                left.setdefault(name, []).append(connection.name)
    learned = [
        f"{_WHAT[name]} of {_names(names, len(network.connections))}"
        for name, names in sorted(left.items(), reverse=True)
    ]
    owners: list[tuple[PerNeuronModel, str]] = [
        (p.neuron, f"population {p.name!r}") for p in network.populations
    ]
    owners += [(c.synapse, f"connection {c.name!r}") for c in network.connections]
    for model, owner in owners:
        for name, seed in model.take_learned().items():
            if not settings.training or seed == settings.rng_seed:
                learned.append(f"{name} of {owner}")
    if not learned:
        return
    what = " and ".join(learned)
    after = " (or its load_training_state after it)" if settings.training else ""
    caution(
        f"this network was compiled before and has learned {what} since, which are not carried "
        "over: it starts with the initial values again. To go on with what was learned, call "
        "load_network(network, trained.training_state()) of mlgenn_delays.compilers before "
        f"compile{after}, where trained is what was compiled before (after SurrogateCompiler, "
        "convert in place of load_network)"
    )


def _names(names: list[str], of: int) -> str:
    if len(names) == of > 1:
        return f"{'both' if of == 2 else f'all {of}'} connections"
    return ", ".join(map(repr, names))
