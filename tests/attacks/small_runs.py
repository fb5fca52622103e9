"""Small runs under attack, and what they must have in the end."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from run_server import Ended, RunServer

RUN = ("--epochs", 10, "--threads", 1)

PICTURES = ("raster.png", "confusion.png", "learning_curve.png", "delays.png")

#: Entries of the summary that differ between equal runs. The hash does since the configuration of
#: a run that is resumed names the kind of data that "auto" found.
_DIFFERENT = (
    *("seconds", "seconds_per_epoch", "peak_memory_bytes", "started", "ended"),
    "config_hash",
)


def results(folder: Path) -> dict[str, object]:
    """All that must be equal at the end of equal runs.

    Raises:
        OSError, ValueError, KeyError: something is missing or damaged.
    """
    for name in PICTURES:
        assert (folder / name).read_bytes()[-8:-4] == b"IEND", f"{name} is damaged"
    summary = json.loads((folder / "summary.json").read_text())
    summary["config"]["data"]["kind"] = summary["dataset"]
    lines = (folder / "metrics.csv").read_text().splitlines()
    found: dict[str, object] = {
        "summary": {k: v for k, v in summary.items() if k not in _DIFFERENT},
        # the last column has seconds
        "metrics": [line.rsplit(",", 1)[0] for line in lines],
    }
    for name in ("checkpoint_last.npz", "checkpoint_best.npz", "spikes.npz"):
        with np.load(folder / name) as file:
            for entry in file.files:
                if entry != "experiment" and not entry.endswith("/seconds"):
                    found[f"{name} {entry}"] = file[entry].tobytes()
    return found


def finish(server: RunServer, folder: Path, *arguments: object) -> Ended:
    """Run what is left of a run, or all of it where nothing was written yet."""
    resume = ("--resume",) if (folder / "config.json").exists() else ()
    return server.run("order", *RUN, *arguments, *resume, "--out", folder)


def difference(folder: Path, expected: dict[str, object]) -> str | None:
    """What a finished run lacks, or has otherwise; None: it is as expected."""
    try:
        found = results(folder)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    names = [n for n in {**found, **expected} if found.get(n) != expected.get(n)]
    left = [p.name for p in folder.iterdir() if p.name.startswith(".") and p.name != ".lock"]
    return f"different: {names}" if names else None if not left else f"left: {left}"


def check_files(folder: Path) -> str | None:
    """What is damaged of the files that are there; None: each is complete."""
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            if path.suffix == ".json":
                json.loads(path.read_text())
            elif path.suffix == ".npz":
                with np.load(path) as file:
                    assert all(file[name] is not None for name in file.files)
            elif path.suffix == ".png":
                assert path.read_bytes()[-8:-4] == b"IEND"
            elif path.suffix == ".csv":
                assert path.read_text().endswith("\n")
        except Exception as error:
            return f"{path.name}: {type(error).__name__}: {error}"
    return None
