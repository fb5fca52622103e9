"""Whatever a network is described with: success, or an error that says what to do."""

import numpy as np
import pytest
from hypothesis import strategies as st
from values import anything, arguments, attack, one_by_one

from mlgenn_delays import Connection, InputLayer, Layer, Network, Population, SequentialNetwork
from mlgenn_delays.audio import Cochlea, MelEvents
from mlgenn_delays.callbacks import (
    BatchProgressBar,
    BestCheckpoint,
    Checkpoint,
    Cosine,
    EarlyStopping,
    OneCycle,
    SpikeRecorder,
    VarRecorder,
    WakeSilentNeurons,
    WarmUpCosine,
)
from mlgenn_delays.compilers import EventPropCompiler, InferenceCompiler, default_params
from mlgenn_delays.connectivity import Dense, FixedProbability, OneToOne, Sparse
from mlgenn_delays.events.augmentation import (
    AugmentEvents,
    Compose,
    DropEvents,
    JitterTimes,
    ShiftChannels,
)
from mlgenn_delays.events.blending import BlendExamples
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.losses import RelativeMeanSquareError, SparseCategoricalCrossentropy
from mlgenn_delays.neurons import (
    AdaptiveLeakyIntegrateFire,
    LeakyIntegrate,
    LeakyIntegrateFire,
    SpikeInput,
)
from mlgenn_delays.optimisers import Adam, AdamW
from mlgenn_delays.serialisers import Numpy
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.utils.data import preprocess_spikes


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """Paths are among what is handed over."""
    monkeypatch.chdir(tmp_path)


#: class -> arguments that it cannot do without
CLASSES = {
    LeakyIntegrate: {},
    LeakyIntegrateFire: {},
    AdaptiveLeakyIntegrateFire: {},
    SpikeInput: {},
    Exponential: {},
    Adam: {},
    AdamW: {},
    Normal: {},
    Uniform: {},
    SparseCategoricalCrossentropy: {},
    RelativeMeanSquareError: {"delta": 1.0},
    Dense: {"weight": 1.0},
    OneToOne: {"weight": 1.0},
    FixedProbability: {"p": 0.5, "weight": 1.0},
    Sparse: {"pre_ind": [0, 1], "post_ind": [1, 0], "weight": 1.0},
    AugmentEvents: {"duration": 10.0},
    JitterTimes: {"duration": 10.0, "sd": 1.0},
    DropEvents: {"probability": 0.5},
    ShiftChannels: {},
    BlendExamples: {"duration": 10.0},
    Compose: {"augmentations": []},
    EarlyStopping: {"patience": 2},
    WarmUpCosine: {},
    Cosine: {},
    OneCycle: {},
    Checkpoint: {},
    Numpy: {},
    BatchProgressBar: {},
    Cochlea: {},
    MelEvents: {},
}


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_arguments_of_classes(cls, tally, attempts, attack_seed):
    def call(kwargs):
        repr(cls(**kwargs))

    attack(arguments(cls, CLASSES[cls]), call, tally, attempts(80, 10), attack_seed)
    one_by_one(cls, CLASSES[cls], call, tally, attempts(1, 8))


EXPONENTIAL = "exponential"


@st.composite
def described(draw):
    """Arguments of a network of three populations, one or two of which may be anything."""
    weights = st.sampled_from([1.0, "normal", Normal(), np.ones((3, 4)), np.ones(12)])
    good = {
        "shape": st.just(4),
        "weight": weights,
        "delay": st.sampled_from([0, 1.5, Uniform(0, 3), np.ones((3, 4))]),
        "name": st.sampled_from(["hidden", "脳", None]),
        "max_delay_steps": st.sampled_from([None, 5]),
        "tau": st.just(5.0),
        "neuron": st.sampled_from(["leaky_integrate_fire", LeakyIntegrateFire()]),
        "readout": st.sampled_from(["avg_var", "max_var", "var", "first_spike_time"]),
        "synapse": st.just(EXPONENTIAL),
    }
    given = {name: draw(strategy) for name, strategy in good.items()}
    for name in draw(st.lists(st.sampled_from(list(good)), max_size=2)):
        given[name] = draw(anything)
    return given


def build(given):
    """A network out of what :func:`described` gives."""
    network = Network(default_params)
    with network:
        x = Population(SpikeInput(), 3, name="in")
        h = Population(given["neuron"], given["shape"], name=given["name"])
        y = Population(LeakyIntegrate(readout=given["readout"]), 2, name="out")
        Connection(
            x,
            h,
            Dense(given["weight"], given["delay"]),
            given["synapse"] if given["synapse"] is not EXPONENTIAL else Exponential(given["tau"]),
            max_delay_steps=given["max_delay_steps"],
        )
        Connection(h, y, Dense(1.0))
    return network, x, y


def test_networks(tally, attempts, attack_seed):
    """Built, and compiled for the reference engine where that is possible."""

    def call(given):
        network = build(given)[0]
        InferenceCompiler(5, backend="reference").compile(network)

    attack(described(), call, tally, attempts(400, 60), attack_seed)


def test_layers(tally, attempts, attack_seed):
    def call(given):
        network = SequentialNetwork(default_params)
        with network:
            InputLayer(SpikeInput(), given.pop("input_shape"))
            Layer(**given)
        InferenceCompiler(5, backend="reference").compile(network)

    good = {
        "connectivity": st.just(Dense(1.0)),
        "neuron": st.just(LeakyIntegrate(readout="avg_var")),
        "shape": st.just(2),
    }
    strategy = st.builds(
        lambda kwargs, shape: {**kwargs, "input_shape": shape},
        arguments(Layer.__init__, good),
        st.one_of(st.just(3), anything),
    )
    attack(strategy, call, tally, attempts(200, 30), attack_seed)


def small():
    return build({
        "neuron": "leaky_integrate_fire", "shape": 4, "name": None, "readout": "avg_var",
        "weight": 1.0, "delay": 1.0, "tau": 5.0, "synapse": EXPONENTIAL, "max_delay_steps": 4,
    })  # fmt: skip


@pytest.mark.parametrize("compiler", [EventPropCompiler, InferenceCompiler])
def test_arguments_of_compilers(compiler, tally, attempts, attack_seed):
    good = {"backend": "reference"}
    if compiler is EventPropCompiler:
        good |= {"example_timesteps": 5, "losses": "sparse_categorical_crossentropy"}
    else:
        good |= {"evaluate_timesteps": 5}

    def call(kwargs):
        compiler(**kwargs).compile(small()[0])

    attack(arguments(compiler, good), call, tally, attempts(150, 20), attack_seed)
    one_by_one(compiler, good, call, tally, attempts(2, 16))


def test_assignments_after_construction(tally, attempts, attack_seed):
    """Attributes of a description may be set at any time; compilers look again."""
    names = ["tau_mem", "v_thresh", "v_reset", "v", "tau_refrac", "readout", "relative_reset"]

    def call(change):
        network, *_ = small()
        owner, name, value = change
        target = {
            "neuron": network.populations[1].neuron,
            "population": network.populations[1],
            "connection": network.connections[0],
            "connectivity": network.connections[0].connectivity,
            "synapse": network.connections[0].synapse,
        }[owner]
        setattr(target, name, value)
        InferenceCompiler(5, backend="reference").compile(network)

    changes = st.one_of(
        st.tuples(st.just("neuron"), st.sampled_from(names), anything),
        st.tuples(
            st.just("population"),
            st.sampled_from(["name", "shape", "neuron", "record_spikes"]),
            anything,
        ),
        st.tuples(
            st.just("connection"),
            st.sampled_from(["name", "connectivity", "synapse", "max_delay_steps"]),
            anything,
        ),
        st.tuples(st.just("connectivity"), st.sampled_from(["weight", "delay"]), anything),
        st.tuples(st.just("synapse"), st.sampled_from(["tau", "scale_i"]), anything),
    )
    attack(changes, call, tally, attempts(300, 40), attack_seed)


@pytest.mark.parametrize(
    "callback", [SpikeRecorder, VarRecorder, BestCheckpoint, WakeSilentNeurons]
)
def test_arguments_of_callbacks(callback, tally, attempts, attack_seed, tmp_path):
    """Made, and used in a run where that is possible."""
    network, x, y = small()
    hidden = network.populations[1]
    good = {
        SpikeRecorder: {"pop": hidden},
        VarRecorder: {"pop": hidden, "var": "v"},
        BestCheckpoint: {"path": tmp_path / "best.npz"},
        WakeSilentNeurons: {"population": hidden},
    }[callback]
    compiler = EventPropCompiler(5, "sparse_categorical_crossentropy", backend="reference")
    spikes = [preprocess_spikes([1.0, 2.0], [0, 1], 3)]

    def call(kwargs):
        made = callback(**kwargs)
        compiled = compiler.compile(network)
        compiled.train({x: spikes}, {y: [0]}, num_epochs=1, callbacks=[made])

    attack(arguments(callback, good), call, tally, attempts(80, 10), attack_seed)
    one_by_one(callback, good, call, tally, attempts(1, 8))
