"""What ranks do in ``test_mpi.py``: ``mpiexec -n 2 python mpi_worker.py TASK FOLDER``."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from trained_networks import TIMESTEPS, describe_recurrent, make_spikes

from mlgenn_delays.callbacks import BestCheckpoint, Callback, Checkpoint
from mlgenn_delays.communicators import MPI, Communicator
from mlgenn_delays.compilers import EventPropCompiler
from mlgenn_delays.serialisers import Numpy

EPOCHS, BATCH_SIZE = 3, 8


def train(communicator: Communicator | None, callbacks=(), validation_callbacks=()):
    """A rank's part of a training with learned delays and regularised spike counts."""
    net, (spikes, labels), held_out = describe_recurrent(), make_spikes(20, 8), make_spikes(6, 8, 5)
    size, rank = (1, 0) if communicator is None else (communicator.num_ranks, communicator.rank)
    own = slice(rank, None, size)
    compiled = EventPropCompiler(
        TIMESTEPS,
        "sparse_categorical_crossentropy",
        reg_lambda_upper=1e-2,
        reg_lambda_lower=1e-2,
        reg_nu_upper=2.0,
        batch_size=BATCH_SIZE,
        delay_learn_conns=[net.xh],
        communicator=communicator,
        num_threads=1,
    ).compile(net.network)
    compiled.train(
        {net.x: spikes[own]},
        {net.y: labels[own]},
        EPOCHS,
        shuffle=False,
        callbacks=["batch_progress_bar", *callbacks],
        validation_callbacks=validation_callbacks,
        validation_x={net.x: held_out[0][own]},
        validation_y={net.y: held_out[1][own]},
    )
    return compiled


def save(path: Path, compiled) -> None:
    """Weights, delays and what the history says, for comparison."""
    record = compiled.history[-1]
    values = {f"p{i}": value for i, value in enumerate(compiled.engine.get_parameters())}
    numbers = [record.loss, record.validation_loss, record.spikes_per_neuron["h"]]
    accuracies = [*record.metrics.values(), *record.validation_metrics.values()]
    np.savez(path, **values, numbers=numbers, accuracies=accuracies)


class At(Callback):
    """Does something after the second batch."""

    def __init__(self, action) -> None:
        self._action = action

    def on_batch_end(self, batch, metrics) -> None:
        if batch == 1:
            self._action()


def fail() -> None:
    raise ZeroDivisionError("of rank 1")


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def main(task: str, folder: Path) -> None:
    communicator = MPI()
    is_last = communicator.rank == communicator.num_ranks - 1
    if task == "train":
        calls = Checkpoint(Numpy(str(folder / "epochs"))), BestCheckpoint(folder / "best.npz")
        save(folder / f"rank{communicator.rank}.npz", train(communicator, calls[:1], calls[1:]))
    elif task == "fail":
        train(communicator, [At(fail)] if is_last else [])
    elif task == "fail alone":
        if is_last:
            fail()
        train(communicator)
    elif task == "interrupt":
        try:
            train(communicator, [At(press_ctrl_c)] if is_last else [])
        except KeyboardInterrupt as error:
            print(f"rank {communicator.rank}: {error}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
