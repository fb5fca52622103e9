"""Compiler for training with surrogate gradients: DCLS-Delays and DelRec."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..checks import check_choice, check_flag, check_number, check_sequence
from ..connection import Connection
from ..engines.create import SURROGATE_BACKENDS, check_backend
from ..layer import get_underlying_conn, get_underlying_pop
from ..network import Network
from ..population import Population
from ..program.program import Program
from ..program.surrogate import DEFAULT_SLOPE, SPREAD_KINDS, SURROGATE_FUNCTIONS
from ..program.timing import MAX_DELAY_STEPS
from ..training.compiled_surrogate_network import CompiledSurrogateNetwork, WidthDecay
from .build import build_program, resolve_connections, resolve_learned_weights
from .optimiser_groups import OptimiserGroups
from .settings import BuildSettings, PerPopulation, SurrogateSettings
from .training_compiler import TrainingCompiler, refuse_communicator, warn_delays_not_learned
from .weight_bounds import resolve_clamps

#: One number for all populations, or one per population (or layer).
Share = float | Mapping[Any, float]


class SurrogateCompiler(TrainingCompiler):
    """Compiles networks for training with surrogate gradients, on PyTorch: the methods
    DCLS-Delays (Hammouamri, Khalfaoui-Hassani & Masquelier 2024, arXiv 2306.17670) and DelRec
    (Queant, Rancon, Cottereau & Masquelier 2025, arXiv 2509.24852).

    It takes the networks that :class:`.EventPropCompiler` takes, with a grid of timesteps; layers
    may be connected forwards and to themselves. Equations: docs/surrogate.md.

    Args:
        example_timesteps:   length of a trial [timesteps]
        losses:              loss or its name, for all outputs, or output -> loss
        optimiser:           optimiser of the weights and of all that is not a delay, or its name
        reg_lambda_upper:    see :class:`.EventPropCompiler`, as the next two
        reg_lambda_lower:    strength of regularisation of spike counts
        reg_nu_upper:        wanted mean number of spikes per neuron and trial
        per_timestep_loss:   take the loss at every timestep instead of once per trial
        dt:                  timestep [ms]
        batch_size:          examples per optimiser step
        rng_seed:            seed of initial values, the order of examples and dropout
        delay_optimiser:     optimiser of the delays, or its name; None: a copy of ``optimiser``
        delay_learn_conns:   connections or layers whose delays are learned
        weight_learn_conns:  connections or layers whose weights are learned; None: all
        weight_optimisers:   connection or layer -> optimiser of its weights
        clamp_weight_conns:  connection or layer -> (smallest, largest) of its weights, see
                             :class:`.EventPropCompiler`, as the next
        keep_sign_conns:     connections or layers whose weights keep their sign
        surrogate:           derivative in place of that of a spike: "arctangent", "triangular" or
                             "fast_sigmoid", see :mod:`mlgenn_delays.program.surrogate`
        surrogate_slope:     its slope; None: 5, 1 and 5
        differentiate_reset: whether gradients flow through resets
        spread:              kernel of learned delays: "gaussian" (DCLS), "triangle" (DelRec), or
                             connection -> kernel; None: "triangle" for connections of a population
                             to itself, "gaussian" for others
        spread_width:        width sigma in the first epoch [timesteps], or connection -> width,
                             above 0, of triangles also 0: delays are interpolated between two
                             timesteps; None: half the longest delay for Gaussians, 10 for triangles
        spread_decay:        by what widths are multiplied in each epoch, above 0, at most 1
        spread_min_width:    smallest width [timesteps], above 0, of triangles alone also 0; of
                             Gaussians below 0.1, little is left of spikes with delays half-way
                             between two timesteps, since DCLS adds 1e-7 to the sum it divides by
        learned_width_conns: connections with triangles of which each delay learns a width of its
                             own, between 1 and 1 + 2 sigma timesteps
        fractional_delays:   in validation, test and prediction: False: delays are rounded to whole
                             timesteps, as published; True: spikes arrive in parts in the two
                             timesteps around their delay
        batch_norm:          populations or layers whose feed-forward input is normalised
        bias:                populations or layers that learn a constant input per neuron
        dropout:             share of neurons whose spikes do not reach other populations in a
                             trial: for all hidden populations, or population -> share
        current_dropout:     share of neurons that receive nothing from other populations in a
                             trial, as DelRec has it on SSC
        recurrent_dropout:   share of neurons that receive no spikes of their own population
        backend:             "auto" or "torch": a GPU where PyTorch finds one; "torch:cpu",
                             "torch:cuda"
        num_threads:         threads of PyTorch; None: one per available processor
        communicator:        must be None: it trains in one process

    Raises:
        NotImplementedError: ``communicator``
        ImportError: PyTorch is not installed; the message says how to get it
        ValueError, TypeError: other arguments; those that depend on the network are checked by
            :meth:`compile`
    """

    def __init__(
        self,
        example_timesteps: int,
        losses: Any,
        optimiser: Any = "adam",
        reg_lambda_upper: PerPopulation = 0.0,
        reg_lambda_lower: PerPopulation = 0.0,
        reg_nu_upper: PerPopulation = 0.0,
        *,
        per_timestep_loss: bool = False,
        dt: float = 1.0,
        batch_size: int = 1,
        rng_seed: int = 0,
        delay_optimiser: Any = None,
        delay_learn_conns: Iterable[Any] = (),
        weight_learn_conns: Iterable[Any] | None = None,
        weight_optimisers: Mapping[Any, Any] | None = None,
        clamp_weight_conns: Mapping[Any, Any] | None = None,
        keep_sign_conns: Iterable[Any] = (),
        surrogate: str = "arctangent",
        surrogate_slope: float | None = None,
        differentiate_reset: bool = False,
        spread: str | Mapping[Any, str] | None = None,
        spread_width: float | Mapping[Any, float] | None = None,
        spread_decay: float = 0.95,
        spread_min_width: float = 0.5,
        learned_width_conns: Iterable[Any] = (),
        fractional_delays: bool = False,
        batch_norm: Iterable[Any] = (),
        bias: Iterable[Any] = (),
        dropout: Share = 0.0,
        current_dropout: Share = 0.0,
        recurrent_dropout: Share = 0.0,
        backend: str = "auto",
        num_threads: int | None = None,
        communicator: None = None,
    ) -> None:
        refuse_communicator(communicator, "SurrogateCompiler")
        check_choice(surrogate, "surrogate", SURROGATE_FUNCTIONS)
        slope = DEFAULT_SLOPE[surrogate] if surrogate_slope is None else surrogate_slope
        settings = SurrogateSettings(
            function=surrogate,  # type: ignore[arg-type] # checked above
            slope=check_number(slope, "surrogate_slope", above=0.0),
            differentiate_reset=check_flag(differentiate_reset, "differentiate_reset"),
            spread=_by_connection(spread, "spread", _spread),
            spread_width=_by_connection(spread_width, "spread_width", _width),
            learned_width_conns=resolve_connections(learned_width_conns, "learned_width_conns"),
            fractional_delays=check_flag(fractional_delays, "fractional_delays"),
            batch_norm=_populations(batch_norm, "batch_norm"),
            bias=_populations(bias, "bias"),
            dropout=_shares(dropout, "dropout"),
            current_dropout=_shares(current_dropout, "current_dropout"),
            recurrent_dropout=_shares(recurrent_dropout, "recurrent_dropout"),
        )
        self._decay = WidthDecay(
            check_number(spread_decay, "spread_decay", above=0.0, maximum=1.0),
            check_number(spread_min_width, "spread_min_width", minimum=0.0),
        )
        check_backend(backend, SURROGATE_BACKENDS)
        self.backend = backend
        self._groups = OptimiserGroups(optimiser, delay_optimiser, weight_optimisers)
        self.settings = BuildSettings(
            timesteps=example_timesteps,
            timesteps_name="example_timesteps",
            dt=dt,
            batch_size=batch_size,
            rng_seed=rng_seed,
            num_threads=num_threads,
            training=True,
            losses=losses,
            per_timestep_loss=per_timestep_loss,
            reg_lambda_upper=reg_lambda_upper,
            reg_lambda_lower=reg_lambda_lower,
            reg_nu_upper=reg_nu_upper,
            weight_learn_conns=resolve_learned_weights(weight_learn_conns),
            delay_learn_conns=resolve_connections(delay_learn_conns, "delay_learn_conns"),
            clamp_weight_conns=resolve_clamps(clamp_weight_conns),
            keep_sign_conns=resolve_connections(keep_sign_conns, "keep_sign_conns"),
            surrogate=settings,
        ).checked()

    def compile(self, network: Network, name: str | None = None) -> CompiledSurrogateNetwork:
        """Check a network and make it ready to run.

        Args:
            network: the description; it is not changed
            name:    accepted for compatibility, without effect

        Raises:
            ValueError, TypeError: what is wrong with the network, or cannot be trained with
                surrogate gradients
        """
        built = build_program(network, self.settings)
        self._check_min_width(built.program)
        if not self.settings.delay_learn_conns:
            warn_delays_not_learned(network, self._groups.has_own_of_delays)
        return CompiledSurrogateNetwork(
            built,
            self.backend,
            self.settings.num_threads,
            *self._groups.assign(built),
            self.settings.rng_seed,
            self._decay,
        )

    def _check_min_width(self, program: Program) -> None:
        """A Gaussian of no width is nothing."""
        surrogate = program.surrogate
        assert surrogate is not None
        for connection, spread in zip(program.connections, surrogate.spreads, strict=True):
            if spread is not None and spread.kind == "gaussian" and self._decay.minimum == 0.0:
                raise ValueError(
                    f"spread_min_width is 0, connection {connection.name!r} has the spread "
                    "'gaussian', of which allowed are widths above 0"
                )


def _by_connection(value: Any, name: str, check: Any) -> Any:
    """One value for all connections, or connection -> value, checked."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        checked: dict[Connection, Any] = {}
        for key, one in value.items():
            connection = get_underlying_conn(key)
            checked[connection] = check(one, f"{name}[{connection.name!r}]")
        return checked
    return check(value, name)


def _spread(value: Any, name: str) -> str:
    return check_choice(value, name, SPREAD_KINDS)


def _width(value: Any, name: str) -> float:
    return check_number(value, name, minimum=0.0, maximum=float(MAX_DELAY_STEPS))


def _populations(values: Iterable[Any], name: str) -> frozenset[Population]:
    return frozenset(map(get_underlying_pop, check_sequence(values, name, "populations")))


def _shares(value: Share, name: str) -> float | dict[Population, float]:
    if not isinstance(value, Mapping):
        return _share(value, name)
    by_population = {get_underlying_pop(p): share for p, share in value.items()}
    return {p: _share(share, f"{name}[{p.name!r}]") for p, share in by_population.items()}


def _share(value: Any, name: str) -> float:
    share = check_number(value, name, minimum=0.0)
    if share >= 1.0:
        raise ValueError(f"{name} is {share:g}, allowed are numbers from 0 to below 1")
    return share
