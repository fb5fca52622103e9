from __future__ import annotations

import pytest

from mlgenn_delays.compilers import EventPropCompiler
from mlgenn_delays.initializers import Normal, Uniform
from mlgenn_delays.models import ClassifierSettings, build_classifier

SETTINGS = ClassifierSettings().change(
    tau_mem=11.0, tau_mem_output=22.0, tau_syn=3.0, tau_syn_output=4.0, v_thresh=0.5, max_delay=50.0
)


def test_one_hidden_layer() -> None:
    network = build_classifier(SETTINGS.change(hidden=7), 5, 3)
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
    network = build_classifier(SETTINGS.change(hidden=(7, 6, 4), recurrent=False), 5, 3)
    assert list(network.connections) == [
        "input_hidden1",
        "hidden1_hidden2",
        "hidden2_hidden3",
        "hidden3_output",
    ]
    assert [p.size for p in network.hidden] == [7, 6, 4]


def test_weights_are_those_of_the_settings() -> None:
    settings = SETTINGS.change(
        hidden=(7, 6),
        input_weight=(1.0, 0.1),
        hidden_weight=(2.0, 0.2),
        recurrent_weight=(3.0, 0.3),
        output_weight=(4.0, 0.4),
    )
    network = build_classifier(settings, 5, 3)
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
    settings = SETTINGS.change(dt=0.1, max_delay=0.3, input_delay=(0.1, 0.25))
    connection = build_classifier(settings, 5, 3).connections["input_hidden"]
    assert connection.max_delay_steps == 3
    delay = connection.connectivity.delay
    assert isinstance(delay, Uniform)
    assert (delay.min, delay.max) == pytest.approx((1.0, 2.5))


def test_initial_delays_end_at_the_cap() -> None:
    settings = SETTINGS.change(max_delay=20.0, input_delay=(5.0, 100.0))
    delay = build_classifier(settings, 5, 3).connections["input_hidden"].connectivity.delay
    assert (delay.min, delay.max) == (5.0, 20.0)


def test_output_may_have_delays() -> None:
    network = build_classifier(SETTINGS.change(output_delay=(0.0, 9.0)), 5, 3)
    assert network.connections["hidden_output"] in network.delay_learn_conns


@pytest.mark.parametrize(("delays", "per_synapse"), [("fixed", True), ("none", False)])
def test_delays_that_are_not_learned(delays: str, per_synapse: bool) -> None:
    network = build_classifier(SETTINGS.change(delays=delays), 5, 3)
    assert network.delay_learn_conns == []
    compiler = EventPropCompiler(10, "sparse_categorical_crossentropy", backend="reference")
    program = compiler.compile(network.network).program
    assert program.connections[0].has_synapse_delays == per_synapse


def test_delays_between_layers_alone() -> None:
    for changes in ({"recurrent_delays": False}, {"recurrent_delay": None}):
        network = build_classifier(SETTINGS.change(changes), 5, 3)
        assert [c.name for c in network.delay_learn_conns] == ["input_hidden"]
        assert network.connections["hidden_hidden"].max_delay_steps is None


def test_no_hidden_layer() -> None:
    with pytest.raises(ValueError, match="hidden is empty, at least one hidden layer is needed"):
        build_classifier(SETTINGS.change(hidden=()), 5, 3)
