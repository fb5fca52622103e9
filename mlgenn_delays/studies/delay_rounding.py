"""Test accuracy with delays that are rounded to timesteps, and with delays between timesteps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlgenn_delays.cautions import without_cautions

from .compiling import compile_network
from .evaluation import TestResult, evaluate_network
from .methods import is_surrogate
from .prepare import Prepared

_ROUNDED, _FRACTIONAL = "test_accuracy_rounded", "test_accuracy_fractional"


def accuracies(
    prepared: Prepared, best: Mapping[str, np.ndarray], test: TestResult
) -> dict[str, Any]:
    """Test accuracies by what becomes of delays: the one that was measured and, of networks that
    were trained with surrogates, the other one, measured with the same parameters.

    EventProp trains with the delays that it tests with: rounded on the grid, anywhere in sub-step
    timing and on the engine without timesteps. ``--evaluate --timing`` tests them the other way.

    Args:
        prepared: the run
        best: state of the network that was tested
        test: of it

    Returns:
        by name of the entry of the record; nothing where the network has no delays
    """
    config, network, compiled = prepared.config, prepared.network, prepared.compiled
    if not prepared.delays_before:
        return {}
    if not is_surrogate(config):
        is_rounded = config.network.timing == "grid" and compiled.engine.name != "reference"
        return {_ROUNDED if is_rounded else _FRACTIONAL: test.accuracy}
    is_rounded = not config.surrogate.fractional_delays
    names = (_ROUNDED, _FRACTIONAL) if is_rounded else (_FRACTIONAL, _ROUNDED)
    other = config.change(fractional_delays=is_rounded)
    part, loss = prepared.data.test, prepared.task.loss(config)
    with without_cautions():  # it gets what was learned below
        again = compile_network(prepared.task, network, other, prepared.data)
    with again:
        again.load_training_state(best)
        found = evaluate_network(again, network, part.events, part.labels, loss)
    return dict(zip(names, (test.accuracy, found.accuracy), strict=True))
