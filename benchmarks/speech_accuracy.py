"""Test accuracy on spoken digits: encoders x delays, for known and for new speakers.

    python benchmarks/speech_accuracy.py --jobs 2     the table of the README

Known speakers: files with index 0 to 4 of the Free Spoken Digit Dataset test, mean and standard
deviation over seeds. New speakers: each speaker in turn is left out and tests, mean over speakers
(and seeds) and standard deviation over speakers. Every run is `experiments/speech.py` with its
published settings, one thread each, `--jobs` of them at a time, in a folder of its own. Finished
runs are not run again, interrupted ones go on where they stopped. The table (Markdown) and the
figures (JSON) land beside them.
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
from pathlib import Path
from typing import Any

from common import machine
from tqdm import tqdm

SCRIPT = Path(__file__).parent.parent / "experiments" / "speech.py"
SPEAKERS = ("jackson", "nicolas", "theo", "yweweler")


@dataclass(frozen=True)
class Run:
    """One training."""

    encoder: str
    delays: str
    speaker: str | None  #: who is left out
    seed: int

    @property
    def name(self) -> str:
        """Name of the results folder."""
        speaker = "known" if self.speaker is None else f"without-{self.speaker}"
        return f"{self.encoder}-{self.delays}-{speaker}-seed{self.seed}"

    def command(self, out: Path, extra: Sequence[str]) -> list[str]:
        """The experiment's command line."""
        left_out = [] if self.speaker is None else ["--leave-out-speaker", self.speaker]
        return [
            sys.executable, str(SCRIPT), "--data", "real", "--threads", "1", "--out", str(out),
            "--encoder", self.encoder, "--delays", self.delays, "--seed", str(self.seed),
            *left_out, *extra,
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
    """Markdown: a row per encoder and kind of delays, mean and standard deviation [%]."""
    lines = [
        "| encoder | delays | known speakers | new speakers |",
        "| --- | --- | ---: | ---: |",
    ]
    for encoder, delays in sorted({(r.encoder, r.delays) for r in results}, reverse=True):
        accuracy = {
            run: 100.0 * summary["test_accuracy"]
            for run, summary in results.items()
            if (run.encoder, run.delays) == (encoder, delays)
        }
        known = [value for run, value in accuracy.items() if run.speaker is None]
        new = [
            statistics.mean(value for run, value in accuracy.items() if run.speaker == speaker)
            for speaker in sorted({run.speaker for run in accuracy if run.speaker})
        ]
        lines.append(f"| {encoder} | {delays} | {_describe(known)} | {_describe(new)} |")
    return "\n".join(lines)


def _describe(values: Sequence[float]) -> str:
    if not values:
        return "-"
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.1f}{spread}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--encoders", nargs="+", default=["mel", "cochlea"], help="encoders")
    parser.add_argument("--delays", nargs="+", default=["learned", "none"], help="kinds of delays")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="known speakers")
    parser.add_argument("--new-seeds", type=int, nargs="*", default=[0, 1, 2], help="new speakers")
    parser.add_argument("--speakers", nargs="+", default=SPEAKERS, help="left out in turn")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time (1)")
    parser.add_argument("--out", type=Path, default=Path("results/speech_accuracy"), help="folder")
    arguments, extra = parser.parse_known_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    runs = [
        Run(encoder, delays, speaker, seed)
        for encoder in arguments.encoders
        for speaker in (None, *arguments.speakers)
        for seed in (arguments.seeds if speaker is None else arguments.new_seeds)
        for delays in arguments.delays
    ]
    # the first run of each encoder fills the cache, with all processors
    first = {run.encoder: run for run in reversed(runs)}
    results = {run: execute(run, arguments.out, extra) for run in first.values()}
    with ThreadPoolExecutor(arguments.jobs) as pool:
        done = pool.map(lambda run: execute(run, arguments.out, extra), runs)
        results |= dict(zip(runs, tqdm(done, total=len(runs), unit="run"), strict=True))
    text = table(results)
    (arguments.out / "table.md").write_text(text + "\n")
    figures = {run.name: summary for run, summary in results.items()}
    (arguments.out / "figures.json").write_text(
        json.dumps({"machine": machine(), "runs": figures}, indent=2) + "\n"
    )
    print(f"\nTest accuracy [%] on spoken digits, {len(arguments.seeds)} seeds\n\n{text}")


if __name__ == "__main__":
    main()
