"""Settings of networks and of their training, in groups: frozen values with checked entries."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from typeguard import TypeCheckError, check_type
from tyro.conf import arg

from mlgenn_delays.checks import check_number, check_whole_number
from mlgenn_delays.events.augmentation import (
    Augmentation,
    AugmentEvents,
    Compose,
    DropEvents,
    JitterTimes,
    ShiftChannels,
    ShiftTimesOfChannels,
)
from mlgenn_delays.events.blending import BlendExamples
from mlgenn_delays.program.program import Timing

#: How gradients are computed: by EventProp, or as DCLS-Delays and DelRec do with surrogates of the
#: derivative of spikes.
Method = Literal["eventprop", "dcls", "delrec"]

S = TypeVar("S", bound="Settings")


@dataclass(frozen=True)
class Range:
    """What a number may be."""

    minimum: float | None = None
    above: float | None = None
    maximum: float | None = None
    below: float | None = None


Positive = Annotated[float, Range(above=0.0)]
NotNegative = Annotated[float, Range(minimum=0.0)]
Share = Annotated[float, Range(minimum=0.0, maximum=1.0)]
Whole = Annotated[int, Range(minimum=0)]
Count = Annotated[int, Range(minimum=1)]


def or_none(metavar: str) -> Any:
    """How an option that may be None is shown, instead of ``{None}|INT``."""
    return arg(metavar=f"{metavar}|None")


CountOrNone = Annotated[Count | None, or_none("INT")]
PositiveOrNone = Annotated[Positive | None, or_none("FLOAT")]
#: Probability of being left out.
Dropout = Annotated[float, Range(minimum=0.0, below=1.0)]
#: Factor by which something shrinks.
Decay = Annotated[float, Range(above=0.0, maximum=1.0)]

#: Mean and standard deviation of a normal distribution.
Weights = tuple[float, NotNegative]
#: Shortest and longest of a uniform distribution [ms].
Delays = tuple[NotNegative, NotNegative]
DelaysOrNone = Annotated[Delays | None, or_none("FLOAT FLOAT")]

#: Shortest and longest time constant [ms], between which their logarithms are uniform.
TimeConstantsOrNone = Annotated[tuple[Positive, Positive] | None, or_none("FLOAT FLOAT")]

#: Which synapses of a connection have the same delay.
DelaySharing = Literal["synaptic", "axonal", "dendritic", "axonal+dendritic"]

#: What of the outputs is compared between classes, see :mod:`mlgenn_delays.readouts`.
ReadoutName = Literal[
    "avg_var",
    "avg_var_exp_weight",
    "first_spike_time",
    "max_var",
    "sum_softmax_var",
    "sum_var",
    "var",
]


class Settings:
    """What all groups of settings have in common: entries of the type and in the range that their
    annotations say, read and changed by name, whichever group they stand in."""

    def __post_init__(self) -> None:
        for name, hint in _hints(type(self)).items():  # type: ignore[arg-type] # mypy: no hash
            object.__setattr__(self, name, _checked(getattr(self, name), hint, name))

    def flat(self) -> dict[str, Any]:
        """All settings by name; no two groups have one of the same name."""
        return dict(_leaves(self))

    def change(self: S, changes: Mapping[str, Any] | None = None, **further: Any) -> S:
        """The same with other values.

        Args:
            changes: by name, whichever group the settings stand in; names that need not be known
                when a script is written
            further: the same

        Raises:
            ValueError: a name that there is not, with the closest ones, or a value out of range.
            TypeError: a value of another type.
        """
        wanted = {**(changes or {}), **further}
        known = self.flat()
        for name in wanted:
            if name not in known:
                raise ValueError(f"there is no setting {name!r}{_closest(name, known)}")
        return _changed(self, wanted)


def _leaves(settings: Settings) -> Iterator[tuple[str, Any]]:
    for field in fields(settings):  # type: ignore[arg-type] # those that there are, are dataclasses
        value = getattr(settings, field.name)
        if is_dataclass(value):
            yield from _leaves(value)  # type: ignore[arg-type]
        else:
            yield field.name, value


def _changed(settings: S, wanted: Mapping[str, Any]) -> S:
    new = {}
    for field in fields(settings):  # type: ignore[arg-type]
        value = getattr(settings, field.name)
        is_group = is_dataclass(value)
        new[field.name] = _changed(value, wanted) if is_group else wanted.get(field.name, value)
    return replace(settings, **new)  # type: ignore[type-var]


def _closest(name: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(name, known, 3, 0.5)
    return f"; close to it are {', '.join(close)}" if close else ""


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _checked(value: Any, hint: Any, name: str) -> Any:
    """A value as its annotation wants it.

    Raises:
        TypeError, ValueError: it cannot be had.
    """
    if get_origin(hint) is Annotated:
        kind, *notes = get_args(hint)
        allowed = next((note for note in notes if isinstance(note, Range)), None)
        return (
            _checked(value, kind, name)
            if allowed is None
            else _checked_number(value, kind, allowed, name)
        )
    if hint in (int, float):
        return _checked_number(value, hint, Range(), name)
    arguments = get_args(hint)
    if type(None) in arguments:
        if value is None:
            return None
        return _checked(value, next(a for a in arguments if a is not type(None)), name)
    if get_origin(hint) is tuple:
        return _checked_tuple(value, arguments, name)
    if get_origin(hint) is Literal and value not in arguments:
        raise ValueError(f"{name} is {value!r}, allowed are {', '.join(map(repr, arguments))}")
    if hint is Path and isinstance(value, str):
        return Path(value)
    try:
        return check_type(value, hint)
    except TypeCheckError as error:
        raise TypeError(f"{name} is {value!r}: {error}") from error


def _checked_number(value: Any, kind: type, allowed: Range, name: str) -> Any:
    if kind is int:
        highest = None if allowed.maximum is None else int(allowed.maximum)
        return check_whole_number(value, name, int(allowed.minimum or 0), highest)
    number = check_number(value, name, allowed.minimum, allowed.above, allowed.maximum)
    if allowed.below is not None and number >= allowed.below:
        raise ValueError(f"{name} is {number:g}, allowed are numbers below {allowed.below:g}")
    return number


def _checked_tuple(value: Any, hints: tuple[Any, ...], name: str) -> tuple[Any, ...]:
    if not isinstance(value, (tuple, list)):
        value = (value,)  # hidden=64
    if hints[-1] is not Ellipsis and len(value) != len(hints):
        raise ValueError(f"{name} is {value!r}, it should have {len(hints)} values")
    wanted = hints[:1] * len(value) if hints[-1] is Ellipsis else hints
    return tuple(_checked(v, h, name) for v, h in zip(value, wanted, strict=True))


@dataclass(frozen=True)
class NetworkSettings(Settings):
    """Layers, connections, and what weights and delays are at first."""

    #: neurons of each hidden layer
    hidden: Annotated[
        tuple[Count, ...],
        arg(help_behavior_hint=lambda default: f"(default: {default or 'none'})"),
    ] = (128,)
    recurrent: bool = True  #: connect each hidden layer to itself
    #: learned: trained together with the weights; fixed: drawn at random and kept; none: no delays
    delays: Literal["learned", "fixed", "none"] = "learned"
    #: whether there are delays from a hidden layer to itself, too, or only between layers (how long
    #: they are at first is --recurrent-delay)
    recurrent_delays: bool = True
    #: which synapses of a connection have the same delay: none (synaptic), those of one presynaptic
    #: neuron (axonal), those of one postsynaptic neuron (dendritic); or the sum of both kinds
    delay_sharing: DelaySharing = "synaptic"
    #: the same of connections from a hidden layer to itself; None: as --delay-sharing
    recurrent_delay_sharing: DelaySharing | None = None
    max_delay: NotNegative = 1000.0  #: longest delay [ms]
    dt: Positive = 1.0  #: timestep [ms]
    #: where spikes and arrivals fall; grid: at the ends of timesteps; substep: anywhere within them
    #: (CPU engine)
    timing: Timing = "grid"
    #: initial weights from the input to the first hidden layer: mean, standard deviation
    input_weight: Weights = (0.03, 0.01)
    #: initial weights from one hidden layer to the next: mean, standard deviation
    hidden_weight: Weights = (0.02, 0.03)
    #: initial weights from a hidden layer to itself: mean, standard deviation
    recurrent_weight: Weights = (0.0, 0.02)
    #: initial weights from the last hidden layer to the outputs: mean, standard deviation
    output_weight: Weights = (0.0, 0.03)
    #: initial delays from the input to the first hidden layer: shortest, longest [ms]; None: no
    #: delays there
    input_delay: DelaysOrNone = (0.0, 100.0)
    #: initial delays from one hidden layer to the next: shortest, longest [ms]
    hidden_delay: Delays = (0.0, 100.0)
    #: initial delays from a hidden layer to itself: shortest, longest [ms]; None: no delays there,
    #: as with --no-recurrent-delays
    recurrent_delay: DelaysOrNone = (0.0, 0.0)
    #: initial delays to the outputs: shortest, longest [ms]; None: no delays there
    output_delay: DelaysOrNone = None


@dataclass(frozen=True)
class NeuronSettings(Settings):
    """Hidden neurons, output neurons and their synapses."""

    tau_mem: Positive = 20.0  #: membrane time constant of hidden neurons [ms]
    tau_mem_output: Positive = 20.0  #: membrane time constant of the outputs [ms]
    tau_syn: Positive = 5.0  #: time constant of synapses onto hidden neurons [ms]
    tau_syn_output: Positive = 5.0  #: time constant of synapses onto the outputs [ms]
    #: membrane time constants of hidden neurons, of each its own: shortest, longest [ms], drawn
    #: with uniform logarithms; None: all have --tau-mem
    tau_mem_range: TimeConstantsOrNone = None
    #: the same of synapses onto hidden neurons: one for each neuron and connection; None: --tau-syn
    tau_syn_range: TimeConstantsOrNone = None
    #: learn the membrane time constant of each hidden neuron, and those of its synapses
    learn_time_constants: bool = False
    v_thresh: Positive = 1.0  #: voltage at which neurons spike
    #: what of the outputs is compared between classes: the mean, weighted mean, largest or last
    #: voltage, the sum of voltages or of softmaxes of them, or the time of the first spike
    readout: ReadoutName = "avg_var_exp_weight"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("tau_mem_range", "tau_syn_range"):
            shortest, longest = getattr(self, name) or (1.0, 1.0)
            if longest < shortest:
                raise ValueError(
                    f"{name} is ({shortest:g}, {longest:g}), allowed are the shortest, then the "
                    "longest"
                )


@dataclass(frozen=True)
class LearningSettings(Settings):
    """How weights and delays are learned."""

    epochs: Count = 100  #: passes over the samples
    batch_size: Count = 32  #: samples per step of the optimiser
    lr: NotNegative = 1e-3  #: learning rate of weights (Adam)
    recurrent_lr: NotNegative = 1.0  #: factor to --lr for recurrent weights
    output_lr: NotNegative = 1.0  #: factor to --lr for weights to the outputs
    delay_lr: NotNegative = 0.1  #: learning rate of delays (Adam) [ms]
    #: learning rate of logarithms of time constants (Adam)
    constant_lr: NotNegative = 1e-3
    lr_ease_in: Share = 1.0  #: share of the learning rates in the first batch
    lr_growth: Positive = 1.05  #: factor per batch by which they grow until they are reached
    delay_ease_in: bool = True  #: whether the learning rate of delays grows like this, too
    #: share of the learning rates that is left at the end, reached along half a cosine
    lr_final: Share = 1.0
    #: course of the learning rates; warm_up_cosine: up as --lr-ease-in says, then half a cosine;
    #: one_cycle: weights from --lr / 25 up and down again, delays along half a cosine;
    #: one_cycle_delays: delays up and down, too; cosine: half a cosine
    schedule: Literal["warm_up_cosine", "one_cycle", "one_cycle_delays", "cosine"] = (
        "warm_up_cosine"
    )
    #: what is added to gradients of weights, by weight (L2 penalty)
    weight_decay: NotNegative = 0.0
    temperature: Positive = 1.0  #: temperature of the softmax over what is read out
    #: lower bound on input current - threshold at a spike, which keeps gradients small
    i_minus_thresh_min: Positive = 1e-2
    reg_lambda: NotNegative = 0.0  #: strength with which numbers of hidden spikes are regularised
    reg_nu: NotNegative = 14.0  #: wanted spikes per hidden neuron and trial
    wake_silent: float = 0.0  #: added to input weights of neurons silent in a whole epoch
    #: end training after so many epochs without better validation accuracy; 0: never
    patience: Whole = 0


@dataclass(frozen=True)
class SurrogateSettings(Settings):
    """Training with surrogate gradients (--method dcls and delrec)."""

    #: derivative in place of that of a spike
    surrogate: Literal["arctangent", "triangular", "fast_sigmoid"] = "arctangent"
    #: slope of the surrogate; None: 5, of the triangular one 1
    surrogate_slope: PositiveOrNone = None
    #: width in timesteps over which delays are spread at first; None: half of the longest delay
    #: (dcls), 10 (delrec)
    spread_width: PositiveOrNone = None
    #: factor by which the width shrinks in each epoch; None: it is at --spread-min-width after a
    #: quarter of the epochs (dcls), 0.95^(100 / epochs) (delrec)
    spread_decay: Annotated[Decay | None, or_none("FLOAT")] = None
    spread_min_width: Positive = 0.5  #: width at which it stays [timesteps]
    #: delrec: learn a factor to the width for each delay, 1 at first
    learned_widths: bool = False
    #: validate and test with delays between timesteps; otherwise they are rounded, as published
    fractional_delays: bool = False
    #: exponential: currents decay with --tau-syn; delta: each spike moves the voltage by its weight
    synapse: Literal["exponential", "delta"] = "exponential"
    #: subtract the threshold from the voltage of a neuron that spikes; otherwise the voltage is 0
    soft_reset: bool = False
    differentiate_reset: bool = False  #: let gradients flow through resets
    batch_norm: bool = False  #: normalise what arrives at hidden layers from the layer before
    bias: bool = False  #: learn a constant current of hidden and output neurons
    dropout: Dropout = 0.0  #: share of hidden neurons whose spikes are lost to the next layer
    #: share of hidden neurons that get nothing from the layer before
    current_dropout: Dropout = 0.0
    recurrent_dropout: Dropout = 0.0  #: share of hidden neurons that get nothing from their layer


@dataclass(frozen=True)
class AugmentationSettings(Settings):
    """How training samples are varied, anew in each epoch."""

    drop: Share = 0.0  #: probability that an event of a training sample is left out
    drop_rate: Share = 1.0  #: share of the training samples that --drop changes
    jitter: NotNegative = 0.0  #: standard deviation by which each event is moved in time [ms]
    jitter_rate: Share = 1.0  #: share of the training samples that --jitter changes
    shift: NotNegative = 0.0  #: standard deviation by which whole training samples are moved [ms]
    #: standard deviation of the speed of training samples, 0.1: one tenth faster or slower
    stretch: NotNegative = 0.0
    channel_shift: Whole = 0  #: move each training sample by up to so many channels, up or down
    channel_shift_rate: Share = 1.0  #: share of the training samples that --channel-shift moves
    #: move each channel of a training sample in time, on its own, by up to so much [ms]
    channel_time_shift: NotNegative = 0.0
    channel_time_shift_rate: Share = 1.0  #: share of the samples that --channel-time-shift changes
    #: share of the training samples that are blended with another one of their class
    blend: Share = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.augmentation(1.0)  # now, not after data have been loaded

    def augmentation(self, duration: float) -> Augmentation | None:
        """How training samples are varied; None where they are not.

        Args:
            duration: length of a trial [ms]

        Raises:
            ValueError, TypeError: amounts that are not allowed.
        """
        amounts = {"drop": self.drop, "jitter": self.jitter}
        with_rate = {n: v for n, v in amounts.items() if getattr(self, f"{n}_rate") != 1.0}
        for_all = {n: v for n, v in amounts.items() if n not in with_rate}
        steps: list[Augmentation] = []
        if self.blend:
            steps.append(BlendExamples(duration, self.blend))
        if self.channel_shift:
            steps.append(ShiftChannels(self.channel_shift, self.channel_shift_rate))
        if self.channel_time_shift:
            largest, rate = self.channel_time_shift, self.channel_time_shift_rate
            steps.append(ShiftTimesOfChannels(duration, largest, rate))
        if self.shift or self.stretch or any(for_all.values()):
            steps.append(AugmentEvents(duration, self.stretch, self.shift, **for_all))
        if with_rate.get("jitter"):
            steps.append(JitterTimes(duration, self.jitter, self.jitter_rate))
        if with_rate.get("drop"):
            steps.append(DropEvents(self.drop, self.drop_rate))
        return steps[0] if len(steps) == 1 else Compose(steps) if steps else None


@dataclass(frozen=True)
class ClassifierSettings(Settings):
    """All that a network and its training need besides data and seed.

    The defaults are those of Mészáros et al. 2025 (10.1038/s41467-025-65394-8) as far as tasks
    have them in common.
    """

    network: NetworkSettings = NetworkSettings()
    neuron: NeuronSettings = NeuronSettings()
    learning: LearningSettings = LearningSettings()
    augmentation: AugmentationSettings = AugmentationSettings()
    surrogate: SurrogateSettings = SurrogateSettings()
