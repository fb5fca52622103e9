"""mlGeNN's name of :mod:`mlgenn_delays.training.callback_list`."""

from ..training.callback_list import CallbackList

__all__ = [
    "CallbackList",
]
