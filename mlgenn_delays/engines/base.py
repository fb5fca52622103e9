"""What all engines share: parameters, their gradients and optimiser steps, checks of requests.

One batch of training is ``forward`` -> loss (in NumPy, the same for all engines) -> ``backward``
-> ``apply_gradients``. Populations and parameters are indices into the program.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np

from ..checks import describe
from ..events.dataset import EventDataset
from ..program.constants import Constants
from ..program.exchange import (
    AdamStep,
    Batch,
    ForwardResult,
    OutputGradient,
    Recording,
    RecordRequest,
    Trace,
    UpdateRule,
    WholeBatch,
)
from ..program.program import PopulationProgram, Program, ReadoutKind
from ..program.timing import spike_times
from .turns import InTurn, Turn

#: What an optimiser remembers of one parameter, by name.
Moments = dict[str, np.ndarray]


def is_finite(values: np.ndarray) -> bool:
    """Whether no value is infinite or NaN; what is not a real number is none."""
    return values.dtype.kind != "f" or bool(np.isfinite(values).all())


def _update_logarithm(
    rule: UpdateRule,
    value: np.ndarray,
    gradient: np.ndarray,
    moments: dict[str, np.ndarray],
    step: int,
) -> np.ndarray:
    """A step in log(value), whose gradient is that times the value: positive numbers stay positive,
    and move by a share of themselves."""
    positive = value.astype(np.float64)
    moved = rule.update(np.log(positive), gradient * positive, moments, step)
    with np.errstate(over="ignore"):
        return np.asarray(np.exp(moved))


class Engine(ABC, InTurn):
    """A program turned into running code, holding its parameters and gradients.

    An engine that is derived from this one says how values of single synapses and neurons are
    read and written, and what a pass is. How entries of parameters belong to synapses and
    neurons, what values are allowed and what optimisers do is written here, once.

    Calls from several threads wait for one another. After :meth:`close`, every other call
    raises a ValueError.

    Args:
        program:     what to run
        num_threads: threads of the engine

    Raises:
        NotImplementedError: a learned parameter of which there is no gradient: it is neither weight
            nor delay, nor, where the engine ``learns_constants``, a constant of single neurons that
            the model has a gradient of
    """

    #: "cpu", "reference", ...
    name: str

    #: type of parameters
    dtype: type[np.floating] = np.float32

    #: whether there are gradients of constants of single neurons
    learns_constants: bool = False

    def __init__(self, program: Program, num_threads: int):
        self.program = program
        self.num_threads = num_threads
        self.turn = Turn()
        self.learned = [i for i, spec in enumerate(program.parameters) if spec.learned]
        self._check_learned()
        #: moments of optimisers that the engine does not compute itself
        self._host_moments: dict[int, Moments] = {}
        #: parameters of which the engine has moments of its own that mean something
        self._own_moments: set[int] = set()
        #: entries of parameters of which the engine has the values of synapses or neurons
        self._entries: dict[int, np.ndarray] = {}

    def _check_learned(self) -> None:
        """Gradients are those of weights and delays, and of constants of single neurons."""
        roles = set(self.program.of_synapses)
        if self.learns_constants:
            for p in self.program.neurons:
                roles.update(Constants(self.program, p).learnable)
        for i in self.learned:
            if i not in roles:
                what = self.program.parameters[i].label
                if self.learns_constants:
                    raise NotImplementedError(
                        f"{what} cannot be learned: the model has no gradient"
                    )
                raise NotImplementedError(
                    f"{what} cannot be learned by {type(self).__name__}, only weights and delays "
                    "can; take backend='cpu'"
                )

    # -- what an engine is

    @abstractmethod
    def forward(self, batch: Batch, record: RecordRequest | None = None) -> ForwardResult:
        """Run a batch forwards from the initial state, keeping what ``backward`` needs."""

    @abstractmethod
    def backward(
        self,
        gradients: Mapping[int, OutputGradient],
        record: RecordRequest | None = None,
        whole: WholeBatch | None = None,
    ) -> Recording:
        """Run the last forward batch backwards, replacing the stored gradients.

        Recording covers the adjoint variables; row n holds their value at the start of step n.

        Args:
            gradients: one entry per output population, of the mean over ``whole``
            record:    what to record
            whole:     of what the batch is a part, whose spike counts are regularised; None: it is
                the whole
        """

    def _holds_entries(self, parameter: int) -> bool:
        """Whether the engine has the entries of a parameter themselves, not a value per synapse or
        neuron: its elements are then entries."""
        return self.program.parameters[parameter].map is None

    @abstractmethod
    def _read(self, parameter: int) -> np.ndarray:
        """Value of each element, (elements,), a copy; of those that :meth:`_holds_entries`."""

    @abstractmethod
    def _write(self, parameter: int, elements: np.ndarray) -> None:
        """Set the value of each element, (elements,)."""

    @abstractmethod
    def _read_gradient(self, parameter: int) -> np.ndarray:
        """Gradient of each element, (elements,), a copy."""

    def _computes(self, steps: Mapping[int, AdamStep | None]) -> frozenset[int]:
        """Parameters whose optimiser step the engine computes itself, see :meth:`_adam`."""
        return frozenset()

    def _adam(self, steps: Mapping[int, AdamStep]) -> bool:
        """Take steps of Adam, with the engine's own moments.

        Returns:
            whether values and moments are finite
        """
        raise NotImplementedError

    def _read_moments(self, parameter: int) -> Moments:
        """The engine's own moments "m" and "v", each (elements,), copies; none by default."""
        return {}

    def _write_moments(self, parameter: int, moments: Mapping[str, np.ndarray]) -> None:
        """Set the engine's own moments, those that it has."""

    @abstractmethod
    def memory_estimate(self) -> dict[str, int]:
        """Bytes the engine needs, by purpose (spike tapes, which grow, excluded)."""

    def close(self) -> None:
        """Release threads and memory. The engine cannot be used afterwards."""
        self.closed = True

    def _refuse_closed(self) -> None:
        raise ValueError(
            "this engine is closed; the attribute 'engine' of a compiled network is an open one"
        )

    # -- parameters

    def set_parameter(self, parameter: int, value: np.ndarray) -> None:
        """Set the entries of a parameter, of the shape of its specification.

        Raises:
            ValueError: another shape, or values out of bounds; nothing is changed then
        """
        self._set(parameter, self.program.parameters[parameter].check(value))

    def _set(self, parameter: int, value: np.ndarray) -> None:
        spec, held = self.program.parameters[parameter], value.astype(self.dtype, copy=False)
        if self._holds_entries(parameter):
            self._write(parameter, np.ravel(held))
        else:
            self._entries[parameter] = np.array(held)
            self._write(parameter, spec.expand(held))

    def get_parameter(self, parameter: int) -> np.ndarray:
        """Copy of the entries of a parameter, of the shape of its specification."""
        if self._holds_entries(parameter):
            return self._read(parameter).reshape(self.program.parameters[parameter].shape)
        return np.array(self._entries[parameter])

    def _num_elements(self, parameter: int) -> int:
        """What the engine has of a parameter: entries, or synapses or neurons."""
        spec = self.program.parameters[parameter]
        return spec.size if self._holds_entries(parameter) else spec.num_elements

    def set_parameters(self, values: Sequence[np.ndarray]) -> None:
        """Set all parameters, in the order of the program.

        Raises:
            ValueError: another number of them, or as :meth:`set_parameter`; nothing is changed then
        """
        specs = self.program.parameters
        if len(values) != len(specs):
            raise ValueError(f"the program has {len(specs)} parameters, not {len(values)}")
        checked = [spec.check(value) for spec, value in zip(specs, values, strict=True)]
        for parameter, value in enumerate(checked):
            self._set(parameter, value)

    def get_parameters(self) -> list[np.ndarray]:
        """Copy of all parameters, in the order of the program."""
        return [self.get_parameter(i) for i in range(len(self.program.parameters))]

    def _initialise(self) -> None:
        """Set all parameters to their initial values."""
        self.set_parameters([spec.initial for spec in self.program.parameters])

    # -- learning

    def gradients(self) -> dict[int, np.ndarray]:
        """Gradients of the last backward pass, learned parameter -> array of its shape."""
        return {i: self._reduced_gradient(i) for i in self.learned}

    def _reduced_gradient(self, parameter: int) -> np.ndarray:
        spec, gradient = self.program.parameters[parameter], self._read_gradient(parameter)
        if self._holds_entries(parameter):
            return gradient.reshape(spec.shape)
        return spec.reduce(gradient)

    def gradient_norms(self) -> dict[int, float]:
        """Euclidean norms of :meth:`gradients`."""
        return {i: float(np.linalg.norm(gradient)) for i, gradient in self.gradients().items()}

    def apply_gradients(
        self,
        rules: Mapping[int, UpdateRule],
        step: int,
        gradients: Mapping[int, np.ndarray] | None = None,
    ) -> bool:
        """One optimiser step; parameters are clipped to their bounds.

        Args:
            rules:     learned parameter -> its optimiser
            step:      number of steps so far
            gradients: in place of :meth:`gradients`, of the same shapes. The step is then taken in
                NumPy, with the same bits on whatever processor.

        Returns:
            whether all that the step changed is finite: learned parameters, and what optimisers
            remember of them; see :meth:`find_not_finite`

        Raises:
            ArithmeticError: a step of Adam with numbers that are not finite, which bounds would
                hide on some engines; nothing is changed then
        """
        parameters = self.program.parameters
        steps = {
            i: rules[i].adam_step(step) if self._holds_entries(i) else None for i in self.learned
        }
        for i, adam in steps.items():
            if adam is not None and not adam.is_finite:
                raise ArithmeticError(f"{parameters[i].label}: its step is not finite, {adam}")
        own = self._computes(steps) if gradients is None else frozenset()
        if gradients is None:
            gradients = {i: self._reduced_gradient(i) for i in self.learned if i not in own}
        on_host = [i for i in self.learned if i not in own]
        # every step is taken, also after one that went wrong
        finite = all([self._apply_on_host(i, rules[i], step, gradients[i]) for i in on_host])
        taken = {i: adam for i, adam in steps.items() if i in own and adam is not None}
        for i in taken:
            if i not in self._own_moments and i in self._host_moments:
                self._set_moments(i, self._host_moments[i])  # the step before was on the host
        if taken:
            finite &= self._adam(taken)
            for i in taken:
                self._host_moments.pop(i, None)
            self._own_moments.update(taken)
        return finite

    def _apply_on_host(
        self, parameter: int, rule: UpdateRule, step: int, gradient: np.ndarray
    ) -> bool:
        spec = self.program.parameters[parameter]
        if parameter in self._own_moments and parameter not in self._host_moments:
            read = self._read_moments(parameter)  # the step before was the engine's
            self._host_moments[parameter] = {n: v.reshape(spec.shape) for n, v in read.items()}
        moments = self._host_moments.setdefault(parameter, {})
        self._own_moments.discard(parameter)
        value = self.get_parameter(parameter)
        if spec.by_logarithm:
            value = spec.clip(_update_logarithm(rule, value, gradient, moments, step))
        else:
            value = spec.clip(rule.update(value, gradient, moments, step))
        with np.errstate(over="ignore"):
            held = np.asarray(value).astype(self.dtype, copy=False)
        if is_finite(held):
            self.set_parameter(parameter, value)
            return all(map(is_finite, moments.values()))
        self._set(parameter, held)
        return False

    def find_not_finite(self) -> str | None:
        """A parameter with values that are not finite, or of which an optimiser remembers such, in
        words; None where there is none."""
        for spec, value in zip(self.program.parameters, self.get_parameters(), strict=True):
            if not is_finite(value):
                return f"{spec.label} has values that are not finite"
        for key, moment in self.optimiser_state().items():
            if not is_finite(moment):
                return f"what the optimiser remembers, {key!r}, is not finite"
        return None

    def optimiser_state(self) -> dict[str, np.ndarray]:
        """Copy of the optimisers' moments for checkpoints, "<key of the parameter>/<moment>"."""
        state = {}
        for i in self.learned:
            spec = self.program.parameters[i]
            read = self._read_moments(i) if i in self._own_moments else {}
            own = {n: value.reshape(spec.shape) for n, value in read.items()}
            for name, value in {**own, **self._host_moments.get(i, {})}.items():
                state[f"{spec.key}/{name}"] = value.copy()
        return state

    def set_optimiser_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Restore what :meth:`optimiser_state` gave; a parameter of which there is nothing is as
        before its first step.

        Raises:
            ValueError: an entry that belongs to no learned parameter; nothing is changed then
        """
        of = {i: f"{self.program.parameters[i].key}/" for i in self.learned}
        unknown = [k for k in state if not k.startswith(tuple(of.values()))]
        if unknown:
            raise ValueError(
                f"the optimiser state has {unknown[0]!r}, which belongs to no learned parameter"
            )
        self._host_moments, self._own_moments = {}, set()
        for i, start in of.items():
            moments = {k[len(start) :]: v for k, v in state.items() if k.startswith(start)}
            self._set_moments(i, moments)

    def _set_moments(self, parameter: int, moments: Mapping[str, np.ndarray]) -> None:
        spec = self.program.parameters[parameter]
        # moments with these names may be those of another optimiser: the next step tells
        self._host_moments[parameter] = {n: self._at_least(v) for n, v in moments.items()}
        if not self._holds_entries(parameter):
            return
        own = {n: np.zeros_like(value) for n, value in self._read_moments(parameter).items()}
        known = own.keys() & moments.keys()
        fitting = {n: moments[n] for n in known if moments[n].shape == spec.shape}
        own.update({n: np.ravel(value) for n, value in fitting.items()})
        self._write_moments(parameter, own)
        if fitting:
            self._own_moments.add(parameter)

    def restore(
        self, parameters: Sequence[np.ndarray], optimiser_state: Mapping[str, np.ndarray]
    ) -> None:
        """Restore what :meth:`get_parameters` and :meth:`optimiser_state` gave, whatever it is:
        after a divergence, values may not be finite."""
        for parameter, value in enumerate(parameters):
            self._set(parameter, value)
        self.set_optimiser_state(optimiser_state)

    def _at_least(self, moment: np.ndarray) -> np.ndarray:
        """Copy of a moment, real numbers no less precise than the engine's parameters."""
        real = np.issubdtype(moment.dtype, np.floating)
        return np.array(moment, np.promote_types(moment.dtype, self.dtype) if real else None)

    # -- for derived engines

    def _check_batch(self, batch: Batch) -> None:
        """Whether a batch has examples of the program's inputs. That events belong together is
        checked once per data set.

        Raises:
            ValueError, TypeError: data of other populations; indices that are no whole numbers, too
                many, or beyond the data
        """
        indices = batch.indices
        if (
            not isinstance(indices, np.ndarray)
            or indices.ndim != 1
            or indices.dtype.kind not in "iu"
        ):
            raise TypeError(f"indices of a batch should be whole numbers, not {describe(indices)}")
        if not 1 <= len(indices) <= self.program.batch_size:
            raise ValueError(
                f"a batch has {len(indices)} examples, allowed are 1 to {self.program.batch_size}"
            )
        first, last = int(indices.min()), int(indices.max())
        for population in self.program.inputs:
            events = batch.inputs.get(population.index)
            if not isinstance(events, EventDataset) or events.num_neurons != population.size:
                raise ValueError(
                    f"a batch has no data for the {population.size} neurons of the input "
                    f"population {population.name!r}"
                )
            events.check_structure(repr(population.name))
            if first < 0 or last >= len(events):
                raise ValueError(
                    f"a batch has the examples {first} to {last}, population {population.name!r} "
                    f"has data of {len(events)}"
                )

    def _check_request(self, record: RecordRequest | None) -> None:
        """Whether all that is to be recorded exists.

        Raises:
            ValueError: a population is not there or does not have the variable; the message says
                which it has
            TypeError: examples are no array of bool
        """
        if record is None:
            return
        examples = record.examples
        if not isinstance(examples, np.ndarray) or examples.dtype != bool or examples.ndim != 1:
            raise TypeError(
                "examples of a RecordRequest should be an array of bool, one per example of the "
                f"batch, not {describe(examples)}"
            )
        populations = range(len(self.program.populations))
        for index in (*record.spikes, *(index for index, _ in record.variables)):
            if index not in populations:
                raise ValueError(
                    f"a RecordRequest has the population {index!r}, allowed are 0 to "
                    f"{populations[-1]}"
                )
        for index, name in sorted(record.variables):
            population = self.program.populations[index]
            known = (*population.state_variables, *population.adjoint_variables)
            if name not in known:
                raise ValueError(
                    f"population {population.name!r} has no variable {name!r} to record, it has "
                    f"{', '.join(map(repr, known)) or 'none'}"
                )

    def _check_backward(self, size: int | None, gradients: Mapping[int, OutputGradient]) -> None:
        """Whether a backward pass can follow.

        Args:
            size: examples of the last forward pass; None: there was none

        Raises:
            RuntimeError: there was none, or the program cannot learn
            ValueError: gradients of a batch of another size: that pass was not theirs
        """
        if size is None or not self.program.training:
            raise RuntimeError("backward needs a forward pass of a training program before it")
        for gradient in gradients.values():
            for part in (gradient.readout, gradient.trace, gradient.silent):
                if part is not None and len(part) != size:
                    raise ValueError(
                        f"gradients are those of {len(part)} examples, the last forward pass had "
                        f"{size}"
                    )

    def _traces(self, values: Mapping[int, np.ndarray]) -> dict[int, list[Trace]]:
        """Traces of engines on the grid from (examples, timesteps, outputs) voltages."""
        timesteps, dt = self.program.timesteps, self.program.dt
        times, weights = spike_times(np.arange(timesteps), dt), np.full(timesteps, dt)
        return {index: [Trace(times, weights, v) for v in array] for index, array in values.items()}

    def _kept_traces(self) -> list[PopulationProgram]:
        """Populations whose voltage at every timestep is kept for the loss."""
        return [p for p in self.program.outputs if p.trace and self.program.training]


def check_readouts(program: Program) -> None:
    """Whether an engine of exact gradients, without softmax over neurons, can compute what is read
    out.

    Raises:
        ValueError: it cannot; names the population
    """
    for p in program.outputs:
        if p.readout is not None and p.readout.kind is ReadoutKind.SPIKE_COUNT and program.training:
            raise ValueError(
                f"population {p.name!r}: readout is {p.readout.name!r}, which has no exact gradient"
            )
        if p.readout is not None and p.readout.kind is ReadoutKind.SUM_SOFTMAX:
            raise ValueError(
                f"population {p.name!r}: readout is {p.readout.name!r}, which only networks of "
                "SurrogateCompiler have; take another one, e.g. 'avg_var'"
            )


def check_outputs(program: Program) -> None:
    """Whether an engine can train what is read out: of neurons that spike, that is the time of
    the first spike. GeNN's engine can do more.

    Raises:
        ValueError: it cannot; names the population
    """
    for p in program.outputs:
        if p.readout is None or p.readout.uses_spike_times:
            continue
        if program.training and p.is_spiking:
            raise ValueError(
                f"population '{p.name}': readout '{p.readout.name}' of spiking neurons cannot be "
                "trained, allowed is 'first_spike_time'"
            )
