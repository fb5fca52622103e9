"""Speed of sub-step timing beside the grid's: whole epochs of training, one thread, in turn.

    python benchmarks/timing.py                        some minutes
    python benchmarks/timing.py --only small           some of it
    python benchmarks/timing.py --json timing.json     and the figures as JSON

dense    recurrent, 256 hidden, learned delays up to 256 steps, T = 1300, input like the Spiking
         Heidelberg Digits (700 channels, 8,000 events a trial): ns per synaptic event, forward
         plus backward
silent   the same network without input: ns per neuron and timestep
small    recurrent, 16 to 128 hidden, input like Braille letters (24 channels, 41 events, T = 1304)
fast     the same with timesteps of 10 ms and "substep", as --fast of experiments/braille.py has
         them, beside 1 ms and "grid"

``times`` is the time with "substep" by that with "grid", the median over rounds; of part fast, how
many times as fast.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from common import Size, build, median, random_spikes, report, time_epochs

from mlgenn_delays.initializers import Normal

DENSE = Size(inputs=700, hidden=256, outputs=20, timesteps=1300, batch=32)
TIMINGS = ("grid", "substep")


def compare(size: Size, examples: int, events: int, weight: Normal, rounds: int) -> dict[str, Any]:
    """One row: ms per example, what of it an event or a neuron's step takes, and the ratio."""
    x = random_spikes(size, examples, events)
    y = np.arange(examples) % size.outputs
    networks = {t: build(size, 1, weight, timing=t) for t in TIMINGS}
    seconds: dict[str, list[float]] = {t: [] for t in TIMINGS}
    row: dict[str, Any] = {"hidden": size.hidden}
    for _ in range(rounds):
        for timing, built in networks.items():
            found, counter = time_epochs(built, x, y, 1)
            seconds[timing] += found
            row[f"{timing}, spikes"] = counter.spikes_per_neuron
    per_event = events > 1000
    number = counter.synaptic_events / counter.examples
    number = number if per_event else size.timesteps * (size.hidden + size.outputs)
    for timing in TIMINGS:
        row[f"{timing}, ms"] = 1e3 * median(seconds[timing])
        unit = "ns per event" if per_event else "ns per neuron and step"
        row[f"{timing}, {unit}"] = 1e9 * median(seconds[timing]) / number
    row["times"] = median([s / g for g, s in zip(seconds["grid"], seconds["substep"])])
    return row


def dense(rounds: int) -> list[dict[str, Any]]:
    return [compare(DENSE, 64, 8000, Normal(0.03, 0.01), rounds)]


def fast(rounds: int) -> list[dict[str, Any]]:
    rows = []
    for hidden in (16, 32, 64, 128):
        fine = Size(24, hidden, 27, 1304, 32)
        coarse = Size(24, hidden, 27, 131, 32, max_delay=26)
        x, y = random_spikes(fine, 512, 41), np.arange(512) % 27
        weight = Normal(2.5, 1.0)
        slow, quick = build(fine, 1, weight), build(coarse, 1, weight, dt=10.0, timing="substep")
        seconds: dict[str, list[float]] = {"grid": [], "substep": []}
        row: dict[str, Any] = {"hidden": hidden}
        for _ in range(rounds):
            for name, built in (("grid", slow), ("substep", quick)):
                found, counter = time_epochs(built, x, y, 1)
                seconds[name] += found
                row[f"{name}, spikes"] = counter.spikes_per_neuron
        for name, dt in (("grid", 1), ("substep", 10)):
            row[f"{name}, {dt} ms: ms"] = 1e3 * median(seconds[name])
        row["times"] = median([g / s for g, s in zip(seconds["grid"], seconds["substep"])])
        rows.append(row)
    return rows


def silent(rounds: int) -> list[dict[str, Any]]:
    return [compare(DENSE, 256, 0, Normal(0.03, 0.01), rounds)]


def small(rounds: int) -> list[dict[str, Any]]:
    return [
        compare(Size(24, hidden, 27, 1304, 32), 512, 41, Normal(8.0, 4.0), rounds)
        for hidden in (16, 32, 64, 128)
    ]


PARTS = {
    "dense": ("SHD-like input, recurrent 256 hidden", dense),
    "silent": ("The same network without input", silent),
    "small": ("Braille-like input, recurrent", small),
    "fast": ("The same, 10 ms and sub-step timing beside 1 ms and the grid", fast),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to run")
    add("--rounds", type=int, default=7, help="of which the median counts (7)")
    add("--json", type=Path, help="file to write the figures to")
    arguments = parser.parse_args()
    for name in arguments.only:
        title, part = PARTS[name]
        report(title, part(arguments.rounds), arguments.json)


if __name__ == "__main__":
    main()
