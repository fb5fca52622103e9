"""Rows of runs as a study of Braille letters could give them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

VARIANTS = (
    "feedforward-none",
    "feedforward-learned",
    "recurrent-none",
    "recurrent-input",
    "recurrent-learned",
)

#: Accuracy with very many neurons, and what is lacking at 8.
_ACCURACY = {
    "feedforward-none": (0.90, 0.40),
    "feedforward-fixed": (0.92, 0.36),
    "feedforward-learned": (0.94, 0.31),
    "recurrent-none": (0.93, 0.36),
    "recurrent-fixed": (0.935, 0.33),
    "recurrent-input": (0.955, 0.29),
    "recurrent-learned": (0.96, 0.25),
}


def make_rows(
    sizes: Sequence[int] = (8, 16, 32, 64, 128, 256),
    variants: Sequence[str] = VARIANTS,
    num_seeds: int = 10,
    **changes: Any,
) -> list[dict[str, Any]]:
    """Finished runs; seeds have luck in common, as they have the split of the data."""
    return [
        make_row(variant, size, seed, **changes)
        for size in sizes
        for variant in variants
        for seed in range(num_seeds)
    ]


def make_row(variant: str, size: int, seed: int, **changes: Any) -> dict[str, Any]:
    """One run; ``changes`` replace or add columns."""
    best, lacking = _ACCURACY[variant]
    luck = 0.015 * np.random.default_rng(seed).normal()
    own = np.random.default_rng([seed, size, sorted(_ACCURACY).index(variant)])
    share = (8.0 / size) ** 0.7
    accuracy = min(1.0, best - lacking * share + luck + 0.008 * own.normal())
    recurrent = variant.startswith("recurrent")
    weights = size * (24 + 27 + (size if recurrent else 0))
    delays = {
        "none": 0,
        "fixed": 0,
        "input": 24 * size,
        "learned": 24 * size + (size * size if recurrent else 0),
    }[variant.split("-")[1]]
    row = {
        "task": "braille",
        "variant": variant,
        "hidden": str(size),
        "n_hidden": size,
        "seed": seed,
        "status": "finished",
        "message": None,
        "test_accuracy": round(540 * accuracy) / 540,
        "test_loss": 1.2 - accuracy,
        "validation_accuracy": accuracy,
        "validation_loss": 1.1 - accuracy,
        "best_epoch": 80,
        "epochs": 100,
        "n_parameters": weights + delays,
        "n_weights": weights,
        "n_delays": delays,
        "spikes_per_neuron_hidden": 3.0 + 6.0 * share + 0.5 * own.normal() + recurrent,
        "silent_neurons_hidden": int(own.integers(0, 1 + size // 8)),
        "seconds": 100 * (0.2 + 1e-5 * (weights + delays)),
        "seconds_per_epoch": 0.2 + 1e-5 * (weights + delays) * (1.0 + 0.05 * own.normal()),
        "peak_memory_mb": 180.5,
        "data_kind": "real",
        "data_fingerprint": f"f{seed}",
        "validated_on_test": False,
        "quick": False,
        "config_hash": f"{variant}-{size}-{seed}",
        "version": "0.10.0",
        "backend": "cpu",
        "threads": 1,
        "processor": "x86_64",
        "folder": f"runs/{variant}-{size}-s{seed}",
    }
    for name in _delayed(variant):
        row |= {f"delay_mean_ms_{name}": 28.0, f"delays_at_zero_{name}": 0.05}
    return row | changes


def _delayed(variant: str) -> list[str]:
    if variant.endswith("none"):
        return []
    both = variant.startswith("recurrent") and not variant.endswith("input")
    return ["input_hidden", "hidden_hidden"] if both else ["input_hidden"]


def make_histograms(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The entry ``delays`` of each run's ``summary.json``, by its folder."""
    return {row["folder"]: _delays_of(row) for row in rows}


def _delays_of(row: dict[str, Any]) -> dict[str, Any]:
    draw = np.random.default_rng([row["seed"], row["n_hidden"]])
    found = {}
    for name in _delayed(row["variant"]):
        number = row["n_hidden"] * (24 if name.startswith("input") else row["n_hidden"])
        start = draw.uniform(0.0, 30.0, number)
        width = 12.0 * (8.0 / row["n_hidden"]) ** 0.5
        end = np.clip(start + width * draw.normal(0.4, 1.0, number), 0.0, 60.0)
        edges = np.linspace(0.0, 60.0, 31)
        found[name] = {
            "learned": not row["variant"].endswith("fixed"),
            "mean_ms": float(end.mean()),
            "cap_ms": 60.0,
            "histogram": _histogram(end, edges),
            "initial_histogram": _histogram(start, edges),
        }
    return found


def _histogram(values: np.ndarray, edges: np.ndarray) -> dict[str, list[float]]:
    return {"edges_ms": edges.tolist(), "counts": np.histogram(values, edges)[0].tolist()}
