"""An engine without dynamics: outputs are weighted sums of input spike counts.

It makes everything around engines testable fast and exactly: the loss is convex in the
weights, and what went wrong can be injected.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mlgenn_delays.engines.base import Engine
from mlgenn_delays.program.exchange import ForwardResult, Recording


class FakeEngine(Engine):
    """Y of an output = sum over its connections of (spike counts of the source) @ g."""

    name = "fake"
    created: ClassVar[list[FakeEngine]] = []

    def __init__(self, program, backend="auto", num_threads=None):
        super().__init__(program, num_threads or 1)
        self.backend = backend
        self.values = [np.zeros(spec.num_elements, self.dtype) for spec in program.parameters]
        self.stored = [np.zeros(spec.num_elements) for spec in program.parameters]
        self.requests = []
        self.batches = []  #: rows of every batch that went forward
        self.steps = []  #: step of every optimiser step
        self.closed = False
        self.bad_readout_in = self.bad_gradient_in = self.bad_step_in = None
        self._initialise()
        FakeEngine.created.append(self)

    def _write(self, parameter, elements):
        assert elements.shape == self.values[parameter].shape
        self.values[parameter] = np.array(elements)

    def _read(self, parameter):
        return self.values[parameter].copy()

    def _features(self, population):
        events = self.batch.inputs[population]
        rows = [events.example(i)[1] for i in self.batch.indices]
        return np.stack([np.bincount(r, minlength=events.num_neurons) for r in rows]).astype(float)

    def forward(self, batch, record=None):
        assert not self.closed
        self._check_request(record)
        self.batch = batch
        self.requests.append(record)
        self.batches.append(batch.indices.tolist())
        readouts = {p.index: np.zeros((batch.size, p.size)) for p in self.program.outputs}
        for c in self.program.connections:
            readouts[c.target] += self._features(c.source) @ self.get_parameter(c.weight)
        if self.bad_readout_in == len(self.batches) - 1:
            next(iter(readouts.values()))[0, 0] = np.nan
        recording = Recording()
        for population in record.spikes if record else ():
            wanted = batch.indices[record.examples]
            recording.spikes[population] = [batch.inputs[population].example(i) for i in wanted]
        return ForwardResult(readouts=readouts, spike_counts={}, recording=recording)

    def backward(self, gradients, record=None, whole=None):
        self._check_request(record)
        for c in self.program.connections:
            gradient = self._features(c.source).T @ gradients[c.target].readout
            for parameter in (c.weight, c.delay):
                if self.program.learns(parameter):
                    self.stored[parameter] = gradient.reshape(-1)
        if self.bad_gradient_in == len(self.batches) - 1:
            self.stored[0] = self.stored[0].copy()
            self.stored[0][0] = np.inf
        return Recording()

    def _read_gradient(self, parameter):
        return self.stored[parameter].copy()

    def apply_gradients(self, rules, step, gradients=None):
        self.steps.append(step)
        assert set(rules) == set(self.learned)
        finite = super().apply_gradients(rules, step, gradients)
        if self.bad_step_in == len(self.batches) - 1:
            self.values[0][0] = np.nan
            return False
        return finite

    def memory_estimate(self):
        return {"parameters": sum(v.nbytes for v in self.values)}

    def close(self):
        self.closed = True
