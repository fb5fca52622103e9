"""An ``ml_genn.Network`` compiled for training with delayed EventProp."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ml_genn.callbacks import BatchProgressBar
from ml_genn.compilers import CompiledNetwork
from ml_genn.metrics import Metric, default_metrics
from ml_genn.optimisers import Optimiser
from ml_genn.serialisers import Serialiser, default_serialisers
from ml_genn.utils.module import get_object, get_object_mapping
from ml_genn.utils.network import get_underlying_pop
from pygenn import SynapseMatrixConnectivity

from ...compilers.build_settings import BuiltNetwork
from ...engines.base import Batch, ForwardResult
from ...engines.genn.build import load
from ...engines.genn.program_compiler import GeNNNetwork, learn_group
from ...engines.genn.simulation import Simulation
from ...losses import evaluate
from ...training.trial_data import TrialData, prepare
from .callbacks import Callbacks
from .conversion import Conversion


class CompiledDelayNetwork(CompiledNetwork):
    """What :class:`.DelayEventPropCompiler` makes; used like mlGeNN's compiled networks.

    ``with compiled_network:`` loads the GeNN model, with the initial weights and delays.

    Attributes:
        neuron_populations:     population of the ml_genn network -> GeNN group
        connection_populations: connection -> GeNN group, with ``vars["g"]``, ``vars["d"]``
        optimisers:             list of (optimiser, custom updates)
        losses:                 output population -> loss
    """

    def __init__(
        self,
        built: BuiltNetwork,
        conversion: Conversion,
        genn: GeNNNetwork,
        optimiser: Optimiser,
        delay_optimiser: Optimiser,
    ):
        self._conversion = conversion
        self._populations = {p: conversion.populations[p] for p in conversion.populations}
        self._original = {new: old for old, new in self._populations.items()}
        connections = {new: old for old, new in conversion.connections.items()}
        super().__init__(
            genn.model,
            {self._original[p]: g for p, g in zip(built.populations, genn.populations)},
            {connections[c]: g for c, g in zip(built.connections, genn.connections)},
            None,
            built.program.timesteps,
        )
        self._built, self._genn = built, genn
        self._connections = [connections[c] for c in built.connections]
        self.example_timesteps = built.program.timesteps
        self.losses = {
            self._original[built.populations[p.index]]: p.loss for p in built.program.outputs
        }
        updates: dict[str, list[Any]] = {"g": [], "d": []}
        for (_, name), update in genn.optimisers.items():
            updates[name].append(update)
        pairs = [(optimiser, updates["g"]), (delay_optimiser, updates["d"])]
        self.optimisers = [(o, u) for o, u in pairs if u]
        self._simulation: Simulation | None = None

    @property
    def batch_size(self) -> int:
        """Examples per optimiser step."""
        return self._built.program.batch_size

    def __enter__(self) -> CompiledDelayNetwork:
        if CompiledNetwork._context is not None:
            raise RuntimeError("another compiled network is in use, leave its 'with' first")
        load(self._genn, self.num_recording_timesteps if self._records() else None)
        CompiledNetwork._context = self
        for group, values in zip(self._genn.connections, self._built.parameters):
            for name, value in values.items():
                group.vars[name].values = np.ravel(value).astype(np.float32)
                group.vars[name].push_to_device()
        self._simulation = Simulation(self._genn)
        return self

    def __exit__(self, *exception: object) -> None:
        self._simulation = None
        super().__exit__(*exception)

    def adjoint_variables(self, population: Any) -> frozenset[str]:
        """Variables of a population that belong to the backward pass."""
        index = self._built.populations.index(self._populations[population])
        of = self._genn.population_models.get(index)
        if of is None:
            return frozenset()
        return frozenset(name for name, *_ in of.backward_vars + of.history_vars)

    def _records(self) -> bool:
        return any(p.record_spikes for p in self.neuron_populations)

    # -- training and evaluation

    def train(
        self,
        x: Mapping[Any, Any],
        y: Mapping[Any, Any],
        num_epochs: int,
        start_epoch: int = 0,
        shuffle: bool = True,
        metrics: Any = "sparse_categorical_accuracy",
        callbacks: Sequence[Any] | None = None,
        validation_callbacks: Sequence[Any] | None = None,
        validation_split: float = 0.0,
        validation_x: Mapping[Any, Any] | None = None,
        validation_y: Mapping[Any, Any] | None = None,
    ) -> tuple[Any, ...]:
        """Train weights and delays.

        Args:
            x:                    input -> sequence of ``PreprocessedSpikes``
            y:                    output -> labels or targets
            num_epochs:           epochs to train
            start_epoch:          number of the first epoch; the optimisers' step counts from it
            shuffle:              draw the order of examples anew for each epoch, with NumPy's
                                  global generator, as mlGeNN does
            metrics:              as in mlGeNN
            callbacks:            mlGeNN's callbacks; None: a progress bar
            validation_callbacks: the same for validation
            validation_split:     fraction of the examples to validate with
            validation_x, validation_y: examples to validate with

        Returns:
            metrics and the callbacks' data; with validation: metrics, those of validation,
            data of the callbacks, those of validation

        Raises:
            ValueError, TypeError: data that do not fit the network
            RuntimeError: outside ``with compiled_network:``
        """
        data = self._prepare(x, y, "x", "y")
        validation = self._validation(validation_x, validation_y)
        if validation_split != 0.0:
            if validation is not None:
                raise ValueError("validation_split and validation_x cannot both be given")
            data, validation = data.split(validation_split)
        train_metrics = self._metrics(metrics, y)
        size = self.batch_size
        steps = -(-len(data) // size)
        calls = Callbacks(self, _default(callbacks), steps, num_epochs, training=True)
        calls.list.on_train_begin()
        if validation is not None:
            test_metrics = self._metrics(metrics, y)
            test_calls = Callbacks(
                self, _default(validation_callbacks), -(-len(validation) // size), num_epochs
            )
            test_calls.list.on_test_begin()
        step = steps * start_epoch
        for epoch in range(start_epoch, start_epoch + num_epochs):
            order = np.random.permutation(len(data)) if shuffle else None  # noqa: NPY002
            self._begin_epoch(calls, train_metrics, epoch)
            for index, batch in enumerate(data.batches(size, order)):
                calls.begin_batch(index)
                result = self._forward(batch, data, train_metrics, calls)
                self._backward(batch, data, result, calls)
                self._apply_gradients(step)
                step += 1
                calls.end_batch(index, train_metrics)
            calls.list.on_epoch_end(epoch, train_metrics)
            if validation is not None:
                self._begin_epoch(test_calls, test_metrics, epoch)
                self._test(validation, test_metrics, test_calls)
                test_calls.list.on_epoch_end(epoch, test_metrics)
        calls.list.on_train_end(train_metrics)
        if validation is None:
            return train_metrics, calls.list.get_data()
        test_calls.list.on_test_end(test_metrics)
        return train_metrics, test_metrics, calls.list.get_data(), test_calls.list.get_data()

    def evaluate(
        self,
        x: Mapping[Any, Any],
        y: Mapping[Any, Any],
        metrics: Any = "sparse_categorical_accuracy",
        callbacks: Sequence[Any] | None = None,
    ) -> tuple[dict[Any, Any], dict[Any, Any]]:
        """Metrics of a data set, and the callbacks' data; arguments as for :meth:`train`."""
        data = self._prepare(x, y, "x", "y")
        found = self._metrics(metrics, y)
        calls = Callbacks(self, _default(callbacks), -(-len(data) // self.batch_size), 1)
        calls.list.on_test_begin()
        self._begin_epoch(calls, found, 0)
        self._test(data, found, calls)
        calls.list.on_epoch_end(0, found)
        calls.list.on_test_end(found)
        return found, calls.list.get_data()

    def _prepare(
        self, x: Mapping[Any, Any], y: Mapping[Any, Any], x_name: str, y_name: str
    ) -> TrialData:
        if self._simulation is None:
            raise RuntimeError(
                "the network is not loaded, put this inside 'with compiled_network:'"
            )
        return prepare(self._built, self._renamed(x), self._renamed(y), x_name, y_name)

    def _renamed(self, values: Mapping[Any, Any]) -> dict[Any, Any]:
        return {self._conversion[get_underlying_pop(key)]: v for key, v in values.items()}

    def _validation(self, x: Mapping[Any, Any] | None, y: Mapping[Any, Any] | None) -> Any:
        if (x is None) != (y is None):
            raise ValueError("validation_x and validation_y must be given together")
        if x is None or y is None:
            return None
        return self._prepare(x, y, "validation_x", "validation_y")

    def _metrics(self, metrics: Any, y: Mapping[Any, Any]) -> dict[Any, Any]:
        found: dict[Any, Any] = get_object_mapping(
            metrics, y.keys(), Metric, "Metric", default_metrics
        )
        return found

    def _begin_epoch(self, calls: Callbacks, metrics: Mapping[Any, Any], epoch: int) -> None:
        for metric in metrics.values():
            metric.reset()
        calls.list.on_epoch_begin(epoch)

    def _test(self, data: TrialData, metrics: Mapping[Any, Any], calls: Callbacks) -> None:
        for index, batch in enumerate(data.batches(self.batch_size)):
            calls.begin_batch(index)
            self._forward(batch, data, metrics, calls)
            calls.end_batch(index, metrics)

    # -- one batch

    def _forward(
        self, batch: Batch, data: TrialData, metrics: Mapping[Any, Any], calls: Callbacks
    ) -> ForwardResult:
        assert self._simulation is not None
        result = self._simulation.forward(batch, watcher=calls.watcher)
        indices = {p: i for i, p in enumerate(self._built.populations)}
        for key, metric in metrics.items():
            index = indices[self._populations[get_underlying_pop(key)]]
            shape = self._built.program.populations[index].shape
            targets, predicted = data.targets[index][batch.indices], result.readouts[index]
            if targets.ndim > predicted.ndim and index in result.traces:  # for every timestep
                predicted = np.stack([trace.values for trace in result.traces[index]])
            metric.update(targets, predicted.reshape((*predicted.shape[:-1], *shape)), None)
        return result

    def _backward(
        self, batch: Batch, data: TrialData, result: ForwardResult, calls: Callbacks
    ) -> None:
        assert self._simulation is not None
        gradients = {}
        for p in self._built.program.outputs:
            assert p.loss is not None
            targets = data.targets[p.index][batch.indices]
            _, gradients[p.index] = evaluate(p.loss, p, result, targets, self._built.program)
        self._simulation.backward(gradients, watcher=calls.backward_watcher)

    def _apply_gradients(self, step: int) -> None:
        for optimiser, updates in self.optimisers:
            for update in updates:
                optimiser.set_step(update, step)
        for index, name in self._genn.optimisers:
            connection = self._built.program.connections[index]
            self.genn_model.custom_update(learn_group(connection, name))

    # -- checkpoints

    def save(self, keys: tuple[Any, ...] = (), serialiser: Any = "numpy") -> None:
        """Write weights and learned delays, as mlGeNN's compiled networks do.

        Args:
            keys:       name the checkpoint, e.g. ``(epoch,)``
            serialiser: ml_genn serialiser or its name
        """
        writer = get_object(serialiser, Serialiser, "Serialiser", default_serialisers)
        for index, name in self._genn.optimisers:
            group = self._genn.connections[index]
            if group.matrix_type & SynapseMatrixConnectivity.SPARSE:
                group.pull_connectivity_from_device()
            group.vars[name].pull_from_device()
            writer.serialise((*keys, self._connections[index], name), group.vars[name].values)

    def save_connectivity(self, keys: tuple[Any, ...] = (), serialiser: Any = "numpy") -> None:
        """Write the synapses of sparse connections; arguments as for :meth:`save`."""
        writer = get_object(serialiser, Serialiser, "Serialiser", default_serialisers)
        for connection, program in zip(self._connections, self._built.program.connections):
            if program.is_sparse:
                writer.serialise((*keys, connection, "pre_ind"), program.pre_ind)
                writer.serialise((*keys, connection, "post_ind"), program.post_ind)


def _default(callbacks: Sequence[Any] | None) -> list[Any]:
    return [BatchProgressBar()] if callbacks is None else list(callbacks)
