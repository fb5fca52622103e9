"""Ways to compute gradients: what each needs, and what it cannot do."""

from __future__ import annotations

from mlgenn_delays.engines.create import EVENT_PROP_BACKENDS, SURROGATE_BACKENDS, check_backend
from mlgenn_delays.models.settings import NetworkSettings

from .config import RunConfig

#: Settings that give each neuron its own time constants.
_OF_SINGLE_NEURONS = ("tau_mem_range", "tau_syn_range", "learn_time_constants")


def is_surrogate(config: RunConfig) -> bool:
    """Whether gradients are those of surrogates, not exact ones."""
    return config.method != "eventprop"


def backends_of(config: RunConfig) -> tuple[str, ...]:
    """Engines that a method has."""
    return SURROGATE_BACKENDS if is_surrogate(config) else EVENT_PROP_BACKENDS


def learns_recurrent_delays(network: NetworkSettings) -> bool:
    """Whether delays from a hidden layer to itself are learned."""
    return (
        network.delays == "learned"
        and network.recurrent
        and network.recurrent_delays
        and network.recurrent_delay is not None
        and len(network.hidden) > 0
    )


def check_method(config: RunConfig) -> None:
    """See that a method can train what it is to train, with the engine that is asked for.

    Raises:
        ValueError: it cannot; says which to take instead.
    """
    if config.backend not in (allowed := backends_of(config)):
        raise ValueError(
            f"backend is {config.backend!r}, allowed with method {config.method!r} are "
            f"{', '.join(map(repr, allowed))}"
        )
    if is_surrogate(config):
        _check_surrogate(config)
    else:
        _check_eventprop(config)


def _check_surrogate(config: RunConfig) -> None:
    method = config.method
    for name in _OF_SINGLE_NEURONS:
        if getattr(config.neuron, name):
            raise ValueError(
                f"{name} is {getattr(config.neuron, name)!r}, which method {method!r} cannot have: "
                "its neurons all have one time constant; leave it out, or take --method eventprop"
            )
    if config.neuron.readout == "first_spike_time":
        raise ValueError(
            f"readout is 'first_spike_time', which method {method!r} cannot train: spike times "
            "have no surrogate; take another --readout, such as max_var, or --method eventprop"
        )
    if method == "dcls" and learns_recurrent_delays(config.network):
        raise ValueError(
            "method is 'dcls', which learns no delays from a hidden layer to itself: take --method "
            "delrec, or --no-recurrent-delays, or --no-recurrent"
        )


def _check_eventprop(config: RunConfig) -> None:
    for name in _OF_SINGLE_NEURONS:
        if getattr(config.neuron, name) and config.network.timing == "substep":
            raise ValueError(
                f"{name} is {getattr(config.neuron, name)!r}, which timing 'substep' cannot have: "
                "its neurons all have one time constant; leave it out, or take --timing grid"
            )
    if config.surrogate.synapse == "delta":
        raise ValueError(
            "synapse is 'delta', which EventProp cannot train: spikes happen at arrivals, whose "
            "times do not depend on weights; take --method dcls or delrec"
        )
    if config.surrogate.soft_reset:
        raise ValueError(
            "soft_reset is True, which EventProp cannot train: its neurons are reset to 0; take "
            "--method dcls or delrec"
        )


def check_engine(config: RunConfig) -> None:
    """See that the engine that is asked for can run here.

    Raises:
        ValueError: there is no such device.
        ImportError: PyTorch, or PyGeNN, is missing; says how to install it.
    """
    check_backend(config.backend, backends_of(config))
