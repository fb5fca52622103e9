"""Norms of gradients over an epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..checks import check_number
from .callback import Callback


class GradientNorms(Callback):
    """Euclidean norms of the gradients of weights and delays, over the batches of an epoch.

    Goes into ``callbacks`` of ``train``; its numbers can be read at any time, those of the whole
    epoch from its end on until the next one begins. The gradients are those that optimisers see,
    with regularisation.
    """

    def __init__(self) -> None:
        self._squares: dict[str, dict[str, float]] = {}
        self._dt = 1.0

    def set_params(self, compiled_network: Any, **kwargs: Any) -> None:
        self._compiled_network = compiled_network
        program = compiled_network.program
        self._dt = program.dt
        self._names, self._squares = {}, {}
        connections = compiled_network.connection_populations
        for connection, of in zip(connections, program.connections, strict=True):
            learned = {"g": of.weight, "d": of.delay}
            self._names[connection] = of.name
            self._squares[of.name] = {
                n: 0.0 for n, i in learned.items() if i is not None and program.learns(i)
            }

    def on_test_begin(self) -> None:
        raise ValueError("GradientNorms: there are no gradients in validation and evaluation")

    def on_epoch_begin(self, epoch: int) -> None:
        for squares in self._squares.values():
            squares.update(dict.fromkeys(squares, 0.0))

    def on_batch_end(self, batch: int, metrics: Mapping[Any, Any]) -> None:
        norms = self._compiled_network.gradient_norms()
        for connection, name in self._names.items():
            squares = self._squares[name]
            for parameter in squares:  # not what surrogate gradients learn besides
                norm = norms[connection][parameter]
                squares[parameter] += norm * norm  # may be infinite, as no power may

    @property
    def norms(self) -> dict[str, dict[str, float]]:
        """Connection -> ``{"g": of weights, "d": of delays [per ms]}``, each where it is learned:
        root of the sum of the squared norms of the batches so far."""
        units = {"g": 1.0, "d": self._dt}
        return {
            connection: {n: math.sqrt(square) / units[n] for n, square in squares.items()}
            for connection, squares in self._squares.items()
        }

    @property
    def delay_ratios(self) -> dict[str, float]:
        """Connection whose delays are learned -> norm of the gradient of delays [per ms] by that
        of weights; NaN where weights are not learned, or have no gradient yet."""
        return {
            connection: (
                math.sqrt(squares["d"]) / math.sqrt(squares["g"]) / self._dt
                if squares.get("g")
                else math.nan
            )
            for connection, squares in self._squares.items()
            if "d" in squares
        }

    def state_dict(self) -> dict[str, float]:
        """What has been summed up."""
        return {
            f"squares/{connection}/{name}": square
            for connection, squares in self._squares.items()
            for name, square in squares.items()
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`state_dict` gave."""
        # a norm may have overflowed, so that infinity is allowed
        restored = {
            connection: {
                name: _saved_square(state[f"squares/{connection}/{name}"], connection, name)
                for name in squares
            }
            for connection, squares in self._squares.items()
        }
        self._squares = restored


def _saved_square(value: Any, connection: str, name: str) -> float:
    if value == math.inf:
        return math.inf
    return check_number(value, f"squares of {name!r} of connection {connection!r}", minimum=0.0)
