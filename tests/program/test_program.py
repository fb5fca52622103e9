"""Programs are values: frozen, compared and hashed by what they hold, copied and pickled whole."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import numpy as np
import pytest

from mlgenn_delays.engines.cpu.codegen import generate
from mlgenn_delays.program import equations
from mlgenn_delays.program.frozen import FrozenDict
from mlgenn_delays.program.model import AdjointModel, NeuronModel, SynapseModel
from mlgenn_delays.program.parameters import Owner, OwnerKind, ParameterSpec
from mlgenn_delays.program.program import (
    ConnectionProgram,
    Density,
    PopulationProgram,
    Program,
    ReadoutKind,
    ReadoutProgram,
    Receptor,
    Regulariser,
)
from mlgenn_delays.program.surrogate import SurrogateProgram
from mlgenn_delays.program.window import Kernel, Window

STEPS, DT = 20, 0.5


def neuron(v_thresh: float = 1.0) -> NeuronModel:
    return equations.leaky_integrate_fire(10.0, v_thresh, 0.0, 0.0, 2.0, DT, 1e-2)


def synapse(tau: float = 5.0) -> SynapseModel:
    return equations.exponential(tau, 10.0, DT)


def readout() -> ReadoutProgram:
    return ReadoutProgram(
        "avg_var", ReadoutKind.WEIGHTED, np.full(STEPS, 1.0 / STEPS), Density(DT * STEPS)
    )


def owner(index: int) -> Owner:
    return Owner(OwnerKind.CONNECTION, index, f"connection{index}")


def weights(index: int, *shape: int) -> ParameterSpec:
    values = np.linspace(1234.5, 1235.5, int(np.prod(shape)), dtype=np.float32)
    return ParameterSpec(owner(index), "g", values.reshape(shape), True)


def delays(index: int, *shape: int) -> ParameterSpec:
    return ParameterSpec(owner(index), "d", np.ones(shape, np.float32), True, (0.0, 4.0), "steps")


def sparse_connection() -> ConnectionProgram:
    """From the input of 3 to the 4 hidden neurons."""
    pre, post = np.array([0, 0, 2], np.uint32), np.array([1, 3, 0], np.uint32)
    return ConnectionProgram(0, "connection0", 0, 1, 3, 4, 0, 5.0, 0, 1, 0, 4, pre, post)


def make_program() -> Program:
    """A new one at each call, equal to all others."""
    leaky = equations.leaky_integrate(15.0, 0.0, DT)
    receptors = (Receptor(5.0, synapse()),)
    return Program(
        populations=(
            PopulationProgram(0, "input", (3,), "SpikeInput"),
            PopulationProgram(
                1, "hidden", (2, 2), "LeakyIntegrateFire", neuron(), receptors,
                regulariser=Regulariser(1.0, 2.0, 3.0, 4.0), record_spikes=True,
            ),
            PopulationProgram(2, "output", (2,), "LeakyIntegrate", leaky, receptors, readout()),
        ),
        connections=(
            sparse_connection(),
            ConnectionProgram(1, "connection1", 1, 2, 4, 2, 0, 5.0, 2, None, 3, 3),
        ),
        parameters=(weights(0, 3), delays(0, 3), weights(1, 4, 2)),
        dt=DT,
        timesteps=STEPS,
        batch_size=2,
        training=True,
    )  # fmt: skip


#: For each class one object, and another value of each of its fields.
VALUES: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "Program": (
        make_program,
        {
            "populations": make_program().populations[:2],
            "connections": make_program().connections[:1],
            "parameters": make_program().parameters[::-1],
            "dt": 0.25,
            "timesteps": 21,
            "batch_size": 3,
            "training": False,
            "timing": "substep",
            "surrogate": SurrogateProgram("arctangent", 5.0, False, False, (None,), (), 0),
        },
    ),
    "PopulationProgram": (
        lambda: make_program().populations[1],
        {
            "index": 2,
            "name": "other",
            "shape": (4,),
            "neuron": "Other",
            "model": neuron(1.5),
            "receptors": (Receptor(6.0, synapse(6.0)),),
            "readout": readout(),
            "trace": True,
            "regulariser": None,
            "record_spikes": False,
            "own": ("TauM",),
        },
    ),
    "ConnectionProgram": (
        sparse_connection,
        {
            "index": 1,
            "name": "other",
            "source": 1,
            "target": 2,
            "source_size": 4,
            "target_size": 5,
            "receptor": 1,
            "tau_syn": 6.0,
            "weight": 2,
            "delay": None,
            "constant_delay": 1,
            "max_delay_steps": 5,
            "pre_ind": np.array([0, 1, 2], np.uint32),
            "post_ind": None,
            "axonal_delays": True,
            "kernel": Kernel(Window((3,), (2,), (2,), (1,), (0,)), 1, 2),
        },
    ),
    "ParameterSpec": (
        lambda: ParameterSpec(owner(0), "d", np.ones(3, np.float32), map=np.array([0, 1, 2, 2])),
        {
            "owner": owner(1),
            "name": "g",
            "initial": np.ones(3, np.float64),
            "learned": True,
            "bounds": (0.0, 1.0),
            "units": "ms",
            "map": np.array([0, 1, 2, 1]),
            "constant": "TauM",
            "by_logarithm": True,
            "fixed": True,
        },
    ),
    "Owner": (
        lambda: owner(0),
        {"kind": OwnerKind.POPULATION, "index": 1, "name": "other"},
    ),
    "ReadoutProgram": (
        readout,
        {
            "name": "var",
            "kind": ReadoutKind.MAX,
            "weights": np.full(STEPS, 0.5 / STEPS),
            "density": Density(DT * STEPS, 5.0),
            "window": (2, 9),
        },
    ),
    "Density": (lambda: Density(1.0, 2.0), {"scale": 2.0, "tau": 3.0}),
    "Receptor": (
        lambda: Receptor(5.0, synapse()),
        {"tau": 6.0, "model": synapse(6.0), "own_tau": True},
    ),
    "Regulariser": (
        lambda: Regulariser(1.0, 2.0, 3.0, 4.0),
        {"upper": 0.0, "lower": 0.0, "nu": 0.0, "scale": 0.0},
    ),
    "NeuronModel": (
        neuron,
        {
            "vars": {"V": 0.5},
            "params": {**neuron().params, "TauM": 11.0},
            "output_var_name": "U",
            "sim_code": "V = Isyn;",
            "adjoint": equations.leaky_integrate(15.0, 0.0, DT).adjoint,
            "threshold_condition_code": "V > Vthresh",
            "reset_code": "V = 0.0;",
            "refractory_steps": 3,
            "tau_refrac": None,
            "derived": {},
        },
    ),
    "AdjointModel": (
        lambda: neuron().adjoint,
        {
            "vars": {"LambdaV": 1.0},
            "sim_code": "",
            "jump_code": "",
            "tape": {"IMinusVthresh": "I"},
            "gradients": {},
        },
    ),
    "SynapseModel": (
        synapse,
        {
            "params": {"ExpDecay": 0.5},
            "sim_code": "",
            "adjoint_sim_code": "",
            "derived": {},
            "gradients": {},
        },
    ),
}

FIELDS = [(name, field) for name, (_, others) in VALUES.items() for field in others]


def check_same(one: Any, other: Any) -> None:
    assert one is not other
    assert one == other
    assert hash(one) == hash(other)
    assert {one: 1}[other] == 1


@pytest.mark.parametrize("name", VALUES)
def test_equal_values(name):
    make, others = VALUES[name]
    assert type(make()).__name__ == name
    assert [field.name for field in fields(make())] == list(others), "every field is covered"
    check_same(make(), make())
    assert make() != "something else"


@pytest.mark.parametrize(("name", "field"), FIELDS)
def test_every_field_counts(name, field):
    make, others = VALUES[name]
    one, other = make(), replace(make(), **{field: others[field]})
    assert one != other
    assert hash(one) != hash(other)


@pytest.mark.parametrize(("name", "field"), FIELDS)
def test_no_field_can_be_set(name, field):
    make, others = VALUES[name]
    value = make()
    with pytest.raises(FrozenInstanceError):
        setattr(value, field, others[field])
    check_same(value, make())


def arrays(value: Any) -> list[np.ndarray]:
    """All arrays within a value."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, tuple):
        return [array for item in value for array in arrays(item)]
    if hasattr(value, "__dataclass_fields__"):
        return arrays(tuple(getattr(value, field.name) for field in fields(value)))
    return []


COPIES = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "deepcopy": copy.deepcopy,
    "replace": replace,
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("name", VALUES)
def test_copies_are_equal_and_as_frozen(how, name):
    value = VALUES[name][0]()
    hash(value)  # what is remembered of it must not matter
    copied = COPIES[how](value)
    check_same(value, copied)
    for array in arrays(copied):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    assert len(arrays(make_program())) == 6


def test_arrays_are_copies_of_what_was_given():
    values, indices = np.ones(3, np.float32), np.arange(6)
    view = indices[::2]
    spec = ParameterSpec(owner(0), "g", values, map=view)
    values[...] = 2.0
    indices[...] = 7
    np.testing.assert_array_equal(spec.initial, np.ones(3))
    np.testing.assert_array_equal(spec.map, [0, 2, 4])


def test_a_read_only_view_of_what_can_be_written_is_copied():
    values = np.ones(3, np.float32)
    view = values[:]
    view.flags.writeable = False
    spec = ParameterSpec(owner(0), "g", view)
    values[...] = 2.0
    np.testing.assert_array_equal(spec.initial, np.ones(3))


def test_mappings_are_copies_that_cannot_be_changed():
    values = {"V": 0.0}
    model = replace(neuron(), vars=values)
    values["V"] = 1.0
    assert model.vars == {"V": 0.0}
    for mapping in (model.vars, model.params, model.adjoint.vars, model.adjoint.tape):
        with pytest.raises(TypeError, match="does not support item assignment"):
            mapping["V"] = 1.0
        with pytest.raises(TypeError):
            del mapping["V"]
    assert not hasattr(model.vars, "update")


def test_arrays_count_with_type_and_shape():
    def spec(array):
        return ParameterSpec(owner(0), "g", array)

    one = spec(np.zeros((2, 3), np.float32))
    assert one != spec(np.zeros((2, 3), np.float64))
    assert one != spec(np.zeros((3, 2), np.float32))
    assert one != spec(np.zeros(6, np.float32))
    assert one == spec(np.zeros((2, 3), np.float32, order="F"))
    # bits count: minus zero is another value, and nan is itself
    assert one != spec(-np.zeros((2, 3), np.float32))
    assert spec(np.array([np.nan])) == spec(np.array([np.nan]))


def with_variables(*names: str) -> Program:
    """A program whose hidden neurons have these variables besides V."""
    program = make_program()
    hidden = program.populations[1]
    model = replace(hidden.model, vars={"V": 0.0, **dict.fromkeys(names, 0.0)})
    populations = (program.populations[0], replace(hidden, model=model), program.populations[2])
    return replace(program, populations=populations)


def test_the_order_of_variables_is_that_of_the_code():
    one, other = with_variables("A", "B"), with_variables("B", "A")
    assert generate(one) != generate(other)
    assert one != other
    assert hash(one) != hash(other)
    assert generate(one) == generate(with_variables("A", "B"))


def test_frozen_mappings():
    mapping = FrozenDict({"a": 1, "b": 2})
    assert (dict(mapping), len(mapping), list(mapping)) == ({"a": 1, "b": 2}, 2, ["a", "b"])
    assert mapping == {"b": 2, "a": 1}  # a dictionary has no order to speak of
    assert mapping == FrozenDict({"a": 1, "b": 2}) != FrozenDict({"b": 2, "a": 1})
    assert mapping != [("a", 1), ("b", 2)]
    assert hash(mapping) == hash(FrozenDict({"a": 1, "b": 2}))
    assert repr(mapping) == "{'a': 1, 'b': 2}"


TEXT = """\
20 timesteps of 0.5 ms, training
populations:
  input: 3 SpikeInput
  hidden: 4 LeakyIntegrateFire
  output: 2 LeakyIntegrate, read out by avg_var
connections:
  connection0: input -> hidden, 3 synapses, tau_syn 5 ms, delay up to 4 timesteps
  connection1: hidden -> output, 8 synapses, tau_syn 5 ms, delay 3 timesteps
parameters:
  connections/connection0/g: [3], learned
  connections/connection0/d: [3], learned
  connections/connection1/g: [4, 2], learned"""


def test_text():
    program = make_program()
    assert str(program) == TEXT
    assert str(replace(program, training=False)).startswith("20 timesteps of 0.5 ms, inference\n")
    text = repr(program)
    assert "123" not in str(program) + text, "elements of arrays"
    for part in ("initial=float32[4, 2]", "weights=float64[20]", "pre_ind=uint32[3]", "map=None"):
        assert part in text


def test_what_follows_from_a_program():
    program = make_program()
    first, hidden, last = program.populations
    assert program.duration == 10.0
    assert (program.inputs, program.neurons, program.outputs) == ((first,), (hidden, last), (last,))
    assert (first.is_input, first.is_spiking, hidden.is_spiking, last.is_spiking) == (
        True, True, True, False,
    )  # fmt: skip
    assert hidden.size == 4
    assert program.incoming(hidden) == program.outgoing(first) == program.connections[:1]
    assert program.incoming(first) == program.outgoing(last) == ()
    assert [program.ring_slots(p) for p in program.populations] == [1, 5, 4]
    assert program.learns(0) and not program.learns(None)
    assert program.parameters_of(OwnerKind.CONNECTION, 0) == {"g": 0, "d": 1}
    assert program.parameters_of(OwnerKind.CONNECTION, 1) == {"g": 2}
    assert program.parameters_of(OwnerKind.POPULATION, 1) == {}
    sparse, dense = program.connections
    assert (sparse.is_sparse, sparse.num_synapses, sparse.synapse_shape) == (True, 3, (3,))
    assert (dense.is_sparse, dense.num_synapses, dense.synapse_shape) == (False, 8, (4, 2))
    assert sparse.has_synapse_delays and not dense.has_synapse_delays


def test_variables_that_can_be_recorded():
    first, hidden, _ = make_program().populations
    assert (first.state_variables, first.adjoint_variables) == ((), ())
    assert (hidden.state_variables, hidden.adjoint_variables) == (("V",), ("LambdaI", "LambdaV"))
    two = replace(hidden, receptors=(*hidden.receptors, Receptor(8.0, synapse(8.0))))
    assert two.adjoint_variables == ("LambdaI0", "LambdaI1", "LambdaV")
    with pytest.raises(TypeError, match="population 'input' is an input and has no dynamics"):
        first.dynamics  # noqa: B018


def test_regulariser_pulls_spike_counts_towards_nu():
    counts = np.array([3, 11, 6])
    jump = Regulariser(upper=0.5, lower=0.25, nu=3.0, scale=10.0).jump(counts, 2)
    # -scale strength (mean - nu) / examples
    np.testing.assert_allclose(jump, [10 * 0.25 * 1.5 / 2, -10 * 0.5 * 2.5 / 2, 0.0])
    assert jump.dtype == np.float64


def test_models_hold_no_reference_to_what_made_them():
    """A model can be pickled by itself, text and numbers alone."""
    model = pickle.loads(pickle.dumps(neuron()))
    assert isinstance(model, NeuronModel) and isinstance(model.adjoint, AdjointModel)
    assert all(type(value) is float for value in model.params.values())


def test_arrays_of_no_dimension_are_numbers():
    """A mean of NumPy's may be one; programs with it can be hashed."""
    values = FrozenDict({"a": np.array(2.0), "b": np.float32(0.5)})
    assert hash(values) == hash(FrozenDict({"a": 2.0, "b": 0.5}))
    assert all(type(value) is float for value in values.values())
    shared = ParameterSpec(owner(0), "g", np.array(1.0, np.float32), map=np.zeros(3, np.int64))
    assert (shared.shape, shared.num_elements) == ((), 3)
    assert hash(shared) == hash(copy.deepcopy(shared))
