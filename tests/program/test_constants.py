"""Constants of single neurons: which there are, their values, and gradients by parameters."""

from dataclasses import replace

import numpy as np
import pytest

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers.build import build_program
from mlgenn_delays.compilers.settings import BuildSettings
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.initializers import Uniform
from mlgenn_delays.neurons import AdaptiveLeakyIntegrateFire, LeakyIntegrate, SpikeInput
from mlgenn_delays.program.constants import Constants, trimmed_model
from mlgenn_delays.program.equations import exponential, kappa, leaky_integrate_fire
from mlgenn_delays.program.evaluate import derivative, evaluate, small_step
from mlgenn_delays.synapses import Exponential


def program(learned=("tau_mem", "beta"), of_synapses=("tau",), training=True):
    network = Network()
    with network:
        x = Population(SpikeInput(), 3)
        h = Population(AdaptiveLeakyIntegrateFire(tau_mem=Uniform(4.0, 40.0)), 5)
        y = Population(LeakyIntegrate(readout="avg_var"), 2)
        a = Connection(x, h, Dense(1.0), Exponential(Uniform(3.0, 9.0)))
        Connection(h, h, Dense(1.0), Exponential(5.0))
        Connection(h, y, Dense(1.0), Exponential(5.0))
    settings = BuildSettings(
        20,
        "timesteps",
        0.5,
        training=training,
        losses="sparse_categorical_crossentropy" if training else None,
        neuron_learn_params={h: dict.fromkeys(learned)} if training else {},
        synapse_learn_params={a: dict.fromkeys(of_synapses)} if training else {},
    )
    return build_program(network, settings).program


def test_names_values_and_what_is_summed():
    built = program()
    constants = Constants(built, built.populations[1])
    assert list(constants.parameters) == ["TauSyn0", "TauM", "Beta"]
    follow = {"Alpha", "AdaptGain", "AdaptBack", "ExpDecay0", "Kappa0", "KappaBack0"}
    follow |= {"Kappa1", "KappaBack1"}
    assert set(constants.names) == {*constants.parameters, *follow}
    # not AdaptGain, AdaptBack and KappaBack, which only the backward pass reads
    assert set(constants.gradients) == {"Alpha", "Beta", "ExpDecay0", "Kappa0", "Kappa1"}
    assert constants.history == ("V", "inSyn0", "inSyn1")
    entries = {i: built.parameters[i].initial for i in constants.parameters.values()}
    values = constants.values(entries)
    tau_mem, tau_syn = values["TauM"], values["TauSyn0"]
    np.testing.assert_allclose(values["Alpha"], np.exp(-0.5 / tau_mem), rtol=1e-15)
    for name, taus in (("Kappa0", tau_syn), ("Kappa1", np.full(5, 5.0))):
        expected = [kappa(m, s, 0.5) for m, s in zip(tau_mem, taus)]
        np.testing.assert_allclose(values[name], expected, rtol=1e-12)
        back = np.array(expected) * tau_mem / taus
        np.testing.assert_allclose(values[f"KappaBack{name[-1]}"], back, rtol=1e-12)


@pytest.mark.parametrize("name", ["TauM", "TauSyn0", "Beta"])
def test_gradients_by_parameters_are_finite_differences(name):
    built = program()
    constants = Constants(built, built.populations[1])
    entries = {i: built.parameters[i].initial.astype(float) for i in constants.parameters.values()}
    rng = np.random.default_rng(0)
    sums = {constant: rng.normal(size=5) for constant in constants.gradients}
    parameter = constants.parameters[name]

    def total(value):
        values = constants.values({**entries, parameter: value})
        return sum(values[constant] * weight for constant, weight in sums.items())

    step = 1e-5 * entries[parameter]
    expected = (total(entries[parameter] + step) - total(entries[parameter] - step)) / (2 * step)
    found = constants.gradient(parameter, entries, sums)
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("tau", [20.0, 20.0 + 2e-8, 19.98, 20.02, 40.0])
def test_kappa_and_its_derivative_near_equal_time_constants(tau):
    derived = exponential(tau, 20.0, 1.0).derived
    values = {"TauM": 20.0, "TauSyn": small_step(np.array([tau])), "dt": 1.0}
    for name, text in derived.items():
        values[name] = evaluate(text, values)
    np.testing.assert_allclose(values["Kappa"].real, kappa(20.0, tau, 1.0), rtol=1e-9)
    step = 1e-4 * tau
    slope = (kappa(20.0, tau + step, 1.0) - kappa(20.0, tau - step, 1.0)) / (2 * step)
    np.testing.assert_allclose(derivative(values["Kappa"]), slope, rtol=1e-6)


def test_models_without_parameters_of_neurons_are_as_they_were():
    model = leaky_integrate_fire(20.0, 1.0, 0.0, 0.0, None, 1.0, 0.01)
    trimmed = trimmed_model(model, (), ())
    assert trimmed.params == model.params and trimmed.adjoint.tape == model.adjoint.tape
    assert not trimmed.derived and not trimmed.adjoint.gradients
    fixed = trimmed_model(model, ("TauM",), ())
    assert fixed.derived == model.derived and not fixed.adjoint.gradients
    learned = trimmed_model(model, ("TauM", "Vthresh"), ("TauM",))
    assert set(learned.adjoint.gradients) == {"Alpha"}
    adaptive = AdaptiveLeakyIntegrateFire().get_model(1.0, 0.01)
    plain = trimmed_model(adaptive, (), ())
    assert "TauA" not in plain.params and "Adapted" not in plain.adjoint.tape
    by_beta = trimmed_model(adaptive, ("Beta",), ("Beta",))
    assert "TauA" in by_beta.params and "Adapted" in by_beta.adjoint.tape


def test_a_parameter_without_gradient_is_not_learnable():
    built = program()
    population = built.populations[1]
    model = population.dynamics
    gradients = {n: g for n, g in model.adjoint.gradients.items() if n != "Alpha"}
    without = replace(model, adjoint=replace(model.adjoint, gradients=gradients))
    populations = [replace(p, model=without) if p is population else p for p in built.populations]
    changed = replace(built, populations=tuple(populations))
    for of, expected in ((built, {"TauSyn0", "Beta", "TauM"}), (changed, {"TauSyn0", "Beta"})):
        constants = Constants(of, of.populations[1])
        names = {n for n, i in constants.parameters.items() if i in constants.learnable}
        assert names == expected


def test_inference_has_no_sums():
    built = program(training=False)
    constants = Constants(built, built.populations[1])
    assert constants.names and not constants.gradients and not constants.history
