"""What a compiler tells the translation of a network into a program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any, get_args

from ..checks import (
    NOT_NEGATIVE,
    POSITIVE,
    check_choice,
    check_flag,
    check_number,
    check_whole_number,
)
from ..connection import Connection
from ..events.data import MAX_BATCH_SIZE
from ..population import Population
from ..program.program import Timing
from ..program.surrogate import SpreadKind, SurrogateFunction
from ..program.timing import MAX_TIMESTEPS, TIMESTEP
from ..reprs import value_text

#: Threads, and seeds, which are kept in 64 bits.
MAX_THREADS, MAX_SEED = 4096, 2**63 - 1

#: One value for all populations, or one per population (or layer).
PerPopulation = float | Mapping[Any, float]


#: Population or connection -> name of a parameter of its neurons or synapses -> bounds, None: the
#: default.
LearnedParams = Mapping[Any, Mapping[str, tuple[float, float] | None]]


@dataclass(frozen=True)
class SurrogateSettings:
    """Arguments of ``SurrogateCompiler`` that shape the program, checked but for what depends on
    the network. Keys are connections and populations of the description."""

    function: SurrogateFunction
    slope: float
    differentiate_reset: bool
    spread: SpreadKind | Mapping[Connection, SpreadKind] | None
    spread_width: float | Mapping[Connection, float] | None
    learned_width_conns: frozenset[Connection]
    fractional_delays: bool
    batch_norm: frozenset[Population]
    bias: frozenset[Population]
    dropout: float | Mapping[Population, float]
    current_dropout: float | Mapping[Population, float]
    recurrent_dropout: float | Mapping[Population, float]

    def arguments(self) -> dict[str, Any]:
        """What is chosen, by the name that the compiler gives it."""
        names = {"function": "surrogate", "slope": "surrogate_slope"}
        values = {names.get(f.name, f.name): getattr(self, f.name) for f in fields(self)}
        return {name: _by_name(value) for name, value in values.items() if value}


@dataclass(frozen=True)
class BuildSettings:
    """Arguments of a compiler that shape the program. Units: ms, timesteps."""

    timesteps: int
    timesteps_name: str  #: what the compiler calls ``timesteps``, for messages
    dt: float = 1.0
    batch_size: int = 1
    rng_seed: int = 0
    num_threads: int | None = None
    training: bool = False
    losses: Any = None  #: loss, its name, or output -> loss; None in inference
    per_timestep_loss: bool = False
    reg_lambda_upper: PerPopulation = 0.0
    reg_lambda_lower: PerPopulation = 0.0
    reg_nu_upper: PerPopulation = 0.0
    weight_learn_conns: frozenset[Connection] | None = None  #: None: all
    delay_learn_conns: frozenset[Connection] = frozenset()
    neuron_learn_params: LearnedParams = field(default_factory=dict)
    synapse_learn_params: LearnedParams = field(default_factory=dict)
    clamp_weight_conns: Mapping[Connection, tuple[Any, Any]] | None = None
    keep_sign_conns: frozenset[Connection] = frozenset()
    i_minus_thresh_min: float = 1e-2
    ttfs_alpha: float = 0.01
    softmax_temperature: float = 1.0
    timing: Timing = "grid"
    surrogate: SurrogateSettings | None = None  #: None: exact gradients

    def arguments(self) -> dict[str, Any]:
        """What is not the default, by the name that compilers give it, connections by theirs."""
        given: dict[str, Any] = {self.timesteps_name: self.timesteps}
        for each in fields(self):
            value = getattr(self, each.name)
            own = each.name in ("timesteps", "timesteps_name", "training", "surrogate")
            default = {} if each.default is MISSING else each.default
            if not own and not _is_default(value, default):
                given[each.name] = _by_name(value)
        return given if self.surrogate is None else {**given, **self.surrogate.arguments()}

    def checked(self) -> BuildSettings:
        """The same with plain numbers, once they have been checked.

        Raises:
            ValueError, TypeError: the message names the argument, its value and what is
                allowed.
        """
        threads = self.num_threads
        return replace(
            self,
            timesteps=check_whole_number(self.timesteps, self.timesteps_name, 1, MAX_TIMESTEPS),
            dt=check_number(self.dt, "dt", **TIMESTEP),
            batch_size=check_whole_number(self.batch_size, "batch_size", 1, MAX_BATCH_SIZE),
            rng_seed=check_whole_number(self.rng_seed, "rng_seed", 0, MAX_SEED),
            num_threads=(
                None
                if threads is None
                else check_whole_number(threads, "num_threads", 1, MAX_THREADS)
            ),
            per_timestep_loss=check_flag(self.per_timestep_loss, "per_timestep_loss"),
            i_minus_thresh_min=check_number(
                self.i_minus_thresh_min, "i_minus_thresh_min", **POSITIVE
            ),
            ttfs_alpha=check_number(self.ttfs_alpha, "ttfs_alpha", **NOT_NEGATIVE),
            softmax_temperature=check_number(
                self.softmax_temperature, "softmax_temperature", **POSITIVE
            ),
            timing=_checked_timing(self.timing),
        )


def _is_default(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and bool(value == default))


def _by_name(value: Any) -> Any:
    """Connections and populations by their names, which are shorter."""
    if isinstance(value, frozenset):
        return sorted(c.name for c in value)
    if isinstance(value, Mapping):
        return {getattr(key, "name", None) or str(key): _names(v) for key, v in value.items()}
    return value


def _names(value: Any) -> Any:
    """Of parameters with default bounds the names alone."""
    plain = isinstance(value, Mapping) and all(bounds is None for bounds in value.values())
    return list(value) if plain else value


def _checked_timing(timing: Timing) -> Timing:
    check_choice(timing, "timing", get_args(Timing))
    return timing


def compiler_text(compiler: Any, further: Mapping[str, Any]) -> str:
    """A compiler as it is called, without what is the default.

    Args:
        compiler: with ``settings`` and ``backend``
        further: arguments to show besides those of the settings
    """
    arguments = {**compiler.settings.arguments(), **further}
    if compiler.backend != "auto":
        arguments["backend"] = compiler.backend
    shown = ", ".join(f"{name}={value_text(value)}" for name, value in arguments.items())
    return f"{type(compiler).__name__}({shown})"
