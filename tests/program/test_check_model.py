"""What is wrong with a model's text is said before any compiler runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mlgenn_delays.neurons import AdaptiveLeakyIntegrateFire, LeakyIntegrate, LeakyIntegrateFire
from mlgenn_delays.program.check_model import check_model
from mlgenn_delays.program.model import NeuronModel

SPIKING = LeakyIntegrateFire().get_model(1.0, 1e-2)
REFRACTORY = LeakyIntegrateFire(tau_refrac=2.0).get_model(1.0, 1e-2)
LEAKY = LeakyIntegrate().get_model(1.0, 1e-2)


def changed(model: NeuronModel, adjoint: dict | None = None, **fields) -> NeuronModel:
    return replace(model, adjoint=replace(model.adjoint, **(adjoint or {})), **fields)


@pytest.mark.parametrize(
    "neuron",
    [
        LeakyIntegrate(),
        LeakyIntegrateFire(),
        LeakyIntegrateFire(tau_refrac=3.0),
        AdaptiveLeakyIntegrateFire(),
        AdaptiveLeakyIntegrateFire(tau_refrac=3.0),
    ],
)
def test_models_of_the_package_are_right(neuron):
    check_model(neuron.get_model(0.5, 1e-2), "model", neuron.is_spiking)


ALLOWED = """
    // comments may hold anything: std::auto [ ] "
    const scalar Half = .5, Other = fmax(Alpha, 1e-3) + 2.0e+1f;
    int Count = 0; /* unknown */
    for (int Index = 0; Index < 3; Index++) {
        Count += (Index == 1) ? 1 : 0;
    }
    bool Positive = (V > 0.0) && !(Half >= Other);
    if (Positive) { V *= exp(-dt / TauM); } else { V -= 1.; }
    V = (Alpha * V) + Isyn;
"""


def test_the_language():
    model = changed(SPIKING, sim_code=ALLOWED)
    check_model(model, "model", True)
    assert model.snippets()["sim_code"].functions == {"fmax", "exp"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"sim_code": "V = (Alfa * V) + Isyn;"}, "sim_code uses 'Alfa', .*known are Alpha, "),
        ({"sim_code": "V = (Alpha * V) + Isyn + I;"}, "sim_code uses 'I', which is not known"),
        ({"sim_code": "V = Alpha * V;"}, "sim_code does not use 'Isyn'"),
        ({"sim_code": "V = (Alpha * V) + Isyn"}, "sim_code: ';' or a bracket is missing"),
        ({"sim_code": "V = ((Alpha * V) + Isyn;"}, "sim_code: line 1, column 24: unexpected ';'"),
        ({"sim_code": "auto X = Isyn; V = X;"}, "sim_code: line 1, column 6: Missing type"),
        ({"sim_code": "float X = Isyn; V = X;"}, "sim_code: line 1, column 1: the type 'float' is"),
        ({"sim_code": "V = std::exp(V) + Isyn;"}, "sim_code: line 1, column 8: unexpected '::?'"),
        ({"sim_code": "V = V[0] + Isyn;"}, "sim_code: line 1, column 5: an array is not"),
        ({"sim_code": "scalar &X = V; X = Isyn;"}, "sim_code: line 1, column .: .*'scalar &X"),
        ({"sim_code": "V = exp + Isyn;"}, "sim_code uses the function 'exp' without calling"),
        ({"sim_code": "V = max(V, Isyn);"}, "sim_code uses 'max', .*fmax"),
        ({"sim_code": "V = Isyn; Alpha = 2.0;"}, "sim_code changes 'Alpha', it may change V"),
        ({"sim_code": "V = Isyn; ++TauM;"}, "sim_code changes 'TauM'"),
        ({"sim_code": "V += Isyn; Isyn *= 2.0;"}, "sim_code changes 'Isyn'"),
        ({"sim_code": "scalar n = Isyn; V = n;"}, "sim_code declares 'n', .*capital letter"),
        ({"sim_code": "scalar V = Isyn;"}, "sim_code declares 'V'"),
        ({"sim_code": "V = V(Isyn);"}, "sim_code uses 'V', which is not known"),
        ({"sim_code": "V = Isyn;\nbreak;"}, "sim_code: line 2, column 1: break is not allowed"),
        ({"sim_code": "{ scalar X = Isyn; V = X; } V += X;"}, "sim_code uses 'X', which is not"),
        ({"sim_code": "V = 1.0d * Isyn;"}, "sim_code: line 1, column 8: unexpected 'd'"),
        ({"reset_code": "V = Vreset + Isyn;"}, "reset_code uses 'Isyn'"),
        ({"threshold_condition_code": "V >= Vthresh;"}, "should be an expression"),
        ({"threshold_condition_code": " "}, "threshold_condition_code is missing"),
        ({"output_var_name": "U"}, "output_var_name is 'U' .*should be called 'V'"),
        ({"vars": {"U": 0.0}}, "output_var_name is 'V' and vars are U"),
        ({"vars": {"V": np.nan}}, r"vars\['V'\] is nan"),
        ({"vars": {"V": 1e39}}, r"vars\['V'\] is 1e\+39"),
        ({"vars": {"V": 0.0, "Alpha": 0.0}}, "params has the name 'Alpha', which is also in vars"),
        ({"vars": {"V": 0.0, "w": 0.0}}, "vars has the name 'w', .*after a capital letter"),
        ({"vars": {"V": 0.0, "I": 0.0}}, "vars has the name 'I', which the engines use"),
        ({"vars": {"V": 0.0, "LambdaW": 0.0}}, "vars has the name 'LambdaW': names of adjoint"),
        ({"params": {"Alpha": 0.9}}, "params are Alpha, 'TauM', .*is missing"),
        ({"params": {**SPIKING.params, "TauM": 0.0}}, r"params\['TauM'\] is 0, .*from 1e-06"),
        ({"refractory_steps": 1.5}, "refractory_steps is 1.5"),
        ({"refractory_steps": 2}, "refractory_steps is 2, but adjoint.jump_code does not use"),
        ({"adjoint": {"vars": {"LambdaU": 0.0}}}, "adjoint.vars are LambdaU, 'LambdaV', .*missing"),
        ({"adjoint": {"vars": {"LambdaV": 0.0, "X": 0.0}}}, "adjoint.vars has the name 'X': names"),
        ({"adjoint": {"sim_code": "LambdaV *= V;"}}, "adjoint.sim_code uses 'V'"),
        ({"adjoint": {"jump_code": ""}}, "adjoint.jump_code does not use 'RevISyn'"),
        ({"adjoint": {"jump_code": "LambdaV += RevISyn / I;"}}, "adjoint.jump_code uses 'I'"),
        ({"adjoint": {"jump_code": "LambdaV = Release + RevISyn;"}}, "jump_code uses 'Release'"),
        ({"adjoint": {"tape": {"IMinusVthresh": "I - X"}}}, r"tape\['IMinusVthresh'\] uses 'X'"),
        ({"adjoint": {"tape": {"IMinusVthresh": "I = 2.0"}}}, "should be an expression"),
        ({"adjoint": {"tape": {"IMinusVthresh": ""}}}, r"tape\['IMinusVthresh'\]: this is empty"),
        ({"adjoint": {"tape": {"I": "I"}}}, "adjoint.tape has the name 'I'"),
    ],
)
def test_spiking_models_that_are_wrong(fields, message):
    with pytest.raises(ValueError, match=f"^population 'h': .*{message}"):
        check_model(changed(SPIKING, **fields), "population 'h'", True)


def test_values_of_another_type():
    with pytest.raises(TypeError, match=r"model: params\['Alpha'\] should be a number"):
        check_model(changed(SPIKING, params={**SPIKING.params, "Alpha": "0.9"}), "model", True)
    with pytest.raises(TypeError, match="model: sim_code should be text, not None"):
        check_model(changed(SPIKING, reset_code="", sim_code=None), "model", True)
    with pytest.raises(TypeError, match="model: get_model should return a NeuronModel"):
        check_model({"sim_code": ""}, "model", True)


def test_a_refractory_period_needs_a_voltage_to_hold():
    params = {name: value for name, value in REFRACTORY.params.items() if name != "Vreset"}
    with pytest.raises(ValueError, match="'Vreset', at which V is held, is missing"):
        check_model(changed(REFRACTORY, params=params), "model", True)


@pytest.mark.parametrize(
    "fields",
    [
        {"threshold_condition_code": "V > 1.0"},
        {"reset_code": "V = 0.0;"},
        {"refractory_steps": 2},
        {"adjoint": {"jump_code": "LambdaV = 0.0;"}},
        {"adjoint": {"tape": {"Current": "I"}}},
    ],
)
def test_neurons_that_do_not_spike_have_nothing_to_do_with_spikes(fields):
    with pytest.raises(ValueError, match="is given, but is_spiking of the class is False"):
        check_model(changed(LEAKY, **fields), "model", False)


def test_the_class_says_that_it_spikes_and_the_model_does_not():
    with pytest.raises(ValueError, match="True, but threshold_condition_code is missing"):
        check_model(LEAKY, "model", True)
