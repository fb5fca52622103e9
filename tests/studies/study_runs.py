"""A study that takes a second, for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlgenn_delays.studies import Study, get_task


def small_study(**changes: Any) -> Study:
    """Two variants of one size, two seeds."""
    values = {
        "task": get_task("yin_yang"),
        "sizes": ((4,),),
        "variants": ("feedforward-none", "feedforward-learned"),
        "seeds": (0, 1),
        "settings": {"quick": True, "epochs": 2, "threads": 1, **changes.pop("settings", {})},
    }
    return Study(**{**values, **changes})


def results_of(folder: Path) -> dict[str, Any]:
    """What runs of a study gave, without times and places: name -> entries and parameters."""
    import numpy as np

    found = {}
    for run in sorted((folder / "runs").iterdir()):
        summary = json.loads((run / "summary.json").read_text())
        keys = ("status", "test_accuracy", "test_loss", "best_epoch", "delay_statistics")
        with np.load(run / "checkpoint_last.npz") as file:
            weights = {n: file[n].tobytes() for n in file.files if n.startswith("parameters/")}
        found[run.name] = ({key: summary[key] for key in keys}, weights)
    return found
