"""Test accuracy of all experiments, with and without learned delays, several seeds each.

    python benchmarks/accuracy.py --jobs 2                 the table of the README
    python benchmarks/accuracy.py --tasks yin_yang psmnist

Every run is `experiments/TASK.py` with its published settings, one thread each, `--jobs` of them
at a time, in a folder of its own. Finished runs are not run again, interrupted ones go on where
they stopped. Tables (Markdown) and figures (JSON) land beside them, and `experiments/report.py`
reads the folders, too. Options that are not known here go to the experiments.
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

from accuracy_tasks import TASKS, Network
from common import machine
from tqdm import tqdm

SCRIPTS = Path(__file__).parent.parent / "experiments"


@dataclass(frozen=True)
class Run:
    """One training."""

    task: str
    options: tuple[str, ...]
    seed: int

    @property
    def name(self) -> str:
        """Name of the results folder."""
        words = [option.lstrip("-") for option in self.options]
        return "-".join([self.task, *words, f"seed{self.seed}"])

    def command(self, out: Path, extra: Sequence[str]) -> list[str]:
        """The experiment's command line."""
        return [
            sys.executable, str(SCRIPTS / f"{self.task}.py"), "--out", str(out),
            "--threads", "1", "--seed", str(self.seed), *self.options, *extra,
        ]  # fmt: skip


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


def make_runs(tasks: Sequence[str], seeds: Sequence[int]) -> list[Run]:
    """Each run once, seed by seed, so that an early stop leaves whole rows."""
    runs = {
        Run(task, options, seed): None
        for seed in seeds
        for task in tasks
        for network in TASKS[task]
        for options in network.variants
    }
    return list(runs)


def row(network: Network, results: Sequence[Mapping[str, Any]], seeds: Sequence[int]) -> str:
    """A line of Markdown: mean and standard deviation over seeds of the accuracy [%].

    Args:
        network: what the runs have in common.
        results: summaries of its runs; those of one seed are averaged first.
        seeds: of the runs.
    """
    values = [
        100.0 * statistics.mean(s["test_accuracy"] for s in results if s["seed"] == seed)
        for seed in seeds
    ]
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    first = results[0]
    seconds = statistics.median(s["seconds_per_epoch"] for s in results)
    return (
        f"| {network.name} | {first['dataset']}, {first['n_train']} + {first['n_validation']} + "
        f"{first['n_test']} | {first['n_parameters']:,} | {statistics.mean(values):.1f}{spread} "
        f"| {len(values)} | {first['epochs']} | {seconds:.2g} |"
    )


def table(task: str, results: Mapping[Run, Mapping[str, Any]], seeds: Sequence[int]) -> str:
    """Markdown: a row per network."""
    lines = [
        task,
        "",
        "| network | data, training + validation + test | parameters | test accuracy [%] | seeds "
        "| epochs | s per epoch |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for network in TASKS[task]:
        own = [
            summary
            for run, summary in results.items()
            if run.task == task and run.options in network.variants
        ]
        lines.append(row(network, own, seeds))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS), help="which")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="seeds")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time (1)")
    parser.add_argument("--out", type=Path, default=Path("results/accuracy"), help="folder")
    arguments, extra = parser.parse_known_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    runs = make_runs(arguments.tasks, arguments.seeds)
    with ThreadPoolExecutor(arguments.jobs) as pool:
        done = pool.map(lambda run: execute(run, arguments.out, extra), runs)
        results = dict(zip(runs, tqdm(done, total=len(runs), unit="run"), strict=True))
    text = "\n\n".join(table(task, results, arguments.seeds) for task in arguments.tasks)
    (arguments.out / "tables.md").write_text(text + "\n")
    figures = {run.name: summary for run, summary in results.items()}
    (arguments.out / "figures.json").write_text(
        json.dumps({"machine": machine(), "runs": figures}, indent=2) + "\n"
    )
    print(f"\n{text}")


if __name__ == "__main__":
    main()
