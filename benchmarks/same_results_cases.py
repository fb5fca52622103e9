"""The networks that `same_results.py` trains: each a small one, together everything there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlgenn_delays import Connection, InputLayer, Layer, Network, Population, SequentialNetwork
from mlgenn_delays.callbacks import Callback, OptimiserParamSchedule, WakeSilentNeurons
from mlgenn_delays.connectivity import Connectivity, Dense, FixedProbability, OneToOne, Sparse
from mlgenn_delays.datasets import BlendExamples, Compose, DropEvents, JitterTimes, ShiftChannels
from mlgenn_delays.initializers import Normal, Uniform
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
from mlgenn_delays.optimisers import Adam, Optimiser
from mlgenn_delays.synapses import Exponential

#: Timesteps of a trial, neurons of each population, largest delay [timesteps].
STEPS, INPUTS, HIDDEN, CLASSES, LONGEST = 60, 8, 10, 3, 16
EXAMPLES, BATCH = 23, 5


@dataclass
class Plan:
    """A network and how it is trained."""

    network: Network
    compiler: dict[str, Any] = field(default_factory=dict)
    train: dict[str, Any] = field(default_factory=dict)
    targets: np.ndarray | None = None  #: instead of labels
    callbacks: Sequence[Callback] = ()
    examples: int = EXAMPLES


@dataclass(frozen=True)
class Case:
    """What is compared."""

    covers: str
    make: Callable[[], Plan]
    backend: str | None  #: the only one that runs it


CASES: dict[str, Case] = {}


def case(covers: str, backend: str | None = None) -> Callable[[Callable[[], Plan]], None]:
    """Adds a function that makes a new plan at each call to the cases."""

    def add(make: Callable[[], Plan]) -> None:
        CASES[make.__name__] = Case(covers, make, backend)

    return add


def build(
    *stages: tuple[Connectivity, Neuron], extra: Sequence[tuple[int, int, Connectivity, float]] = ()
) -> Network:
    """Populations in a row; ``extra``: more connections, as (source, target, which, tau)."""
    network = Network()
    with network:
        row = [Population(SpikeInput(), INPUTS, name="p0")]
        for number, (connectivity, neuron) in enumerate(stages, 1):
            size = HIDDEN if neuron.readout is None else CLASSES
            row.append(Population(neuron, size, record_spikes=neuron.is_spiking, name=f"p{number}"))
            Connection(row[-2], row[-1], connectivity, Exponential(5.0), max_delay_steps=LONGEST)
        for source, target, connectivity, tau in extra:
            Connection(
                row[source], row[target], connectivity, Exponential(tau), max_delay_steps=LONGEST
            )
    return network


def dense(mean: float, sd: float, delay: Any = 0) -> Dense:
    return Dense(Normal(mean, sd), delay)


def into(delay: Any = 0) -> Dense:
    """From inputs to a hidden population."""
    return dense(1.5, 0.8, delay)


def out(readout: str, delay: Any = 0) -> tuple[Connectivity, Neuron]:
    """From a hidden population to the usual output."""
    return dense(0.0, 0.5, delay), LeakyIntegrate(tau_mem=15.0, readout=readout)


def halves(*shape: int) -> np.ndarray:
    """Delays half way between two steps, where it matters how they are rounded."""
    return np.random.default_rng(4).integers(0, 10, shape) + 0.5


class Momentum(Optimiser):
    """An optimiser of the user."""

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha

    def update(
        self, value: np.ndarray, gradient: np.ndarray, state: dict[str, np.ndarray], step: int
    ) -> np.ndarray:
        mean = state.setdefault("mean", np.zeros_like(value))
        mean[...] = 0.9 * mean + gradient
        return value - (self.alpha * mean / (1.0 + 0.1 * step)).astype(value.dtype)

    def check(self) -> None:
        """Nothing to check."""


@case("LIF, Dense, delays drawn and learned, avg_var_exp_weight, regularisation, schedule, split")
def feed_forward() -> Plan:
    network = build(
        (into(Uniform(0, 12)), LeakyIntegrateFire()), out("avg_var_exp_weight", Uniform(0, 9))
    )
    regularisation = {"reg_lambda_upper": 1e-3, "reg_lambda_lower": 2e-3, "reg_nu_upper": 4.0}
    return Plan(
        network,
        {"delay_learn_conns": network.connections, **regularisation},
        {"validation_split": 0.3},
        callbacks=[OptimiserParamSchedule("alpha", lambda epoch, alpha: 0.7 * alpha)],
    )


@case("delays fixed per synapse and constant, all half way between steps; avg_var, temperature")
def rounding() -> Plan:
    network = build((into(halves(INPUTS, HIDDEN)), LeakyIntegrateFire()), out("avg_var", 2.5))
    return Plan(network, {"losses": SparseCategoricalCrossentropy(temperature=0.3)})


@case("recurrent, learned delays half way between steps, sum_var, weight_optimisers, no shuffle")
def recurrent() -> Plan:
    back = (1, 1, dense(0.0, 0.3, halves(HIDDEN, HIDDEN)), 5.0)
    stage = (into(halves(INPUTS, HIDDEN)), LeakyIntegrateFire())
    network = build(stage, out("sum_var"), extra=[back])
    learned = [network.connections[0], network.connections[2]]
    own = {network.connections[2]: Adam(0.002)}
    options = {"delay_learn_conns": learned, "weight_optimisers": own}
    return Plan(network, options, {"shuffle": False})


@case("SequentialNetwork, two hidden layers, LIF and adaptive LIF, max_var, WakeSilentNeurons")
def layers() -> Plan:
    network = SequentialNetwork()
    with network:
        InputLayer(SpikeInput(), INPUTS, name="in")
        Layer(into(), LeakyIntegrateFire(), HIDDEN, "exponential", True, name="first")
        adaptive = AdaptiveLeakyIntegrateFire(beta=0.3, tau_adapt=30.0)
        Layer(dense(1.0, 0.7, 3), adaptive, HIDDEN, Exponential(4.0), True, name="second")
        Layer(*out("max_var"), CLASSES, name="out")
    return Plan(network, callbacks=[WakeSilentNeurons(network.populations[1])])


@case("adaptive LIF with refractory period, recurrent, learned delays, avg_var")
def adaptive() -> Plan:
    neuron = AdaptiveLeakyIntegrateFire(beta=0.2, tau_adapt=25.0, tau_refrac=2.0, a=0.1)
    back = (1, 1, dense(0.2, 0.3, Uniform(0, 9)), 5.0)
    network = build((into(Uniform(0, 9)), neuron), out("avg_var"), extra=[back])
    return Plan(network, {"delay_learn_conns": network.connections})


@case("LIF with refractory period, v_reset, v; i_minus_thresh_min, dt, learned delays, sum_var")
def refractory() -> Plan:
    neuron = LeakyIntegrateFire(tau_mem=12.0, tau_refrac=3.0, v_reset=-0.2, v=0.1)
    network = build((into(Uniform(0, 9)), neuron), out("sum_var"))
    learned = network.connections[:1]
    return Plan(network, {"delay_learn_conns": learned, "i_minus_thresh_min": 0.5, "dt": 0.8})


@case("several receptors in hidden and output population, recurrent, avg_var_exp_weight")
def receptors() -> Plan:
    more = [
        (0, 1, dense(0.3, 0.5, 4), 12.0),
        (1, 1, dense(0.1, 0.3, Uniform(0, 8)), 2.0),
        (0, 2, dense(0.1, 0.3), 8.0),
    ]
    stages = (into(), LeakyIntegrateFire()), out("avg_var_exp_weight")
    network = build(*stages, extra=more)
    return Plan(network, {"delay_learn_conns": [network.connections[3]]})


@case("FixedProbability, OneToOne, Sparse; delays learned, fixed and learned; recurrent; avg_var")
def sparse() -> Plan:
    pre, post = np.divmod(np.random.default_rng(6).permutation(HIDDEN * CLASSES)[:20], CLASSES)
    network = build(
        (FixedProbability(0.6, Normal(2.0, 0.8), delay=Uniform(0, 9)), LeakyIntegrateFire()),
        (OneToOne(6.0, halves(HIDDEN)), LeakyIntegrateFire(tau_mem=8.0)),
        (Sparse(pre, post, Normal(0.0, 0.5), halves(20)), LeakyIntegrate(readout="avg_var")),
        extra=[(1, 1, FixedProbability(0.4, Normal(0.0, 0.3), delay=2), 5.0)],
    )
    return Plan(network, {"delay_learn_conns": [network.connections[0], network.connections[2]]})


@case("MeanSquareError of var: loss and metric; learned delays, split")
def mean_square() -> Plan:
    network = build((into(Uniform(0, 9)), LeakyIntegrateFire()), out("var"))
    targets = np.sin(np.arange(EXAMPLES * STEPS * CLASSES) / 40.0).reshape(EXAMPLES, STEPS, -1)
    options = {"losses": MeanSquareError(), "delay_learn_conns": network.connections[:1]}
    train = {"metrics": "mean_square_error", "validation_split": 0.3}
    return Plan(network, options, train, targets)


@case("SparseCategoricalCrossentropy per timestep of var, temperature; learned delays")
def per_timestep() -> Plan:
    network = build((into(Uniform(0, 9)), LeakyIntegrateFire()), out("var"))
    loss = {"losses": SparseCategoricalCrossentropy(0.5), "per_timestep_loss": True}
    return Plan(network, {"delay_learn_conns": network.connections[:1], **loss})


def first_spike(delay: Any) -> Network:
    last = LeakyIntegrateFire(tau_mem=10.0, readout="first_spike_time")
    return build((into(delay), LeakyIntegrateFire()), (dense(1.0, 0.6, Uniform(0, 5)), last))


@case("first_spike_time, cross-entropy with ttfs_alpha and softmax_temperature, learned delays")
def first_spike_time() -> Plan:
    network = first_spike(Uniform(0, 9))
    options = {"ttfs_alpha": 0.1, "softmax_temperature": 3.0}
    return Plan(network, {"delay_learn_conns": network.connections, **options})


@case("RelativeMeanSquareError of first_spike_time")
def relative() -> Plan:
    return Plan(first_spike(1), {"losses": RelativeMeanSquareError(4.0)})


@case("frozen weights, learned delays with an optimiser of their own, avg_var")
def frozen() -> Plan:
    network = build((into(Uniform(0, 9)), LeakyIntegrateFire()), out("avg_var"))
    first, last = network.connections
    learned = {"weight_learn_conns": [last], "delay_learn_conns": [first]}
    return Plan(network, {**learned, "delay_optimiser": Adam(0.3, beta1=0.8)})


@case("the user's own Optimiser for weights and delays, schedule, max_var")
def own_optimiser() -> Plan:
    network = build((into(Uniform(0, 9)), LeakyIntegrateFire()), out("max_var"))
    own = {"optimiser": Momentum(0.05), "delay_optimiser": Momentum(2.0)}
    schedule = OptimiserParamSchedule("alpha", lambda epoch, alpha: alpha / (1.0 + epoch))
    learned = {"delay_learn_conns": network.connections[:1]}
    return Plan(network, {**learned, **own}, callbacks=[schedule])


@case("augmentation without labels: DropEvents, JitterTimes, ShiftChannels")
def augmented() -> Plan:
    change = Compose([DropEvents(0.2), JitterTimes(STEPS, 2.0, rate=0.7), ShiftChannels(2)])
    network = build((into(), LeakyIntegrateFire()), out("avg_var"))
    return Plan(network, train={"augmentation": change})


@case("augmentation with labels: BlendExamples, DropEvents; split")
def blended() -> Plan:
    change = Compose([BlendExamples(STEPS, rate=0.6), DropEvents(0.1)])
    network = build((into(), LeakyIntegrateFire()), out("avg_var"))
    return Plan(network, train={"augmentation": change, "validation_split": 0.2})


@case("the reference engine: recurrent, refractory period, learned delays", "reference")
def reference() -> Plan:
    back = (1, 1, FixedProbability(0.3, Normal(0.0, 0.3), delay=Uniform(0, 9)), 4.0)
    stage = (into(Uniform(0, 9)), LeakyIntegrateFire(tau_refrac=2.0))
    network = build(stage, out("avg_var"), extra=[back])
    options = {"batch_size": 2, "delay_learn_conns": network.connections[::2]}
    return Plan(network, options, examples=7)
