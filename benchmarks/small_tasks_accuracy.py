"""Test accuracy on the small tasks, with and without delays, several seeds each.

    python benchmarks/small_tasks_accuracy.py --jobs 2     the tables of the README

Sequence detection, the Yin-Yang points with 5, 10 and 30 hidden neurons, and permuted sequential
MNIST. Every run is `experiments/TASK.py` with its published settings, one thread each, `--jobs` of
them at a time, in a folder of its own. Finished runs are not run again, interrupted ones go on
where they stopped. The tables (Markdown) and the figures (JSON) land beside them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import machine
from tqdm import tqdm

SCRIPTS = Path(__file__).parent.parent / "experiments"


@dataclass(frozen=True)
class Network:
    """A row of a table."""

    task: str
    name: str
    options: tuple[str, ...]  #: of the experiment


@dataclass(frozen=True)
class Run:
    """One training."""

    network: Network
    seed: int

    @property
    def name(self) -> str:
        """Name of the results folder."""
        words = [o.lstrip("-") for o in self.network.options]
        return "-".join([self.network.task, *words, f"seed{self.seed}"])

    def command(self, out: Path, extra: Sequence[str]) -> list[str]:
        """The experiment's command line."""
        return [
            sys.executable, str(SCRIPTS / f"{self.network.task}.py"), "--out", str(out),
            "--threads", "1", "--seed", str(self.seed), *self.network.options, *extra,
        ]  # fmt: skip


def networks(task: str) -> list[Network]:
    """Rows of the table of a task."""
    if task == "sequence_detection":
        return [
            Network(task, f"2 inputs, 2 outputs, delays {delays}", ("--delays", delays))
            for delays in ("learned", "none")
        ]
    if task == "yin_yang":
        return [
            Network(
                task,
                f"{hidden} hidden, delays {delays}",
                ("--hidden", str(hidden), "--delays", delays),
            )
            for hidden in (5, 10, 30)
            for delays in ("learned", "none")
        ]
    return [
        Network(
            task,
            f"{hidden} hidden, recurrent, recurrent delays {name}",
            ("--hidden", str(hidden), option),
        )
        for hidden in (64, 128)
        for name, option in (
            ("learned", "--recurrent-delays"),
            ("none", "--no-recurrent-delays"),
        )
    ]


TASKS = ("sequence_detection", "yin_yang", "psmnist")


def execute(run: Run, root: Path, extra: Sequence[str]) -> dict[str, Any]:
    """Train unless a finished run is there; return its summary."""
    out = root / run.name
    summary = out / "summary.json"
    if not is_finished(summary):
        resume = ["--resume"] if (out / "config.json").exists() else []
        with (root / f"{run.name}.log").open("a") as log:
            command = run.command(out, [*extra, *resume])
            result = subprocess.run(command, stdout=log, stderr=log, check=False)
        if result.returncode != 0:
            raise SystemExit(f"{run.name} failed, see {root / run.name}.log")
    return json.loads(summary.read_text())


def is_finished(summary: Path) -> bool:
    """Whether a run came to its end."""
    return summary.exists() and json.loads(summary.read_text())["status"] == "finished"


def table(results: Mapping[Run, Mapping[str, Any]], task: str) -> str:
    """Markdown: a row per network, mean and standard deviation of the accuracy [%]."""
    lines = [
        "| network | data | parameters | test accuracy [%] | seeds | s per epoch |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for network in networks(task):
        summaries = [summary for run, summary in results.items() if run.network == network]
        values = [100.0 * s["test_accuracy"] for s in summaries]
        spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
        first, seconds = summaries[0], statistics.mean(s["seconds_per_epoch"] for s in summaries)
        lines.append(
            f"| {network.name} | {first['dataset']}, {first['n_train']} to train with, "
            f"{first['n_test']} to test | {first['n_parameters']:,} "
            f"| {statistics.mean(values):.1f}{spread} | {len(values)} | {seconds:.2g} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS), help="which")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="seeds")
    parser.add_argument(
        "--data",
        default="real",
        choices=("auto", "real", "synthetic"),
        help="of permuted sequential MNIST; the others are generated",
    )
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time (1)")
    parser.add_argument(
        "--out", type=Path, default=Path("results/small_tasks_accuracy"), help="folder"
    )
    arguments, extra = parser.parse_known_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    # the longest first, so that no job is left alone with one at the end
    tasks = sorted(arguments.tasks, key=TASKS.index, reverse=True)
    runs = [Run(n, seed) for task in tasks for n in networks(task) for seed in arguments.seeds]

    def train(run: Run) -> dict[str, Any]:
        data = ["--data", arguments.data] if run.network.task == "psmnist" else []
        return execute(run, arguments.out, [*data, *extra])

    with ThreadPoolExecutor(arguments.jobs) as pool:
        done = pool.map(train, runs)
        results = dict(zip(runs, tqdm(done, total=len(runs), unit="run"), strict=True))
    text = "\n\n".join(
        f"{task}\n\n{table(results, task)}" for task in TASKS if task in arguments.tasks
    )
    (arguments.out / "tables.md").write_text(text + "\n")
    figures = {run.name: summary for run, summary in results.items()}
    (arguments.out / "figures.json").write_text(
        json.dumps({"machine": machine(), "runs": figures}, indent=2) + "\n"
    )
    print(f"\n{text}")


if __name__ == "__main__":
    main()
