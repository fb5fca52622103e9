"""The equations of NIR, as its docstrings give them, on their own: no code of the package.

Between spikes, all voltages and currents of a graph are one linear system, which is propagated with
the exponential of its matrix. Spikes are Dirac pulses of area ``area`` at ends of timesteps, and
act through linear nodes and delays as far as the next node with a state.
"""

from __future__ import annotations

from collections import defaultdict

import nir
import numpy as np
from scipy.linalg import expm

SPIKING = (nir.LIF, nir.CubaLIF)


class Simulation:
    def __init__(self, graph: nir.NIRGraph, dt: float, area: float = 1.0):
        self.nodes, self.dt, self.area = graph.nodes, dt, area
        self.successors = defaultdict(list)
        for a, b in graph.edges:
            self.successors[a].append(b)
        self.voltage, self.current, count = {}, {}, 0
        for name, node in self.nodes.items():
            if isinstance(node, (nir.LIF, nir.LI, nir.CubaLIF, nir.CubaLI)):
                size = len(node.r)
                self.voltage[name] = slice(count, count + size)
                count += size
                if isinstance(node, (nir.CubaLIF, nir.CubaLI)):
                    self.current[name] = slice(count, count + size)
                    count += size
        self.count = count
        self.step_matrix = expm(self._matrix() * dt)

    def _matrix(self) -> np.ndarray:
        """d state / dt = matrix state (no v_leak)."""
        matrix = np.zeros((self.count, self.count))
        for name, where in self.voltage.items():
            node = self.nodes[name]
            tau = node.tau_mem if name in self.current else node.tau
            assert not np.any(node.v_leak)
            matrix[where, where] -= np.diag(1.0 / tau)
            if name in self.current:
                own = self.current[name]
                matrix[where, own] += np.diag(node.r / tau)
                matrix[own, own] -= np.diag(1.0 / node.tau_syn)
            if isinstance(node, nir.LI):
                for target in self.successors[name]:
                    if target in self.voltage:  # what comes out drives it
                        driven = self.nodes[target]
                        gain = np.diag(driven.r / driven.tau)
                        matrix[self.voltage[target], where] += gain
        return matrix

    def run(self, inputs: dict[str, list[tuple[int, int]]], steps: int) -> dict:
        """Spikes of each spiking node, as a set of (step, neuron); inputs likewise."""
        arrivals = np.zeros((steps + 1000, self.count))
        for name, given in inputs.items():
            size = int(np.prod(self.nodes[name].input_type["input"]))
            for step in sorted({s for s, _ in given}):
                sent = np.zeros(size)
                for s, neuron in given:
                    sent[neuron] += s == step
                self._send(name, sent[:, np.newaxis], np.array([step]), arrivals)
        state = np.zeros(self.count)
        found = {n: set() for n in self.voltage if isinstance(self.nodes[n], SPIKING)}
        for step in range(steps):
            state = self.step_matrix @ (state + arrivals[step] * ~self._jumps())
            state = state + arrivals[step] * self._jumps()
            for name, spikes in found.items():
                node, where = self.nodes[name], self.voltage[name]
                fired = state[where] > node.v_threshold
                state[where] = np.where(fired, node.v_reset, state[where])
                spikes |= {(step, int(i)) for i in np.flatnonzero(fired)}
                if np.any(fired):
                    sent = fired.astype(float)[:, np.newaxis]
                    self._send(name, sent, np.array([step + 1]), arrivals)
        return found

    def _jumps(self) -> np.ndarray:
        """Voltages that spikes jump at once: in this package at the end of the step in which they
        arrive, where thresholds are looked at. The currents of nodes LI are no such voltages."""
        mask = np.zeros(self.count, dtype=bool)
        for name, where in self.voltage.items():
            node = self.nodes[name]
            drives = any(target in self.voltage for target in self.successors[name])
            if name not in self.current and not (isinstance(node, nir.LI) and drives):
                mask[where] = True
        return mask

    def _send(self, name: str, signal: np.ndarray, steps: np.ndarray, arrivals: np.ndarray) -> None:
        """Signals (elements, arrival steps) on their way from a node."""
        for target in self.successors[name]:
            node, out, at = self.nodes[target], signal, steps
            if isinstance(node, nir.Linear):
                out = node.weight @ signal
            elif isinstance(node, nir.Delay):
                later = np.rint(node.delay / self.dt).astype(int)
                at = np.unique(np.add.outer(later, steps))
                out = np.zeros((len(signal), len(at)))
                for element, delay in enumerate(later):
                    for column, step in enumerate(steps):
                        out[element, np.searchsorted(at, step + delay)] += signal[element, column]
            elif target in self.voltage:
                if target in self.current:
                    where, gain = self.current[target], node.w_in / node.tau_syn
                else:
                    where, gain = self.voltage[target], node.r / node.tau
                for column, step in enumerate(steps):
                    arrivals[step, where] += self.area * gain * signal[:, column]
                continue
            else:
                continue
            self._send(target, out, at, arrivals)
