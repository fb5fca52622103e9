"""An engine without dynamics: outputs are weighted sums of input spike counts.

It makes everything around engines testable fast and exactly: the loss is convex in the
weights, and what went wrong can be injected.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mlgenn_delays.engines.base import Engine, ForwardResult, Recording


class FakeEngine(Engine):
    """Y of an output = sum over its connections of (spike counts of the source) @ g."""

    name = "fake"
    created: ClassVar[list[FakeEngine]] = []

    def __init__(self, program, parameters, backend="auto", num_threads=None):
        super().__init__(program, num_threads or 1)
        self.backend = backend
        self.values = [{n: np.array(v) for n, v in p.items()} for p in parameters]
        self.moments = {}
        self.stored = [{} for _ in parameters]
        self.requests = []
        self.batches = []  #: rows of every batch that went forward
        self.steps = []  #: step of every optimiser step
        self.closed = False
        self.bad_readout_in = self.bad_gradient_in = self.bad_step_in = None
        FakeEngine.created.append(self)

    def set_parameter(self, connection, name, value):
        assert value.shape == self.program.connections[connection].param_shape
        self.values[connection][name] = np.array(value)

    def get_parameter(self, connection, name):
        return self.values[connection][name].copy()

    def _features(self, population):
        events = self.batch.inputs[population]
        rows = [events.example(i)[1] for i in self.batch.indices]
        return np.stack([np.bincount(r, minlength=events.num_neurons) for r in rows]).astype(float)

    def forward(self, batch, record=None):
        assert not self.closed
        self.batch = batch
        self.requests.append(record)
        self.batches.append(batch.indices.tolist())
        readouts = {p.index: np.zeros((batch.size, p.size)) for p in self.program.outputs}
        for c in self.program.connections:
            readouts[c.target] += self._features(c.source) @ self.values[c.index]["g"]
        if self.bad_readout_in == len(self.batches) - 1:
            next(iter(readouts.values()))[0, 0] = np.nan
        recording = Recording()
        for population in record.spikes if record else ():
            wanted = batch.indices[record.examples]
            recording.spikes[population] = [batch.inputs[population].example(i) for i in wanted]
        return ForwardResult(readouts=readouts, spike_counts={}, recording=recording)

    def backward(self, gradients, record=None):
        for c in self.program.connections:
            gradient = self._features(c.source).T @ gradients[c.target].readout
            self.stored[c.index] = {"g": gradient} if c.learn_weights else {}
            if c.learn_delays:
                self.stored[c.index]["d"] = gradient
        if self.bad_gradient_in == len(self.batches) - 1:
            self.stored[0]["g"][0, 0] = np.inf
        return Recording()

    def gradients(self):
        return self.stored

    def apply_gradients(self, optimisers, step):
        self.steps.append(step)
        for c in self.program.connections:
            assert set(optimisers[c.index]) == set(self.stored[c.index])
            for name, gradient in self.stored[c.index].items():
                state = self.moments.setdefault(f"{c.index}.{name}", {})
                value = optimisers[c.index][name].update(
                    self.values[c.index][name], gradient, state, step
                )
                if name == "d":
                    value = np.clip(value, 0.0, c.max_delay_steps)
                self.values[c.index][name] = value
        if self.bad_step_in == len(self.batches) - 1:
            self.values[0]["g"][0, 0] = np.nan

    def optimiser_state(self):
        return {f"{k}.{n}": v.copy() for k, state in self.moments.items() for n, v in state.items()}

    def set_optimiser_state(self, state):
        self.moments = {}
        for key, value in state.items():
            parameter, moment = key.rsplit(".", 1)
            self.moments.setdefault(parameter, {})[moment] = np.array(value)

    def memory_estimate(self):
        return {"parameters": sum(v.nbytes for p in self.values for v in p.values())}

    def close(self):
        self.closed = True
