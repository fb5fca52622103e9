"""What a run leaves besides its record: recorded test trials and pictures."""

from __future__ import annotations

import numpy as np

from ..plotting import unseen
from . import pictures
from .checkpoints import get_delays
from .evaluation import TestResult
from .metrics_table import MetricsTable
from .prepare import Prepared
from .record import RunRecord
from .results import ResultsFolder, write_arrays
from .task import TaskData

#: Files about the test alone.
TEST_FILES = ("spikes.npz", "raster.png", "confusion.png")


def write_outputs(
    folder: ResultsFolder,
    prepared: Prepared,
    record: RunRecord,
    test: TestResult | None,
    table: MetricsTable,
) -> None:
    """Write recorded trials and pictures of a run.

    Raises:
        OSError: a file cannot be written.
    """
    compiled, network = prepared.compiled, prepared.network
    dt = compiled.program.dt
    if test is not None:
        write_test(folder, prepared.data, test, dt)
    with unseen():
        if test is not None:
            prepared.observer.draw(folder.path, compiled, test)
        pictures.draw_training(folder, table, record.best_epoch, record.test_accuracy)
        after = get_delays(network, compiled)
        pictures.draw_delays(folder, network, prepared.delays_before, after, dt)


def write_test(folder: ResultsFolder, data: TaskData, test: TestResult, dt: float) -> None:
    """Write recorded trials and pictures of a test.

    Raises:
        OSError: a file cannot be written.
    """
    recorded = len(test.recording.voltages)
    arrays = {
        **test.recording.to_arrays(),
        "labels": test.labels[:recorded],
        "predictions": test.predictions[:recorded],
        "class_names": np.array(data.class_names),
        "dt_ms": np.array(dt),
    }
    write_arrays(folder.spikes, arrays)
    with unseen():
        pictures.draw_test(folder, data, test, dt)
