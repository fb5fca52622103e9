"""Ways to compute gradients: what each needs, and what it cannot do."""

from __future__ import annotations

from importlib.util import find_spec

from mlgenn_delays.models.settings import NetworkSettings

from .config import RunConfig

#: Engines of the methods with surrogate gradients, which have no others.
_TORCH = ("torch", "torch:cpu", "torch:cuda")


def is_surrogate(config: RunConfig) -> bool:
    """Whether gradients are those of surrogates, not exact ones."""
    return config.method != "eventprop"


def backend_of(config: RunConfig) -> str:
    """Engine that is asked for: ``"auto"`` is PyTorch for surrogates."""
    return "torch" if is_surrogate(config) and config.backend == "auto" else config.backend


def has_recurrent_delays(network: NetworkSettings) -> bool:
    """Whether hidden layers are connected to themselves with delays."""
    return (
        network.recurrent
        and network.recurrent_delays
        and network.recurrent_delay is not None
        and network.delays != "none"
        and len(network.hidden) > 0
    )


def learns_recurrent_delays(network: NetworkSettings) -> bool:
    """Whether delays from a hidden layer to itself are learned."""
    return network.delays == "learned" and has_recurrent_delays(network)


def check_method(config: RunConfig) -> None:
    """See that a method can train what it is to train, with the engine that is asked for.

    Raises:
        ValueError: it cannot; says which to take instead.
    """
    if is_surrogate(config):
        _check_surrogate(config)
    else:
        _check_eventprop(config)


def _check_surrogate(config: RunConfig) -> None:
    method = config.method
    if config.backend not in ("auto", *_TORCH):
        raise ValueError(
            f"backend is {config.backend!r}, allowed with method {method!r} are 'auto' and "
            f"{', '.join(map(repr, _TORCH))}"
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
    if config.backend in _TORCH:
        raise ValueError(
            f"backend is {config.backend!r}, which has no exact gradients: take --method dcls or "
            "delrec, or another backend"
        )
    if config.surrogate.synapse == "delta":
        raise ValueError(
            "synapse is 'delta', which EventProp cannot train: spikes happen at arrivals, whose "
            "times do not depend on weights; take --method dcls or delrec"
        )
    if config.surrogate.soft_reset:
        raise ValueError(
            "soft_reset: EventProp has it not, its neurons are reset to 0; take --method dcls or "
            "delrec"
        )


def check_torch(config: RunConfig) -> None:
    """See that PyTorch is there where it is needed.

    Raises:
        ImportError: it is not; says how to install it.
    """
    if is_surrogate(config) and find_spec("torch") is None:
        raise ImportError(
            f"method {config.method!r} needs PyTorch: pip install 'mlgenn_delays[torch]'"
        )
