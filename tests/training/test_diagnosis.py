"""What is said of trainings, and that nothing is said of healthy ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
from trained_networks import TIMESTEPS, make_spikes

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.callbacks import SpikeStatistics
from mlgenn_delays.compilers import EventPropCompiler, default_params
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.initializers import Normal
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.readouts import FirstSpikeTime
from mlgenn_delays.training.diagnosis import (
    find_constant_outputs,
    find_early_times,
    find_one_answer,
    find_quiet_layers,
    find_stuck_loss,
)


def quiet(spikes, silent, size, num_trials=54):
    return find_quiet_layers({"h": spikes}, {"h": silent}, {"h": size}, num_trials)


class TestQuietLayers:
    def test_silent(self):
        assert quiet(0.0, 32, 32) == [
            "layer 'h' is silent: none of its 32 neurons spiked in 54 trials; raise the weights of "
            "its inputs"
        ]
        assert "its neuron did not spike in 1 trial;" in quiet(0.0, 1, 1, 1)[0]

    @pytest.mark.parametrize(
        ("spikes", "silent", "size", "num_trials"),
        [
            (0.02, 20, 32, 54),  # less than one spike per trial in the layer
            (0.002, 500, 1024, 1000),  # more, but of a thousand neurons
            (0.5, 61, 64, 54),  # of three neurons only
        ],
    )
    def test_hardly_any_spikes(self, spikes, silent, size, num_trials):
        (said,) = quiet(spikes, silent, size, num_trials)
        assert said == (
            f"layer 'h' hardly spikes: {spikes:g} spikes per neuron and trial in {num_trials:,} "
            f"trials, {silent} of its {size} neurons never did; raise the weights of its inputs"
        )

    @pytest.mark.parametrize(
        ("spikes", "silent", "size", "num_trials"),
        [
            (2.3, 0, 32, 128),
            (0.4, 6, 32, 54),
            (0.15, 0, 5, 54),  # a small layer
            (0.03, 100, 1024, 54),  # a sparse code of 30 spikes per trial
            (1 / 35, 0, 35, 700),  # outputs that spike once each, for their class
            (1 / 100, 91, 100, 10),  # the same with few trials
            (math.nan, 32, 32, 0),  # nothing is known yet
        ],
    )
    def test_layers_that_work(self, spikes, silent, size, num_trials):
        assert quiet(spikes, silent, size, num_trials) == []

    def test_each_layer_is_told(self):
        spikes = {"hidden1": 8.8, "hidden2": 0.0, "hidden3": 0.0}
        said = find_quiet_layers(
            spikes,
            {"hidden1": 0, "hidden2": 4, "hidden3": 5},
            dict.fromkeys(spikes, 5) | {"hidden2": 4},
            9,
        )
        assert [text.split("'")[1] for text in said] == ["hidden2", "hidden3"]


class TestStuckLoss:
    def test_the_same_in_all_epochs(self):
        """As where a silent layer cuts the outputs off."""
        (said,) = find_stuck_loss([3.5553481, 3.5553481])
        assert said.startswith("the loss does not move, it is 3.555 in all 2 epochs: nothing")

    @pytest.mark.parametrize("last", [2.99, 3.3])
    def test_it_has_not_fallen(self, last):
        (said,) = find_stuck_loss([2.9957, 2.9957, 2.9956, math.nan, 2.9956, last])
        best = f"{min(2.9956, last):.4g}"
        assert f"has not fallen in 5 epochs: 2.996 in the first, {best} in the best;" in said
        (said,) = find_stuck_loss([2.9957, 2.9957, 2.9956, math.nan, 2.9956, last], math.log(20))
        assert f"{best} in the best (guessing has 2.996);" in said

    @pytest.mark.parametrize(
        "losses",
        [
            [],
            [2.3],
            [3.378, 3.384],  # too early to say
            [2.3, 2.29, 2.28, 2.27, 2.26],
            [0.5, 0.1, 0.01, 0.01, 0.01, 0.01],  # it has fallen, and stays
            [math.nan, math.inf],
        ],
    )
    def test_losses_that_are_fine(self, losses):
        assert find_stuck_loss(losses) == []

    def test_a_network_that_learned_in_its_first_epoch(self):
        losses = [0.1, 0.0999, 0.1001, 0.1, 0.1]
        assert find_stuck_loss(losses)
        assert find_stuck_loss(losses, chance=math.log(10)) == []
        assert find_stuck_loss(np.full(5, math.log(10)), chance=math.log(10))

    def test_bad_losses(self):
        with pytest.raises(ValueError, match="losses has shape"):
            find_stuck_loss([[1.0, 2.0]])


class TestOneAnswer:
    def test_it_is_named(self):
        predictions = np.full(54, 1)
        predictions[0] = 0
        labels = np.arange(54) % 27
        assert find_one_answer(predictions, labels, "ABC") == [
            "the network answers 'B' for 53 of 54 trials, 2 are of that class"
        ]
        assert find_one_answer(predictions) == ["the network answers 1 for 53 of 54 trials"]

    def test_networks_that_tell_classes_apart(self):
        labels = np.arange(54) % 2
        assert find_one_answer(labels, labels) == []
        assert find_one_answer(np.where(np.arange(54) < 45, 0, 1), labels) == []

    def test_trials_of_one_class(self):
        assert find_one_answer(np.zeros(54), np.zeros(54)) == []
        assert find_one_answer(np.zeros(54), np.arange(54) > 50) == []

    def test_few_trials(self):
        assert find_one_answer(np.zeros(9), np.arange(9)) == []
        assert find_one_answer(np.zeros(0)) == []

    def test_bad_labels(self):
        with pytest.raises(ValueError, match="labels has shape"):
            find_one_answer(np.zeros(12), np.zeros(11))


class TestConstantOutputs:
    def test_single_ones(self):
        outputs = np.random.default_rng(0).normal(size=(20, 8))
        outputs[:, 2] = 0.125
        assert find_constant_outputs(outputs, "abcd") == [
            "output 'c' never differs between the 20 trials"
        ]
        outputs[:, :7] = 3.0
        assert find_constant_outputs(outputs, "abcd") == [
            "outputs 'a', 'b', 'c', 'd', 4 and 2 more never differ between the 20 trials"
        ]

    def test_all(self):
        assert find_constant_outputs(np.zeros((20, 35))) == [
            "none of the 35 outputs differs between the 20 trials; see in a raster what reaches "
            "them"
        ]
        assert find_constant_outputs(np.ones((20, 1))) == [
            "output 0 never differs between the 20 trials"
        ]

    def test_outputs_over_time(self):
        """A voltage that changes in a trial, but as in all others, tells nothing."""
        traces = np.zeros((6, 10, 2)) + np.linspace(0, 1, 10)[:, None]
        traces[:, :, 1] += np.arange(6)[:, None]
        assert find_constant_outputs(traces) == ["output 0 never differs between the 6 trials"]

    def test_spike_times(self):
        outputs = -np.random.default_rng(0).uniform(1, 30, (20, 3)).astype(np.float32)
        outputs[3, 0] = FirstSpikeTime.NO_SPIKE
        assert find_constant_outputs(outputs) == []
        outputs[:, 1] = FirstSpikeTime.NO_SPIKE
        assert find_constant_outputs(outputs) == ["output 1 never spikes in any of the 20 trials"]
        outputs[:] = FirstSpikeTime.NO_SPIKE
        assert find_constant_outputs(outputs) == [
            "none of the 3 outputs spikes in any of the 20 trials; see in a raster what reaches "
            "them"
        ]

    def test_values_that_are_not_finite_say_nothing(self):
        assert find_constant_outputs(np.full((20, 2), np.nan)) == []
        assert find_constant_outputs(np.full((20, 2), -np.inf)) == []

    def test_one_trial(self):
        assert find_constant_outputs(np.zeros((1, 2))) == []
        assert find_constant_outputs(np.zeros((0, 2))) == []

    def test_bad_shape(self):
        with pytest.raises(ValueError, match=r"outputs has shape \(20,\), it should be \(trials"):
            find_constant_outputs(np.zeros(20))


READOUTS = ["avg_var", "avg_var_exp_weight", "sum_var", "max_var", "var", "first_spike_time"]


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("second", [0.1, 1.6])
def test_trained_networks(readout, second):
    """Two hidden layers, the second one dead or alive: what is said, and what is not."""
    over_time, spiking = readout == "var", readout == "first_spike_time"
    with Network(default_params) as network:
        x = Population(SpikeInput(), 8, name="x")
        a = Population(LeakyIntegrateFire(tau_refrac=None), 12, name="a")
        b = Population(LeakyIntegrateFire(tau_refrac=None), 6, name="b")
        kind = LeakyIntegrateFire if spiking else LeakyIntegrate
        y = Population(kind(readout=readout), 2, name="y")
        Connection(x, a, Dense(Normal(1.6, 1.2)))
        Connection(a, b, Dense(Normal(second, 0.5 * second)))
        Connection(b, y, Dense(Normal(1.5 if spiking else 0.0, 0.5)))
    compiled = EventPropCompiler(
        TIMESTEPS, "sparse_categorical_crossentropy", Adam(0.02), batch_size=8, rng_seed=1,
        per_timestep_loss=over_time, backend="cpu", num_threads=1,
    ).compile(network)  # fmt: skip
    spikes, labels = make_spikes(24, 8)
    compiled.train({x: spikes}, {y: labels}, 20, callbacks=[])
    statistics = SpikeStatistics()
    outputs = np.asarray(compiled.predict({x: spikes}, y, callbacks=[statistics])[0][y])
    layers = find_quiet_layers(
        statistics.spikes_per_neuron,
        statistics.silent_neurons,
        statistics.sizes,
        statistics.num_trials,
    )
    losses = find_stuck_loss([record.loss for record in compiled.history])
    constant = find_constant_outputs(outputs)
    answers = find_one_answer(np.argmax(outputs, axis=-1), labels)
    if second > 1.0:
        assert layers == losses == constant == answers == []
    else:
        assert [text.split(":")[0] for text in layers][:1] == ["layer 'b' is silent"]
        assert len(layers) == 1 + spiking
        assert len(losses) == len(constant) == len(answers) == 1
        assert "does not move" in losses[0] and "none of the 2 outputs" in constant[0]


@pytest.mark.parametrize(
    ("first", "last", "number", "found"),
    [
        (0.0, 0.99, 7, True),
        (0.0, 1.0, 7, False),
        (0.0, 0.0, 7, False),  # all at the beginning
        (0.5, 0.5, 1, False),  # a pulse
        (np.inf, 0.0, 0, False),
    ],
)
def test_early_times(first, last, number, found):
    texts = find_early_times(first, last, number, 100.0, "x['a']")
    assert len(texts) == found
    if found:
        assert texts[0].startswith(
            "x['a'] has 7 spikes, all between 0 and 0.99 ms of trials of 100"
        )
