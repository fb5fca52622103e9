"""Constants of single neurons in the description of a network, and what is refused."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from mlgenn_delays import (
    Connection,
    InputLayer,
    Layer,
    Network,
    Population,
    SequentialNetwork,
)
from mlgenn_delays.compilers import EventPropCompiler, InferenceCompiler, SurrogateCompiler
from mlgenn_delays.compilers.build import build_program
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.initializers import LogUniform, Normal, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, Neuron, SpikeInput
from mlgenn_delays.optimisers import Adam
from mlgenn_delays.per_neuron import PerNeuron
from mlgenn_delays.program.description import describe_program
from mlgenn_delays.synapses import Exponential
from mlgenn_delays.utils.model import AdjointModel, NeuronModel

HIDDEN = 6


def network(neuron=None, tau=5.0, shape=HIDDEN):
    made = Network()
    with made:
        x = Population(SpikeInput(), 3, name="x")
        h = Population(neuron or LeakyIntegrateFire(), shape, name="h")
        y = Population(LeakyIntegrate(readout="avg_var"), 2, name="y")
        Connection(x, h, Dense(Normal(1.0, 0.1)), Exponential(tau), name="xh")
        Connection(h, y, Dense(Normal(1.0, 0.1)), Exponential(5.0), name="hy")
    return made


def build(made, neurons=None, synapses=None, dt=1.0, seed=0):
    h, xh = made.populations[1], made.connections[0]
    compiler = EventPropCompiler(
        20,
        "sparse_categorical_crossentropy",
        dt=dt,
        rng_seed=seed,
        neuron_learn_params=None if neurons is None else {h: neurons},
        synapse_learn_params=None if synapses is None else {xh: synapses},
    )
    return build_program(made, compiler.settings).program


def spec(program, name):
    (found,) = (s for s in program.parameters if s.name == name)
    return found


def test_numbers_stay_numbers_and_others_become_parameters():
    assert {s.name for s in build(network()).parameters} == {"g"}
    taus = np.arange(10.0, 16.0)
    program = build(network(LeakyIntegrateFire(tau_mem=taus, v_thresh=Uniform(0.9, 1.1))))
    assert {s.name for s in program.parameters} == {"g", "tau_mem", "v_thresh"}
    np.testing.assert_array_equal(spec(program, "tau_mem").initial, taus.astype(np.float32))
    assert not spec(program, "tau_mem").learned and spec(program, "tau_mem").units == "ms"
    assert program.populations[1].own == ("Vthresh", "TauM")
    learned = build(network(), ["tau_mem"], ["tau"])
    assert spec(learned, "tau_mem").learned and spec(learned, "tau").learned
    np.testing.assert_array_equal(spec(learned, "tau").initial, np.full(HIDDEN, 5.0, np.float32))
    assert learned.populations[1].receptors[0].own_tau


def test_arrays_have_the_shape_of_the_population():
    taus = np.arange(10.0, 16.0).reshape(2, 3)
    program = build(network(LeakyIntegrateFire(tau_mem=taus), shape=(2, 3)))
    np.testing.assert_array_equal(spec(program, "tau_mem").initial, taus.ravel())
    with pytest.raises(ValueError, match=r"population 'h': tau_mem.*shape"):
        build(network(LeakyIntegrateFire(tau_mem=taus[0])))


def test_what_is_drawn_depends_on_the_seed_and_leaves_weights_as_they_are():
    def drawn_with(seed):
        neuron = LeakyIntegrateFire(tau_mem=LogUniform(5, 50))
        return build(network(neuron, LogUniform(2, 9)), seed=seed)

    drawn = [drawn_with(seed) for seed in (0, 0, 1)]
    for name in ("tau_mem", "tau"):
        first, same, other = (spec(p, name).initial for p in drawn)
        np.testing.assert_array_equal(first, same)
        assert np.all(first != other) and len(np.unique(first)) == HIDDEN
    plain = build(network())
    np.testing.assert_array_equal(plain.parameters[0].initial, drawn[0].parameters[0].initial)


def test_connections_with_time_constants_of_neurons_have_receptors_of_their_own():
    made = network()
    h = made.populations[1]
    with made:
        Connection(h, h, Dense(0.1), Exponential(5.0), name="hh")
        Connection(h, h, Dense(0.1), Exponential(Uniform(4, 5)), name="hh2")
    program = build(made)
    assert [c.receptor for c in program.connections if c.target == 1] == [0, 0, 1]
    assert [r.own_tau for r in program.populations[1].receptors] == [False, True]


def test_descriptions_do_not_depend_on_what_is_drawn():
    made = network(LeakyIntegrateFire(tau_mem=Uniform(5, 50)), Uniform(2, 9))
    one, two = (build(made, seed=seed) for seed in (0, 1))
    assert describe_program(one) == describe_program(two)
    assert describe_program(one) != describe_program(build(network()))


@pytest.mark.parametrize(
    "neurons, synapses, message",
    [
        (["tau_refrac"], None, r"neuron_learn_params\['h'\] has 'tau_refrac', parameters of "
         r"LeakyIntegrateFire that can be learned are 'v_thresh', 'v_reset', 'tau_mem'"),
        (None, ["tau_syn"], r"synapse_learn_params\['xh'\] has 'tau_syn'.*are 'tau'"),
        ({"tau_mem": (30.0, 50.0)}, None, r"tau_mem starts from 20 to 20, beyond its bounds 30"),
        ({"tau_mem": (0.001, 50.0)}, None, r"the shortest tau_mem is 0.001 ms, .* 0.0125 ms"),
        ({"tau_mem": (50.0, 5.0)}, None, r"allowed are bounds low < high"),
        ({"v_thresh": (-1.0, 2.0)}, None, r"v_thresh is learned within -1 to 2, which allows"),
        ({"v_reset": (-1.0, 2.0)}, None, r"v_reset is learned within -1 to 2, which allows"),
    ],
)  # fmt: skip
def test_bad_learned_parameters_are_refused(neurons, synapses, message):
    with pytest.raises(ValueError, match=message):
        build(network(), neurons, synapses)


@pytest.mark.parametrize(
    "value, error, message",
    [
        ({"tau_mem": 3}, TypeError, r"neuron_learn_params\['h'\]\['tau_mem'\] should be bounds"),
        ("tau_mem", TypeError, r"neuron_learn_params\['h'\] should be a sequence of names"),
        ([["tau_mem"]], TypeError,
         r"neuron_learn_params\['h'\] has \['tau_mem'\], allowed are names of parameters"),
        ({3: (1.0, 2.0)}, TypeError, r"\['h'\] has 3, allowed are names of parameters"),
        ({"tau_mem": (5.0, np.nan)}, ValueError, r"neuron_learn_params\['h'\]\['tau_mem'\]: bounds "
         r"is nan, allowed are finite numbers, inf and -inf"),
        ({"tau_mem": (np.inf, np.inf)}, ValueError, r"is \(inf, inf\), allowed are bounds low < h"),
    ],
)  # fmt: skip
def test_bad_kinds_are_refused(value, error, message):
    with pytest.raises(error, match=message):
        build(network(), value)
    with pytest.raises(TypeError, match="neuron_learn_params should be a dictionary"):
        EventPropCompiler(20, "sparse_categorical_crossentropy", neuron_learn_params=["tau_mem"])


def test_populations_of_other_networks_are_refused():
    other = network().populations[1]
    compiler = EventPropCompiler(
        20, "sparse_categorical_crossentropy", neuron_learn_params={other: ["tau_mem"]}
    )
    with pytest.raises(
        ValueError, match="neuron_learn_params has 'h', which is not in the network"
    ):
        compiler.compile(network())


@pytest.mark.parametrize(
    "neuron, message",
    [
        (dict(tau_mem=Normal(-50, 1)), r"population 'h', a neuron with tau_mem = .*tau_mem"),
        (dict(v_thresh=Uniform(0.1, 1.0), v_reset=0.5), r"population 'h', a neuron with v_thresh"),
        (dict(tau_mem=Uniform(1e-4, 1e-3)), r"the shortest tau_mem is .* at least 0.0125 ms"),
    ],
)
def test_bad_neurons_are_refused(neuron, message):
    with pytest.raises(ValueError, match=message):
        build(network(LeakyIntegrateFire(**neuron)))


def test_bad_arrays_are_refused_at_once():
    with pytest.raises(ValueError, match=r"LeakyIntegrateFire: tau_mem is -1"):
        LeakyIntegrateFire(tau_mem=[20.0, -1.0])
    with pytest.raises(ValueError, match=r"Exponential: tau"):
        Exponential(np.array([5.0, 0.0]))
    with pytest.raises(TypeError, match=r"tau_refrac should be a number"):
        LeakyIntegrateFire(tau_refrac=[1.0, 2.0])


def test_other_timings_refuse_them():
    made = network(LeakyIntegrateFire(tau_mem=Uniform(5, 50)))
    with pytest.raises(ValueError, match=r"'h'.*of single neurons.*timing='grid'"):
        InferenceCompiler(20, timing="substep").compile(made)


@pytest.mark.torch
def test_surrogate_gradients_refuse_them():
    pytest.importorskip("torch.nn", reason="PyTorch not installed", exc_type=ImportError)
    made = network(LeakyIntegrateFire(tau_mem=Uniform(5, 50)))
    compiler = SurrogateCompiler(20, "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=r"'h'.*of single neurons.*surrogate gradients"):
        compiler.compile(made)
    # the advice has to fit here, too
    with pytest.raises(ValueError, match=r"give one number, or take another compiler or backend$"):
        InferenceCompiler(20, backend="torch").compile(made)


class Own(Neuron):
    """A leaky neuron of a user, in which something is missing."""

    is_spiking = True
    per_neuron = LeakyIntegrateFire.per_neuron

    def __init__(self, tau_mem, leave_out):
        super().__init__()
        self.tau_mem, self.v_thresh, self.v_reset, self.leave_out = tau_mem, 1.0, 0.0, leave_out

    def check(self):
        pass

    def get_model(self, dt, i_minus_thresh_min):
        model = LeakyIntegrateFire(tau_mem=self.number("tau_mem")).get_model(dt, i_minus_thresh_min)
        code = ("sim_code", "threshold_condition_code", "reset_code")
        given = {n: getattr(model, n) for n in ("vars", "params", "output_var_name", *code)}
        adjoint = {n: getattr(model.adjoint, n) for n in ("vars", "sim_code", "jump_code", "tape")}
        gradients = {} if self.leave_out == "gradients" else model.adjoint.gradients
        derived = {} if self.leave_out == "derived" else model.derived
        if self.leave_out == "wrong":
            derived = {"Alpha": "exp(-2.0 * dt / TauM)"}
        adjoint = AdjointModel(**adjoint, gradients=gradients)
        return NeuronModel(**given, adjoint=adjoint, derived=derived)


@pytest.mark.parametrize(
    "leave_out, message",
    [
        ("derived", r"params\['Alpha'\] follows from tau_mem, which is one number per neuron"),
        ("gradients", r"tau_mem cannot be learned, adjoint.gradients has no 'Alpha'"),
        ("wrong", r"derived\['Alpha'\] gives .*, params\['Alpha'\] is"),
    ],
)
def test_models_have_to_say_what_follows_and_its_gradient(leave_out, message):
    with pytest.raises(ValueError, match=message):
        build(network(Own(20.0, leave_out)), ["tau_mem"])
    assert spec(build(network(Own(20.0, None)), ["tau_mem"]), "tau_mem").learned


@pytest.mark.parametrize(
    "name, wanted, expected",
    [
        ("v_thresh", (0.5, np.inf), (0.5, np.inf)),
        ("v_thresh", (-np.inf, 2.0), (0.1, 2.0)),
        ("v_reset", (np.float32(-np.inf), 0.01), (-np.inf, 0.01)),
        ("tau_mem", (5.0, np.inf), (5.0, 1e9)),
        ("tau_mem", (-np.inf, np.inf), (0.5, 1e9)),
        ("tau_mem", None, (0.5, 1e9)),
    ],
)
def test_bounds_that_are_infinite_are_the_default(name, wanted, expected):
    program = build(network(), {name: wanted}, dt=0.5)
    assert spec(program, name).bounds == tuple(float(np.float32(b)) for b in expected)


class Derived(Neuron):
    """Its membrane time constant follows from another parameter, and one has no effect."""

    is_spiking = True
    per_neuron: ClassVar = {"half": PerNeuron("Half"), "unused": PerNeuron("Unused")}

    def __init__(self, half):
        super().__init__()
        self.half, self.unused = half, 1.0

    def check(self):
        pass

    def get_model(self, dt, i_minus_thresh_min):
        half = self.number("half")
        model = LeakyIntegrateFire(tau_mem=2.0 * half).get_model(dt, i_minus_thresh_min)
        further = {"Half": half, "Unused": self.number("unused")}
        derived = {"TauM": "2.0 * Half", **model.derived}
        return replace(model, params={**model.params, **further}, derived=derived)


def test_descriptions_do_not_depend_on_what_membranes_follow_from():
    made = network(Derived(Uniform(5.0, 20.0)))
    one, two = (build(made, seed=seed) for seed in (0, 1))
    assert one.populations[1].model.params["TauM"] != two.populations[1].model.params["TauM"]
    assert describe_program(one) == describe_program(two)
    assert describe_program(one) != describe_program(build(network(Derived(10.0))))


def test_what_no_step_depends_on_cannot_be_learned():
    made = network(Derived(10.0))
    assert spec(build(made, ["half"]), "half").learned
    message = (
        r"population 'h': unused cannot be learned, no step depends on it \(see docs/models.md"
    )
    with pytest.raises(ValueError, match=message):
        build(made, ["half", "unused"])


def test_a_value_at_its_bound_is_within():
    program = build(network(LeakyIntegrateFire(tau_mem=20.1)), {"tau_mem": (5.0, 20.1)})
    assert spec(program, "tau_mem").bounds == (5.0, float(np.float32(20.1)))


def test_bounds_that_follow_from_values_do_not_make_another_network():
    made = network(LeakyIntegrateFire(v_thresh=Uniform(0.8, 1.2)))
    one, two = (build(made, ["v_thresh"], seed=seed) for seed in (0, 1))
    assert spec(one, "v_thresh").bounds != spec(two, "v_thresh").bounds
    assert describe_program(one) == describe_program(two)


def test_a_population_twice_and_no_names_are_refused():
    made = SequentialNetwork()
    with made:
        InputLayer(SpikeInput(), 3)
        layer = Layer(Dense(1.0), LeakyIntegrate(readout="avg_var"), 2)
    both = {layer: ["tau_mem"], layer.population(): ["tau_mem"]}
    with pytest.raises(ValueError, match=r"neuron_learn_params has .* twice"):
        EventPropCompiler(20, "sparse_categorical_crossentropy", neuron_learn_params=both)
    with pytest.raises(ValueError, match=r"\['h'\] is empty, allowed are names"):
        build(network(), [])


def test_constants_do_not_decay():
    compiler = EventPropCompiler(20, "sparse_categorical_crossentropy", Adam(0.1, weight_decay=0.5))
    assert compiler.optimiser.weight_decay == 0.5 and compiler.constant_optimiser.alpha == 0.1
    assert compiler.constant_optimiser.weight_decay == 0.0
    with pytest.raises(ValueError, match=r"constant_optimiser is Adam.*weight_decay = 0"):
        EventPropCompiler(
            20, "sparse_categorical_crossentropy", constant_optimiser=Adam(weight_decay=0.1)
        )


def test_regularisation_does_not_depend_on_what_is_drawn():
    made = network()
    made.populations[2].neuron = LeakyIntegrate(tau_mem=Uniform(10, 30), readout="avg_var")
    for seed in (0, 1):
        compiler = EventPropCompiler(
            20, "sparse_categorical_crossentropy", reg_lambda_upper=0.1, rng_seed=seed
        )
        program = build_program(made, compiler.settings).program
        assert program.populations[1].regulariser.scale == 20.0
