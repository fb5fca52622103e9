"""What a compiler tells the translation of a network into a program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..checks import check_number, check_whole_number
from ..connection import Connection
from ..program.timing import MAX_TIMESTEPS

#: One value for all populations, or one per population (or layer).
PerPopulation = float | Mapping[Any, float]


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
    i_minus_thresh_min: float = 1e-2
    ttfs_alpha: float = 0.01
    softmax_temperature: float = 1.0

    def check(self) -> None:
        """Check the numbers.

        Raises:
            ValueError, TypeError: the message names the argument, its value and what is
                allowed.
        """
        check_whole_number(self.timesteps, self.timesteps_name, minimum=1)
        if self.timesteps > MAX_TIMESTEPS:
            raise ValueError(
                f"{self.timesteps_name} is {self.timesteps}, allowed are at most {MAX_TIMESTEPS}"
            )
        check_number(self.dt, "dt", above=0.0)
        check_whole_number(self.batch_size, "batch_size", minimum=1)
        check_whole_number(self.rng_seed, "rng_seed")
        if self.num_threads is not None:
            check_whole_number(self.num_threads, "num_threads", minimum=1)
        check_number(self.i_minus_thresh_min, "i_minus_thresh_min", above=0.0)
        check_number(self.ttfs_alpha, "ttfs_alpha", minimum=0.0)
        check_number(self.softmax_temperature, "softmax_temperature", above=0.0)
