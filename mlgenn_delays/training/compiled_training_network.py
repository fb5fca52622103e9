"""A network that learns."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from ..callbacks import SpikeStatistics, WakeSilentNeurons
from ..cautions import are_heard
from ..checks import check_flag, check_whole_number
from ..events.augmentation import Augmentation
from ..optimisers import Optimiser
from ..population import Population
from ..registry import get_object
from ..serialisers import Serialiser, default_serialisers
from .augmented_epochs import AugmentedEpochs
from .built_network import BuiltNetwork, describe_network
from .callback_list import CallbackList
from .compiled_network import PROGRESS_BAR
from .data import TrialData, prepare_with_validation, with_labels
from .history import History
from .learning_network import LearningNetwork
from .loop import TrainingLoop
from .ranks import Ranks, array_digest, on_all_ranks
from .resumption import Resumption
from .run_state import RunState
from .state import State, number_attributes, pack, pack_again, read_state, section
from .state_checks import check_state, warn
from .trainable import Pass
from .variables import NeuronGroup, SynapseGroup
from .watch import TrainingWatch

logger = logging.getLogger(__name__)

#: Epochs of a run; steps of the optimiser are numbered in 64 bits.
MAX_EPOCHS = 2**31

#: Keeps shuffling apart from other uses of the same seed.
SHUFFLE_STREAM = 0x5EED

_AUGMENTATION_WAITS = (
    "augmentation calls the network that is being trained, which waits for it; use another one "
    "or a copy of its parameters"
)


def epoch_order(rng_seed: int, epoch: int, size: int) -> np.ndarray:
    """Order of the examples in an epoch, (size,): depends on seed and epoch alone, so
    that a resumed run needs no random state."""
    return np.random.default_rng([rng_seed, SHUFFLE_STREAM, epoch]).permutation(size)


class CompiledTrainingNetwork(LearningNetwork):
    """A network that learns with EventProp, and predicts with what it has learnt so far.

    Args:
        built, backend, num_threads, optimisers, ranks: see :class:`.LearningNetwork`
        delay_optimiser: the optimiser of delays, also where none are learned
        rng_seed:        seed of the order in which examples are presented

    Attributes:
        delay_optimiser: as given
        rng_seed:        as given
        history:         :class:`.History`, a list of :class:`.EpochRecord`, of the current (or
                         last) call of ``train``; where there is validation, its last callback
                         ``on_epoch_end`` finds the record of that epoch in it
        spike_statistics: :class:`.SpikeStatistics` of the current (or last) call of ``train``, so
                         far: spikes per neuron and silent neurons by layer; empty before the first
        stop_training:   set to True by a callback: training ends after the running epoch
                         and its validation
    """

    def __init__(
        self,
        built: BuiltNetwork,
        backend: str,
        num_threads: int | None,
        optimisers: Sequence[tuple[Optimiser, Sequence[int]]],
        delay_optimiser: Optimiser,
        rng_seed: int,
        ranks: Ranks | None = None,
    ) -> None:
        super().__init__(built, backend, num_threads, optimisers, ranks)
        self.delay_optimiser = delay_optimiser
        self.rng_seed = rng_seed
        self.stop_training = False
        self.history = History()
        self._has_trained = False
        self.spike_statistics = SpikeStatistics()
        self._resumption: Resumption | None = None

    @on_all_ranks
    def train(
        self,
        x: Mapping[Any, Any],
        y: Mapping[Any, Any],
        num_epochs: int,
        start_epoch: int = 0,
        shuffle: bool = True,
        metrics: Any = "sparse_categorical_accuracy",
        callbacks: Sequence[Any] = PROGRESS_BAR,
        validation_callbacks: Sequence[Any] = PROGRESS_BAR,
        validation_split: float = 0.0,
        validation_x: Mapping[Any, Any] | None = None,
        validation_y: Mapping[Any, Any] | None = None,
        *,
        start_batch: int = 0,
        augmentation: Augmentation | None = None,
    ) -> tuple[Any, ...]:
        """Train. With a communicator, all ranks call this, each with data of its own.

        Args:
            x:                    input population or layer -> sequence of ``PreprocessedSpikes``,
                                  an ``EventDataset``, or a data set of structured events, such as
                                  those of tonic (see :mod:`mlgenn_delays.training.structured_data`)
            y:                    output population or layer -> labels or targets, or the data set
                                  that has labels beside its structured events
            num_epochs:           number of epochs, from ``start_epoch`` on
            start_epoch:          number of the first epoch; decides the order of examples and
                                  how often the optimiser has been used before
            shuffle:              new order of the examples in each epoch
            metrics:              metric, its name, or a dictionary with one per key of ``y``
            callbacks:            callbacks of training, or their names
            validation_callbacks: callbacks of validation, or their names
            validation_split:     share of the examples, from the end, kept for validation
            validation_x:         inputs for validation after each epoch
            validation_y:         targets for validation
            start_batch:          batches of the first epoch to skip: together with
                                  :meth:`load_training_state`, resumes in mid-epoch
            augmentation:         changes the training events anew in each epoch, see
                                  :mod:`mlgenn_delays.events.augmentation`. A thread calls it,
                                  one epoch ahead of training. One of your own should therefore
                                  draw all random numbers from the generator that it is given
                                  (seeded by epoch and, with a communicator, by rank, so that
                                  runs can be repeated and resumed),
                                  leave the events that it is given as they are, and share
                                  nothing that changes with callbacks or other threads, such as
                                  this network, which refuses its calls. It may be
                                  called for an epoch that is never trained; its errors are raised
                                  here, at the start of the epoch that they concern.

        Returns:
            (metrics, callback data), with validation (metrics, validation metrics, callback
            data, validation callback data); ``history`` has what happened in each epoch

        Raises:
            ValueError, TypeError: bad arguments or data; nothing has been changed then.
            TrainingDiverged: loss, predictions, gradients or parameters are not finite.
            RankError: with a communicator, another rank has failed or does something else.
            KeyboardInterrupt: Ctrl-C was pressed; the batch that was running is complete and
                :meth:`training_state` can be saved.

        Warns once (:class:`.Caution`) of spike times that look like seconds, of layers without
        spikes, outputs that do not differ between trials and a loss that does not move.
        """
        num_epochs = check_whole_number(num_epochs, "num_epochs", 0, MAX_EPOCHS)
        start_epoch = check_whole_number(start_epoch, "start_epoch", 0, MAX_EPOCHS)
        start_batch = check_whole_number(start_batch, "start_batch")
        shuffle = check_flag(shuffle, "shuffle")
        training_data, validation_data = prepare_with_validation(
            self._prepare, x, y, validation_split, validation_x, validation_y
        )
        num_batches = training_data.num_batches(self.batch_size)
        if start_batch > num_batches:
            raise ValueError(
                f"start_batch is {start_batch}, an epoch has {num_batches} batches of this data set"
            )
        training = self._create_pass(training_data, metrics, callbacks, num_epochs)
        validation = (
            self._create_pass(validation_data, metrics, validation_callbacks, num_epochs)
            if validation_data is not None
            else None
        )
        statistics = SpikeStatistics()
        statistics.set_params(compiled_network=self)
        state = RunState(
            epoch=start_epoch,
            next_batch=start_batch,
            num_batches=num_batches,
            shuffle=shuffle,
            metrics=training.metrics,
            callbacks={
                "callbacks": training.callbacks.callbacks,
                "validation_callbacks": validation.callbacks.callbacks if validation else (),
                "statistics": (statistics,),
            },
        )
        resumption = self._find_resumption(start_epoch, start_batch)
        if resumption is not None:
            resumption.check_run(state)
        augmented = None
        if augmentation is not None:
            training.data, changed = with_labels(training.data, augmentation, self.program)
            refuse = partial(self.turn.refuse, _AUGMENTATION_WAITS)
            augmented = AugmentedEpochs(
                training.data, changed, self.rng_seed, self.program, refuse, self.ranks.rank
            )
        self._check_ranks(
            batches=num_batches,
            validation_batches=validation_data and validation_data.num_batches(self.batch_size),
            num_epochs=num_epochs,
            start_epoch=start_epoch,
            start_batch=start_batch,
        )
        self._resumption = None
        self._run = state
        self.stop_training = False
        self._log_memory(training_data)
        loop = TrainingLoop(
            self,
            training,
            validation,
            state,
            partial(epoch_order, self.rng_seed) if shuffle else None,
            statistics,
            augmented,
            resumption,
            self._watch(training, start_epoch == 0 and resumption is None),
        )
        self.history = loop.history
        self.spike_statistics = statistics
        try:
            loop.run(num_epochs)
        finally:
            if (state.epoch, state.next_batch) != (start_epoch, start_batch):
                self._has_trained = True
                self._note_learned()
        if validation is None:
            return training.metrics, training.callbacks.get_data()
        return (
            training.metrics,
            validation.metrics,
            training.callbacks.get_data(),
            validation.callbacks.get_data(),
        )

    def _watch(self, training: Pass[CallbackList], from_start: bool) -> TrainingWatch | None:
        if not are_heard() or self.ranks.rank != 0:
            return None
        wakes = any(isinstance(c, WakeSilentNeurons) for c in training.callbacks.callbacks)
        return TrainingWatch(self._built, self._say, wakes, from_start and not self._has_trained)

    def end_epoch(self) -> None:
        self.stop_training = self.ranks.any(self.stop_training)
        self._check_ranks()

    def _check_ranks(self, **run: Any) -> None:
        """Whether ranks do the same and have the same values, which only optimisers of all ranks
        may change."""
        if self.ranks.others is None:
            return
        values = {
            spec.label: array_digest([value])
            for spec, value in zip(self.program.parameters, self.engine.get_parameters())
        }
        moments = self.engine.optimiser_state()
        values["what optimisers remember"] = array_digest(list(moments.values()))
        for optimiser, parameters in self._optimised:
            of = ", ".join(self.program.parameters[i].label for i in parameters)
            values[f"optimiser of {of}"] = (
                f"{type(optimiser).__name__} {number_attributes(optimiser)}"
            )
        self.ranks.check_same("train", {**run, **values})

    def _note_learned(self) -> None:
        """The description has other values than the network now; compiling it again says so."""
        of_synapses = self.program.of_synapses
        for i, spec in enumerate(self.program.parameters):
            if spec.learned and i in of_synapses:
                connection = self._built.connections[spec.owner.index]
                connection.connectivity.note_learned(spec.name, self.rng_seed)
            elif spec.learned and spec.constant:
                owner = self._owner(i)
                model = owner.neuron if isinstance(owner, Population) else owner.synapse
                model.note_learned(spec.name, self.rng_seed)

    # -- saving and resuming

    @property
    def _full_batch_size(self) -> int:
        return self.batch_size * self.ranks.num_ranks

    def save(self, keys: tuple[Any, ...] = (), serialiser: Any = "numpy") -> None:
        """Save weights, delays, constants of single neurons and sparse connectivity, for
        ``network.load``.

        Args:
            keys:       which checkpoint, e.g. ``(epoch,)``
            serialiser: serialiser or its name

        Raises:
            OSError: a file cannot be written.
        """
        target = _serialiser(serialiser)
        self.save_connectivity(keys, target)
        groups: chain[SynapseGroup | NeuronGroup] = chain(
            self.connection_populations.values(), self.neuron_populations.values()
        )
        for group in groups:
            for name, variable in group.vars.items():
                variable.pull_from_device()
                target.serialise((*keys, group.name, name), variable.values)

    def save_connectivity(self, keys: tuple[Any, ...] = (), serialiser: Any = "numpy") -> None:
        """Save pre- and postsynaptic indices of sparse connections (``save`` does so, too)."""
        target = _serialiser(serialiser)
        for connection in self.program.connections:
            for name in ("pre_ind", "post_ind") if connection.has_listed_synapses else ():
                target.serialise((*keys, connection.name, name), getattr(connection, name))

    def training_state(self) -> State:
        """Everything a stopped training needs to go on, as arrays (see ``training.state``).

        In a callback, what callbacks after it in the list have yet to do at this point is
        missing from the state: put the one that saves last. ``save_checkpoint`` writes the state
        to a file.
        """
        parameters, moments = self.engine.get_parameters(), self.engine.optimiser_state()
        values = self._optimised, self.program, parameters, moments
        description = describe_network(self._built)
        resumption = self._resumption
        if resumption is not None:  # loaded, and not yet continued
            return pack_again(resumption.state, resumption.meta, description, *values)
        return pack(description, self._run, self._full_batch_size, self.rng_seed, *values)

    def load_training_state(self, state: Mapping[str, np.ndarray]) -> tuple[int, int]:
        """Take over a state; the next call of :meth:`train` continues it bit for bit.

        That call needs the same data, callbacks, metrics and ``shuffle``, and
        ``start_epoch, start_batch`` as returned here. Warns where the network has another length
        of trials, other regularisation or another ``i_minus_thresh_min``, and where a state of an
        older version cannot say what it was trained with.

        Returns:
            ``start_epoch`` and ``start_batch`` for :meth:`train`

        Raises:
            TypeError: not a dictionary of arrays
            ValueError: the state is damaged, belongs to another network (the message names what
                differs, e.g. time constants, readouts or losses) or was trained with other
                optimisers, or was saved in mid-epoch with another ``batch_size`` or ``rng_seed``,
                or has values that are not allowed, such as those of a training that had diverged;
                nothing has been changed then.
        """
        arrays, meta = read_state(state)
        description = describe_network(self._built)
        notes = check_state(arrays, meta, description, self.engine, self._optimised)
        own = {"batch_size": self._full_batch_size, "rng_seed": self.rng_seed}
        for name, value in own.items() if meta["next_batch"] else ():
            if meta[name] != value:
                raise ValueError(
                    f"the training state was saved in mid-epoch with {name} = {meta[name]}, "
                    f"this network has {value}"
                )
        warn(notes)
        resumption = Resumption(arrays, meta)
        self.restore(resumption)
        self._note_learned()
        self._resumption = resumption
        self._run = RunState(epoch=meta["epoch"], next_batch=meta["next_batch"])
        return resumption.start

    def restore(self, resumption: Resumption) -> None:
        """Set parameters, moments and settings of optimisers to those of a saved state."""
        self.engine.set_parameters(
            [resumption.state[f"parameters/{spec.key}"] for spec in self.program.parameters]
        )
        self.engine.set_optimiser_state(section(resumption.state, "optimiser"))
        for (optimiser, _), saved in zip(
            self._optimised, resumption.meta["optimisers"], strict=True
        ):
            for name, value in saved["values"].items():
                setattr(optimiser, name, value)

    def _find_resumption(self, start_epoch: int, start_batch: int) -> Resumption | None:
        """The loaded state, if training goes on where it ends."""
        resumption = self._resumption
        if resumption is not None and resumption.start != (start_epoch, start_batch):
            logger.warning(
                "train starts at epoch %d, batch %d, the loaded training state ends before epoch "
                "%d, batch %d: its parameters are used, its progress is not",
                start_epoch,
                start_batch,
                *resumption.start,
            )
            return None
        return resumption

    def _create_pass(
        self, data: TrialData, metrics: Any, callbacks: Sequence[Any], num_epochs: int
    ) -> Pass[CallbackList]:
        return Pass(
            data,
            self._create_metrics(metrics, data),
            {key: self.program.populations[i].name for i, key in data.keys.items()},
            self._callback_list(callbacks, data.num_batches(self.batch_size), num_epochs),
        )

    def _log_memory(self, data: TrialData) -> None:
        estimate = {**self.memory_estimate(), "data": data.num_bytes}
        logger.info(
            "estimated memory: %.1f MB (%s)",
            sum(estimate.values()) / 1e6,
            ", ".join(f"{name} {size / 1e6:.1f}" for name, size in estimate.items()),
        )


def _serialiser(serialiser: Any) -> Serialiser:
    result: Serialiser | None = get_object(
        serialiser, Serialiser, "Serialiser", default_serialisers
    )
    if result is None:
        raise TypeError("serialiser should be given as a string or a Serialiser object")
    return result
