"""What is looked at while a network trains or is tested, and said once where it is wrong: layers
without spikes, outputs that do not differ, a loss that does not move.

What is wrong is put into words by :mod:`.diagnosis`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from ..losses import SparseCategoricalCrossentropy
from ..program.exchange import Batch, ForwardResult
from ..program.program import PopulationProgram
from .built_network import BuiltNetwork
from .data import TrialData
from .diagnosis import (
    FEWEST_TRIALS,
    ROUNDING,
    find_quiet_layers,
    find_stuck_loss,
    name_constant_outputs,
    never_spike,
)
from .run_state import EpochRecord

#: Takes what is said, e.g. ("silent", "Hidden"), and the sentence.
Say = Callable[[tuple[str, str], str], None]


class OutputWatch:
    """How far the outputs of a population differ between trials, seen batch by batch.

    Args:
        population: with a readout
        fixed: whether all batches are of one network; else trials are compared within a batch
    """

    def __init__(self, population: PopulationProgram, fixed: bool) -> None:
        size = population.size
        self.population = population
        self.num_trials = 0  #: that were compared
        self.all_differ = False  #: nothing is left to find
        self._fixed = fixed
        self._low, self._high = np.full(size, np.inf), np.full(size, -np.inf)
        self._spread, self._scale = np.zeros(size), np.zeros(size)
        self._silent = np.ones(size, dtype=bool)
        self._first_target: np.ndarray | None = None
        self._targets_differ = False
        self._wanted = np.ones(size, dtype=bool)

    def see(self, outputs: np.ndarray, targets: np.ndarray) -> None:
        """Take a batch into account.

        Args:
            outputs: (examples, outputs) what was read out
            targets: (examples, ...)
        """
        self._see_targets(targets)
        if len(outputs) < 2 and not self._fixed:
            return
        values = np.asarray(outputs, dtype=np.float64).reshape(len(outputs), -1)
        low, high = values.min(axis=0), values.max(axis=0)
        if self._fixed:
            low, high = np.minimum(low, self._low), np.maximum(high, self._high)
            self._low, self._high = low, high
        self._spread = np.maximum(self._spread, high - low)
        self._scale = np.maximum(self._scale, np.maximum(np.abs(low), np.abs(high)))
        self._silent &= np.all(never_spike(values), axis=0)
        self.num_trials += len(values)
        self.all_differ = not np.any(self._silent | self._is_constant)

    @property
    def _is_constant(self) -> np.ndarray:
        return np.asarray(self._spread <= ROUNDING * self._scale)

    def _see_targets(self, targets: np.ndarray) -> None:
        if self._first_target is None:
            self._first_target = np.array(targets[0])
            if targets.ndim == 1 and targets.dtype.kind in "iu":
                self._wanted[:] = False
        if targets.ndim == 1 and targets.dtype.kind in "iu":
            self._wanted[targets] = True
        if not self._targets_differ:
            self._targets_differ = bool(np.any(targets != self._first_target))

    def find_constant(self) -> list[str]:
        """Outputs that should differ, as their targets do, and never have."""
        if self.all_differ or not self._targets_differ or self.num_trials < FEWEST_TRIALS:
            return []
        constant = self._is_constant & ~self._silent
        silent = self._silent & self._wanted  # others need not spike
        return name_constant_outputs(silent, constant, self.num_trials)

    @property
    def some_spiked(self) -> bool:
        """Whether outputs are voltages, or some have spiked."""
        return not np.all(self._silent)


class TrialWatch:
    """Spikes of layers and outputs of a network, seen batch by batch.

    Args:
        built: the network
        fixed: whether it stays as it is
    """

    def __init__(self, built: BuiltNetwork, fixed: bool) -> None:
        self.num_trials = 0
        self.num_batches = 0
        self._layers = [p for p in built.program.neurons if p.is_spiking]
        self._silent = {p.index for p in self._layers}
        self._outputs = [
            OutputWatch(p, fixed)
            for p in built.program.outputs
            if not (p.trace and p.readout and p.readout.name == "var")  # of the last step alone
        ]

    def see(self, data: TrialData, batch: Batch, result: ForwardResult) -> None:
        """Take a batch into account."""
        self.num_trials += batch.size
        self.num_batches += 1
        self._silent = {i for i in self._silent if not np.any(result.spike_counts[i])}
        for output in self._outputs:
            index = output.population.index
            if index in data.targets and not output.all_differ:
                output.see(result.readouts[index], data.targets[index][batch.indices])

    def say_silent(self, say: Say, where: str = "", hidden_only: bool = False) -> None:
        """Say which layers have not spiked at all."""
        if self.num_trials < FEWEST_TRIALS:
            return
        for layer in self._layers:
            if layer.index in self._silent and not (hidden_only and layer.readout is not None):
                of_layer = {layer.name: 0.0}, {layer.name: layer.size}, {layer.name: layer.size}
                for sentence in find_quiet_layers(*of_layer, self.num_trials):
                    say(("silent", layer.name), f"{where}{sentence}")

    def has_silent(self, hidden_only: bool = False) -> bool:
        """Whether there is a layer without spikes, with which what follows is as it is."""
        layers = [p for p in self._layers if not (hidden_only and p.readout is not None)]
        return any(p.index in self._silent for p in layers)

    def say_constant(self, say: Say, where: str = "", voltages_only: bool = False) -> None:
        """Say which outputs never differ, unless a layer without spikes is the reason."""
        if self.has_silent(hidden_only=True):
            return
        for output in self._outputs:
            readout, name = output.population.readout, output.population.name
            if voltages_only and readout is not None and readout.uses_spikes:
                continue
            if output.some_spiked:  # else the layer is silent
                for sentence in output.find_constant():
                    say(("constant", name), f"{where}layer '{name}': {sentence}")


class TrainingWatch:
    """What is seen of a training.

    What exact gradients cannot change is said after the epoch in which it is seen: no gradient
    wakes a hidden layer without spikes. The rest is said at the end.

    Args:
        built: the network
        say: is told what is wrong
        patient: whether something else may change it, such as a callback that wakes neurons
        from_start: whether the network begins to learn
    """

    def __init__(self, built: BuiltNetwork, say: Say, patient: bool, from_start: bool) -> None:
        self._built = built
        self._say = say
        self._patient = patient or built.program.surrogate is not None
        self._from_start = from_start
        self._trials = TrialWatch(built, fixed=False)

    def on_epoch_begin(self) -> None:
        """Begin anew."""
        self._trials = TrialWatch(self._built, fixed=False)

    def on_batch_end(self, data: TrialData, batch: Batch, result: ForwardResult) -> None:
        """Take a batch into account."""
        self._trials.see(data, batch, result)

    def on_epoch_end(self, history: Sequence[EpochRecord]) -> None:
        """Say what will not change any more."""
        if not history:
            return
        where = f"in epoch {history[-1].epoch}, "
        if not self._patient:
            self._trials.say_silent(self._say, where, hidden_only=True)
            if len(history) > 1:  # weights may begin at 0
                self._trials.say_constant(self._say, where, voltages_only=True)
        if len(history) == 2 and self._from_start:
            self._say_stuck(history, None)

    def on_train_end(self, history: Sequence[EpochRecord]) -> None:
        """Say what the last epoch was like, and whether the loss has fallen."""
        if not history or self._trials.num_trials < FEWEST_TRIALS:
            return
        last = history[-1]
        if len(history) > 1 or self._trials.num_batches > 1:
            self._trials.say_constant(self._say)
        sizes = {p.name: p.size for p in self._built.program.populations}
        for name, spikes in last.spikes_per_neuron.items():
            of_layer = {name: spikes}, {name: last.silent_neurons[name]}, sizes
            for sentence in find_quiet_layers(*of_layer, self._trials.num_trials):
                self._say(("silent", name), f"in epoch {last.epoch}, {sentence}")
        chance = self._chance()
        if chance is not None and self._from_start:
            self._say_stuck(history, chance)

    def _say_stuck(self, history: Sequence[EpochRecord], chance: float | None) -> None:
        losses = [record.loss for record in history]
        if any(losses) and not self._trials.has_silent():  # what is 0 need not fall
            for sentence in find_stuck_loss(losses, chance):
                self._say(("loss", ""), sentence)

    def _chance(self) -> float | None:
        """Loss of guessing; None where it is not known."""
        outputs = self._built.program.outputs
        of_classes = all(
            isinstance(self._built.losses[p.index], SparseCategoricalCrossentropy) for p in outputs
        )
        return sum(math.log(p.size) for p in outputs) if of_classes else None
