"""What a timestep is: how times become steps, and how delays are rounded.

Step n covers [n dt, (n + 1) dt) (docs/engines.md): arrivals, exact propagation, threshold.

- An input spike at t is emitted in the first step n with n dt >= t.
- A spike in step n has the time (n + 1) dt and arrives in step n + 1 + round(d).
- The voltage after step n is that at (n + 1) dt.
- Delays are real numbers of timesteps. For the simulation they are rounded, half a step up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from ..checks import Bounds
from ..events.dataset import EventDataset

#: Delays are kept in 16 bits.
MAX_DELAY_STEPS = 65535

#: Sums over timesteps are in single precision, which counts to 2^24 and no further.
MAX_TIMESTEPS = 2**24

#: Timesteps [ms].
TIMESTEP: Bounds = {"minimum": 1e-6, "maximum": 1e6}

#: Relative slack when a time is put on the grid: 0.3 / 0.1 is step 3, not step 4.
_TOLERANCE = 1e-6

#: The same for times in double precision.
_EXACT_TOLERANCE = 1e-9

#: Events worked on at once: what is made of them on the way stays in the cache.
_CHUNK = 1 << 14


def round_delays(delays: np.ndarray) -> np.ndarray:
    """Delays in whole timesteps, of the same shape and type: the nearest, of two the later.

    Args:
        delays: timesteps, 0 or more
    """
    whole = np.trunc(delays)
    return np.asarray(whole + (delays - whole >= 0.5), dtype=np.result_type(delays))


def round_delay(delay: float) -> int:
    """One delay [timesteps] in whole timesteps, as :func:`round_delays`."""
    return int(round_delays(np.float64(delay)))


def steps_up(time: float, dt: float) -> int:
    """Timesteps that cover a ``time`` [ms]: rounded up, but for an excess of rounding size."""
    return math.ceil(time / dt - _TOLERANCE)


def steps_until(times: np.ndarray, dt: float) -> np.ndarray:
    """Steps n at which times [ms] lie in (n dt, (n + 1) dt], int64 of the same shape."""
    exact = np.asarray(times, dtype=np.float64) / dt
    return np.ceil(exact - _EXACT_TOLERANCE * np.maximum(1.0, exact)).astype(np.int64) - 1


def spike_times(steps: np.ndarray, dt: float) -> np.ndarray:
    """Times [ms] of spikes in ``steps``, and of the voltage after them."""
    return (steps + 1.0) * dt


def step_dtype(last: float) -> np.dtype:
    """The smaller of uint16 and int32 that holds the steps up to ``last``."""
    return np.dtype(np.uint16 if last < (1 << 16) - 1 else np.int32)


def emission_steps(events: EventDataset, dt: float) -> np.ndarray:
    """Step in which each event is emitted: the first n with n dt >= t, (events,) uint16, or int32
    in long trials.

    Spikes within the last step before the end of a trial of T steps get step T - 1 or T; either
    way they would arrive after the trial and have no effect. Computed once per data set and
    ``dt`` [ms].
    """

    def round_up(exact: np.ndarray) -> np.ndarray:
        return np.asarray(np.ceil(exact - _TOLERANCE * np.maximum(1.0, exact)))

    return events.derived(("steps", dt), lambda: _whole_steps(events, dt, round_up))


def event_steps(
    events: EventDataset, dt: float, is_substep: bool
) -> tuple[np.ndarray, np.ndarray | None]:
    """Step of each event as engines with timesteps take it, and how far in it the event is.

    Args:
        dt: timestep [ms]
        is_substep: False: the step in which it is emitted, see :func:`emission_steps`; True: the
            step n in which it falls, n dt <= t < (n + 1) dt

    Returns:
        (events,) uint16 or int32; (events,) float32 from 0 to 1 in sub-step timing, else None.
        Both are computed once per data set and ``dt``.
    """
    if not is_substep:
        return emission_steps(events, dt), None

    def beyond(exact: np.ndarray) -> np.ndarray:
        return np.asarray(exact - np.floor(exact))

    single = np.dtype(np.float32)
    return (
        events.derived(("running steps", dt), lambda: _whole_steps(events, dt, np.floor)),
        events.derived(("fractions", dt), lambda: _of_steps(events, dt, beyond, single)),
    )


def _whole_steps(
    events: EventDataset, dt: float, rounded: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    last = events.times.max(initial=0.0) / dt
    if not last < np.iinfo(np.int32).max:
        raise ValueError(f"there are spikes up to step {last:g}, allowed are steps below 2^31")
    return _of_steps(events, dt, rounded, step_dtype(last))


def _of_steps(
    events: EventDataset, dt: float, of: Callable[[np.ndarray], np.ndarray], dtype: np.dtype
) -> np.ndarray:
    """A function of all times in timesteps, (events,) of a type."""
    values = np.empty(len(events.times), dtype)
    for part in _chunks(len(values)):
        values[part] = of(events.times[part].astype(np.float64) / dt)
    return values


def _chunks(events: int) -> Iterator[slice]:
    for start in range(0, events, _CHUNK):
        yield slice(start, min(start + _CHUNK, events))
