"""Peak memory of training on the CPU engine; every figure comes from a process of its own.

    python benchmarks/memory.py                    about a minute
    python benchmarks/memory.py --json memory.json

trial length   the same spikes in trials of T, 2 T and 4 T steps
delay range    delays up to 64, 256 and 1024 steps
spikes         1x, 4x and 16x the input spikes
large          1024 hidden recurrent neurons, learned delays, batch 128

"above the base" is what remains after taking off the memory of the same process with the
package and the data loaded, but nothing compiled.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from common import CountEvents, Size, build, random_spikes, report

from mlgenn_delays.initializers import Normal

BASE = Size(inputs=100, hidden=128, outputs=20, timesteps=1000, batch=64)
LARGE = Size(inputs=700, hidden=1024, outputs=20, timesteps=1300, batch=128)


def peak() -> int:
    """Peak resident memory of this process [bytes]."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def measure(size: Size, events: int, spread: int, weight: float) -> dict[str, float]:
    """Train two batches and say what it took, in MB. Spikes lie in the first ``spread`` steps."""
    narrow = Size(**{**asdict(size), "timesteps": spread})
    x = random_spikes(narrow, 2 * size.batch, events)
    y = np.arange(len(x)) % size.outputs
    base = peak()
    built = build(size, 2, Normal(weight, weight / 3.0))
    counter = CountEvents(size, built.input, built.hidden)
    built.compiled.train({built.input: x}, {built.output: y}, 2, callbacks=[counter])
    return {
        "hidden spikes per neuron": counter.spikes_per_neuron,
        "above the base, MB": (peak() - base) / 1e6,
        "in all, MB": peak() / 1e6,
    }


def in_a_process(
    size: Size, events: int, spread: int | None = None, weight: float = 0.06
) -> dict[str, float]:
    """:meth:`measure` in a fresh interpreter."""
    spread = size.timesteps if spread is None else spread
    task = json.dumps({"size": asdict(size), "events": events, "spread": spread, "weight": weight})
    command = [sys.executable, __file__, "--task", task]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def vary(
    name: str, values: dict[Any, tuple[Size, int]], spread: int | None
) -> list[dict[str, Any]]:
    """One row per value, with the ratio to the first."""
    rows: list[dict[str, Any]] = []
    for value, (size, events) in values.items():
        row = {name: value, **in_a_process(size, events, spread)}
        first = rows[0] if rows else row
        row["ratio in all"] = row["in all, MB"] / first["in all, MB"]
        row["ratio above the base"] = row["above the base, MB"] / first["above the base, MB"]
        rows.append(row)
    return rows


def changed(**changes: int) -> Size:
    """The base size with some fields changed."""
    return Size(**{**asdict(BASE), **changes})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.task:
        task = json.loads(arguments.task)
        print(json.dumps(measure(Size(**task.pop("size")), **task)))
        return
    steps = {t: (changed(timesteps=t), 2000) for t in (1000, 2000, 4000)}
    delays = {d: (changed(max_delay=d), 2000) for d in (64, 256, 1024)}
    spikes = {n: (BASE, n) for n in (2000, 8000, 32000)}
    report("Trial length at equal spikes", vary("T", steps, 700), arguments.json)
    report("Delay range", vary("max delay", delays, 700), arguments.json)
    report("Spikes", vary("input events", spikes, None), arguments.json)
    large = {"hidden": LARGE.hidden, "batch": LARGE.batch, **in_a_process(LARGE, 8000, weight=0.03)}
    report("1024 hidden recurrent, learned delays, batch 128", [large], arguments.json)


if __name__ == "__main__":
    main()
