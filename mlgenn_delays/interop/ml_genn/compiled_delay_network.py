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

from ...callbacks import SpikeStatistics
from ...engines.base import Moments
from ...engines.genn.engine import GennEngine, get_values
from ...engines.genn.program_compiler import GeNNNetwork, learn_group
from ...engines.turns import InTurn, Turn
from ...program.exchange import Batch, ForwardResult, RecordRequest, UpdateRule
from ...training.built_network import BuiltNetwork
from ...training.compiled_network import find_population
from ...training.data import TrialData, prepare, prepare_with_validation
from ...training.learning_network import check_outcome, evaluate_losses
from ...training.loop import TrainingLoop
from ...training.recording import SpikeCounts
from ...training.resumption import Resumption
from ...training.run_state import EpochRecord, RunState
from ...training.trainable import NotFinite, Pass, test_batch
from .callbacks import Callbacks
from .conversion import Conversion


class MlGennEngine(GennEngine):
    """GeNN engine whose parameters are updated by mlGeNN's optimisers, as its custom updates.

    Args:
        network:                 GeNN model with the custom updates
        optimisers:              each with the learned parameters that it updates
        num_recording_timesteps: length of a trial, where GeNN's own recording is used
    """

    def __init__(
        self,
        network: GeNNNetwork,
        optimisers: Sequence[tuple[Optimiser, Sequence[int]]],
        num_recording_timesteps: int | None,
    ):
        self._optimisers = optimisers
        super().__init__(
            network.program, network=network, num_recording_timesteps=num_recording_timesteps
        )

    def apply_gradients(
        self,
        rules: Mapping[int, UpdateRule],
        step: int,
        gradients: Mapping[int, np.ndarray] | None = None,
    ) -> bool:
        for optimiser, parameters in self._optimisers:
            for parameter in parameters:
                optimiser.set_step(self.network.optimisers[parameter], step)
        for parameter in self.learned:
            self.network.model.custom_update(learn_group(parameter))
        self._own_moments.update(self.learned)
        return self._are_finite(self.learned)

    def _read_moments(self, parameter: int) -> Moments:
        update = self.network.optimisers[parameter]
        return {name: get_values(update, name) for name in update.vars}


class CompiledDelayNetwork(InTurn, CompiledNetwork):
    """What :class:`.DelayEventPropCompiler` makes; used like mlGeNN's compiled networks.

    ``with compiled_network:`` loads the GeNN model, with the initial weights and delays. Calls from
    several threads wait for one another.

    Attributes:
        program:                what was compiled
        neuron_populations:     population of the ml_genn network -> GeNN group
        connection_populations: connection -> GeNN group, with ``vars["g"]``, ``vars["d"]``
        optimisers:             list of (optimiser, custom updates)
        losses:                 output population -> loss
        history:                list of :class:`.EpochRecord`, of the last call of ``train``
        spike_statistics:       :class:`.SpikeStatistics` of the last call of ``train``, so far
        spike_counts:           population -> (examples, neurons) of the last batch
    """

    def __init__(
        self,
        built: BuiltNetwork,
        conversion: Conversion,
        genn: GeNNNetwork,
        optimisers: Sequence[tuple[Optimiser, Sequence[int]]],
    ):
        self.turn = Turn()
        self._conversion = conversion
        originals = {new: old for old, new in conversion.populations.items()}
        connections = {new: old for old, new in conversion.connections.items()}
        populations = [originals[p] for p in built.populations]
        self._connections = [connections[c] for c in built.connections]
        super().__init__(
            genn.model,
            dict(zip(populations, genn.populations, strict=True)),
            dict(zip(self._connections, genn.connections, strict=True)),
            None,
            built.program.timesteps,
        )
        self._built, self._genn = built, genn
        self._indices = {p: i for i, p in enumerate(populations)}
        self._optimised = optimisers
        self.program = built.program
        self.example_timesteps = built.program.timesteps
        self.losses = {populations[index]: loss for index, loss in built.losses.items()}
        self.optimisers = [(o, [genn.optimisers[i] for i in ps]) for o, ps in optimisers]
        self.stop_training = False
        self.history: list[EpochRecord] = []
        self.spike_statistics = SpikeStatistics()
        self.spike_counts: Mapping[Any, np.ndarray] = {}
        self._engine: MlGennEngine | None = None

    @property
    def batch_size(self) -> int:
        """Examples per optimiser step."""
        return self.program.batch_size

    @property
    def engine(self) -> MlGennEngine:
        """The engine that runs the network.

        Raises:
            RuntimeError: outside ``with compiled_network:``
        """
        if self._engine is None:
            raise RuntimeError(
                "the network is not loaded, put this inside 'with compiled_network:'"
            )
        return self._engine

    def population_index(self, population: Any) -> int:
        """Index of a population or layer in ``program.populations``.

        Raises:
            ValueError: a population of another network
        """
        return find_population(self._indices, get_underlying_pop(population))

    def __enter__(self) -> CompiledDelayNetwork:
        if CompiledNetwork._context is not None:
            raise RuntimeError("another compiled network is in use, leave its 'with' first")
        records = any(p.record_spikes for p in self.program.populations)
        timesteps = self.num_recording_timesteps if records else None
        self._engine = MlGennEngine(self._genn, self._optimised, timesteps)
        self._engine.turn = self.turn
        CompiledNetwork._context = self
        return self

    def __exit__(self, *exception: object) -> None:
        self._engine = None
        super().__exit__(*exception)

    def adjoint_variables(self, population: Any) -> frozenset[str]:
        """Variables of a population that belong to the backward pass."""
        of = self._genn.population_models.get(self.population_index(population))
        if of is None:
            return frozenset()
        return frozenset(name for name, *_ in of.backward_vars + of.history_vars)

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
            data of the callbacks, those of validation; ``history`` has what happened in each epoch

        Raises:
            ValueError, TypeError: data that do not fit the network
            RuntimeError: outside ``with compiled_network:``
            TrainingDiverged: loss, predictions or parameters are not finite
            KeyboardInterrupt: Ctrl-C was pressed; the batch that was running is complete
        """
        data, validation = prepare_with_validation(
            self._prepare, x, y, validation_split, validation_x, validation_y
        )
        training = self._create_pass(data, y, metrics, callbacks, num_epochs, training=True)
        tested = None
        if validation is not None:
            tested = self._create_pass(validation, y, metrics, validation_callbacks, num_epochs)
        num_batches = data.num_batches(self.batch_size)
        state = RunState(epoch=start_epoch, num_batches=num_batches, shuffle=shuffle)
        statistics = SpikeStatistics()
        statistics.set_params(compiled_network=self)
        self.stop_training = False
        order = _global_order if shuffle else None
        loop = TrainingLoop(self, training, tested, state, order, statistics)
        self.history = loop.history
        self.spike_statistics = statistics
        loop.run(num_epochs)
        if tested is None:
            return training.metrics, training.callbacks.get_data()
        recorded = training.callbacks.get_data(), tested.callbacks.get_data()
        return training.metrics, tested.metrics, *recorded

    def evaluate(
        self,
        x: Mapping[Any, Any],
        y: Mapping[Any, Any],
        metrics: Any = "sparse_categorical_accuracy",
        callbacks: Sequence[Any] | None = None,
    ) -> tuple[dict[Any, Any], dict[Any, Any]]:
        """Metrics of a data set, and the callbacks' data; arguments as for :meth:`train`."""
        part = self._create_pass(self._prepare(x, y, "x", "y"), y, metrics, callbacks, 1)
        calls = part.callbacks
        calls.on_test_begin()
        part.reset_metrics()
        calls.on_epoch_begin(0)
        for index, batch in enumerate(part.data.batches(self.batch_size)):
            test_batch(self, index, batch, part.data, part.metrics, calls)
        calls.on_epoch_end(0, part.metrics)
        calls.on_test_end(part.metrics)
        return part.metrics, calls.get_data()

    def _prepare(
        self, x: Mapping[Any, Any], y: Mapping[Any, Any], x_name: str, y_name: str
    ) -> TrialData:
        self.engine  # noqa: B018 (an error where the network is not loaded)
        return prepare(self._built, self._renamed(x), self._renamed(y), x_name, y_name)

    def _renamed(self, values: Mapping[Any, Any]) -> dict[Any, Any]:
        return {self._conversion[get_underlying_pop(key)]: v for key, v in values.items()}

    def _create_pass(
        self,
        data: TrialData,
        y: Mapping[Any, Any],
        metrics: Any,
        callbacks: Sequence[Any] | None,
        num_epochs: int,
        training: bool = False,
    ) -> Pass[Callbacks]:
        measured = get_object_mapping(metrics, y.keys(), Metric, "Metric", default_metrics)
        given = [BatchProgressBar()] if callbacks is None else list(callbacks)
        num_batches = data.num_batches(self.batch_size)
        names = {key: self.program.populations[self.population_index(key)].name for key in y}
        calls = Callbacks(self, given, num_batches, num_epochs, len(data), training)
        return Pass(data, measured, names, calls)

    # -- one batch, as the training loop has it

    def begin_epoch(self, epoch: int) -> None:
        """See :meth:`.Trainable.begin_epoch`."""

    def step(
        self, number: int, batch: Batch, data: TrialData, requests: Sequence[RecordRequest] = ()
    ) -> tuple[np.ndarray, ForwardResult]:
        """See :meth:`.Trainable.step`."""
        result = self._forward(batch)
        losses, gradients = evaluate_losses(self._built, result, data, batch)
        check_outcome(result, losses)
        self.engine.backward(gradients)
        finite = self.engine.apply_gradients({}, number)
        problem = None if finite else self.find_not_finite()
        if problem is not None:
            raise NotFinite(problem, step_applied=True)
        return losses, result

    def test(
        self, batch: Batch, data: TrialData, requests: Sequence[RecordRequest] = ()
    ) -> tuple[np.ndarray | None, ForwardResult]:
        """See :meth:`.Trainable.test`."""
        result = self._forward(batch)
        return evaluate_losses(self._built, result, data, batch)[0], result

    def _forward(self, batch: Batch) -> ForwardResult:
        result = self.engine.forward(batch)
        self.spike_counts = SpikeCounts(self._indices, batch, result)
        return result

    def update_metrics(
        self, metrics: Mapping[Any, Any], data: TrialData, batch: Batch, result: ForwardResult
    ) -> None:
        """See :meth:`.Trainable.update_metrics`."""
        for key, metric in metrics.items():
            index = self.population_index(key)
            shape = self.program.populations[index].shape
            targets, predicted = data.targets[index][batch.indices], result.readouts[index]
            if targets.ndim > predicted.ndim and index in result.traces:  # for every timestep
                predicted = np.stack([trace.values for trace in result.traces[index]])
            metric.update(targets, predicted.reshape((*predicted.shape[:-1], *shape)), None)

    def end_epoch(self) -> None:
        """See :meth:`.Trainable.end_epoch`."""

    def find_not_finite(self) -> str | None:
        """See :meth:`.Trainable.find_not_finite`."""
        return self.engine.find_not_finite()

    def restore(self, resumption: Resumption) -> None:
        """Saved states of training belong to networks of this package's own compilers."""
        raise NotImplementedError

    # -- checkpoints

    def save(self, keys: tuple[Any, ...] = (), serialiser: Any = "numpy") -> None:
        """Write weights and learned delays, as mlGeNN's compiled networks do.

        Args:
            keys:       name the checkpoint, e.g. ``(epoch,)``
            serialiser: ml_genn serialiser or its name
        """
        writer = get_object(serialiser, Serialiser, "Serialiser", default_serialisers)
        for parameter in self._genn.optimisers:
            spec = self.program.parameters[parameter]
            group = self._genn.connections[spec.owner.index]
            if group.matrix_type & SynapseMatrixConnectivity.SPARSE:
                group.pull_connectivity_from_device()
            variable = group.vars[spec.name]
            variable.pull_from_device()
            connection = self._connections[spec.owner.index]
            writer.serialise((*keys, connection, spec.name), variable.values)

    def save_connectivity(self, keys: tuple[Any, ...] = (), serialiser: Any = "numpy") -> None:
        """Write the synapses of sparse connections; arguments as for :meth:`save`."""
        writer = get_object(serialiser, Serialiser, "Serialiser", default_serialisers)
        for connection, program in zip(self._connections, self.program.connections, strict=True):
            if program.is_sparse:
                writer.serialise((*keys, connection, "pre_ind"), program.pre_ind)
                writer.serialise((*keys, connection, "post_ind"), program.post_ind)


def _global_order(epoch: int, size: int) -> np.ndarray:
    return np.random.permutation(size)  # noqa: NPY002 (as mlGeNN does)
