"""What the contestants of ``backends.py`` train: one network, one set of Braille samples.

The network is drawn once and written to a file. Its input weights are scaled until hidden
neurons spike as often as wanted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from contestant import compile_network, describe, get_spikes, load_package

from mlgenn_delays.datasets import load_braille

NUM_CHANNELS = 24
TIMESTEPS = 1304
MAX_DELAY = 250
SPIKES_PER_NEURON = 4.6
#: Of neurons and synapses, those of the published Braille network.
CONSTANTS = {
    "v_thresh": 1.0,
    "tau_mem": 100.0,
    "tau_syn": 50.0,
    "tau_mem_output": 1000.0,
    "tau_syn_output": 20.0,
    "readout": "avg_var_exp_weight",
}


def load_samples(data: str, samples: int) -> tuple[dict[str, np.ndarray], int, str]:
    """Spikes and labels, the number of classes, and what data they are.

    mlGeNN's input neurons spike once per step at most and put off the second of two spikes in
    one step. So that all get the same input, spikes are moved to whole steps, one in each.

    Raises:
        BrailleNotFoundError: ``data="real"`` and there are no recordings
    """
    braille = load_braille(data, fetch=data == "real")
    chosen = np.linspace(0, len(braille.spikes) - 1, samples).round().astype(int)
    ends, times = [], []
    for spikes in (braille.spikes[i] for i in chosen):
        trains = np.split(np.ceil(spikes.spike_times), spikes.end_spikes[:-1])
        trains = [np.unique(t[t < TIMESTEPS]) for t in trains]
        ends.append(np.cumsum([len(t) for t in trains]))
        times.append(np.concatenate(trains))
    arrays = {
        "end_spikes": np.array(ends),
        "spike_times": np.concatenate(times).astype(np.float32),
        "labels": np.asarray(braille.labels)[chosen],
    }
    return arrays, len(braille.class_names), braille.kind


def prepare_task(
    hidden: int, samples: dict[str, np.ndarray], num_classes: int, seed: int, folder: Path
) -> tuple[dict[str, Any], np.ndarray]:
    """What all contestants are told, and the hidden spikes (examples, neurons) to expect."""
    arrays = {**_draw_network(hidden, num_classes, seed), **samples}
    task = {
        "arrays": str(folder / "arrays.npz"),
        "timesteps": TIMESTEPS,
        "max_delay": MAX_DELAY,
        "max_spikes": 1,
        "constants": CONSTANTS,
    }
    counts = _calibrate(task, arrays)
    np.savez(folder / "arrays.npz", **arrays)  # type: ignore[arg-type]
    of_a_channel = np.diff(samples["end_spikes"], axis=1, prepend=0)
    # mlGeNN's rings hold two trials; a quarter more, as its neurons may spike a little more
    task["max_spikes"] = int(2.5 * max(counts.max(), of_a_channel.max())) + 4
    return task, counts


def _draw_network(hidden: int, num_classes: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng((seed, hidden))
    arrays = {
        "input_weight": rng.normal(0.2, 0.7, (NUM_CHANNELS, hidden)),
        "recurrent_weight": rng.normal(0.0, 0.3 / hidden**0.5, (hidden, hidden)),
        "output_weight": rng.normal(0.0, 0.1, (hidden, num_classes)),
        "input_delay": rng.uniform(0.0, MAX_DELAY, (NUM_CHANNELS, hidden)),
        "recurrent_delay": rng.uniform(0.0, MAX_DELAY, (hidden, hidden)),
    }
    return {name: values.astype(np.float32) for name, values in arrays.items()}


def _calibrate(task: dict[str, Any], arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Scale the input weights in ``arrays``; return the hidden spikes that result."""
    p = load_package("mlgenn_delays")
    task = {**task, "phase": "count", "batch": 32, "arguments": {"backend": "cpu"}}
    x, labels = get_spikes(p, arrays), arrays["labels"]
    described = describe(p, task, arrays)
    low, high = 0.1, 10.0
    with compile_network(p, task, described) as compiled:
        weights = compiled.connection_populations[described.delayed[0]].vars["g"]
        recorder = p.SpikeRecorder(described.hidden, "spikes", record_counts=True)
        for _ in range(16):
            scale = (low * high) ** 0.5
            scaled = (scale * arrays["input_weight"]).astype(np.float32)
            weights.view[:] = scaled.ravel()
            weights.push_to_device()
            _, data = compiled.evaluate(
                {described.input: x}, {described.output: labels}, callbacks=[recorder]
            )
            counts = np.array(data["spikes"])
            low, high = (scale, high) if counts.mean() < SPIKES_PER_NEURON else (low, scale)
    arrays["input_weight"] = scaled
    return counts
