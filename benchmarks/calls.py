"""What a call of evaluate() or train() costs besides its work: spikes have to reach the engine.

    python benchmarks/calls.py                            about a minute
    python benchmarks/calls.py --against OTHER_CHECKOUT   and the same with another version, in turn

Spikes are handed over as most scripts do it, as a list of ``PreprocessedSpikes``, to networks of
one thread: like the Spiking Heidelberg Digits (700 channels, 8,000 events a trial, recurrent, 64
hidden), and like Braille letters (24 channels, 41 events, recurrent, 32 hidden), both with delays.
ms per example of

first   the first call with this list; the next ones have other lists of the same size
again   further calls with the same list
inside  evaluate: the batches of a call alone, from the first to the last; train: an epoch inside a
        longer call

and how many times "inside" the first two take.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from common import Built, EpochTimes, Size, build, median, random_spikes, report

from mlgenn_delays.callbacks import Callback
from mlgenn_delays.compilers import InferenceCompiler
from mlgenn_delays.initializers import Normal

#: name -> network, examples, events of each, mean input weight
CASES = {
    "SHD-like": (Size(700, 64, 20, 1000, 32), 192, 8000, 0.01),
    "Braille-like": (Size(24, 32, 27, 1304, 32), 1024, 41, 0.5),
}


class TestTimes(Callback):
    """Seconds from the first batch of an evaluation to the last."""

    def on_test_begin(self) -> None:
        self._start = time.perf_counter()

    def on_test_end(self, metrics: Any) -> None:
        self.seconds = time.perf_counter() - self._start


def evaluation(built: Built, x: list, y: np.ndarray) -> tuple[float, float]:
    """Seconds of a call of evaluate(), and of its batches."""
    times, start = TestTimes(), time.perf_counter()
    built.compiled.evaluate({built.input: x}, {built.output: y}, callbacks=[times])
    return time.perf_counter() - start, times.seconds


def training(built: Built, x: list, y: np.ndarray, epochs: int = 1) -> tuple[float, float]:
    """Seconds of a call of train(), and of its last epoch."""
    times, start = EpochTimes(), time.perf_counter()
    built.compiled.train({built.input: x}, {built.output: y}, epochs, callbacks=[times])
    return time.perf_counter() - start, times.seconds[-1]


def measure(repeats: int) -> dict[str, dict[str, float]]:
    """ms per example by case and call."""
    rows = {}
    for name, (size, examples, events, mean) in CASES.items():
        y = np.arange(examples) % size.outputs
        lists = [random_spikes(size, examples, events, seed) for seed in range(repeats + 1)]
        built = build(size, 1, Normal(mean, mean / 3))
        compiler = InferenceCompiler(size.timesteps, batch_size=size.batch, num_threads=1)
        with built.compiled, compiler.compile(built.network) as inference:
            tested = replace(built, compiled=inference)
            rows[f"{name}, evaluate"] = _of_calls(evaluation, tested, lists, y)
            trained = _of_calls(training, built, lists, y)
            longer = [training(built, lists[0], y, 3)[1] for _ in range(repeats)]
            rows[f"{name}, train"] = {**trained, "inside": 1e3 * median(longer) / len(y)}
    return rows


def _of_calls(call: Any, built: Built, lists: list, y: np.ndarray) -> dict[str, float]:
    call(built, lists[0], y)  # warms up
    first = [call(built, x, y)[0] for x in lists[1:]]
    again = [call(built, lists[-1], y) for _ in lists[1:]]
    found = {"first": first, "again": [a for a, _ in again], "inside": [b for _, b in again]}
    return {name: 1e3 * median(seconds) / len(y) for name, seconds in found.items()}


def run_process(checkout: Path, repeats: int) -> dict[str, dict[str, float]]:
    """The same in a process with the package of a checkout."""
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    command = [sys.executable, __file__, "--measure", "--repeats", str(repeats)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{checkout}:\n{done.stderr[-3000:]}")
    found: dict[str, dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--against", type=Path, help="another checkout, measured in turn")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each (3)")
    parser.add_argument("--repeats", type=int, default=5, help="calls in each (5)")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.repeats)))
        return
    checkouts = {"this": Path(__file__).parent.parent}
    if options.against is not None:
        checkouts["other"] = options.against.resolve()
    found: dict[str, list[dict[str, dict[str, float]]]] = {name: [] for name in checkouts}
    for _ in range(options.rounds):
        for name, checkout in checkouts.items():
            found[name].append(run_process(checkout, options.repeats))
    report("ms per example, one thread", table(found), options.json)


def table(found: dict[str, list[dict[str, dict[str, float]]]]) -> list[dict[str, Any]]:
    """A row for each case and checkout; ratios are medians over rounds."""
    rows = []
    for case in found["this"][0]:
        for name, rounds in found.items():
            of_case = [r[case] for r in rounds]
            row: dict[str, Any] = {"case": case, "checkout": name}
            row |= {call: median([r[call] for r in of_case]) for call in of_case[0]}
            for call in ("first", "again"):
                row[f"{call} / inside"] = median([r[call] / r["inside"] for r in of_case])
                others = found.get("other", rounds)
                ratios = [o[case][call] / r[call] for o, r in zip(others, of_case)]
                row[f"speed, {call}"] = median(ratios)
            rows.append(row)
    return rows


if __name__ == "__main__":
    main()
