"""A small run of a task, and what it left."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

#: A network so small that an epoch takes some hundredths of a second.
SMALL = ("--data", "synthetic", "--quick", "--hidden", "8", "--limit", "64", "--batch-size", "16")


class Run:
    """A run that has ended: what it said and left."""

    def __init__(self, code: int, out: str, err: str, folder: Path) -> None:
        self.code = code
        self.out = out
        self.err = err
        self.folder = folder

    @property
    def summary(self) -> dict:
        return json.loads((self.folder / "summary.json").read_text())

    @property
    def config(self) -> dict:
        return json.loads((self.folder / "config.json").read_text())

    @property
    def rows(self) -> list[str]:
        """Rows of metrics.csv without the column of seconds."""
        lines = (self.folder / "metrics.csv").read_text().splitlines()
        assert lines[0].endswith(",seconds")
        return [line.rsplit(",", 1)[0] for line in lines]

    def state(self, name: str) -> dict[str, np.ndarray]:
        """What a checkpoint holds, without what may differ between equal runs."""
        with np.load(self.folder / name) as file:
            names = [n for n in file.files if n != "experiment" and not n.endswith("/seconds")]
            return {n: file[n] for n in names}
