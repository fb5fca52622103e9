"""What training leaves that diverges: compared with what its error says and with other networks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mlgenn_delays.callbacks import Callback
from mlgenn_delays.compilers import TrainingDiverged
from mlgenn_delays.engines.base import is_finite


def values(network: Any) -> list[np.ndarray]:
    """All that steps change."""
    return [*network.engine.get_parameters(), *network.engine.optimiser_state().values()]


class Watch(Callback):
    """Keeps what there was before every batch, and does something before or after one."""

    def __init__(self, network: Any, batch: int = -1, do: Any = None, after: bool = False):
        self.before: list[list[np.ndarray]] = []
        self.moment = batch
        self._network, self._do, self._after = network, do, after

    def on_batch_begin(self, batch):
        self._act(after=False)
        self.before.append(values(self._network))

    def on_batch_end(self, batch, metrics):
        self._act(after=True)

    def _act(self, after):
        now = after == self._after and len(self.before) - after == self.moment
        if self._do is not None and now:
            self._do()


def diverge(network: Any, data: Any, watch: Watch, epochs: int = 3) -> TrainingDiverged:
    with pytest.raises(TrainingDiverged) as info:
        network.train(*data, epochs, callbacks=[watch])
    return info.value


def check_claims(
    error: TrainingDiverged, network: Any, watch: Watch, num_batches: int, start_epoch: int = 0
) -> None:
    """Whether what the error says is so."""
    now, before = values(network), watch.before[-1]
    begun = (error.epoch - start_epoch) * num_batches + error.batch + 1
    assert len(watch.before) == begun, f"noticed in batch {begun - 1} of {len(watch.before)}"
    finite = all(map(is_finite, now))
    assert error.parameters_finite == finite, f"finite: {finite}, but {error}"
    same = len(now) == len(before) and all(
        np.array_equal(a, b, equal_nan=True) for a, b in zip(now, before)
    )
    # a step from NaN to NaN leaves no trace
    assert error.step_applied == (not same) or not (same or finite), f"same: {same}, but {error}"
    assert ("the parameters are the last good ones" in str(error)) == error.parameters_finite
    assert ("already contain the step" in str(error)) == error.step_applied


def observe(network: Any, net: SimpleNamespace, data: Any, start: tuple[int, int]) -> list[Any]:
    part = {net.x: data[0][net.x][:4]}, {net.y: data[1][net.y][:4]}
    found = [network.predict(data[0], net.y, callbacks=[])[0][net.y]]
    loss, gradients = network.gradients(*part)
    found += [np.array(loss), *(g for c in gradients.values() for g in c.values())]
    epoch, batch = start
    network.train(*data, 2, start_epoch=epoch, start_batch=batch, callbacks=[])
    return found + values(network)
