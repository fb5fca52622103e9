"""Small networks with the options of covering_options.py; sizes, delays, spikes are drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import covering_options
import numpy as np
from covering_options import Options

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers.build import build_program
from mlgenn_delays.compilers.settings import BuildSettings
from mlgenn_delays.connectivity import Axonal, Connectivity, Conv2D, Dendritic, Dense, Sparse
from mlgenn_delays.losses import (
    MeanSquareError,
    RelativeMeanSquareError,
    SparseCategoricalCrossentropy,
)
from mlgenn_delays.neurons import (
    AdaptiveLeakyIntegrateFire,
    LeakyIntegrate,
    LeakyIntegrateFire,
    Neuron,
    SpikeInput,
)
from mlgenn_delays.program.model import AdjointModel, NeuronModel
from mlgenn_delays.program.parameters import Owner, OwnerKind, ParameterSpec
from mlgenn_delays.program.timing import steps_up
from mlgenn_delays.readouts import Readout, default_readouts
from mlgenn_delays.synapses import Delta, Exponential
from mlgenn_delays.training.built_network import BuiltNetwork
from mlgenn_delays.training.data import TrialData, prepare
from mlgenn_delays.utils.data import PreprocessedSpikes, preprocess_spikes

EXAMPLES = 5


@dataclass(frozen=True)
class CoveringProgram:
    """A network, its data, and the number of threads to run it on."""

    label: str
    built: BuiltNetwork
    data: TrialData
    threads: int


def covering_programs(seed: int, number: int) -> list[CoveringProgram]:
    """The covering ones, which are always the same, and a ``number`` that are drawn."""
    rng = np.random.default_rng(0)
    made = [
        _Maker(o, rng).make(f"covering {i}") for i, o in enumerate(covering_options.covering(rng))
    ]
    rng = np.random.default_rng(seed)
    chosen = [covering_options.drawn(rng) for _ in range(number)]
    return made + [_Maker(o, rng).make(f"drawn {i}") for i, o in enumerate(chosen)]


class Own(Neuron):
    """Leaky integrate-and-fire neurons in words of a user's, with one more variable."""

    is_spiking = True

    def __init__(self, tau_refrac: float | None, readout: Readout | None):
        super().__init__(readout)
        self.tau_refrac = tau_refrac

    def check(self) -> None:
        """Nothing to check."""

    def get_model(self, dt: float, i_minus_thresh_min: float) -> NeuronModel:
        held = steps_up(self.tau_refrac or 0.0, dt)
        return NeuronModel(
            vars={"V": 0.0, "Count": 0.25},
            params={"TauM": 10.0, "Vreset": 0.0, "Bound": i_minus_thresh_min},
            output_var_name="V",
            sim_code="""
                const scalar Decay = exp(-dt / TauM);
                V = (Decay * V) + Isyn;
            """,
            threshold_condition_code="V >= 1.0",
            reset_code="for (int K = 0; K < 2; K++) { V = Vreset; } Count += 1.0;",
            adjoint=AdjointModel(
                vars={"LambdaV": 0.0, "LambdaCount": 0.5},
                sim_code="LambdaV *= exp(-dt / TauM); LambdaCount *= 0.9;",
                tape={"Slope": "fmax(I - 1.0, Bound)", "Before": "Count"},
                jump_code=f"LambdaV = ({'Release' if held else 'LambdaV'} + RevISyn) / Slope;"
                " LambdaCount += 0.1 * Before;",
            ),
            refractory_steps=held,
            tau_refrac=self.tau_refrac,
        )


class Bare(Neuron):
    """No more than a model needs: every 1 / TauM of the current arrives, a spike is forgotten."""

    is_spiking = True

    def check(self) -> None:
        """Nothing to check."""

    def get_model(self, dt: float, i_minus_thresh_min: float) -> NeuronModel:
        return NeuronModel(
            vars={"V": 0.0},
            params={"TauM": 10.0},
            output_var_name="V",
            sim_code="V += (Isyn - V) / TauM;",
            threshold_condition_code="V >= 1.0",
            reset_code="V = 0.0;",
            adjoint=AdjointModel(
                vars={"LambdaV": 0.0},
                sim_code="LambdaV -= LambdaV / TauM;",
                jump_code="LambdaV = RevISyn;",
            ),
        )


class _Maker:
    """Makes one network."""

    def __init__(self, options: Options, rng: np.random.Generator):
        self.options, self.rng = options, rng
        self.learned_delays: list[Connection] = []

    def make(self, label: str) -> CoveringProgram:
        network, options = Network(), self.options
        with network:
            sizes = (options.channels, 4)[: options.inputs]
            shapes = [(2, 3, 1) if options.convolved else sizes[0], *sizes[1:]]
            inputs = [Population(SpikeInput(), s, name=f"in{i}") for i, s in enumerate(shapes)]
            readouts = (options.readout, "avg_var")[: options.outputs]
            outputs = [
                Population(self._output(r), self._any(2, 3, 17), name=f"out{i}")
                for i, r in enumerate(readouts)
            ]
            if options.hidden:
                self._connect_hidden(inputs, outputs)
            else:
                self._connect(inputs[0], outputs[0], "into")
        built = build_program(network, self._settings(network, outputs))
        built = replace(built, program=self._with_own_parameters(built.program))
        x = {p: self._spikes(p.size, built.program.duration) for p in inputs}
        y = {p: self._targets(built, p) for p in outputs}
        text = " ".join(f"{name}={value}" for name, value in vars(options).items())
        return CoveringProgram(f"{label}: {text}", built, prepare(built, x, y), options.threads)

    def _connect_hidden(self, inputs: list[Population], outputs: list[Population]) -> None:
        size = self._any(1, 3, 16, 17)
        shape = None if self.options.convolved else size
        hidden = Population(self._spiking(None), shape, name="hidden")
        for i, population in enumerate(inputs):
            convolved = i == 0 and self.options.convolved
            self._connect(population, hidden, "into", size if convolved else None)
        if self.options.back is not None:
            self._connect(hidden, hidden, "back")
        for i, population in enumerate(outputs):
            convolved = i == 0 and self.options.convolved
            self._connect(hidden, population, "out", population.size if convolved else None)
        if self.options.receptors == 2:
            # the membrane's own is 20 ms: sub-step timing treats close ones with more care
            near = self.options.timing == "substep"
            self._connect(inputs[0], hidden, "into", tau=19.0 if near else 12.0)
            self._connect(inputs[0], outputs[0], "into", tau=2.0)

    def _any(self, *values: Any) -> Any:
        return values[self.rng.integers(len(values))]

    def _spiking(self, readout: Readout | None) -> Neuron:
        held = self.options.refractory
        if self.options.neuron == "own":
            return Own(held, readout)
        if self.options.neuron == "bare":
            return Bare(readout)
        settings = {"tau_refrac": held, "v": 0.1, "v_reset": -0.2, "readout": readout}
        if self.options.neuron == "adaptive":
            return AdaptiveLeakyIntegrateFire(beta=0.3, tau_adapt=30.0, **settings)
        return LeakyIntegrateFire(**settings)

    def _output(self, readout: str) -> Neuron:
        start, end = (6.0, 18.5) if self.options.window else (None, None)
        made = default_readouts[readout](start, end)
        if made.uses_spikes:
            return self._spiking(made)
        return LeakyIntegrate(tau_mem=12.0, readout=made)

    def _connect(
        self,
        source: Population,
        target: Population,
        kind: str,
        filters: int | None = None,
        tau: float = 5.0,
    ) -> None:
        delay, longest = getattr(self.options, kind), self._any(0, 6, 45)
        mean = 2.0 if kind == "into" else 0.3
        sparse = getattr(self.options, f"sparse_{kind}")
        which: Connectivity
        if filters is not None:
            which = self._convolution(source, filters, kind == "out", delay, longest, mean)
        else:
            which = self._connectivity((source.size, target.size), sparse, delay, longest, mean)
        limit = None if delay == "constant" else longest
        synapse = Delta() if self.options.synapse == "delta" else Exponential(tau)
        made = Connection(source, target, which, synapse, max_delay_steps=limit)
        if delay == "learned":
            self.learned_delays.append(made)

    def _connectivity(
        self, shape: tuple[int, ...], sparse: bool, delay: str, longest: int, mean: float
    ) -> Connectivity:
        """Delays of whole and half steps, the longest among them."""
        size = shape
        pre, post = np.nonzero(self.rng.random(shape) < 0.5)
        if sparse:
            shape = (len(pre),)
        weights = self.rng.normal(mean, 0.8, shape)
        delays = self._delays(shape, size, delay, longest)
        return Sparse(pre, post, weights, delays) if sparse else Dense(weights, delays)

    def _convolution(
        self,
        source: Population,
        filters: int,
        whole: bool,
        delay: str,
        longest: int,
        mean: float,
    ) -> Connectivity:
        """A window of two rows and columns, or one that sees the whole source."""
        assert source.shape is not None
        window = source.shape[:2] if whole else (2, 2)
        shape = (*window, source.shape[2], filters)
        delays = self._delays(shape, (source.size, 1), delay, longest)
        weights = self.rng.normal(mean, 0.8, shape)
        strides = 1 if whole else self._any(1, 2)
        return Conv2D(weights, filters, window, whole, strides, delay=delays)

    def _delays(
        self, shape: tuple[int, ...], size: tuple[int, ...], delay: str, longest: int
    ) -> Any:
        if delay == "constant":
            return np.array(longest)
        if self.options.sharing != "none":
            axonal = self.options.sharing == "axonal" or len(shape) == 4
            entries = self.rng.integers(0, 2 * longest + 1, size[0] if axonal else size[1]) / 2.0
            return Axonal(entries) if axonal else Dendritic(entries)
        delays = self.rng.integers(0, 2 * longest + 1, shape) / 2.0
        delays.flat[:1] = longest
        return delays

    def _settings(self, network: Network, outputs: list[Population]) -> BuildSettings:
        options = self.options
        frozen = {"none": 0, "some": 1, "all": len(network.connections)}[options.frozen]
        per_timestep = options.per_timestep and options.readout != "first_spike_time"
        losses = {p: self._loss(p.neuron.readout.name, per_timestep) for p in outputs}
        strength = 1e-3 if options.regularised else 0.0
        learned = frozenset(network.connections[frozen:])
        bounds = options.bounds if options.training else "none"
        return BuildSettings(
            options.timesteps,
            "timesteps",
            self._any(1.0, 0.8),
            EXAMPLES,
            training=options.training,
            losses=losses if options.training else None,
            per_timestep_loss=per_timestep,
            reg_lambda_upper=strength,
            reg_lambda_lower=strength,
            reg_nu_upper=4.0,
            weight_learn_conns=learned,
            clamp_weight_conns={c: (-9.0, 9.0) for c in learned} if bounds == "clamped" else None,
            keep_sign_conns=learned if bounds == "signs" else frozenset(),
            delay_learn_conns=frozenset(self.learned_delays),
            **self._learned_constants(network),
            i_minus_thresh_min=self._any(1e-2, 0.5),
            timing=options.timing,
        )

    def _learned_constants(self, network: Network) -> dict[str, Any]:
        if self.options.own_parameters != "learned" or not self.options.training:
            return {}
        return {
            "neuron_learn_params": {
                p: dict.fromkeys(p.neuron.per_neuron) for p in network.populations
            },
            "synapse_learn_params": {
                c: dict.fromkeys(c.synapse.per_neuron) for c in network.connections
            },
        }

    def _loss(self, readout: str, per_timestep: bool) -> Any:
        if readout == "var" and not per_timestep:
            return MeanSquareError()
        if readout == "first_spike_time":
            return self._any(SparseCategoricalCrossentropy(), RelativeMeanSquareError(2.0))
        return SparseCategoricalCrossentropy()

    def _with_own_parameters(self, program: Any) -> Any:
        """Numbers of single neurons in the place of one or all constants of each model."""
        number = {"none": 0, "one": 1, "all": None, "learned": 0}[self.options.own_parameters]
        added = [
            ParameterSpec(
                Owner(OwnerKind.POPULATION, p.index, p.name),
                name,
                np.full(p.size, value, np.float32),
            )
            for p in program.neurons
            for name, value in list(p.dynamics.params.items())[:number]
        ]
        return replace(program, parameters=(*program.parameters, *added))

    def _spikes(self, channels: int, duration: float) -> list[PreprocessedSpikes]:
        """Of examples with many, none, the first and the last possible, one, and some spikes."""
        everyone = np.arange(min(channels, 50)) * (channels // min(channels, 50))
        last = np.full(len(everyone), duration)
        times = [
            self.rng.uniform(0.0, duration, 80),
            np.zeros(0),
            np.concatenate([0.0 * last, last - 1.0, last]),
            np.array([0.3 * duration]),
            self.rng.uniform(0.0, 0.7 * duration, 20),
        ]
        neurons = [self.rng.integers(0, channels, len(t)) for t in times]
        neurons[2] = np.tile(everyone, 3)
        return [preprocess_spikes(t, n, channels) for t, n in zip(times, neurons)]

    def _targets(self, built: BuiltNetwork, output: Population) -> np.ndarray:
        loss = built.losses.get(built.populations.index(output))  # none in inference
        if isinstance(loss, MeanSquareError):
            return self.rng.normal(size=(EXAMPLES, built.program.timesteps, output.size))
        return np.arange(EXAMPLES) % output.size
