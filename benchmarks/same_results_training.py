"""Everything that one case of `same_results.py` computes, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from same_results_cases import BATCH, CLASSES, INPUTS, STEPS, Plan

from mlgenn_delays.callbacks import Callback, SpikeRecorder, VarRecorder
from mlgenn_delays.compilers import (
    EventPropCompiler,
    InferenceCompiler,
    load_checkpoint,
    load_network,
    save_checkpoint,
)
from mlgenn_delays.neurons import AdaptiveLeakyIntegrateFire
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.serialisers import Numpy
from mlgenn_delays.utils.data import preprocess_spikes

#: STOP: batches until the training that is resumed is stopped.
EPOCHS, STOP = 3, 6

Arrays = dict[str, np.ndarray]


class Watch(Callback):
    """Loss, validation loss and metrics of epochs; stops as Ctrl-C does, if asked to."""

    def __init__(self, stop: int | None = None) -> None:
        self.rows: list[list[Any]] = []
        self._left = stop

    def set_params(self, compiled_network: Any, **kwargs: Any) -> None:
        self._network = compiled_network

    def on_batch_end(self, batch: int, metrics: Any) -> None:
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                raise KeyboardInterrupt

    def on_epoch_end(self, epoch: int, metrics: Mapping[Any, Any]) -> None:
        values = [self._network.epoch_loss, self._network.validation_loss]
        self.rows.append([*values, *(metric.result for metric in metrics.values())])


class Trainer:
    """A plan with its data, compiled."""

    def __init__(self, plan: Plan, backend: str, threads: int) -> None:
        self.plan = plan
        self.engine: dict[str, Any] = {"backend": backend, "num_threads": threads}
        rng = np.random.default_rng(8)
        # some times at steps, some between them
        times = [rng.integers(0, 90, 4 * INPUTS) / 2.0 for _ in range(plan.examples)]
        channels = np.repeat(np.arange(INPUTS), 4)
        labels = rng.integers(0, CLASSES, plan.examples)
        source, *self.populations = plan.network.populations
        self.x = {source: [preprocess_spikes(t, channels, INPUTS) for t in times]}
        self.output = self.populations[-1]
        self.y = {self.output: labels if plan.targets is None else plan.targets}
        options: dict[str, Any] = {
            "losses": "sparse_categorical_crossentropy",
            "optimiser": Adam(0.02),
            "delay_optimiser": Adam(0.2),
            "batch_size": BATCH,
            **plan.compiler,
            **self.engine,
        }
        self.compiled = EventPropCompiler(STEPS, rng_seed=3, **options).compile(plan.network)

    def train(self, start: tuple[int, int] = (0, 0), stop: int | None = None) -> Arrays:
        """Train to the end, or until KeyboardInterrupt after ``stop`` batches."""
        watch, validation = Watch(stop), Watch()
        result = self.compiled.train(
            self.x,
            self.y,
            EPOCHS - start[0],
            start_epoch=start[0],
            start_batch=start[1],
            callbacks=[*self.plan.callbacks, *self._recorders(adjoint=True), watch],
            validation_callbacks=[validation],
            **self.plan.train,
        )
        rows = {"epochs": watch.rows, "validation": validation.rows}
        epochs = {name: np.array(values, dtype=np.float64) for name, values in rows.items()}
        return {**epochs, **_pack(result[len(result) // 2])}

    def predict(self) -> Arrays:
        """Predictions with what the description of the network holds."""
        dt = self.plan.compiler.get("dt", 1.0)
        compiler = InferenceCompiler(STEPS, dt, batch_size=4, **self.engine)
        compiled = compiler.compile(self.plan.network)
        with compiled:
            values, data = compiled.predict(
                self.x, self.output, callbacks=self._recorders(adjoint=False)
            )
        return {"values": values[self.output], **_pack(data)}

    def _recorders(self, adjoint: bool) -> list[Callback]:
        """For everything that can be recorded."""
        result: list[Callback] = []
        for population in self.populations:
            is_adaptive = isinstance(population.neuron, AdaptiveLeakyIntegrateFire)
            for name in ("V", "A") if is_adaptive else ("V",):
                for variable in (name, f"Lambda{name}") if adjoint else (name,):
                    key = f"{variable} of {population.name}"
                    result.append(VarRecorder(population, key=key, genn_var=variable))
            if population.neuron.is_spiking:
                result.append(SpikeRecorder(population, key=f"spikes of {population.name}"))
        return result

    def parameters(self) -> Arrays:
        """Weights and delays of each connection."""
        values = {}
        for connection, group in self.compiled.connection_populations.items():
            for name, variable in group.vars.items():
                variable.pull_from_device()
                values[f"{name} of {connection.name}"] = variable.view.copy()
        return values

    def gradients(self) -> Arrays:
        """Loss and gradients of the first batch; each parameter that is learned has one."""
        size = self.compiled.batch_size
        x, y = ({k: v[:size] for k, v in data.items()} for data in (self.x, self.y))
        loss, gradients = self.compiled.gradients(x, y)
        named = {f"{n} of {c.name}": v for c, part in gradients.items() for n, v in part.items()}
        return {"loss": np.array(loss), **named}


def _pack(recordings: Mapping[Any, Any]) -> Arrays:
    """Each recording as one array, and the lengths of its examples."""
    arrays = {}
    for key, data in recordings.items():
        parts = zip(("times", "neurons"), data) if isinstance(data, tuple) else [("values", data)]
        for part, examples in parts:
            arrays[f"{part}, {key}"] = np.concatenate(examples)
            arrays[f"lengths, {part}, {key}"] = np.array([len(e) for e in examples])
    return arrays


def run(make: Callable[[], Plan], backend: str, threads: int, folder: Path) -> Arrays:
    """All results of a case, named.

    Raises:
        AssertionError: nothing was learned, or nothing spiked, or resuming did not work
    """
    straight, stopped, resumed = (Trainer(make(), backend, threads) for _ in range(3))
    with straight.compiled:
        before, gradients = straight.parameters(), straight.gradients()
        trained, after = straight.train(), straight.parameters()
        straight.compiled.save(("trained",), Numpy(folder))
    with stopped.compiled:
        try:
            stopped.train(stop=STOP)
        except KeyboardInterrupt:
            save_checkpoint(folder / "stopped", stopped.compiled.training_state())
    with resumed.compiled:
        start = resumed.compiled.load_training_state(load_checkpoint(folder / "stopped"))
        rest, end = resumed.train(start), resumed.parameters()
        load_network(resumed.plan.network, resumed.compiled.training_state())
    straight.plan.network.load(("trained",), Numpy(folder))

    changed = {name for name, value in after.items() if np.any(value != before[name])}
    assert changed == set(gradients) - {"loss"}, f"{changed} changed, {set(gradients)} are learned"
    spikes = {name: value.size for name, value in trained.items() if name.startswith("times")}
    assert all(size > len(straight.y[straight.output]) for size in spikes.values()), spikes
    assert min(start) > 0, f"it was not stopped in mid-epoch, but at {start}"
    groups = {
        "before": before, "gradients": gradients, "training": trained, "after": after,
        "resumed": rest, "saved": straight.predict(), "checkpoint": resumed.predict(),
    }  # fmt: skip
    whole = {**after, "epochs": trained["epochs"][start[0] :]}
    found = difference(whole, {**end, "epochs": rest["epochs"]})
    assert found is None, f"resuming is not the same as not stopping: {found}"
    found = difference(groups["saved"], groups["checkpoint"])
    assert found is None, f"predictions of two ways to save: {found}"
    return {f"{group}: {n}": v for group, arrays in groups.items() for n, v in arrays.items()}


def difference(ours: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray]) -> str | None:
    """The first difference in names, types, shapes or bits, in words; None if there is none."""
    for name in dict.fromkeys((*ours, *theirs)):
        if name not in ours or name not in theirs:
            return f"{name}: missing {'here' if name not in ours else 'there'}"
        a, b = ours[name], theirs[name]
        if (a.dtype, a.shape) != (b.dtype, b.shape):
            return f"{name}: {a.dtype} {a.shape} here, {b.dtype} {b.shape} there"
        if a.tobytes() != b.tobytes():
            bits = [np.frombuffer(v.tobytes(), np.uint8).reshape(v.size, -1) for v in (a, b)]
            rows = np.flatnonzero(np.any(bits[0] != bits[1], axis=1))
            index = tuple(int(i) for i in np.unravel_index(rows[0], a.shape))
            return f"{name}: {len(rows)} of {a.size}, {a[index]} and {b[index]} at {index}"
    return None
