"""What a study costs besides training: 40 networks of 32 hidden neurons, 10 epochs each.

    python benchmarks/studies.py                       everything, some minutes on 2 idle cores
    python benchmarks/studies.py --only study threads  some of it
    python benchmarks/studies.py --full                the whole shell loop, once
    python benchmarks/studies.py --json studies.json   and the figures as JSON

The networks are recurrent, with learned delays, one for each seed; an epoch has 512 Braille letters
(24 channels, 27 classes, T = 1304, dt = 1 ms, batch 32), the recordings where they are found.

study    seconds of the whole command ``experiments/scaling.py``, from its start to its report, in
         a new folder and with compiled code in the cache, and how they divide: before its first
         run begins, while runs are at work, after the last one. In turn with it, a loop over
         ``experiments/braille.py`` with its default number of threads; of the loop, a few networks
         are run and their mean taken (``--full``: all). "training alone" is what the runs took for
         training and validation, summed up and divided by the number of processes: no study can
         take less. Starting, loading, compiling, testing and all files come on top of it.
threads  a few of the networks, each on all processors, one after the other, and each on one thread
         in a process of its own: seconds for training and validation alone
spyx     where Spyx (JAX) is installed, here or with ``--spyx-python``, networks of its kind (a
         recurrent layer of as many neurons, no delays, surrogate gradients, Adam) on the same
         letters, in bins of 10 ms as its examples have, and of 1 ms as the study's steps: one by
         one, so in several processes, and some at once with ``jax.vmap``; training and validation
         alone, without starting, loading or compiling, which is said beside it; of the study the
         same, and the whole

All are run in turn, and medians counted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from common import median, report
from spyx_task import SpyxMissing, measure_spyx

from mlgenn_delays.engines.create import default_num_threads
from mlgenn_delays.studies import get_task, make_config
from mlgenn_delays.studies.task import load_data

SCRIPTS = Path(__file__).parent.parent / "experiments"

#: What is trained; ``--threads`` and seeds are chosen by each part.
SETTINGS = {"hidden": (32,), "recurrent": True, "delays": "learned", "epochs": 10, "limit": 512}
OPTIONS = ("--epochs", "10", "--limit", "512")
STUDY = ("braille", "--sizes", "32", "--variants", "recurrent-learned", *OPTIONS)


def run_script(name: str, *options: str) -> float:
    """Seconds of a command."""
    start = time.perf_counter()
    result = subprocess.run(
        [sys.executable, str(SCRIPTS / name), *options], capture_output=True, text=True
    )
    if result.returncode != 0:
        raise SystemExit(f"{name} {' '.join(options)} failed:\n{result.stderr[-4000:]}")
    return time.perf_counter() - start


def run_study(seeds: int, *options: str) -> dict[str, float]:
    """Seconds of a study of so many seeds in a new folder: in all, of its phases, and those that
    its runs took for training, summed up."""
    with tempfile.TemporaryDirectory() as name:
        folder, start = Path(name) / "study", time.time()
        chosen = ("--seeds", f"0-{seeds - 1}", "--out", str(folder), *options)
        seconds = run_script("scaling.py", *STUDY, *chosen)
        summaries = list(folder.glob("runs/*/summary.json"))
        assert len(summaries) == seeds
        # a run writes its configuration when data are loaded and the network is compiled
        first = min(p.stat().st_mtime for p in folder.glob("runs/*/config.json")) - start
        last = max(p.stat().st_mtime for p in summaries) - start
        training = sum(json.loads(p.read_text())["seconds"] for p in summaries)
    return {
        "all": seconds,
        "training": training,
        "before": first,
        "runs": last - first,
        "after": seconds - last,
    }


def run_loop(seeds: Sequence[int]) -> float:
    """Mean seconds of a run of ``experiments/braille.py``."""
    seconds = []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as name:
            options = ("--hidden", "32", "--seed", str(seed), *OPTIONS, "--out", f"{name}/run")
            seconds.append(run_script("braille.py", *options))
    return float(np.mean(seconds))


def study(options: argparse.Namespace) -> list[dict[str, Any]]:
    """The study against its training alone, and against a loop over single runs."""
    jobs, runs = default_num_threads(), options.runs
    looped = runs if options.full else min(options.looped, runs)
    studies, loops = [], []
    for i in range(options.repeats):
        studies.append(run_study(runs))
        if i == 0 or not options.full:
            loops.append(run_loop(range(looped)) * runs)
    totals = [s["all"] for s in studies]
    alone = [s["training"] / jobs for s in studies]
    phases = {name: median([s[name] for s in studies]) for name in ("before", "runs", "after")}
    silent = dict.fromkeys(phases, "-")
    note = "" if looped == runs else f", from {looped} of them"
    return [
        _row(f"study, {jobs} processes", totals, median(totals), phases),
        _row("training alone, shared out", alone, median(totals), silent),
        _row(f"loop over braille.py{note}", loops, median(totals), silent),
    ]


def _row(
    who: str, seconds: Sequence[float], study_seconds: float, phases: dict[str, Any]
) -> dict[str, Any]:
    return {
        "who": who,
        "s": median(seconds),
        "least": min(seconds),
        "most": max(seconds),
        "times the study": median(seconds) / study_seconds,
        "study by this": study_seconds / median(seconds),
        **{f"{name}, s": value for name, value in phases.items()},
    }


def threads(options: argparse.Namespace) -> list[dict[str, Any]]:
    """All processors for one network, or for as many networks."""
    number, runs = default_num_threads(), min(options.compared, options.runs)
    ways = {
        f"{number} processes of 1 thread": (number, 1),
        f"1 process of {number} threads": (1, number),
        "1 process of 1 thread": (1, 1),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(options.repeats):
        for name, (jobs, of_run) in ways.items():
            measured = run_study(runs, "--jobs", str(jobs), "--threads", str(of_run))
            seconds[name].append(measured["training"] / jobs / runs)
    slowest = median(seconds["1 process of 1 thread"])
    return [
        {
            "who": name,
            "s per network": median(values),
            "least": min(values),
            "most": max(values),
            "times as fast": slowest / median(values),
        }
        for name, values in seconds.items()
    ]


def spyx(options: argparse.Namespace) -> list[dict[str, Any]]:
    """The study against networks of Spyx."""
    config = make_config("braille", SETTINGS)
    data = load_data(get_task("braille"), config)
    studies = [run_study(options.runs) for _ in range(options.repeats)]
    whole = median([s["all"] for s in studies])
    training = median([s["training"] for s in studies]) / default_num_threads()
    ways = measure_spyx(options.spyx_python, config, data, options.repeats)
    rows = {
        "study, whole": (whole, "-"),
        "study, training alone": (training, "-"),
        **{w.name: (options.runs * median(w.seconds), w.compile_seconds) for w in ways},
    }
    return [
        {
            "who": who,
            "s": seconds,
            "times training": seconds / training,
            "compile, s": c,
        }
        for who, (seconds, c) in rows.items()
    ]


PARTS: dict[str, tuple[str, Callable[[argparse.Namespace], list[dict[str, Any]]]]] = {
    "study": ("{runs} networks of 32, {kind} Braille letters: the whole study", study),
    "threads": ("{compared} of them, training and validation alone", threads),
    "spyx": ("{runs} networks of 32, of this package and of Spyx", spyx),
}


def parse_options() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to run")
    add("--repeats", type=int, default=3, help="of everything; the median counts (3)")
    add("--runs", type=int, default=40, help="networks of the study (40)")
    add("--looped", type=int, default=6, help="of them in the shell loop (6)")
    add("--compared", type=int, default=8, help="of them in the part threads (8)")
    add("--full", action="store_true", help="all of them in the shell loop, once")
    add("--spyx-python", type=Path, default=Path(sys.executable), help="that has jax and spyx")
    add("--json", type=Path, help="file to write the figures to")
    return parser.parse_args()


def main() -> None:
    options = parse_options()
    kind = load_data(get_task("braille"), make_config("braille", SETTINGS)).kind
    run_study(1)  # compiles
    for name in options.only:
        title, part = PARTS[name]
        title = title.format(kind=kind, **vars(options))
        try:
            report(title, part(options), options.json)
        except SpyxMissing as reason:
            print(f"\n{title}\n\nskipped: {reason}")


if __name__ == "__main__":
    main()
