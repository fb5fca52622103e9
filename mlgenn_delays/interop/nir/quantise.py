"""Delays and weights as a chip keeps them: whole numbers of few bits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...checks import check_whole_number
from ...program.program import ConnectionProgram, Program
from ...program.timing import MAX_DELAY_STEPS


@dataclass(frozen=True)
class Precision:
    """What a target can keep; None: anything, which leaves values as they are."""

    delay_steps: int | None = 62  #: largest delay [timesteps]
    delay_bits: int | None = 8  #: of the whole number that a delay is kept as, 0 or more
    weight_bits: int | None = 8  #: of the whole number that a weight is kept as, with its sign

    def __post_init__(self) -> None:
        for name, least, most in (
            ("delay_steps", 0, MAX_DELAY_STEPS),
            ("delay_bits", 1, 16),
            ("weight_bits", 2, 24),
        ):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, check_whole_number(value, name, least, most))

    @property
    def delay_resolution(self) -> int:
        """Timesteps that delays are multiples of: 1, unless ``delay_bits`` are too few to count to
        ``delay_steps``."""
        if self.delay_bits is None or self.delay_steps is None:
            return 1
        return max(1, -(-(self.delay_steps + 1) // 2**self.delay_bits))

    @property
    def largest_delay(self) -> float:
        """The largest delay that can be kept [timesteps]."""
        if self.delay_steps is None:
            return np.inf if self.delay_bits is None else 2.0**self.delay_bits - 1.0
        return float(self.delay_steps // self.delay_resolution * self.delay_resolution)

    @property
    def weight_levels(self) -> int:
        """The largest whole number that a weight is kept as; its negative is the smallest."""
        return 0 if self.weight_bits is None else 2 ** (self.weight_bits - 1) - 1

    @property
    def rounds_delays(self) -> bool:
        """Whether delays are changed at all."""
        return self.delay_steps is not None or self.delay_bits is not None

    def __str__(self) -> str:
        delays = "delays as they are"
        if self.rounds_delays:
            unit = f"{self.delay_resolution} timestep{'s' * (self.delay_resolution > 1)}"
            delays = f"delays up to {self.largest_delay:g} timesteps, multiples of {unit}"
        weights = "as they are" if self.weight_bits is None else f"of {self.weight_bits} bits"
        return f"{delays}, weights {weights}"


@dataclass(frozen=True)
class ConnectionChange:
    """What became of the delays and weights of a connection."""

    name: str
    delays_clipped: int  #: how many were larger than the largest that can be kept
    delay_error: float  #: largest difference of the others [timesteps]
    weight_scale: float  #: what the whole numbers of the weights are multiplied with; 0: not used
    weight_error: float  #: root of the mean square of the difference, over that of the weights


def round_delays_to(program: Program, precision: Precision) -> tuple[Program, dict[str, Any]]:
    """A program whose delays can be kept, and the largest difference and the number of clipped
    delays by the name of the connection."""
    largest, resolution = precision.largest_delay, precision.delay_resolution

    def rounded(delays: np.ndarray) -> np.ndarray:
        if not precision.rounds_delays:
            return delays
        steps = np.floor(delays.astype(np.float64) / resolution + 0.5) * resolution
        return np.minimum(steps, largest).astype(np.float32)

    parameters, connections, changes = list(program.parameters), [], {}
    for connection in program.connections:
        old = _delays(program, connection)
        new = rounded(old)
        kept = old <= largest
        changes[connection.name] = {
            "delays_clipped": int(np.sum(~kept)),
            "delay_error": float(np.abs(new - old)[kept].max(initial=0.0)),
        }
        # rounding to a multiple may go beyond what the connection could have
        most = int(new.max(initial=min(connection.max_delay_steps, largest)))
        if connection.delay is None:
            most = int(new[0])
            connection = replace(connection, constant_delay=most)
        else:
            parameters[connection.delay] = replace(
                parameters[connection.delay], initial=new, bounds=(0.0, float(most))
            )
        connections.append(replace(connection, max_delay_steps=most))
    return (
        replace(program, connections=tuple(connections), parameters=tuple(parameters)),
        changes,
    )


def _delays(program: Program, connection: ConnectionProgram) -> np.ndarray:
    if connection.delay is None:
        return np.array([connection.constant_delay], dtype=np.float32)
    return program.parameters[connection.delay].initial


def quantise_weights(program: Program, precision: Precision) -> tuple[Program, dict[str, Any]]:
    """A program whose weights are whole numbers times one scale per connection, with 0 for 0, and
    the scale and the error by the name of the connection."""
    levels = precision.weight_levels
    parameters, changes = list(program.parameters), {}
    for connection in program.connections:
        old = parameters[connection.weight].initial.astype(np.float64)
        scale = float(np.abs(old).max(initial=0.0)) / levels if levels else 0.0
        new = np.rint(old / scale) * scale if scale else old
        size = float(np.sqrt(np.mean(old**2))) if old.size else 0.0
        error = float(np.sqrt(np.mean((new - old) ** 2))) / size if size else 0.0
        changes[connection.name] = {"weight_scale": scale, "weight_error": error}
        parameters[connection.weight] = replace(
            parameters[connection.weight], initial=new.astype(np.float32)
        )
    return replace(program, parameters=tuple(parameters)), changes
