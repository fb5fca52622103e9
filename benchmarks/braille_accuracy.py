"""Test accuracy on Braille letters: hidden sizes x recurrence x delays, several seeds each.

    python benchmarks/braille_accuracy.py --jobs 2     the table of the README

Every run is `experiments/braille.py` with its published settings, one thread each, `--jobs`
of them at a time, in a folder of its own. Finished runs are not run again, interrupted ones
go on where they stopped. The table (Markdown) and the figures (JSON) land beside them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from common import machine
from tqdm import tqdm

SCRIPT = Path(__file__).parent.parent / "experiments" / "braille.py"


@dataclass(frozen=True)
class Run:
    """One training."""

    hidden: int
    recurrent: bool
    delays: str
    seed: int

    @property
    def name(self) -> str:
        """Name of the results folder."""
        kind = "recurrent" if self.recurrent else "feedforward"
        return f"{self.hidden}-{kind}-{self.delays}-seed{self.seed}"

    def command(self, out: Path, extra: Sequence[str]) -> list[str]:
        """The experiment's command line."""
        return [
            sys.executable, str(SCRIPT), "--out", str(out), "--threads", "1",
            "--hidden", str(self.hidden), "--delays", self.delays, "--seed", str(self.seed),
            "--recurrent" if self.recurrent else "--no-recurrent", *extra,
        ]  # fmt: skip


def execute(run: Run, root: Path, extra: Sequence[str]) -> dict[str, Any]:
    """Train unless a summary is there; return the summary."""
    out = root / run.name
    summary = out / "summary.json"
    if not summary.exists():
        resume = ["--resume"] if (out / "checkpoint_last.npz").exists() else []
        with (root / f"{run.name}.log").open("w") as log:
            command = run.command(out, [*extra, *resume])
            result = subprocess.run(command, stdout=log, stderr=log, check=False)
        if result.returncode != 0:
            raise SystemExit(f"{run.name} failed, see {root / run.name}.log")
    return json.loads(summary.read_text())


def table(results: dict[Run, dict[str, Any]]) -> str:
    """Markdown: a row per network, a column per size, mean and standard deviation [%]."""
    sizes = sorted({run.hidden for run in results})
    lines = [
        f"| network | {' | '.join(f'{n} hidden' for n in sizes)} |",
        f"| --- |{' ---: |' * len(sizes)}",
    ]
    for recurrent, delays in sorted({(r.recurrent, r.delays) for r in results}):
        cells = []
        for size in sizes:
            values = [
                100.0 * summary["test_accuracy"]
                for run, summary in results.items()
                if (run.hidden, run.recurrent, run.delays) == (size, recurrent, delays)
            ]
            spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
            cells.append(f"{statistics.mean(values):.1f}{spread}")
        kind = "recurrent" if recurrent else "feed-forward"
        lines.append(f"| {kind}, delays {delays} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hidden", type=int, nargs="+", default=[64, 128, 256], help="sizes")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="seeds")
    parser.add_argument("--delays", nargs="+", default=["learned", "none"], help="kinds of delays")
    parser.add_argument("--data", default="real", choices=("auto", "real", "synthetic"))
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time (1)")
    parser.add_argument("--out", type=Path, default=Path("results/braille_accuracy"), help="folder")
    arguments, extra = parser.parse_known_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    # the longest first, so that no job is left alone with one at the end
    grid = product(sorted(arguments.hidden, reverse=True), (True, False), arguments.delays)
    runs = [Run(*which, seed) for which in grid for seed in arguments.seeds]
    extra = ["--data", arguments.data, *extra]
    with ThreadPoolExecutor(arguments.jobs) as pool:
        done = pool.map(lambda run: execute(run, arguments.out, extra), runs)
        results = dict(zip(runs, tqdm(done, total=len(runs), unit="run"), strict=True))
    text = table(results)
    (arguments.out / "table.md").write_text(text + "\n")
    figures = {run.name: summary for run, summary in results.items()}
    (arguments.out / "figures.json").write_text(
        json.dumps({"machine": machine(), "runs": figures}, indent=2) + "\n"
    )
    print(f"\nTest accuracy [%], {arguments.data} data, {len(arguments.seeds)} seeds\n\n{text}")


if __name__ == "__main__":
    main()
