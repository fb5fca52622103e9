"""mlGeNN's own compiler on GeNN, our GeNN backend and our CPU engine, side by side.

    python benchmarks/backends.py                            all sizes, about 3 minutes
    python benchmarks/backends.py --sizes 64 --repeats 3     a short look
    python benchmarks/backends.py --genn-backend cuda        GeNN on a GPU, batch 256
    python benchmarks/backends.py --json backends.json       and the figures as JSON

The same network for all: Braille letters (24 channels, 27 classes, T = 1304, dt = 1 ms), one
recurrent hidden layer, learned delays of up to 250 steps on both connections into it, the time
constants of ``models/braille.py``. Weights, delays and spikes are written once and read by all;
input weights are scaled so that hidden neurons spike 4.6 times per trial. Optimisers (Adam)
work, but with a learning rate of 0, which keeps the activity as it is.

Every contestant is a process of its own. They train in turn, one epoch each, after one that is
not counted. GeNN's code is compiled with its optimisation on and for this processor, as ours is.
mlGeNN on GeNN's CPU backend takes one sample at a time, and so updates its parameters after
every sample; the others do so after every batch.

Columns: milliseconds per sample of whole training epochs (median, least, most); how many times
as fast as mlgenn, and as cpu1 (medians over rounds); spikes per hidden neuron and trial, and
the share of (trial, neuron) pairs with as many spikes as the CPU engine counts; peak memory, and
what it grew by after the package and the data were loaded (not what is on a GPU); seconds from
the description to the network ready to train, the first time and with its code in the cache.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from braille_task import load_samples, prepare_task
from common import median, report
from contestant_process import ContestantProcess, ContestantStopped

from mlgenn_delays.datasets import BrailleNotFoundError

NAMES = ("mlgenn", "genn", "cpu1", "cpu2")
#: Contestants that speed is given in terms of.
REFERENCES = ("mlgenn", "cpu1")
CUDA_BATCH = 256


@dataclass(frozen=True)
class Contestant:
    """Who trains, and how."""

    name: str
    root: str  #: package
    batch: int
    arguments: dict[str, Any]  #: of its compiler
    flags: str = ""  #: of the C++ compiler, in addition


@dataclass
class Entrant:
    """A contestant at work, and what was measured."""

    contestant: Contestant
    counts: np.ndarray  #: hidden spikes (examples, neurons)
    first_compile: float  #: [s]
    process: ContestantProcess
    seconds: list[float] = field(default_factory=list)  #: of each epoch


def get_contestants(options: argparse.Namespace) -> list[Contestant]:
    """Those that the options name."""
    if options.genn_backend == "cuda":
        mlgenn, batches, flags = "cuda", (CUDA_BATCH, CUDA_BATCH), ""
    else:
        mlgenn, batches, flags = "single_threaded_cpu", (1, options.batch_size), options.genn_flags
    everyone = [
        Contestant(
            "mlgenn", "ml_genn", batches[0], {"backend": mlgenn, "optimize_code": True}, flags
        ),
        Contestant(
            "genn", "mlgenn_delays", batches[1], {"backend": f"genn:{options.genn_backend}"}, flags
        ),
    ]
    if any(importlib.util.find_spec(name) is None for name in ("pygenn", "ml_genn")):
        print("pygenn or ml_genn is not installed: the CPU engine takes part alone")
        everyone = []
    for threads in (1, 2):
        arguments = {"backend": "cpu", "num_threads": threads}
        everyone.append(Contestant(f"cpu{threads}", "mlgenn_delays", options.batch_size, arguments))
    return [c for c in everyone if c.name in options.contestants]


def enter(
    contestant: Contestant, task: Mapping[str, Any], folder: Path, stack: ExitStack
) -> Entrant:
    """Count spikes, then compile twice: in an empty folder, and again, to stay and train.

    Raises:
        ContestantStopped: it could not
    """
    task = {
        **task,
        "root": contestant.root,
        "batch": contestant.batch,
        "arguments": contestant.arguments,
        "counts": str(folder / f"{contestant.name}.npy"),
    }

    def start(phase: str) -> ContestantProcess:
        place = folder / f"{contestant.name}_{phase}"
        place.mkdir(exist_ok=True)
        return ContestantProcess({**task, "phase": phase}, place, contestant.flags)

    with start("count") as process:
        process.train_epoch()
    with start("train") as process:
        first_compile = process.seconds_to_compile
    process = stack.enter_context(start("train"))
    process.train_epoch()
    return Entrant(contestant, np.load(task["counts"]), first_compile, process)


def compare(
    contestants: Sequence[Contestant],
    task: Mapping[str, Any],
    expected: np.ndarray,
    repeats: int,
    folder: Path,
) -> list[dict[str, Any]]:
    """One row per contestant that could take part."""
    entrants: dict[str, Entrant] = {}
    with ExitStack() as stack:
        for contestant in contestants:
            try:
                entrants[contestant.name] = enter(contestant, task, folder, stack)
            except ContestantStopped as error:
                print(f"{contestant.name} does not take part: {error}", flush=True)
        for _ in range(repeats):
            for entrant in entrants.values():
                entrant.seconds.append(entrant.process.train_epoch())
        return [get_row(e, entrants, expected) for e in entrants.values()]


def get_row(
    entrant: Entrant, entrants: Mapping[str, Entrant], expected: np.ndarray
) -> dict[str, Any]:
    """Figures of one contestant."""
    ms = [1e3 * seconds / len(expected) for seconds in entrant.seconds]
    ratios: dict[str, float | str] = {f"times {name}": "-" for name in REFERENCES}
    for name in set(REFERENCES) & set(entrants):
        pairs = zip(entrants[name].seconds, entrant.seconds)
        ratios[f"times {name}"] = median([other / own for other, own in pairs])
    memory = entrant.process.finish()
    return {
        "who": entrant.contestant.name,
        "batch": entrant.contestant.batch,
        "ms per sample": median(ms),
        "least": min(ms),
        "most": max(ms),
        **ratios,
        "spikes": float(entrant.counts.mean()),
        "same, %": 100.0 * float(np.mean(entrant.counts == expected)),
        "peak, MB": memory["peak"],
        "growth, MB": memory["peak"] - memory["base"],
        "compile, s": entrant.first_compile,
        "again, s": entrant.process.seconds_to_compile,
    }


def get_versions() -> dict[str, str]:
    """Versions of the packages below."""
    found = {}
    for name in ("numpy", "pygenn", "ml_genn"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def write_settings(options: argparse.Namespace) -> None:
    """Add versions, settings and command to the JSON file."""
    known = json.loads(options.json.read_text())
    known["machine"].update(get_versions())
    known["settings"] = {name: value for name, value in vars(options).items() if name != "json"}
    known["command"] = " ".join(["python", "benchmarks/backends.py", *sys.argv[1:]])
    options.json.write_text(json.dumps(known, indent=2) + "\n")


def parse_options() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--sizes", type=int, nargs="+", default=[64, 128, 256, 512], help="hidden neurons")
    add("--repeats", type=int, default=7, help="epochs of which the median counts (7)")
    add("--samples", type=int, help="samples of an epoch (256; with cuda 1024)")
    add("--contestants", nargs="+", choices=NAMES, default=list(NAMES))
    add("--batch-size", type=int, default=32, help="of the CPU engine, and of genn on CPU (32)")
    add("--data", choices=("auto", "real", "synthetic"), default="auto", help="Braille letters")
    add("--genn-backend", choices=("cpu", "cuda"), default="cpu")
    add("--genn-flags", default="-march=native", help="C++ flags for GeNN's CPU backend")
    add("--seed", type=int, default=1, help="of weights and delays")
    add("--json", type=Path, help="file to write the figures to")
    options = parser.parse_args()
    if options.samples is None:
        options.samples = 1024 if options.genn_backend == "cuda" else 256
    return options


def main() -> None:
    options = parse_options()
    contestants = get_contestants(options)
    try:
        samples, num_classes, kind = load_samples(options.data, options.samples)
    except BrailleNotFoundError as error:
        sys.exit(str(error))
    for hidden in options.sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            task, expected = prepare_task(hidden, samples, num_classes, options.seed, folder)
            rows = compare(contestants, task, expected, options.repeats, folder)
        if rows:
            title = f"{hidden} hidden, {kind} Braille letters, GeNN on {options.genn_backend}"
            report(title, rows, options.json)
    if options.json and options.json.exists():
        write_settings(options)


if __name__ == "__main__":
    main()
