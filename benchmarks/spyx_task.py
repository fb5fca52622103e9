"""The other end of ``spyx_process.py``: letters in bins, processes, and what they measured."""

from __future__ import annotations

import json
import math
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlgenn_delays.engines.create import default_num_threads
from mlgenn_delays.studies import Part, RunConfig, TaskData

SCRIPT = Path(__file__).with_name("spyx_process.py")
#: Lengths of bins [ms]: that of Spyx's examples, and the timestep of the study.
COARSE, FINE = 10.0, 1.0
#: Networks at once.
AT_ONCE = 8
#: Of Adam; it does not change what a step takes.
LEARNING_RATE = 0.002


class SpyxMissing(RuntimeError):
    """Spyx is not installed, or does not work; the message says why."""


@dataclass(frozen=True)
class Way:
    """A way to train several networks, and what it took."""

    name: str
    seconds: list[float]  #: for each network, in several rounds
    compile_seconds: float


def measure_spyx(python: Path, config: RunConfig, data: TaskData, rounds: int) -> list[Way]:
    """Train networks like those of a configuration, one by one and several at once.

    Args:
        python: interpreter that has jax and spyx
        config: how many neurons, samples in a batch, epochs
        data: what is trained and validated with
        rounds: of each way

    Raises:
        SpyxMissing: it has not
    """
    found = subprocess.run([python, "-c", "import jax, spyx"], capture_output=True, text=True)
    if found.returncode != 0:
        raise SpyxMissing(f"{python} cannot import jax and spyx ({_last_line(found.stderr)})")
    number = default_num_threads()
    with tempfile.TemporaryDirectory() as folder:
        files = {width: Path(folder) / f"letters_{width}.npz" for width in (COARSE, FINE)}
        for width, file in files.items():
            _write_bins(file, data, width)
        task = {
            "hidden": config.network.hidden[0],
            "classes": len(data.class_names),
            "batch": config.learning.batch_size,
            "epochs": config.learning.epochs,
            "lr": LEARNING_RATE,
            "rounds": rounds,
        }
        ways = [(COARSE, 1, 1), (COARSE, number, 1), (COARSE, 1, AT_ONCE), (FINE, number, 1)]
        return [
            _measure(python, {**task, "data": str(files[width])}, width, *way)
            for width, *way in ways
        ]


def _measure(python: Path, task: dict[str, Any], width: float, processes: int, at_once: int) -> Way:
    together = f"{at_once} at once (vmap)" if at_once > 1 else "one by one"
    name = f"Spyx, {width:g} ms, {together}, {processes} process{'es' * (processes > 1)}"
    content = json.dumps({**task, "at_once": at_once})
    running = [
        subprocess.Popen(
            [python, SCRIPT, content], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(processes)
    ]
    ended = [(*process.communicate(), process.returncode) for process in running]
    for _, errors, code in ended:
        if code != 0:
            raise SpyxMissing(f"{SCRIPT.name} failed: {_last_line(errors)}")
    answers = [json.loads(output) for output, _, _ in ended]
    rounds = zip(*(answer["seconds"] for answer in answers), strict=True)
    seconds = [float(np.mean(together)) / (processes * at_once) for together in rounds]
    return Way(name, seconds, float(np.mean([answer["compile"] for answer in answers])))


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1]


def _write_bins(path: Path, data: TaskData, width: float) -> None:
    """Numbers of events of each channel in each bin, and labels."""
    np.savez(
        path,
        x=_count_events(data.train, data.duration, width),
        y=data.train.labels.astype(np.int32),
        held_out_x=_count_events(data.validation, data.duration, width),
        held_out_y=data.validation.labels.astype(np.int32),
    )


def _count_events(part: Part, duration: float, width: float) -> np.ndarray:
    """(trials, bins, channels) uint8"""
    events, bins = part.events, math.ceil(duration / width)
    trials = np.repeat(np.arange(len(part)), np.diff(events.offsets))
    counts = np.zeros((len(part), bins, events.num_neurons), np.uint8)
    np.add.at(counts, (trials, (events.times / width).astype(np.int64), events.neurons), 1)
    return counts
