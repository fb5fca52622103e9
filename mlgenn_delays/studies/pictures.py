"""The pictures of a results folder."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mlgenn_delays import plotting
from mlgenn_delays.models import ClassifierNetwork

from .checkpoints import SPIKES
from .evaluation import TestResult
from .metrics_table import MetricsTable
from .results import ResultsFolder
from .task import TaskData, is_stand_in


def draw_test(folder: ResultsFolder, data: TaskData, test: TestResult, dt: float) -> None:
    """``raster.png``, of the recorded trial with the median number of
    input spikes, and ``confusion.png``."""
    names, recording = data.class_names, test.recording
    inputs = next(iter(recording.spikes.values()))
    trial = int(np.argsort([len(times) for times, _ in inputs])[len(inputs) // 2])
    label, predicted = int(test.labels[trial]), int(test.predictions[trial])
    kind = f"{data.kind.capitalize()} test trial" if is_stand_in(data.kind) else "Test trial"
    raster = plotting.plot_raster(
        {
            name: (*trials[trial], recording.sizes[name])
            for name, trials in recording.spikes.items()
        },
        data.duration,
        recording.voltages[trial],
        dt,
        names,
        label,
        f"{kind} of {names[label]}, classified as {names[predicted]}",
    )
    plotting.save_figure(raster, folder.raster)
    plotting.save_figure(plotting.plot_confusion(test.confusion, names), folder.confusion)


def draw_training(
    folder: ResultsFolder, table: MetricsTable, best_epoch: int | None, test_accuracy: float | None
) -> None:
    """``learning_curve.png``."""
    names = [n for n in table.rows[0] if n.startswith(SPIKES)] if table.rows else []
    spikes = {name.removeprefix(SPIKES): table.column(name) for name in names}
    figure = plotting.plot_learning_curve(
        table.column("epoch"),
        {
            "Training": table.column("train_loss"),
            "Validation": table.column("validation_loss"),
        },
        {
            "Training": table.column("train_accuracy"),
            "Validation": table.column("validation_accuracy"),
        },
        spikes or None,
        best_epoch,
        test_accuracy,
    )
    plotting.save_figure(figure, folder.learning_curve)


def draw_delays(
    folder: ResultsFolder,
    network: ClassifierNetwork,
    before: Mapping[str, np.ndarray],
    after: Mapping[str, np.ndarray],
    dt: float,
) -> None:
    """``delays.png`` from delays in timesteps, by name of connection."""
    labels = {name: _label(network, name) for name in before}
    caps = {
        label: dt * (network.connections[name].max_delay_steps or 0)
        for name, label in labels.items()
    }
    figure = plotting.plot_delays(
        {label: dt * before[name] for name, label in labels.items()},
        {label: dt * after[name] for name, label in labels.items()},
        caps,
    )
    plotting.save_figure(figure, folder.delays)


def _label(network: ClassifierNetwork, name: str) -> str:
    connection = network.connections[name]
    return f"{connection.source()} → {connection.target()}"
