"""Test accuracy of all experiments, with and without learned delays, several seeds each.

    python benchmarks/accuracy.py --jobs 2                 all of docs/experiments.md
    python benchmarks/accuracy.py --tasks yin_yang psmnist

Every network is trained by `experiments/TASK.py --seeds ...` with its published settings, on one
thread, `--jobs` of them at a time, in a folder of its own. Finished seeds are not run again,
interrupted ones go on where they stopped, and runs with other settings are refused. Tables
(Markdown) and figures (JSON) land beside them, and `experiments/report.py` reads the folders, too.
Options that are not known here go to the experiments.
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
class Training:
    """One network, trained with several seeds."""

    task: str
    options: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the results folder."""
        return "-".join([self.task, *(option.lstrip("-") for option in self.options)])

    def run(self, root: Path, seeds: Sequence[int], extra: Sequence[str]) -> list[dict[str, Any]]:
        """Train what is not finished; return the summary of each seed."""
        out, log = root / self.name, root / f"{self.name}.log"
        command = [
            sys.executable, str(SCRIPTS / f"{self.task}.py"), "--out", str(out),
            "--threads", "1", "--seeds", *map(str, seeds), *self.options, *extra,
        ]  # fmt: skip
        with log.open("a") as file:
            result = subprocess.run(command, stdout=file, stderr=file, check=False)
        if result.returncode != 0:
            raise SystemExit(f"{self.name} failed, see {log}")
        return [json.loads((out / f"seed-{s}" / "summary.json").read_text()) for s in seeds]


def make_trainings(tasks: Sequence[str]) -> list[Training]:
    """Each training once."""
    trainings = {
        Training(task, options): None
        for task in tasks
        for network in TASKS[task]
        for options in network.variants
    }
    return list(trainings)


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


def table(
    task: str, results: Mapping[Training, Sequence[Mapping[str, Any]]], seeds: Sequence[int]
) -> str:
    """Markdown: a row per network."""
    lines = [
        task,
        "",
        "| network | data, training + validation + test | parameters | test accuracy [%] | seeds "
        "| epochs | s per epoch |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for network in TASKS[task]:
        own = [s for options in network.variants for s in results[Training(task, options)]]
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
    root, seeds = arguments.out, arguments.seeds
    root.mkdir(parents=True, exist_ok=True)
    trainings = make_trainings(arguments.tasks)
    with ThreadPoolExecutor(arguments.jobs) as pool:
        done = pool.map(lambda training: training.run(root, seeds, extra), trainings)
        results = dict(zip(trainings, tqdm(done, total=len(trainings), unit="network")))
    text = "\n\n".join(table(task, results, seeds) for task in arguments.tasks)
    (root / "tables.md").write_text(text + "\n")
    figures = {training.name: summaries for training, summaries in results.items()}
    (root / "figures.json").write_text(
        json.dumps({"machine": machine(), "runs": figures}, indent=2) + "\n"
    )
    print(f"\n{text}")


if __name__ == "__main__":
    main()
