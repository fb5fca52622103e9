"""Constants of single neurons, fixed or learned: description -> parameters of the program."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..checks import check_mapping, check_number, check_sequence, describe
from ..connection import Connection
from ..initializers.value import Value, is_value_initializer, make_value, sample_value
from ..layer import get_underlying_conn, get_underlying_pop
from ..per_neuron import PerNeuronModel
from ..population import Population
from ..program.equations import check_decay
from ..program.parameters import Owner, OwnerKind, ParameterSpec
from .settings import BuildSettings, LearnedParams

#: Streams of random numbers besides those of connections.
_OF_NEURONS, _OF_SYNAPSES = 1, 2

#: Said of what these arguments have.
_NAMES = "names of parameters"


def resolve_learned_params(given: Any, name: str) -> LearnedParams:
    """The arguments ``neuron_learn_params`` and ``synapse_learn_params``.

    Args:
        given: population, connection or layer -> names of parameters, or name -> bounds; None: none
        name:  of the argument

    Returns:
        population or connection -> name -> bounds, None where they are the default

    Raises:
        TypeError, ValueError: something else
    """
    if given is None:
        return {}
    of_neurons = name == "neuron_learn_params"
    of = f"{'population' if of_neurons else 'connection'} or layer to names of parameters"
    resolve: Callable[[Any, str], Any] = get_underlying_pop if of_neurons else get_underlying_conn
    found: dict[Any, Mapping[str, tuple[float, float] | None]] = {}
    for key, value in check_mapping(given, name, of).items():
        owner = resolve(key, name)
        if owner in found:
            raise ValueError(f"{name} has {owner.name!r} twice, as a layer and as a part of it")
        found[owner] = _bounds_by_name(value, f"{name}[{owner.name!r}]")
        if not found[owner]:
            raise ValueError(f"{name}[{owner.name!r}] is empty, allowed are {_NAMES}")
    return found


def _bounds_by_name(value: Any, name: str) -> dict[str, tuple[float, float] | None]:
    names = list(value if isinstance(value, Mapping) else check_sequence(value, name, _NAMES))
    for parameter in names:
        if not isinstance(parameter, str):
            raise TypeError(f"{name} has {describe(parameter)}, allowed are {_NAMES}")
    if not isinstance(value, Mapping):
        return dict.fromkeys(names)
    found: dict[str, tuple[float, float] | None] = {}
    for parameter, bounds in value.items():
        label = f"{name}[{parameter!r}]"
        if bounds is not None and (not isinstance(bounds, (tuple, list)) or len(bounds) != 2):
            raise TypeError(f"{label} should be bounds (low, high) or None, not {describe(bounds)}")
        found[parameter] = None
        if bounds is not None:
            low, high = (_bound(b, f"{label}: bounds") for b in bounds)
            if low >= high:
                raise ValueError(f"{label} is ({low:g}, {high:g}), allowed are bounds low < high")
            found[parameter] = low, high
    return found


def _bound(value: Any, name: str) -> float:
    if isinstance(value, (float, np.floating)) and not math.isfinite(value):
        if math.isnan(value):
            raise ValueError(f"{name} is nan, allowed are finite numbers, inf and -inf")
        return float(value)
    return check_number(value, name)


class Own(NamedTuple):
    """What a model has of single neurons."""

    model: Any  #: a copy with numbers alone, the mean where there is one per neuron
    parameters: tuple[ParameterSpec, ...]

    @property
    def constants(self) -> tuple[str, ...]:
        """Names in the program's model."""
        return tuple(spec.constant for spec in self.parameters)

    @property
    def learned(self) -> tuple[str, ...]:
        """Those of them that are learned."""
        return tuple(spec.constant for spec in self.parameters if spec.learned)


def own_neurons(population: Population, index: int, settings: BuildSettings) -> Own:
    """The parameters of single neurons of a population, whose neuron was checked.

    Raises:
        ValueError, TypeError: values that are not allowed, or parameters that there are not; the
            message names population and parameter
    """
    learned = settings.neuron_learn_params.get(population, {})
    argument = f"neuron_learn_params[{population.name!r}]"
    owner = Owner(OwnerKind.POPULATION, index, population.name)
    seed = _seed(settings.rng_seed, owner)
    return _own(population.neuron, population, owner, learned, argument, settings, seed)


def own_synapses(connection: Connection, index: int, settings: BuildSettings) -> Own:
    """The same of a connection's synapses: they are parameters of the neurons that it ends at."""
    target = connection.target()
    assert target is not None  # check_network
    learned = settings.synapse_learn_params.get(connection, {})
    argument = f"synapse_learn_params[{connection.name!r}]"
    owner = Owner(OwnerKind.CONNECTION, index, connection.name)
    seed = _seed(settings.rng_seed, owner)
    return _own(connection.synapse, target, owner, learned, argument, settings, seed)


def _seed(rng_seed: int, owner: Owner) -> list[int]:
    of = _OF_NEURONS if owner.kind is OwnerKind.POPULATION else _OF_SYNAPSES
    return [rng_seed, owner.index, of]


def given_constants(model: PerNeuronModel, label: str) -> dict[str, Value]:
    """Parameters that may be those of single neurons, as they were given.

    Raises:
        ValueError, TypeError: values that are not allowed
    """
    return {n: make_value(getattr(model, n), f"{label}: {n}") for n in model.per_neuron}


def draw_constants(
    model: PerNeuronModel, shape: tuple[int, ...], owner: Owner, rng_seed: int
) -> dict[str, np.ndarray]:
    """Those that an initializer draws, of ``shape``, as compilers with this seed draw them."""
    label = f"{owner.kind.value} {owner.name!r}"
    rng = np.random.default_rng(_seed(rng_seed, owner))
    return {
        name: sample_value(value, shape, rng, f"{label}: {name}")
        for name, value in given_constants(model, label).items()
        if is_value_initializer(value)
    }


def _own(
    model: PerNeuronModel,
    population: Population,
    owner: Owner,
    learned: Mapping[str, tuple[float, float] | None],
    argument: str,
    settings: BuildSettings,
    seed: list[int],
) -> Own:
    for name in learned:
        if name not in model.per_neuron:
            known = ", ".join(map(repr, model.per_neuron)) or "none"
            raise ValueError(
                f"{argument} has {name!r}, parameters of {type(model).__name__} that can be "
                f"learned are {known}"
            )
    label = f"{owner.kind.value} {owner.name!r}"
    given = given_constants(model, label)
    own = [n for n, value in given.items() if n in learned or not isinstance(value, float)]
    if not own:
        return Own(model, ())
    rng = np.random.default_rng(seed)
    assert population.shape is not None  # check_network
    values = {
        n: sample_value(given[n], population.shape, rng, f"{label}: {n}").ravel() for n in own
    }
    _check_neurons(model, values, label)
    all_values = {n: values.get(n, np.array([given[n]])) for n in given}
    bounds = {
        n: _single(_with_default_bounds(wanted, model.learned_bounds(n, all_values, settings.dt)))
        for n, wanted in learned.items()
    }
    _check_bounds(model, values, bounds, label)
    parameters = tuple(
        ParameterSpec(
            owner,
            name,
            values[name],
            learned=settings.training and name in learned,
            bounds=bounds.get(name, (-math.inf, math.inf)),
            units=model.per_neuron[name].units,
            constant=model.per_neuron[name].constant,
            by_logarithm=model.per_neuron[name].is_time_constant,
        )
        for name in own
    )
    shortest = {n: min(float(values[n].min()), bounds.get(n, (math.inf, 0.0))[0]) for n in own}
    for name in own:
        if model.per_neuron[name].is_time_constant:
            check_decay(shortest[name], settings.dt, f"{label}: the shortest {name}")
    return Own(model.with_values({n: float(v.mean()) for n, v in values.items()}), parameters)


def _check_neurons(model: PerNeuronModel, values: Mapping[str, np.ndarray], label: str) -> None:
    """Whether every neuron is one that the model allows."""
    for numbers in np.unique(np.stack(list(values.values()), axis=1), axis=0):
        of_one = dict(zip(values, map(float, numbers), strict=True))
        try:
            model.with_values(of_one).check()
        except ValueError as error:
            shown = ", ".join(f"{name} = {number:g}" for name, number in of_one.items())
            raise ValueError(f"{label}, a neuron with {shown}: {error}") from None


def _check_bounds(
    model: PerNeuronModel,
    values: Mapping[str, np.ndarray],
    bounds: Mapping[str, tuple[float, float]],
    label: str,
) -> None:
    """Whether parameters start within their bounds, and all that these allow is allowed."""
    for name, (low, high) in bounds.items():
        first, last = float(values[name].min()), float(values[name].max())
        if not low <= first <= last <= high:
            raise ValueError(
                f"{label}: {name} starts from {first:g} to {last:g}, beyond its bounds {low:g} to "
                f'{high:g} (of all neurons); give others as {{..., "{name}": (low, high)}}'
            )
    ends = {
        name: [
            low if math.isfinite(low) else float(values[name].min()),
            high if math.isfinite(high) else float(values[name].max()),
        ]
        for name, (low, high) in bounds.items()
    }
    for name, value in values.items():
        ends.setdefault(name, [float(value.min()), float(value.max())])
    for name in bounds:
        for end in (0, 1):
            corner = {other: ends[other][1 - end] for other in ends} | {name: ends[name][end]}
            try:
                model.with_values(corner).check()
            except ValueError as error:
                low, high = bounds[name]
                raise ValueError(
                    f"{label}: {name} is learned within {low:g} to {high:g}, which allows too "
                    f"much: {error}"
                ) from None


def _with_default_bounds(
    wanted: tuple[float, float] | None, default: tuple[float, float]
) -> tuple[float, float]:
    """Bounds as wanted, the default where there are none: a time constant without any bound could
    be learned away."""
    low, high = (-math.inf, math.inf) if wanted is None else wanted
    return (
        low if math.isfinite(low) else default[0],
        high if math.isfinite(high) else default[1],
    )


def _single(bounds: tuple[float, float]) -> tuple[float, float]:
    """Bounds as engines have them, in single precision."""
    low, high = (float(np.float32(bound)) for bound in bounds)
    return low, high
