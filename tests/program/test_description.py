"""Programs in a canonical form, and what differs between two of them."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import EventPropCompiler, default_params
from mlgenn_delays.compilers.build import build_program
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.neurons import (
    AdaptiveLeakyIntegrateFire,
    LeakyIntegrate,
    LeakyIntegrateFire,
    SpikeInput,
)
from mlgenn_delays.program.description import describe_program, digest, number
from mlgenn_delays.program.difference import find_differences, say
from mlgenn_delays.synapses import Exponential


def make(neuron=None, readout="avg_var", tau_syn=5.0, timesteps=30, delay=1, **arguments):
    """The program of input (4) -> hidden (3) -> output (2)."""
    network = Network(default_params)
    with network:
        x = Population(SpikeInput(), 4, name="x")
        h = Population(neuron or LeakyIntegrateFire(), 3, name="h")
        y = Population(LeakyIntegrate(readout=readout), 2, name="y")
        Connection(x, h, Dense(1.0, delay), Exponential(tau_syn), name="xh")
        Connection(h, y, Dense(1.0), Exponential(5.0), name="hy")
    compiler = EventPropCompiler(
        timesteps, "sparse_categorical_crossentropy", backend="cpu", num_threads=1, **arguments
    )
    return build_program(network, compiler.settings).program


def differences(first, second):
    saved = json.loads(json.dumps(describe_program(first), allow_nan=False))
    return find_differences(saved, describe_program(second))


def test_equal_programs_have_the_same_description():
    first, second = make(), make()
    assert first == second and first is not second
    assert describe_program(first) == describe_program(second)
    assert digest(describe_program(first)) == digest(describe_program(second))
    again = pickle.loads(pickle.dumps(first))
    assert digest(describe_program(again)) == digest(describe_program(first))


def test_a_description_is_read_back_from_json():
    description = describe_program(make())
    again = json.loads(json.dumps(description, allow_nan=False))
    assert again == description
    assert digest(again) == digest(description)
    assert not find_differences(again, description)


@pytest.mark.parametrize(
    "arguments", [{"batch_size": 7}, {"rng_seed": 3}, {"optimiser": "adam"}, {"num_threads": 2}]
)
def test_what_is_no_part_of_it(arguments):
    if "num_threads" not in arguments:
        assert not differences(make(), make(**arguments))
    changed = make()
    parameters = tuple(
        replace(spec, initial=spec.initial + np.float32(0.5)) for spec in changed.parameters
    )
    assert not differences(changed, replace(changed, parameters=parameters))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"neuron": LeakyIntegrateFire(tau_mem=5.0)}, "tau_mem of population 'h' is 20 in the"),
        ({"neuron": LeakyIntegrateFire(v_thresh=0.5)}, "v_thresh of population 'h' is 1 in the"),
        ({"neuron": LeakyIntegrateFire(v_reset=-1.0)}, "v_reset of population 'h' is 0 in the"),
        ({"neuron": LeakyIntegrateFire(v=0.25)}, "initial V of population 'h' is 0 in the"),
        ({"neuron": LeakyIntegrateFire(tau_refrac=2.0)}, "tau_refrac of population 'h' is 0 in"),
        (
            {"neuron": AdaptiveLeakyIntegrateFire()},
            "neuron of population 'h' is 'LeakyIntegrateFire' in the state, "
            "'AdaptiveLeakyIntegrateFire' in the network",
        ),
        ({"readout": "max_var"}, "readout of population 'y' is 'avg_var' in the state, 'max_var'"),
        ({"tau_syn": 4.0}, "tau_syn of connection 'xh' is 5 in the state, 4 in the network"),
        ({"delay": 2}, "max_delay_steps of connection 'xh' is 1 in the state, 2 in the network"),
        ({"dt": 0.5}, "dt is 1 ms in the state, 0.5 ms in the network"),
        ({"timesteps": 31}, "timesteps are 30 in the state, 31 in the network"),
        ({"i_minus_thresh_min": 0.5}, "i_minus_thresh_min of population 'h' is 0.01 in the"),
        ({"reg_lambda_upper": 0.5}, "regulariser of population 'h' is None in the state"),
    ],
)
def test_what_differs_is_named(changes, expected):
    found = differences(make(), make(**changes))
    text = say(found)
    assert text.startswith(expected), text
    # what follows from it is not named beside it
    assert "Alpha" not in text and "Kappa" not in text and "receptor" not in text
    assert digest(describe_program(make())) != digest(describe_program(make(**changes)))


def test_adaptation_is_named():
    neurons = [
        AdaptiveLeakyIntegrateFire(tau_adapt=tau, beta=beta) for tau, beta in ((9, 1), (8, 2))
    ]
    text = say(differences(make(neurons[0]), make(neurons[1])))
    assert "beta of population 'h' is 1 in the state, 2" in text and "tau_adapt" in text


def test_several_differences_are_named_and_the_rest_is_counted():
    neuron = LeakyIntegrateFire(tau_mem=5.0, v_thresh=0.5, v_reset=-1.0, v=-0.5, tau_refrac=2.0)
    text = say(differences(make(), make(neuron, tau_syn=4.0)))
    assert text.count(" in the state") == 4 and text.endswith("; and 2 more")


def test_last_digits_of_mathematical_libraries_are_no_difference():
    """exp differs by a bit between processors and systems: checkpoints travel."""
    description = describe_program(make())
    saved = json.loads(json.dumps(description))
    model = saved["populations"]["h"]["model"]
    model["params"]["Alpha"] = float(np.nextafter(model["params"]["Alpha"], 1.0))
    assert not find_differences(saved, description)
    model["params"]["Alpha"] *= 1.0 + 1e-8
    assert find_differences(saved, description)
    alpha = np.exp(-1.0 / 20.0)
    assert number(alpha) == number(np.nextafter(alpha, 1.0))


def test_white_space_of_code_is_no_difference():
    program = make()
    hidden = program.populations[1]
    for code, same in (("V =  (Alpha * V)\n+ Isyn;", True), ("V = Isyn + (Alpha * V);", False)):
        changed = replace(hidden, model=replace(hidden.dynamics, sim_code=code))
        populations = (program.populations[0], changed, program.populations[2])
        found = differences(program, replace(program, populations=populations))
        assert bool(found) is not same
    assert "sim_code of population 'h'" in say(found)


def test_order_and_names_count():
    program = make()
    saved = describe_program(program)
    turned = dict(reversed(saved["connections"].items()))
    text = say(find_differences({**saved, "connections": turned}, saved))
    assert text == "connections are ['hy', 'xh'] in the state, ['xh', 'hy'] in the network"


@pytest.mark.parametrize("junk", [None, 3, "text", [], {}, [[1]], {"populations": {"h": 4}}, 1e300])
def test_anything_can_be_compared(junk):
    description = describe_program(make())
    for part in description:
        assert say(find_differences({**description, part: junk}, description))
    missing = {name: value for name, value in description.items() if name != "parameters"}
    assert say(find_differences(missing, description)) == "parameters is missing in the state"
    assert not find_differences(missing, description, complete=False)
