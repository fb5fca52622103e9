"""What a network does at each step of its way into a file and back: metrics and spikes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...callbacks import SpikeRecorder
from ...cautions import without_cautions
from ...compilers.inference_compiler import InferenceCompiler
from ...layer import get_underlying_pop
from ...metrics.words import metric_words
from ...network import Network
from ...population import Population
from ...program.program import Program
from ...training.built_network import BuiltNetwork
from ...training.compiled_inference_network import CompiledInferenceNetwork


@dataclass(frozen=True)
class Stage:
    """A network at one step of the way.

    Attributes:
        name:     of the step
        examples: how many were run
        metrics:  output population -> metric, such as the accuracy (0 to 1); empty without labels
        spikes:   population with neurons that spike -> spikes per example
        changed:  spikes, of all examples together, that the step before had and this has not, or
            the other way round: another neuron or another timestep; None of the first step
        metric_names: output population -> what its metric is, such as "accuracy"
    """

    name: str
    examples: int
    metrics: Mapping[str, float]
    spikes: Mapping[str, float]
    changed: int | None
    metric_names: Mapping[str, str]


class StageRunner:
    """Runs one network after the other on the same data, and compares their spikes.

    Args:
        data:    input population or layer -> examples
        labels:  output population or layer -> labels or targets; None: no metrics
        metrics: as in ``evaluate``
    """

    def __init__(
        self,
        compiler: InferenceCompiler,
        data: Mapping[Any, Any],
        labels: Mapping[Any, Any] | None,
        metrics: Any,
    ) -> None:
        self.compiler, self.metrics = compiler, metrics
        self.data = {get_underlying_pop(key).name: value for key, value in data.items()}
        self.labels = {get_underlying_pop(k).name: v for k, v in (labels or {}).items()}
        self.stages: list[Stage] = []
        self._before: dict[str, np.ndarray] = {}

    def run_program(self, name: str, built: BuiltNetwork, program: Program) -> None:
        """Run a program in place of that of a network."""
        populations = tuple(
            replace(p, record_spikes=p.is_spiking and not p.is_input) for p in program.populations
        )
        program = replace(program, populations=populations)
        settings = self.compiler.settings
        compiled = CompiledInferenceNetwork(
            replace(built, program=program), self.compiler.backend, settings.num_threads
        )
        self._run(name, compiled)

    def run_network(self, name: str, network: Network) -> None:
        """Run a network that has been read, with the populations of the first by their names."""
        for population in network.populations:
            population.record_spikes = population.neuron.is_spiking
        self._run(name, self.compiler.compile(network))

    def _run(self, name: str, compiled: CompiledInferenceNetwork) -> None:
        program = compiled.program
        by_name = {p.name: p for p in compiled.neuron_populations}
        spiking = [p for p in program.neurons if p.is_spiking]
        recorders = [SpikeRecorder(by_name[p.name], key=p.name) for p in spiking]
        data = {by_name[key]: value for key, value in self.data.items()}
        labels = {by_name[key]: value for key, value in self.labels.items()}
        # a layer without spikes is said once; the report has the numbers of the other steps
        with compiled, without_cautions() if self.stages else nullcontext():
            if labels:
                measured, recorded = compiled.evaluate(
                    data, labels, self._metrics(by_name), recorders
                )
            else:
                outputs = [by_name[p.name] for p in program.outputs]
                measured, recorded = {}, compiled.predict(data, outputs, recorders)[1]
        spikes = {p.name: _places(recorded[p.name], program, p.size) for p in spiking}
        examples = len(next(iter(data.values())))
        changed = None
        if self.stages:
            changed = sum(len(np.setxor1d(spikes[p], self._before[p])) for p in spikes)
        self._before = spikes
        self.stages.append(
            Stage(
                name,
                examples,
                {p.name: np.nan if m.result is None else m.result for p, m in measured.items()},
                {population: len(places) / examples for population, places in spikes.items()},
                changed,
                {p.name: metric_words(type(metric).__name__) for p, metric in measured.items()},
            )
        )

    def _metrics(self, by_name: Mapping[str, Population]) -> Any:
        """Metrics for one run: objects count, so that each run has its own."""
        if not isinstance(self.metrics, Mapping):
            return deepcopy(self.metrics)
        return {
            by_name[get_underlying_pop(key).name]: deepcopy(metric)
            for key, metric in self.metrics.items()
        }


def _places(recorded: tuple[list[Any], list[Any]], program: Program, size: int) -> np.ndarray:
    """One number for each spike: example, timestep and neuron."""
    places = [np.zeros(0, dtype=np.int64)]
    for example, (times, ids) in enumerate(zip(*recorded, strict=True)):
        steps = np.rint(np.asarray(times, dtype=np.float64) / program.dt).astype(np.int64)
        places.append((example * (program.timesteps + 1) + steps) * size + np.asarray(ids))
    return np.concatenate(places)
