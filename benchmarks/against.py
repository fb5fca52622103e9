"""Speed of training against another checkout of the package: epochs of both, in turn.

    python benchmarks/against.py OTHER_CHECKOUT                    about five minutes
    python benchmarks/against.py OTHER_CHECKOUT --only small       some of it
    python benchmarks/against.py OTHER_CHECKOUT --json speed.json  and the figures as JSON

Machines change their speed from minute to minute, so figures of two runs cannot be compared. Here
each checkout has a process of one thread; they train the same networks on the same data, one epoch
at a time, the other waiting. All networks have learned delays of up to 256 steps.

small    recurrent, 16 to 128 hidden, input like Braille letters (24 channels, 41 events, T = 1304)
sparse   the same with 32 hidden, an event every 30 ms
braille  the same with 256 hidden
shd      recurrent, 64 and 256 hidden, input like the Spiking Heidelberg Digits (700 channels,
         8,000 events)
silent   256 hidden, no input

``times`` is how many times as fast this checkout is as the other: the median over rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from common import Size, build, median, random_spikes, report, time_epochs

from mlgenn_delays.initializers import Normal


def _braille(hidden: int) -> Size:
    return Size(24, hidden, 27, 1304, 32)


#: part -> networks: size, examples, events of each, mean input weight (half of it is its spread)
PARTS: dict[str, list[tuple[Size, int, int, float]]] = {
    "small": [(_braille(hidden), 128, 41, 2.5) for hidden in (16, 32, 64, 128)],
    "sparse": [(_braille(32), 128, 43, 0.5)],
    "braille": [(_braille(256), 64, 41, 2.5)],
    "shd": [(Size(700, hidden, 20, 1300, 32), 32, 8000, 0.03) for hidden in (64, 256)],
    "silent": [(_braille(256), 128, 0, 0.5)],
}


def serve() -> None:
    """Train what a line of standard input names, for an epoch a line; the process of a checkout."""
    for line in sys.stdin:
        part, index = line.split()
        size, examples, events, mean = PARTS[part][int(index)]
        x, y = random_spikes(size, examples, events), np.arange(examples) % size.outputs
        built = build(size, 1, Normal(mean, mean / 2))
        print("ready", flush=True)
        with built.compiled:
            while sys.stdin.readline().strip() == "epoch":
                seconds, counter = time_epochs(built, x, y, 1)
                print(json.dumps([seconds[0], counter.spikes_per_neuron]), flush=True)


class Contestant:
    """A process that trains with the package of a checkout."""

    def __init__(self, checkout: Path):
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--serve"],
            env={**os.environ, "PYTHONPATH": str(checkout)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ask(self, line: str) -> str:
        """What the process answers to a line.

        Raises:
            SystemExit: it has ended; its error stands above
        """
        assert self._process.stdin and self._process.stdout
        self.tell(line)
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit(f"a process ended with {self._process.wait()}")
        return answer

    def tell(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


def compare(part: str, index: int, contestants: list[Contestant], rounds: int) -> dict[str, Any]:
    """One row: ms per example of both, and how many times as fast the first one is."""
    size, _, events, _ = PARTS[part][index]
    seconds = np.zeros((rounds, 2))
    for contestant in contestants:
        contestant.ask(f"{part} {index}")
    spikes = ["", ""]
    for turn in range(rounds):
        for who in (0, 1) if turn % 2 else (1, 0):
            seconds[turn, who], spikes[who] = json.loads(contestants[who].ask("epoch"))
    for contestant in contestants:
        contestant.tell("end")
    this, other = 1e3 * np.median(seconds, axis=0)
    return {
        "hidden": size.hidden,
        "events": events,
        "spikes per neuron": spikes[0],
        "ms": float(this),
        "other, ms": float(other),
        "times": median(list(seconds[:, 1] / seconds[:, 0])),
        "fastest by fastest": float(seconds[:, 1].min() / seconds[:, 0].min()),
    }


def main() -> None:
    if sys.argv[1:] == ["--serve"]:
        serve()
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("other", type=Path, help="the other checkout")
    add("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to run")
    add("--rounds", type=int, default=15, help="epochs of each, of which the median counts (15)")
    add("--json", type=Path, help="file to write the figures to")
    options = parser.parse_args()
    contestants = [
        Contestant(path.resolve()) for path in (Path(__file__).parents[1], options.other)
    ]
    for part in options.only:
        rows = [compare(part, i, contestants, options.rounds) for i in range(len(PARTS[part]))]
        report(f"{part}: one thread, ms per example", rows, options.json)
    for contestant in contestants:
        contestant.close()


if __name__ == "__main__":
    main()
