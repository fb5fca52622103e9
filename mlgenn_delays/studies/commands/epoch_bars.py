"""A progress bar per epoch, for a single run on a terminal."""

from __future__ import annotations

import sys
from typing import Any

from ..progress import Progress, RunProgress

#: Time between two updates [s] where the bar goes into a file.
_FILE_INTERVAL = 30.0


class EpochBars(RunProgress):
    """Shows loss, accuracy and spikes per neuron while batches go by, and, when the epoch is over,
    the results of its validation."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._epoch = -1
        self._description = ""

    def on_batch(self, progress: Progress) -> None:
        if self._bar is None or progress.epoch != self._epoch:
            self._start(progress)
        self._description = _describe(progress)
        self._bar.set_description_str(self._description, refresh=False)
        # a resumed epoch starts in the middle
        self._bar.update(progress.batch - self._bar.n)

    def on_epoch(self, progress: Progress) -> None:
        if self._bar is not None:
            text = (
                f"{self._description} | validation loss {progress.validation_loss:.3f} "
                f"accuracy {progress.validation_accuracy:.1%}"
            )
            self._bar.set_description_str(text, refresh=False)
        self.on_end()

    def on_end(self) -> None:
        """End the bar, keeping its last state on the screen."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _start(self, progress: Progress) -> None:
        from tqdm import tqdm

        self.on_end()
        self._epoch = progress.epoch
        last = progress.num_epochs - 1
        title = f"Epoch {progress.epoch:{len(str(last))}d}/{last}"
        interval = 0.1 if sys.stderr.isatty() else _FILE_INTERVAL
        self._bar = tqdm(
            total=progress.num_batches,
            mininterval=interval,
            dynamic_ncols=True,
            bar_format=title + " {percentage:3.0f}%|{bar:12}| {elapsed}<{remaining} {desc}",
        )


def _describe(progress: Progress) -> str:
    spikes = " + ".join(f"{value:.2f}" for value in progress.spikes_per_neuron.values())
    activity = f" spikes/neuron {spikes}" if spikes else ""
    return f"loss {progress.loss:.3f} accuracy {progress.accuracy:.1%}{activity}"
