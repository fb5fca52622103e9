from __future__ import annotations

from dataclasses import replace

import pytest

from mlgenn_delays.compilers import EventPropCompiler
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.models import ClassifierSettings, build_classifier

SETTINGS = ClassifierSettings(
    tau_mem=11.0, tau_mem_output=22.0, tau_syn=3.0, tau_syn_output=4.0, v_thresh=0.5, max_delay=50.0
)


def test_one_hidden_layer() -> None:
    network = build_classifier(SETTINGS, 5, 3, (7,))
    assert [p.name for p in network.network.populations] == ["input", "hidden", "output"]
    assert list(network.connections) == ["input_hidden", "hidden_hidden", "hidden_output"]
    assert list(network.connections.values()) == network.network.connections
    assert [c.name for c in network.delay_learn_conns] == ["input_hidden", "hidden_hidden"]
    (hidden,) = network.hidden
    assert (network.input.size, hidden.size, network.output.size) == (5, 7, 3)
    assert (hidden.neuron.tau_mem, hidden.neuron.v_thresh) == (11.0, 0.5)
    assert network.output.neuron.tau_mem == 22.0
    taus = [c.synapse.tau for c in network.connections.values()]
    assert taus == [3.0, 3.0, 4.0]
    assert network.connections["hidden_output"].connectivity.delay == 0


def test_several_layers_without_recurrence() -> None:
    network = build_classifier(SETTINGS, 5, 3, (7, 6, 4), recurrent=False)
    assert list(network.connections) == [
        "input_hidden1",
        "hidden1_hidden2",
        "hidden2_hidden3",
        "hidden3_output",
    ]
    assert [p.size for p in network.hidden] == [7, 6, 4]


def test_weights_are_those_of_the_settings() -> None:
    settings = replace(
        SETTINGS,
        input_weight=(1.0, 0.1),
        hidden_weight=(2.0, 0.2),
        recurrent_weight=(3.0, 0.3),
        output_weight=(4.0, 0.4),
    )
    network = build_classifier(settings, 5, 3, (7, 6))
    weights = {n: c.connectivity.weight for n, c in network.connections.items()}
    assert all(isinstance(w, Normal) for w in weights.values())
    assert {n: (w.mean, w.sd) for n, w in weights.items()} == {
        "input_hidden1": (1.0, 0.1),
        "hidden1_hidden2": (2.0, 0.2),
        "hidden1_hidden1": (3.0, 0.3),
        "hidden2_hidden2": (3.0, 0.3),
        "hidden2_output": (4.0, 0.4),
    }


def test_delays_in_ms_become_timesteps() -> None:
    settings = replace(SETTINGS, dt=0.1, max_delay=0.3, input_delay=(0.1, 0.25))
    connection = build_classifier(settings, 5, 3).connections["input_hidden"]
    assert connection.max_delay_steps == 3
    delay = connection.connectivity.delay
    assert isinstance(delay, Uniform)
    assert (delay.min, delay.max) == pytest.approx((1.0, 2.5))


def test_initial_delays_end_at_the_cap() -> None:
    settings = replace(SETTINGS, max_delay=20.0, input_delay=(5.0, 100.0))
    delay = build_classifier(settings, 5, 3).connections["input_hidden"].connectivity.delay
    assert (delay.min, delay.max) == (5.0, 20.0)


def test_output_may_have_delays() -> None:
    network = build_classifier(replace(SETTINGS, output_delay=(0.0, 9.0)), 5, 3)
    assert network.connections["hidden_output"] in network.delay_learn_conns


@pytest.mark.parametrize(("delays", "per_synapse"), [("fixed", True), ("none", False)])
def test_delays_that_are_not_learned(delays: str, per_synapse: bool) -> None:
    network = build_classifier(SETTINGS, 5, 3, delays=delays)
    assert network.delay_learn_conns == []
    compiler = EventPropCompiler(10, "sparse_categorical_crossentropy", backend="reference")
    program = compiler.compile(network.network).program
    assert program.connections[0].has_synapse_delays == per_synapse


@pytest.mark.parametrize(
    ("changes", "arguments", "message"),
    [
        ({}, {"num_hidden": ()}, "num_hidden is empty"),
        ({}, {"delays": "some"}, "delays is 'some', allowed are 'learned', 'fixed', 'none'"),
        ({"max_delay": -1.0}, {}, "max_delay is -1.0, allowed are times from 0 ms"),
        ({"max_delay": float("inf")}, {}, "max_delay is inf"),
        ({"tau_mem": 0.0}, {}, "tau_mem"),
    ],
)
def test_bad_arguments(changes: dict, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_classifier(replace(SETTINGS, **changes), 5, 3, **arguments)


@pytest.mark.parametrize("name", ["drop", "jitter", "channel_shift"])
def test_bad_rates_of_augmentation_are_refused_whatever_the_amount(name: str) -> None:
    settings = replace(SETTINGS, **{name: 0, f"{name}_rate": 2.0})
    with pytest.raises(ValueError, match=f"rate of {name} is 2"):
        settings.augmentation(100.0)
