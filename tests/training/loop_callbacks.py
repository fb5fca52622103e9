"""Callbacks that observe and disturb the training loop."""

from __future__ import annotations

import os
import signal

from mlgenn_delays.callbacks import Callback


class Log(Callback):
    """Writes down which of its methods are called."""

    def __init__(self, log, name=""):
        self._log, self._name = log, name

    def __getattr__(self, method):
        if not method.startswith("on_") or "timestep" in method:
            raise AttributeError(method)
        return lambda *args: self._log.append((self._name + method, *args[:1]))


def names(log):
    """The methods in a log, in order."""
    return [entry[0] for entry in log]


class PressCtrlC(Callback):
    """Presses Ctrl-C in a batch of an epoch."""

    def __init__(self, epoch, batch):
        self._when, self._epoch = (epoch, batch), None

    def on_epoch_begin(self, epoch):
        self._epoch = epoch

    def on_batch_begin(self, batch):
        if (self._epoch, batch) == self._when:
            os.kill(os.getpid(), signal.SIGINT)
