"""Whatever data are handed over: success, or an error that says what to do."""

import numpy as np
import pytest
from hypothesis import strategies as st
from values import anything, arguments, arrays, attack, one_by_one

from mlgenn_delays import Connection, Network, Population, plotting
from mlgenn_delays.compilers import EventPropCompiler, TrainingDiverged, default_params
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.events.augmentation import AugmentEvents, DropEvents, JitterTimes, ShiftChannels
from mlgenn_delays.events.blending import BlendExamples
from mlgenn_delays.events.dataset import EventDataset
from mlgenn_delays.events.sigma_delta import sigma_delta
from mlgenn_delays.metrics import MeanSquareError, SparseCategoricalAccuracy
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.plotting import tasks
from mlgenn_delays.serialisers import Numpy
from mlgenn_delays.utils import data as utils
from mlgenn_delays.utils.data import PreprocessedSpikes, preprocess_spikes

TIMESTEPS, CHANNELS, OUTPUTS = 6, 3, 2


def good_spikes():
    return [preprocess_spikes([1.0, 2.0, 4.0], [0, 2, 1], CHANNELS) for _ in range(3)]


@st.composite
def datasets(draw):
    """Data sets of events, good or with one thing that is not."""
    arrays_of = {
        "offsets": st.just([0, 2, 2, 3]),
        "times": st.just([1.0, 2.0, 0.5]),
        "neurons": st.just([0, 2, 1]),
        "num_neurons": st.just(CHANNELS),
    }
    offsets = st.lists(st.integers(-2, 5), min_size=2, max_size=5)
    choices = {
        "offsets": st.one_of(offsets, offsets.map(lambda x: np.array(x, np.int8).view(np.uint8))),
        "times": st.lists(st.floats(-1, 9), min_size=2, max_size=4),
        "neurons": st.lists(st.integers(-1, 4), min_size=2, max_size=4),
        "num_neurons": st.integers(0, 5),
    }
    given = {name: draw(strategy) for name, strategy in arrays_of.items()}
    for name in draw(st.lists(st.sampled_from(list(given)), max_size=2)):
        given[name] = draw(st.one_of(choices[name], anything))
    return given


@st.composite
def inputs(draw):
    """What may be the value of an input population: good examples, or something else."""
    kind = draw(st.integers(0, 4))
    if kind == 0:
        return good_spikes()
    if kind == 1:
        return draw(datasets())
    if kind == 2:
        ends, times = draw(st.one_of(arrays(), anything)), draw(st.one_of(arrays(), anything))
        return [*good_spikes()[:2], PreprocessedSpikes(ends, times)]
    if kind == 3:
        return [*good_spikes()[:2], draw(anything)]
    return draw(anything)


TARGETS = st.one_of(
    st.just([0, 1, 1]),
    st.just(np.zeros((3, TIMESTEPS, OUTPUTS))),
    st.lists(st.integers(-1, 3), min_size=3, max_size=3),
    arrays(),
    anything,
)


@pytest.fixture(scope="module", params=["cpu", "reference"])
def compiled(request):
    """Two trained networks on one engine, one with labels and one with traces as targets."""
    found = []
    for loss, readout in (
        ("sparse_categorical_crossentropy", "avg_var"),
        ("mean_square_error", "var"),
    ):
        network = Network(default_params)
        with network:
            x = Population(SpikeInput(), CHANNELS, name="in")
            h = Population(LeakyIntegrateFire(), 4, name="hidden", record_spikes=True)
            y = Population(LeakyIntegrate(readout=readout), OUTPUTS, name="out")
            Connection(x, h, Dense(1.0))
            Connection(h, y, Dense(np.linspace(-1, 1, 8).reshape(4, 2)))
        compiler = EventPropCompiler(
            TIMESTEPS, loss, batch_size=2, num_threads=2, backend=request.param
        )
        found.append((compiler.compile(network), x, y))
    return found


def as_input(value):
    return EventDataset(**value) if isinstance(value, dict) and "offsets" in value else value


@pytest.mark.parametrize("which", [0, 1], ids=["labels", "traces"])
def test_examples_and_targets(compiled, which, tally, attempts, attack_seed):
    """Data and settings of evaluation, prediction and training."""
    network, x, y = compiled[which]
    keys = st.sampled_from(["good", "good", "good", "swapped", "name", "other"])
    settings = st.one_of(
        st.just({}),
        st.builds(lambda name, value: {name: value}, st.sampled_from(
            ["num_epochs", "start_epoch", "start_batch", "shuffle", "metrics", "callbacks",
             "validation_callbacks", "validation_split", "validation_x", "validation_y",
             "augmentation"]
        ), anything),
    )  # fmt: skip
    methods = st.sampled_from(
        ["train", "evaluate", "predict", "gradients", "evaluate_batch", "evaluate_batch_iter"]
    )

    def call(value):
        method, examples, targets, key, extra = value
        if isinstance(extra.get("num_epochs"), int) and extra["num_epochs"] > 3:
            extra = {}  # many epochs are no mistake
        pairs = {"swapped": (y, x), "name": ("in", "out"), "other": (object(), None)}
        x_key, y_key = pairs.get(key, (x, y))
        given_x, given_y = {x_key: as_input(examples)}, {y_key: targets}
        quiet = {"callbacks": []}
        names = ("metrics", "callbacks")
        few = {**quiet, **{k: v for k, v in extra.items() if k in names}}
        try:
            if method == "train":
                network.train(given_x, given_y, **{"num_epochs": 1, **quiet, **extra})
            elif method == "predict":
                network.predict(given_x, y_key, callbacks=few["callbacks"])
            elif method == "gradients":
                network.gradients(given_x, given_y)
            elif method == "evaluate_batch_iter":
                batches = [(given_x[x_key], targets)]
                network.evaluate_batch_iter(x_key, y_key, batches, 1, **few)
            else:
                getattr(network, method)(given_x, given_y, **few)
        except TrainingDiverged:
            raise AssertionError("finite data made training diverge") from None

    strategy = st.tuples(methods, inputs(), TARGETS, keys, settings)
    attack(strategy, call, tally, attempts(600, 80), attack_seed)


def test_whole_arguments(compiled, tally, attempts, attack_seed):
    """Dictionaries that are none."""
    network, x, y = compiled[0]
    strategy = st.tuples(st.sampled_from(["train", "evaluate", "predict", "gradients"]), anything)

    def call(value):
        method, bad = value
        good = {x: good_spikes()}
        if method == "predict":
            network.predict(bad, y, callbacks=[])
            network.predict(good, bad, callbacks=[])
        elif method == "gradients":
            network.gradients(good, bad)
        else:
            extra = {"num_epochs": 1} if method == "train" else {}
            getattr(network, method)(good, bad, callbacks=[], **extra)

    attack(strategy, call, tally, attempts(200, 40), attack_seed)


def test_data_sets_of_events(tally, attempts, attack_seed):
    def call(value):
        events = EventDataset(**value)
        events.check_structure("x")
        assert np.all(np.diff(events.offsets) >= 0) and events.offsets[-1] == len(events.times)

    attack(datasets(), call, tally, attempts(600, 80), attack_seed)


FUNCTIONS = {
    utils.preprocess_spikes: {
        "times": [1.0, 2.0], "ids": [0, 1], "num_neurons": 2,
    },
    utils.linear_latency_encode_data: {
        "data": np.array([[0, 255, 3]]), "max_time": 10.0,
    },
    utils.log_latency_encode_data: {
        "data": np.array([[0.0, 255.0, 3.0]]), "tau_eff": 5.0,
        "thresh": 1.0,
    },
    utils.batch_dataset: {
        "data": {"a": [1, 2, 3]}, "batch_size": 2, "size": 3,
    },
    utils.split_dataset: {"data": {"a": [1, 2, 3]}, "split": 0.5},
    utils.permute_dataset: {"data": {"a": [1, 2, 3]}, "indices": [2, 0, 1]},
    utils.get_dataset_size: {"data": {"a": [1, 2, 3]}},
    utils.batch_spikes: {"spikes": good_spikes(), "batch_size": 4},
    utils.calc_max_spikes: {"spikes": good_spikes()},
    utils.calc_latest_spike_time: {"spikes": good_spikes()},
    utils.calc_start_spikes: {"end_spikes": np.array([1, 2, 3])},
    utils.generate_yin_yang_dataset: {
        "size": 3, "scale": 10.0, "rng": 1,
    },
    sigma_delta: {
        "signals": np.arange(12.0).reshape(1, 6, 2), "threshold": 0.5,
        "interval": 1.0,
    },
    plotting.plot_raster: {
        "spikes": {"input": ([1.0, 2.0], [0, 1], 2)}, "duration": 10.0,
        "voltages": np.ones((4, 2)),
    },
    plotting.plot_learning_curve: {
        "epochs": [0, 1], "loss": {"Training": [1.0, 0.5]},
        "accuracy": {"Training": [0.5, np.nan]},
    },
    plotting.plot_delays: {
        "before": {"a": [1.0, 2.0]}, "after": {"a": [1.5, 2.5]},
    },
    plotting.plot_voltages: {"network": np.ones((4, 2)), "neurons": [1]},
    plotting.plot_confusion: {
        "matrix": np.array([[1, 2], [3, 4]]), "class_names": ["a", "b"],
    },
    tasks.plot_decision_regions: {
        "regions": np.zeros((2, 2), int), "extent": (0.0, 1.0, 0.0, 1.0),
        "points": np.zeros((2, 2)), "labels": np.array([0, 1]),
        "predictions": np.array([0, 1]), "class_names": ["a", "b"],
    },
    tasks.plot_delay_learning: {
        "snapshots": [tasks.Snapshot(
            0, "x", np.arange(3.0), np.ones((3, 2)), np.ones((3, 2)), np.ones((4, 2))
        )],
        "delays": np.ones((3, 2, 2)),
    },
}  # fmt: skip


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_functions(function, tally, attempts, attack_seed):
    def call(kwargs):
        function(**kwargs)

    number = attempts(20, 5) if "plot" in function.__name__ else attempts(100, 15)
    attack(arguments(function, FUNCTIONS[function]), call, tally, number, attack_seed)
    one_by_one(function, FUNCTIONS[function], call, tally, attempts(1, 8))


TONIC = np.array([(1000, 0, 1, 1), (2000, 1, 0, 0)], [(n, "i4") for n in ("t", "p", "x", "y")])


@pytest.mark.parametrize("separate", [False, True], ids=["together", "separate"])
def test_events_of_tonic(separate, tally, attempts, attack_seed):
    function = utils.preprocess_tonic_spikes
    if separate:
        function = utils.preprocess_tonic_spikes_separate
    good = {
        "events": st.just(TONIC), "ordering": st.just("tpxy"), "shape": st.just((2, 2, 2)),
    }  # fmt: skip
    call = lambda kwargs: function(**kwargs)  # noqa: E731
    attack(arguments(function, good), call, tally, attempts(300, 40), attack_seed)


@pytest.mark.parametrize("metric", [MeanSquareError, SparseCategoricalAccuracy])
def test_metrics(metric, tally, attempts, attack_seed):
    def call(value):
        made = metric()
        made.update(*value)
        assert made.result is None or isinstance(made.result, float)

    values = st.one_of(arrays(), anything)
    attack(st.tuples(values, values), call, tally, attempts(300, 40), attack_seed)


@pytest.mark.parametrize(
    "augmentation",
    [AugmentEvents(6.0, 0.5, 2.0, 1.0, 0.3), JitterTimes(6.0, 2.0), DropEvents(0.5),
     ShiftChannels(2), BlendExamples(6.0)],
    ids=lambda augmentation: type(augmentation).__name__,
)  # fmt: skip
def test_augmentations_of_any_events(augmentation, tally, attempts, attack_seed):
    def call(value):
        events = EventDataset(**value)
        events.check_structure("x")
        labels = {"labels": np.zeros(len(events), int)}
        if not getattr(augmentation, "needs_labels", False):
            labels = {}
        changed = augmentation(events, np.random.default_rng(1), **labels)
        changed.check_structure("changed")
        assert len(changed) == len(events)

    attack(datasets(), call, tally, attempts(200, 30), attack_seed)


def test_serialisers(tally, attempts, attack_seed, tmp_path):
    serialiser = Numpy(tmp_path)

    def call(value):
        keys, array = value
        serialiser.serialise(keys, array)
        found = serialiser.deserialise(keys)
        assert np.array_equal(found, np.asarray(array), equal_nan=found.dtype.kind in "fc")

    keys = st.one_of(st.lists(st.one_of(st.text(max_size=5), st.integers()), max_size=3), anything)
    attack(
        st.tuples(keys, st.one_of(arrays(), anything)), call, tally, attempts(300, 40), attack_seed
    )
