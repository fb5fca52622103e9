"""Gradients of mlGeNN's own EventPropCompiler approach ours as the timestep shrinks.

mlGeNN propagates V with the mean current of a timestep, we propagate it exactly; the
difference is of order dt. Its gradients are those of the same loss up to one factor per kind of
parameter: its adjoints of losses on voltages are 1/tau_mem (of the output) of the exact ones,
and its delay gradients are per millisecond, ours per timestep.

mlGeNN runs a batch backwards while the next one runs forwards: the gradients of an example are
complete at the end of the second of two equal trials, and there before the last callbacks.
"""

from __future__ import annotations

import numpy as np
import pytest
from genn_backend import BACKEND

pytest.importorskip("pygenn")
pytest.importorskip("ml_genn")

import ml_genn
from ml_genn.callbacks import Callback
from ml_genn.compilers.event_prop_compiler import default_params
from ml_genn.connectivity import Dense
from ml_genn.optimisers import Adam as MlAdam
from ml_genn.synapses import Exponential

from mlgenn_delays import compilers
from mlgenn_delays.interop.ml_genn import from_ml_genn
from mlgenn_delays.optimisers import Adam

pytestmark = pytest.mark.genn

DURATION = 40.0  #: [ms]
TAU_OUT = 15.0  #: [ms]
TIMESTEPS = (0.4, 0.1, 0.025)  #: [ms]
SIZES = (3, 5, 3)


def make_network(dt: float):
    """Input, hidden and output; delays in ms are the same at every timestep."""
    rng = np.random.default_rng(12)
    network = ml_genn.Network(default_params)

    def connect(source, target, mean, sd, shape, largest):
        weight, delay = rng.normal(mean, sd, shape), rng.uniform(0.0, largest, shape)
        # whole steps of the coarsest timestep: rounding would be another difference
        steps = np.round(delay / TIMESTEPS[0]) * (TIMESTEPS[0] / dt)
        return ml_genn.Connection(
            source, target, Dense(weight.astype(np.float32), steps.astype(np.float32)),
            Exponential(5.0), max_delay_steps=round(20.0 / dt),
        )  # fmt: skip

    with network:
        x = ml_genn.Population(ml_genn.neurons.SpikeInput(1000), SIZES[0], name="x")
        h = ml_genn.Population(ml_genn.neurons.LeakyIntegrateFire(tau_mem=10.0), SIZES[1], name="h")
        y = ml_genn.Population(
            ml_genn.neurons.LeakyIntegrate(tau_mem=TAU_OUT, readout="avg_var"), SIZES[2], name="y"
        )
        connect(x, h, 2.5, 0.7, SIZES[:2], 15.0)
        connect(h, h, 0.0, 0.6, (SIZES[1], SIZES[1]), 15.0)
        connect(h, y, 0.5, 1.0, SIZES[1:], 10.0)
    return network, x, y


def make_spikes():
    rng = np.random.default_rng(3)
    # beginnings of steps of the coarsest timestep
    times = TIMESTEPS[0] * rng.integers(0, round(0.6 * DURATION / TIMESTEPS[0]), 10)
    return ml_genn.utils.data.preprocess_spikes(
        (times + 1e-4).astype(np.float32), rng.integers(0, SIZES[0], 10), SIZES[0]
    )


class Gradients(Callback):
    """Takes gradients at the end of the second trial, before they are applied and zeroed."""

    def __init__(self, connections, timesteps, found):
        self._connections, self._timesteps, self._found = connections, timesteps, found

    def set_params(self, compiled_network, **kwargs):
        self._groups = [compiled_network.connection_populations[c] for c in self._connections]

    def on_batch_begin(self, batch):
        self._batch = batch

    def on_timestep_end(self, timestep):
        if (self._batch, timestep) == (1, self._timesteps - 1):
            for group in self._groups:
                for name in ("Gradient", "DelayGradient"):
                    group.vars[name].pull_from_device()
                    self._found.append(np.array(group.vars[name].current_values))


def gradients_of_mlgenn(dt: float) -> list[np.ndarray]:
    """Weight and delay gradients of each connection."""
    network, x, y = make_network(dt)
    timesteps = round(DURATION / dt)
    compiler = ml_genn.compilers.EventPropCompiler(
        timesteps, "sparse_categorical_crossentropy", MlAdam(0.0), dt=dt, batch_size=1,
        delay_learn_conns=network.connections, backend="single_threaded_cpu",
    )  # fmt: skip
    found: list[np.ndarray] = []
    compiled = compiler.compile(network, f"reference_{timesteps}")
    with compiled:
        take = Gradients(network.connections, timesteps, found)
        compiled.train({x: [make_spikes()] * 2}, {y: [1, 1]}, 1, shuffle=False, callbacks=[take])
    return found


def our_gradients(dt: float) -> list[np.ndarray]:
    """The same in mlGeNN's units."""
    network, x, y = make_network(dt)
    conversion = from_ml_genn(network)
    compiler = compilers.EventPropCompiler(
        round(DURATION / dt), "sparse_categorical_crossentropy", Adam(0.0), dt=dt, batch_size=1,
        delay_learn_conns=conversion.network.connections, backend=BACKEND,
    )  # fmt: skip
    compiled = compiler.compile(conversion.network)
    compiled.train(
        {conversion[x]: [make_spikes()]}, {conversion[y]: [1]}, 1, shuffle=False, callbacks=[]
    )
    assert compiled.spike_counts[conversion.network.populations[1]].min() >= 2
    units = {"g": TAU_OUT, "d": TAU_OUT * dt}
    specs = compiled.engine.program.parameters
    return [g.ravel() / units[specs[i].name] for i, g in compiled.engine.gradients().items()]


def test_gradients_of_mlgenn_approach_ours(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # mlGeNN writes its code here
    errors, cosines = [], []
    for dt in TIMESTEPS:
        theirs, ours = gradients_of_mlgenn(dt), our_gradients(dt)
        assert len(theirs) == len(ours) == 6
        assert all(np.any(g) for g in ours)
        errors.append([np.abs(a - b).max() / np.abs(b).max() for a, b in zip(theirs, ours)])
        cosines.append(
            [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(theirs, ours)]
        )
    # single errors jump with the step that a spike falls into; the trend is the order
    slope = np.polyfit(np.log(TIMESTEPS), np.log(np.mean(errors, axis=1)), 1)[0]
    assert 0.4 < slope < 1.4, errors
    assert np.all(np.array(errors[-1]) < 0.5 * np.array(errors[0])), errors
    assert np.max(errors[-1]) < 0.06, errors
    assert np.min(cosines[-1]) > 0.999, cosines
