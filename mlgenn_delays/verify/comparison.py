"""Checking EventProp gradients of a user's network against finite differences.

The finite differences are those of the event-driven reference, whose loss has no timestep
and is smooth as long as no spike appears or vanishes. Engines on a grid differ from it by
O(dt) in spike times, and by whole spikes where a neuron barely reaches its threshold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from ..checks import check_number, check_whole_number
from ..compilers.event_prop_compiler import EventPropCompiler
from ..network import Network
from ..program.program import Timing
from ..training.compiled_training_network import CompiledTrainingNetwork
from .probe import Entry, GradientProbe
from .table import GradientCheck, GradientRow, Similarity, SkippedParameter

#: Bound on I - threshold in the reference: none, in effect.
_NO_BOUND = 1e-12

#: Share of the parameters that are drawn among those whose gradient is not negligible.
_PREFERRED_SHARE = 0.75
_NEGLIGIBLE = 1e-2  #: of the largest gradient of the same kind in the connection

#: Errors are not taken relative to less than this share of the largest gradient.
_REFERENCE_FLOOR = 1e-4
_ENGINE_FLOOR = 0.1


def check_gradients(
    network: Network,
    x: Mapping[Any, Any],
    y: Mapping[Any, Any],
    *,
    example_timesteps: int,
    losses: Any,
    dt: float = 1.0,
    delay_learn_conns: Iterable[Any] = (),
    weight_learn_conns: Iterable[Any] | None = None,
    neuron_learn_params: Mapping[Any, Any] | None = None,
    synapse_learn_params: Mapping[Any, Any] | None = None,
    per_timestep_loss: bool = False,
    ttfs_alpha: float = 0.01,
    softmax_temperature: float = 1.0,
    i_minus_thresh_min: float = 1e-2,
    rng_seed: int = 0,
    num_parameters: int = 24,
    seed: int = 0,
    epsilon: float = 1e-5,
    reference_tolerance: float = 1e-4,
    engine_tolerance: float = 0.2,
    backend: str = "auto",
    num_threads: int | None = None,
    timing: Timing = "grid",
    print_table: bool = True,
) -> GradientCheck:
    """Compare EventProp gradients with central finite differences of the reference's loss.

    With ``timing="grid"``, delays are rounded to whole timesteps and, in the reference, input
    spikes moved to the timesteps in which engines on a grid deliver them, so that all simulate
    the same network. The reference is slow: a few samples of a network with up to
    some hundred neurons.

    Args:
        network:             the description; it is not changed
        x:                   input -> a few ``PreprocessedSpikes``
        y:                   output -> labels or targets
        example_timesteps, losses, dt, delay_learn_conns, weight_learn_conns:
                             see :class:`.EventPropCompiler`
        neuron_learn_params, synapse_learn_params, per_timestep_loss:
                             see there, too
        ttfs_alpha, softmax_temperature, rng_seed, backend, num_threads, timing:
                             see there, too
        i_minus_thresh_min:  bound in the engine; the reference has none
        num_parameters:      how many parameters to compare, spread over kinds of
                             parameters, connections and populations
        seed:                seed of that selection
        epsilon:             step of the finite differences, in units of the parameter
        reference_tolerance: relative error up to which the reference agrees
        engine_tolerance:    relative error up to which the engine agrees
        print_table:         print the table

    Returns:
        rows, skipped parameters and ``ok``; ``str()`` of it is the table. Parameters are
        skipped where a step changes the number of spikes of any neuron.

    Raises:
        ValueError, TypeError: as the compiler and ``train`` do.
    """
    check_whole_number(num_parameters, "num_parameters", minimum=1)
    check_number(epsilon, "epsilon", above=0.0)

    def compile_with(name: str, bound: float) -> CompiledTrainingNetwork:
        return EventPropCompiler(
            example_timesteps,
            losses,
            dt=dt,
            batch_size=max([1, *(len(v) for v in x.values())]),
            delay_learn_conns=delay_learn_conns,
            weight_learn_conns=weight_learn_conns,
            neuron_learn_params=neuron_learn_params,
            synapse_learn_params=synapse_learn_params,
            per_timestep_loss=per_timestep_loss,
            ttfs_alpha=ttfs_alpha,
            softmax_temperature=softmax_temperature,
            rng_seed=rng_seed,
            backend=name,
            num_threads=num_threads,
            i_minus_thresh_min=bound,
            timing=timing,
        ).compile(network)

    reference = GradientProbe(compile_with("reference", _NO_BOUND), x, y)
    engine = GradientProbe(compile_with(backend, i_minus_thresh_min), x, y)
    check = GradientCheck(
        engine.network.engine.name,
        reference.loss,
        engine.loss,
        reference_tolerance,
        engine_tolerance,
        dt,
        spikes=_total_spikes(reference, engine),
        similarities=list(_similarities(reference, engine)),
    )
    selected = _select(reference.gradients, num_parameters, np.random.default_rng(seed))
    for entry in selected:
        _compare(reference, engine, entry, epsilon, check)
    if print_table:
        print(check)
    return check


def _compare(
    reference: GradientProbe,
    engine: GradientProbe,
    entry: Entry,
    epsilon: float,
    check: GradientCheck,
) -> None:
    """Add one weight or delay to the rows of ``check``, or to what was skipped."""
    difference = _finite_difference(reference, entry, epsilon)
    if difference is None:
        spec = reference.program.parameters[entry.parameter]
        reason = f"a step of {epsilon:g} changes the number of spikes"
        check.skipped.append(SkippedParameter(spec.owner.name, spec.name, entry.index, reason))
    else:
        check.rows.append(_row(reference, engine, entry, difference, check))


def _row(
    reference: GradientProbe,
    engine: GradientProbe,
    entry: Entry,
    difference: float,
    check: GradientCheck,
) -> GradientRow:
    spec = reference.program.parameters[entry.parameter]
    all_values = reference.gradients[entry.parameter]
    scale = float(np.max(np.abs(all_values)))
    value = float(all_values[entry.index])
    other = float(engine.gradients[entry.parameter][entry.index])
    reference_error = _relative_error(difference, value, _REFERENCE_FLOOR * scale)
    engine_error = _relative_error(difference, other, _ENGINE_FLOOR * scale)
    return GradientRow(
        connection=spec.owner.name,
        parameter=spec.name,
        index=entry.index,
        finite_difference=difference,
        reference=value,
        engine=other,
        reference_error=reference_error,
        engine_error=engine_error,
        reference_agrees=reference_error <= check.reference_tolerance,
        engine_agrees=engine_error <= check.engine_tolerance,
    )


def _relative_error(a: float, b: float, floor: float) -> float:
    scale = max(abs(a), abs(b), floor)
    return abs(a - b) / scale if scale > 0.0 else 0.0


def _finite_difference(probe: GradientProbe, entry: Entry, epsilon: float) -> float | None:
    """Derivative of the loss, from values on both sides or, at the ends of the range of a
    delay, from three values on the inside; either is of second order in ``epsilon``."""
    value = probe.get(entry)
    low, high = probe.program.parameters[entry.parameter].bounds_of(entry.index)
    if value < low + epsilon:
        return _one_sided(probe, entry, value, epsilon)
    if value > high - epsilon:
        return _one_sided(probe, entry, value, -epsilon)
    above = probe.loss_at(entry, value + epsilon)
    below = probe.loss_at(entry, value - epsilon)
    if above is None or below is None:
        return None
    return (above - below) / (2.0 * epsilon)


def _one_sided(probe: GradientProbe, entry: Entry, value: float, step: float) -> float | None:
    near = probe.loss_at(entry, value + step)
    far = probe.loss_at(entry, value + 2.0 * step)
    if near is None or far is None:
        return None
    return (4.0 * near - far - 3.0 * probe.loss) / (2.0 * step)


def _select(
    gradients: Mapping[int, np.ndarray], count: int, rng: np.random.Generator
) -> list[Entry]:
    """Weights and delays to compare: in turn from every parameter, most of them with a
    gradient that is not negligible, some at random."""
    queues = [
        iter([Entry(parameter, index) for index in _order(values, rng)])
        for parameter, values in gradients.items()
    ]
    selected: list[Entry] = []
    while queues and len(selected) < count:
        for queue in list(queues):
            entry = next(queue, None)
            if entry is None:
                queues.remove(queue)
            elif len(selected) < count:
                selected.append(entry)
    return selected


def _order(values: np.ndarray, rng: np.random.Generator) -> Iterator[tuple[int, ...]]:
    """Indices in random order, three of four from those with a gradient to speak of."""
    size = np.abs(values).reshape(-1)
    order = rng.permutation(len(size))
    preferred = order[size[order] > _NEGLIGIBLE * np.max(size, initial=0.0)]
    chosen: dict[int, None] = {}
    first, any_of_all = iter(preferred), iter(rng.permutation(order))
    for position in range(len(order)):
        wanted = first if (position + 1) * (1.0 - _PREFERRED_SHARE) % 1.0 else any_of_all
        k = next((k for k in wanted if k not in chosen), None)
        if k is None:
            k = next((k for k in any_of_all if k not in chosen), None)
        if k is None:
            return
        chosen[k] = None
        yield tuple(int(i) for i in np.unravel_index(k, values.shape))


def _similarities(reference: GradientProbe, engine: GradientProbe) -> Iterator[Similarity]:
    for parameter, value in reference.gradients.items():
        other = engine.gradients[parameter].astype(np.float64)
        norms = float(np.linalg.norm(value)), float(np.linalg.norm(other))
        if all(norms):
            cosine = float(np.sum(value * other)) / (norms[0] * norms[1])
            spec = reference.program.parameters[parameter]
            yield Similarity(spec.owner.name, spec.name, cosine, norms[1] / norms[0])


def _total_spikes(reference: GradientProbe, engine: GradientProbe) -> dict[str, tuple[int, int]]:
    return {
        reference.program.populations[index].name: (
            int(np.sum(counts)),
            int(np.sum(engine.counts[index])),
        )
        for index, counts in reference.counts.items()
    }
