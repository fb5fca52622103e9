"""Running a compiled network without changing it: metrics and predictions."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..checks import check_sequence
from ..engines.turns import at_any_time
from ..layer import get_underlying_pop
from ..metrics import Metric, default_metrics
from ..program.exchange import Batch, ForwardResult, RecordRequest, Trace
from ..program.timing import spike_times
from ..registry import get_object_mapping
from .callback_list import CallbackList
from .compiled_network import PROGRESS_BAR, CompiledNetwork
from .data import TrialData, prepare, prepare_inputs, time_range
from .diagnosis import find_early_times
from .ranks import on_all_ranks
from .trainable import test_batch
from .watch import TrialWatch


class CompiledInferenceNetwork(CompiledNetwork):
    """A network that predicts. Every batch starts from the initial state."""

    def evaluate(
        self,
        x: Mapping[Any, Any],
        y: Mapping[Any, Any],
        metrics: Any = "sparse_categorical_accuracy",
        callbacks: Sequence[Any] = PROGRESS_BAR,
    ) -> tuple[dict[Any, Metric], dict[Any, Any]]:
        """Compute metrics of predictions for a data set. With a communicator, all ranks call this,
        each with data of its own; metrics are those of all.

        Args:
            x:         input population or layer -> sequence of ``PreprocessedSpikes``,
                       an ``EventDataset``, or a data set of structured events (tonic's)
            y:         output population or layer -> labels or targets, or the data set that
                       has labels beside its structured events
            metrics:   metric, its name, or a dictionary with one per key of ``y``
            callbacks: callbacks or their names

        Returns:
            metrics by key of ``y``, and the data that callbacks recorded

        Raises:
            ValueError: a data set that does not fit the network (see ``training.data.prepare``).

        Warns once (:class:`.Caution`) of layers without spikes, outputs that do not differ between
        trials and spike times that look like seconds.
        """
        return self._evaluate(x, y, metrics, callbacks)

    @on_all_ranks
    def _evaluate(
        self,
        x: Mapping[Any, Any],
        y: Mapping[Any, Any],
        metrics: Any,
        callbacks: Sequence[Any],
        one_batch: bool = False,
    ) -> tuple[dict[Any, Metric], dict[Any, Any]]:
        data = self._prepare(x, y)
        if one_batch:
            self._check_one_batch(data)
        self.ranks.check_same("data", {"batches": data.num_batches(self.batch_size)})
        measured = self._create_metrics(metrics, data)
        callback_list = self._callback_list(callbacks, data.num_batches(self.batch_size))
        parts = ((data, batch) for batch in data.batches(self.batch_size))
        return self._run_test(parts, measured, callback_list)

    def evaluate_batch(
        self,
        x: Mapping[Any, Any],
        y: Mapping[Any, Any],
        metrics: Any = "sparse_categorical_accuracy",
        callbacks: Sequence[Any] = (),
    ) -> tuple[dict[Any, Metric], dict[Any, Any]]:
        """Like :meth:`evaluate` for a single batch: at most ``batch_size`` examples."""
        return self._evaluate(x, y, metrics, callbacks, one_batch=True)

    @on_all_ranks
    def evaluate_batch_iter(
        self,
        inputs: Any,
        outputs: Any,
        data: Iterable[tuple[Any, Any]],
        num_batches: int | None = None,
        metrics: Any = "sparse_categorical_accuracy",
        callbacks: Sequence[Any] = PROGRESS_BAR,
    ) -> tuple[dict[Any, Metric], dict[Any, Any]]:
        """Like :meth:`evaluate` for data that arrive batch by batch.

        Args:
            inputs:      input population, or a sequence of them
            outputs:     output population, or a sequence of them
            data:        yields (inputs, targets) of a batch: sequences of examples, or with
                         several populations one such sequence per population
            num_batches: how many batches ``data`` yields, for the progress bar
            metrics:     as in :meth:`evaluate`
            callbacks:   as in :meth:`evaluate`
        """
        input_keys, output_keys = _as_sequence(inputs), _as_sequence(outputs)
        measured = get_object_mapping(metrics, output_keys, Metric, "Metric", default_metrics)
        callback_list = self._callback_list(callbacks, num_batches)

        def parts() -> Iterator[tuple[TrialData, Batch]]:
            for batch_x, batch_y in data:
                part = self._prepare(
                    _by_key(input_keys, batch_x, "inputs"),
                    _by_key(output_keys, batch_y, "targets"),
                )
                self._check_one_batch(part)
                yield part, part.batches(self.batch_size)[0]

        return self._run_test(parts(), measured, callback_list)

    def _run_test(
        self,
        parts: Iterable[tuple[TrialData, Batch]],
        metrics: dict[Any, Metric],
        callbacks: CallbackList,
    ) -> tuple[dict[Any, Metric], dict[Any, Any]]:
        """Test batch by batch, each with the data that it is of."""
        self._begin_test()
        watch = TrialWatch(self._built, fixed=True)
        callbacks.on_test_begin()
        try:
            for index, (data, batch) in enumerate(parts):
                losses, result = test_batch(self, index, batch, data, metrics, callbacks)
                self._add_losses(losses)
                watch.see(data, batch, result)
        finally:
            callbacks.on_test_end(metrics)
        watch.say_silent(self._say)
        watch.say_constant(self._say)
        return metrics, callbacks.get_data()

    def predict(
        self,
        x: Mapping[Any, Any],
        outputs: Any,
        callbacks: Sequence[Any] = PROGRESS_BAR,
    ) -> tuple[dict[Any, np.ndarray], dict[Any, Any]]:
        """Compute what output populations read out.

        Args:
            x:         input population or layer -> sequence of ``PreprocessedSpikes``
            outputs:   output population or layer, or a sequence of them
            callbacks: callbacks or their names

        Returns:
            output -> (examples, neurons), and the data that callbacks recorded
        """
        keys = _as_sequence(outputs)
        for key in keys:
            self._check_output(key)
        data = prepare_inputs(self._built, x, num_threads=self.engine.num_threads)
        self._say_early_times(data, "x")
        callback_list = self._callback_list(callbacks, data.num_batches(self.batch_size))
        self._begin_test()
        predictions: dict[Any, list[np.ndarray]] = {key: [] for key in keys}
        callback_list.on_test_begin()
        try:
            for index, batch in enumerate(data.batches(self.batch_size)):
                callback_list.on_batch_begin(index)
                requests = callback_list.recording_requests(index, self.batch_size)
                result, _ = self.forward(batch, requests)
                for key, parts in predictions.items():
                    parts.append(np.array(result.readouts[self.population_index(key)]))
                callback_list.on_batch_end(index, {})
        finally:
            callback_list.on_test_end({})
        joined = {key: np.concatenate(parts) for key, parts in predictions.items()}
        return joined, callback_list.get_data()

    def _prepare(
        self,
        x: Mapping[Any, Any],
        y: Mapping[Any, Any],
        x_name: str = "x",
        y_name: str = "y",
    ) -> TrialData:
        data = prepare(self._built, x, y, x_name, y_name, self.engine.num_threads)
        self._say_early_times(data, x_name)
        return data

    def _say_early_times(self, data: TrialData, name: str) -> None:
        for index, events in data.inputs.items():
            population = self.program.populations[index].name
            times = *time_range(events), len(events.times)
            label = f"{name}[{population!r}]"
            for sentence in find_early_times(*times, self.program.duration, label):
                self._say(("early times", population), sentence)

    def _check_output(self, key: Any) -> None:
        population = get_underlying_pop(key)
        if self._indices.get(population) not in [p.index for p in self.program.outputs]:
            raise ValueError(
                f"outputs has {population.name!r}, which is no output population of the network; "
                f"allowed are {', '.join(repr(p.name) for p in self.program.outputs)}"
            )

    def _check_one_batch(self, data: TrialData) -> None:
        if len(data) > self.batch_size:
            raise ValueError(
                f"x has {len(data)} examples, a batch has at most batch_size = {self.batch_size}"
            )

    def _create_metrics(self, metrics: Any, data: TrialData) -> dict[Any, Metric]:
        return get_object_mapping(
            metrics, list(data.keys.values()), Metric, "Metric", default_metrics
        )

    def _begin_test(self) -> None:
        """For networks that know a loss."""

    def _add_losses(self, losses: np.ndarray | None) -> None:
        """For networks that know a loss."""

    def test(
        self, batch: Batch, data: TrialData, requests: Sequence[RecordRequest] = ()
    ) -> tuple[np.ndarray | None, ForwardResult]:
        """Run one batch forwards.

        Returns:
            (examples,) losses, None where the network knows no loss; outcome of the pass
        """
        return None, self.forward(batch, requests)[0]

    @at_any_time
    def update_metrics(
        self, metrics: Mapping[Any, Metric], data: TrialData, batch: Batch, result: ForwardResult
    ) -> None:
        """Add the predictions of a batch to every output's metric.

        The prediction for a target over time (examples, timesteps, outputs) is the voltage after
        every timestep of the readout's window, where the loss keeps it; for any other target it
        is the readout.
        """
        for index, all_targets in data.targets.items():
            targets = all_targets[batch.indices]
            predicted = result.readouts[index]
            if targets.ndim > predicted.ndim and index in result.traces:
                predicted = _voltages(result.traces[index], targets.shape[1])
                readout = self.program.populations[index].readout
                assert readout is not None
                steps = readout.steps(targets.shape[1])
                targets, predicted = targets[:, steps], predicted[:, steps]
            metrics[data.keys[index]].update(targets, predicted, self.ranks.others)


def _voltages(traces: Sequence[Trace], timesteps: int) -> np.ndarray:
    """Voltage at the end of every timestep, (examples, timesteps, outputs)."""
    if all(len(trace.times) == timesteps for trace in traces):
        return np.stack([trace.values for trace in traces])
    duration = float(np.sum(traces[0].weights))
    times = spike_times(np.arange(timesteps), duration / timesteps)
    return np.stack(
        [
            np.stack([np.interp(times, trace.times, v) for v in trace.values.T], axis=1)
            for trace in traces
        ]
    )


def _as_sequence(keys: Any) -> tuple[Hashable, ...]:
    is_sequence = isinstance(keys, Sequence) and not isinstance(keys, str)
    return tuple(keys) if is_sequence else (keys,)


def _by_key(keys: Sequence[Hashable], values: Any, what: str) -> dict[Hashable, Any]:
    if len(keys) == 1:
        return {keys[0]: values}
    values = tuple(check_sequence(values, f"data: {what}", "one sequence per population"))
    if len(values) != len(keys):
        raise ValueError(
            f"data yields {what} of {len(values)} populations, there should be {len(keys)}"
        )
    return dict(zip(keys, values, strict=True))
