"""Bars that show how far a run is, in terminals, notebooks and files."""

from __future__ import annotations

import sys
import warnings
from time import perf_counter
from typing import Any

#: Time between two updates [s] on a screen, and where the bar goes into a file.
_SCREEN_INTERVAL, _FILE_INTERVAL = 0.1, 30.0

#: Epochs that take longer than this [s] show their batches.
_LONG = 2.0


class EpochBar:
    """One bar over all epochs of a training, that advances with every batch. It is not there before
    the first epoch begins.

    Args:
        num_batches: of an epoch; None: not known
        num_epochs:  of the training; None: not known
        what:        after the number of the epoch, e.g. ``" validation"``
    """

    def __init__(self, num_batches: int | None, num_epochs: int | None, what: str = "") -> None:
        self._num_batches, self._num_epochs, self._what = num_batches, num_epochs, what
        self._bar: Any = None
        self._first: int | None = None
        self._epoch = 0
        self._begun = self._refreshed = perf_counter()
        self._was_long = False

    def begin(self, epoch: int) -> None:
        """An epoch begins; the first one is that with which a run, maybe a resumed one, begins."""
        if self._bar is not None and epoch == self._epoch:
            return
        self._begun, self._epoch = perf_counter(), epoch
        if self._first is None:
            self._first = epoch
        if self._bar is None:
            known = self._num_batches is not None and self._num_epochs is not None
            total = (self._num_batches or 0) * (self._num_epochs or 0) if known else None
            self._bar = _make_bar(total, self._title)
        self._bar.set_description_str(self._title, refresh=False)

    def advance(self, batch: int, text: str) -> None:
        """A batch, counted from 0 in its epoch, is complete.

        Args:
            text: loss and the like
        """
        if self._bar is None:
            self.begin(self._epoch)
        if self._is_long:
            self._bar.set_description_str(self._with_batch(batch), refresh=False)
        self._bar.set_postfix_str(text, refresh=False)
        done = (self._epoch - (self._first or 0)) * (self._num_batches or 0) + batch + 1
        # a resumed epoch starts in the middle
        self._bar.update(done - self._bar.n)

    def show_batch(self, batch: int, what: str, num_batches: int | None) -> None:
        """A batch of another pass over data within the epoch is complete; the bar stays where it
        is.

        Args:
            what:        of the pass, e.g. ``"validation "``
            num_batches: of the pass; None: not known
        """
        if self._bar is not None and self._is_long and self._is_due():
            text = self._with_batch(batch, what, num_batches)
            self._bar.set_description_str(text, refresh=True)

    @property
    def _is_long(self) -> bool:
        """Whether this epoch, or one before, takes long enough to show its batches."""
        self._was_long = self._was_long or perf_counter() - self._begun > _LONG
        return self._was_long

    def _is_due(self) -> bool:
        """Whether to refresh the bar: less often than every batch."""
        now = perf_counter()
        if now - self._refreshed < self._bar.mininterval:
            return False
        self._refreshed = now
        return True

    def _with_batch(self, batch: int, what: str = "", num_batches: int | None = None) -> str:
        total = num_batches if what else self._num_batches
        return f"{self._title}, {what}batch {batch + 1}" + (f"/{total}" if total else "")

    @property
    def _title(self) -> str:
        last = self._last
        if last is None:
            return f"Epoch {self._epoch}{self._what}"
        return f"Epoch {self._epoch:{len(str(last))}d}/{last}{self._what}"

    @property
    def _last(self) -> int | None:
        return None if self._num_epochs is None else (self._first or 0) + self._num_epochs - 1

    def close(self, text: str | None = None, complete: bool = False) -> None:
        """End the bar, keeping its last state on the screen.

        Args:
            text:     what it says at last; None: what it said before
            complete: the training is complete, whether or not it took all its epochs
        """
        if self._bar is None:
            return
        if complete:
            self._bar.total = self._bar.n
        self._bar.set_description_str(self._title, refresh=False)
        if text is not None:
            self._bar.set_postfix_str(text, refresh=False)
        self._bar.close()
        self._bar = None


class BatchBar:
    """A bar over the batches of one pass over data.

    Args:
        num_batches: None: not known
        title:       in front of it
        leave:       whether it stays when it is closed
    """

    def __init__(self, num_batches: int | None, title: str, leave: bool = True) -> None:
        self._bar = _make_bar(num_batches, title, leave)

    def advance(self, batch: int, text: str) -> None:
        """As :meth:`EpochBar.advance`."""
        self._bar.set_postfix_str(text, refresh=False)
        self._bar.update(batch + 1 - self._bar.n)

    def close(self) -> None:
        """End the bar, keeping its last state on the screen."""
        self._bar.close()


def _make_bar(total: int | None, title: str, leave: bool = True) -> Any:
    with warnings.catch_warnings():
        # of notebooks without ipywidgets, where the bar is text
        warnings.filterwarnings("ignore", "IProgress not found")
        from tqdm.auto import tqdm  # slow to load, and not every run shows a bar

    is_notebook = _in_notebook()
    # in notebooks the bar may be a widget, which has its own width
    bar = "{bar}" if is_notebook else "{bar:8}"
    layout = "{desc} {percentage:3.0f}%|" + bar + "| {elapsed}<{remaining}{postfix}"
    on_screen = is_notebook or sys.stderr.isatty()
    return tqdm(
        total=total,
        desc=title,
        unit="batch",
        leave=leave,
        mininterval=_SCREEN_INTERVAL if on_screen else _FILE_INTERVAL,
        dynamic_ncols=True,
        bar_format=None if total is None else layout,
    )


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return hasattr(shell, "kernel")
