"""Base class of callbacks."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

import numpy as np

from ..checks import describe
from ..program.exchange import count_batch


class Callback:
    """Base class for all callbacks. Subclasses define those of these methods they need:

    ``set_params(data, compiled_network, num_batches, num_epochs)``
        before everything else; ``data`` is a dictionary shared by the callbacks of a list
    ``set_first()``
        told to the first of several callbacks of one class
    ``on_train_begin()``, ``on_train_end(metrics)``, ``on_test_begin()``, ``on_test_end(metrics)``
        around training, around validation or evaluation; the ends come after errors, too
    ``on_epoch_begin(epoch)``, ``on_epoch_end(epoch, metrics)``
        metrics are a dictionary, output -> :class:`.Metric`
    ``on_batch_begin(batch)``, ``on_batch_end(batch, metrics)``
        batches are counted from 0 in each epoch
    ``recording_request(batch, batch_size) -> RecordRequest | None``
        before each batch: what to record; ``compiled_network.recording`` has it in
        ``on_batch_end``, in rows where ``compiled_network.recorded_examples`` is True
    ``get_data() -> (key, data)``
        what training or evaluation returns
    ``state_dict() -> dict``, ``load_state_dict(state)``
        arrays and numbers that must survive a stop. ``load_state_dict`` raises ValueError, or
        whatever it will, where it is given something else; before a stopped training goes on, it
        is called once to find that out, and then with what ``state_dict`` gave before

    Engines run whole trials, so there is no ``on_timestep_begin`` or ``on_timestep_end``.
    """

    #: Callback lists work on a copy, because the object holds data of one list
    copy_for_list: ClassVar[bool] = False

    #: Where several processes train together, only rank 0 has the callback (it writes, or shows
    #: something). It must have no ``state_dict``, and do nothing that all ranks have to do
    first_rank_only: ClassVar[bool] = False


def is_first_rank(compiled_network: Any) -> bool:
    """Whether this process is the one that writes and shows things."""
    communicator = getattr(compiled_network, "communicator", None)
    return communicator is None or communicator.rank == 0


def count_spikes(compiled_network: Any, population: Any) -> tuple[np.ndarray, int]:
    """Spikes of each neuron in the last batch trained with, (neurons,), and its number of examples:
    of all processes that train together."""
    return count_batch(
        compiled_network.population_index(population),
        compiled_network.spike_counts[population],
        getattr(compiled_network, "whole_batch", None),
    )


def metric_value(who: str, metric: Any, metrics: Mapping[Any, Any]) -> float:
    """Value of one of several metrics.

    Args:
        who:     class of the callback, for messages
        metric:  output, or a function of the dictionary of metrics; None: the first output
        metrics: output -> :class:`.Metric`

    Raises:
        ValueError: there is no such output, or its metric has no value
    """
    if callable(metric):
        try:
            return float(metric(metrics))
        except (TypeError, ValueError, OverflowError) as error:
            raise TypeError(
                f"{who}: metric, {describe(metric)}, should take a dictionary of metrics and "
                "return a number"
            ) from error
    output = next(iter(metrics), None) if metric is None else metric
    if not isinstance(output, Hashable) or output not in metrics:
        raise ValueError(
            f"{who}: metric is {describe(metric)}, allowed are the outputs "
            f"{', '.join(str(m) for m in metrics)}"
        )
    result = metrics[output].result
    if result is None:
        raise ValueError(
            f"{who}: {type(metrics[output]).__name__} of output '{output}' has no value"
        )
    return float(result)


def saved_counts(value: Any, name: str, size: int) -> np.ndarray:
    """Counts of ``size`` neurons from a saved state, (neurons,) int64, a copy.

    Raises:
        ValueError: something else; the message has the ``name``
    """
    counts = np.atleast_1d(np.asarray(value))
    if counts.shape != (size,) or counts.dtype.kind not in "iu" or np.any(counts < 0):
        raise ValueError(
            f"{name} should be {size} whole numbers of at least 0, they have shape {counts.shape} "
            f"and type {counts.dtype}"
        )
    return counts.astype(np.int64)
