"""EventProp, DCLS-Delays and DelRec side by side: time and memory against the longest delay.

    python benchmarks/methods.py                           1 ms and 10 ms bins, about 10 minutes
    python benchmarks/methods.py --bins 10 --delays 256    a short look
    python benchmarks/methods.py --device cuda             surrogate gradients on a GPU
    python benchmarks/methods.py --json methods.json       and the figures as JSON

Two hidden layers of 256, input like the Spiking Heidelberg Digits as DCLS-Delays and DelRec take
them: 140 channels, 8,000 events in trials of 1 s, made here (uniform in time and channel); 20
classes. Delays are uniform up to the longest, and learned:

eventprop            between layers; this package's CPU engine, one delay per synapse, also on
                     the CPU with --device cuda
dcls                 the same connections, each delay spread by a Gaussian; PyTorch, delta synapses
eventprop-recurrent  delays of the recurrent connections of both layers, one per synapse
delrec               the same connections, one delay per neuron, spread by a triangle; as dcls

Without batch normalisation and dropout; optimisers (Adam) work, but with a learning rate of 0.
Every contestant is a process of its own. They train in turn, one epoch each of one batch, after one
sample and one batch that are not counted. Where a batch would take more than --limit seconds, as
the one sample tells, it has fewer samples; more memory than --memory is not asked for.

Columns: samples of a batch; milliseconds per sample of training, forward, backward and optimiser
(median); seconds that an epoch of SHD (8,156 samples) takes at that; how many times as long
as EventProp with delays in the same places (median over rounds); milliseconds per sample of
predicting; peak memory of the process, and what it grew by after packages and data were loaded,
or with a GPU what PyTorch took there; spikes per hidden neuron and trial.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import re
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from common import Size, machine, median, report
from contestant_process import ContestantProcess, ContestantStopped
from methods_process import METHODS

SCRIPT = Path(__file__).with_name("methods_process.py")
#: Length of a trial [ms], events in it, and samples of an epoch of SHD.
DURATION, EVENTS, SHD_SAMPLES = 1000, 8000, 8156


@dataclass
class Entrant:
    """A contestant at work, and what was measured."""

    name: str
    process: ContestantProcess
    samples: int
    seconds: list[float] = field(default_factory=list)  #: of each epoch

    def train(self) -> None:
        """One more epoch."""
        self.seconds.append(self.process.ask(f"train {self.samples}")["seconds"])

    @property
    def ms(self) -> list[float]:
        """Milliseconds per sample of each epoch."""
        return [1e3 * seconds / self.samples for seconds in self.seconds]


def enter(name: str, task: dict[str, Any], limit: float, stack: ExitStack) -> Entrant:
    """Compile, see with one sample how many can be trained within a limit, and warm up.

    Args:
        limit: seconds of a batch

    Raises:
        ContestantStopped: there is too little memory
    """
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    process = stack.enter_context(ContestantProcess({**task, "method": name}, folder, "", SCRIPT))
    needed = process.ready["needed"]
    if needed > task["memory"]:
        raise ContestantStopped(
            f"not run: needs about {needed:.0f} MB, --memory is {task['memory']:.0f}"
        )
    process.ask("train 1")  # PyTorch and the system prepare much with the first
    one = process.ask("train 1")["seconds"]
    batch = task["size"]["batch"]
    samples = max(1, min(batch, int(limit / one)))
    process.ask(f"train {samples}")
    return Entrant(name, process, samples)


def compare(options: argparse.Namespace, dt: int, delay: int) -> list[dict[str, Any]]:
    """One row per contestant, also of those that could not take part."""
    size = Size(
        inputs=options.inputs,
        hidden=options.hidden,
        outputs=20,
        timesteps=DURATION // dt,
        batch=options.batch_size,
        max_delay=-(-delay // dt),
    )
    task = {
        "size": asdict(size),
        "dt": dt,
        "duration": DURATION,
        "events": EVENTS,
        "threads": options.threads,
        "device": options.device,
        "memory": options.memory,
    }
    rows: dict[str, dict[str, Any]] = {}
    entrants: list[Entrant] = []
    with ExitStack() as stack:
        for name in options.methods:
            rows[name] = {"delay, ms": delay, "steps": size.max_delay, "who": name}
            try:
                entrants.append(enter(name, task, options.limit, stack))
            except ContestantStopped as error:
                rows[name]["remark"] = explain(error, options.memory)
        for _ in range(options.repeats):
            for entrant in entrants:
                entrant.train()
        for entrant in entrants:
            rows[entrant.name] |= get_figures(entrant, entrants)
    return list(rows.values())


def explain(error: ContestantStopped, memory: float) -> str:
    """Why a contestant does not take part, short where it had too little memory."""
    text = str(error)
    killed = "exit status -9" in text  # by the system, if it ran out of memory
    return f"out of memory ({memory:.0f} MB)" if "MemoryError" in text or killed else text


def get_figures(entrant: Entrant, entrants: Sequence[Entrant]) -> dict[str, Any]:
    """What was measured of one contestant, which ends."""
    figures: dict[str, Any] = {
        "samples": entrant.samples,
        "ms per sample": median(entrant.ms),
        "SHD epoch, s": 1e-3 * median(entrant.ms) * SHD_SAMPLES,
    }
    recurrent = METHODS[entrant.name].recurrent
    for other in entrants:
        if METHODS[other.name].recurrent == recurrent and not METHODS[other.name].surrogate:
            figures["times EventProp"] = median([a / b for a, b in zip(entrant.ms, other.ms)])
    predicted = entrant.process.ask(f"predict {entrant.samples}")["seconds"]
    memory = entrant.process.finish()
    return {
        **figures,
        "predict, ms": 1e3 * predicted / entrant.samples,
        "peak, MB": memory["peak"],
        "growth, MB": memory["peak"] - memory["base"],
        "GPU, MB": memory["gpu"],
        "expected, MB": entrant.process.ready["needed"],
        "spikes": memory["spikes"],
    }


#: Columns of all tables; what is missing, an empty cell.
COLUMNS = (
    "delay, ms", "steps", "who", "samples", "ms per sample", "SHD epoch, s",
    "times EventProp", "predict, ms", "peak, MB", "growth, MB", "GPU, MB", "expected, MB",
    "spikes", "remark",
)  # fmt: skip


def available_memory() -> float:
    """Four fifths of what the system says is free [MB], where it says so; else 8 GB."""
    try:
        text = Path("/proc/meminfo").read_text()
    except OSError:
        return 8000.0
    found = re.search(r"^MemAvailable:\s+(\d+) kB", text, re.MULTILINE)
    return 0.8 * int(found[1]) * 1024 / 1e6 if found else 8000.0


def get_versions() -> str:
    """The machine, and the versions of what is compared."""
    try:
        torch = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        torch = "not installed: EventProp takes part alone"
    known = {**machine(), "torch": torch}
    return ", ".join(f"{name} {value}" for name, value in known.items())


def parse_options() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    add("--delays", type=int, nargs="+", default=[64, 128, 256, 512, 1000], help="longest [ms]")
    add("--bins", type=int, nargs="+", default=[1, 10], help="timesteps [ms] (1 10)")
    add("--inputs", type=int, default=140, help="channels (140; SHD without binning has 700)")
    add("--hidden", type=int, default=256, help="neurons of both hidden layers (256)")
    add("--batch-size", type=int, default=32, help="samples of a batch (32)")
    add("--threads", type=int, default=1, help="of all contestants (1)")
    add("--device", choices=("cpu", "cuda"), default="cpu", help="of surrogate gradients")
    add("--repeats", type=int, default=3, help="epochs of which the median counts (3)")
    add("--limit", type=float, default=20.0, help="seconds that a batch may take (20)")
    add("--memory", type=float, default=available_memory(), help="MB that a process may take")
    add("--quick", action="store_true", help="small networks, few samples: does it work?")
    add("--json", type=Path, help="file to write the figures to")
    options = parser.parse_args()
    if options.quick:
        options.delays, options.bins, options.hidden = [64], [10], 16
        options.batch_size, options.repeats = 2, 1
    return options


def main() -> None:
    options = parse_options()
    print(get_versions())
    for dt in options.bins:
        rows = []
        for delay in options.delays:
            rows += compare(options, dt, delay)
        title = (
            f"{dt} ms bins, {options.inputs} inputs, 2 x {options.hidden} hidden, "
            f"{options.threads} threads, PyTorch on {options.device}"
        )
        report(title, [{n: row.get(n, "") for n in COLUMNS} for row in rows], options.json)


if __name__ == "__main__":
    main()
