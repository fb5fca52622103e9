"""Gradients of the reference engine against central differences of its own loss."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from programs import Case

from mlgenn_delays.engines.reference import ReferenceEngine

#: Central differences of fourth order; a step that leaves some 1e-12 of rounding.
STEP = 6e-5
_POINTS = ((1.0, 8.0 / 12.0), (-1.0, -8.0 / 12.0), (2.0, -1.0 / 12.0), (-2.0, 1.0 / 12.0))

#: Largest error relative to the largest entry of a gradient; the requirement is 1e-6.
SCALE_TOLERANCE = 1e-7

#: Largest relative error of each entry that is not tiny.
ENTRY_TOLERANCE = 1e-6
TINY = 1e-2

#: Smallest I - theta at spikes: differences of spikes that barely happen are inaccurate,
#: and the engine bounds their gradients.
MARGIN = 0.05


def _smallest_margin(engine: ReferenceEngine) -> float:
    cells = [cell for trial in engine.trials for cells in trial.cells for cell in cells]
    margins = (s.current - c.membrane.threshold for c in cells for s in c.spikes)
    return min(margins, default=math.inf)


def central_differences(
    engine: ReferenceEngine, parameter: int, function: Callable[[], float]
) -> np.ndarray:
    """Derivative of ``function`` with respect to each entry of a parameter."""
    value = engine.get_parameter(parameter)
    result = np.zeros(value.shape)
    for index in np.ndindex(value.shape):
        for offset, weight in _POINTS:
            shifted = value.copy()
            shifted[index] += offset * STEP
            engine.set_parameter(parameter, shifted)
            result[index] += weight * function() / STEP
    engine.set_parameter(parameter, value)
    return result


def assert_close(gradient: np.ndarray, expected: np.ndarray, label: str) -> None:
    """Compare a gradient with finite differences, as a whole and by entry."""
    scale = np.max(np.abs(expected))
    assert scale > 1e-6, f"{label}: the gradient vanishes, so that nothing would be tested"
    error = np.abs(gradient - expected)
    assert np.max(error) <= SCALE_TOLERANCE * scale, (
        f"{label}: error {np.max(error) / scale:.1e} of the scale\n{gradient}\n{expected}"
    )
    large = np.abs(expected) > TINY * scale
    relative = np.max(error[large] / np.abs(expected[large]))
    assert relative <= ENTRY_TOLERANCE, f"{label}: relative error {relative:.1e} of an entry"


def assert_gradients(
    case: Case, smallest_count: int = 2, output_counts: Callable | None = None
) -> ReferenceEngine:
    """Check all gradients of a case; spike counts must not change with the differences.

    Args:
        smallest_count: spikes that each hidden neuron must emit in each example, at least
        output_counts:  predicate of the (examples, neurons) spike counts of spiking outputs
    """
    engine = case.engine(ReferenceEngine)
    result = engine.forward(case.batch)
    assert _smallest_margin(engine) > MARGIN
    outputs = {p.index for p in case.program.outputs}
    for index, counts in result.spike_counts.items():
        if index in outputs:
            assert output_counts is None or output_counts(counts), counts
        else:
            assert np.min(counts) >= smallest_count, counts

    def loss() -> float:
        shifted = engine.forward(case.batch)
        for index, counts in result.spike_counts.items():
            np.testing.assert_array_equal(shifted.spike_counts[index], counts)
        return case.evaluate(shifted)[0]

    case.gradients(engine)
    gradients = engine.gradients()
    assert gradients.keys() == set(range(len(case.program.parameters)))
    for index, gradient in gradients.items():
        expected = central_differences(engine, index, loss)
        assert_close(gradient, expected, case.program.parameters[index].label)
    return engine
