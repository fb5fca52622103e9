import re

import numpy as np
import pytest

from mlgenn_delays.connectivity import Axonal
from mlgenn_delays.initializers import LogUniform, Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, SpikeInput
from mlgenn_delays.readouts import AvgVar, MaxVar


def test_kinds():
    kinds = [(n.is_input, n.is_spiking) for n in (SpikeInput, LeakyIntegrateFire, LeakyIntegrate)]
    assert kinds == [(True, True), (False, True), (False, False)]


def test_defaults_suit_eventprop():
    neuron = LeakyIntegrateFire()
    assert (neuron.relative_reset, neuron.integrate_during_refrac, neuron.scale_i) == (
        False,
        False,
        True,
    )
    assert LeakyIntegrate().scale_i


def test_order_of_arguments():
    neuron = LeakyIntegrateFire(2.0, 0.1, 0.2, 30.0, 3.0)
    values = (neuron.v_thresh, neuron.v_reset, neuron.v, neuron.tau_mem, neuron.tau_refrac)
    assert values == (2.0, 0.1, 0.2, 30.0, 3.0)
    integrator = LeakyIntegrate(0.1, 0.2, 30.0)
    assert (integrator.v, integrator.bias, integrator.tau_mem) == (0.1, 0.2, 30.0)


def test_readout():
    neuron = LeakyIntegrate(readout="avg_var")
    assert isinstance(neuron.readout, AvgVar)
    neuron.readout = MaxVar()
    assert isinstance(neuron.readout, MaxVar)
    neuron.readout = None
    assert neuron.readout is None


def test_unknown_readout():
    with pytest.raises(ValueError, match="Readout 'spikes' is unknown, allowed are avg_var, "):
        LeakyIntegrate(readout="spikes")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LeakyIntegrate(tau_mem=0), "LeakyIntegrate: tau_mem is 0, .*from 1e-06 to 1e.09"),
        (lambda: LeakyIntegrate(tau_mem=[[20.0], "no"]), "tau_mem should be an array of numbers"),
        (lambda: LeakyIntegrate(v=np.nan), "LeakyIntegrate: v is nan"),
        (lambda: LeakyIntegrate(bias=np.inf), "LeakyIntegrate: bias is inf"),
        (lambda: LeakyIntegrateFire(tau_mem=-1), "LeakyIntegrateFire: tau_mem is -1, .*from 1e-06"),
        (lambda: LeakyIntegrateFire(tau_refrac=-1), "tau_refrac is -1, .*from 0 to 1e.12"),
        (lambda: LeakyIntegrateFire(v_reset=1.0), "v_reset is 1.0, .*below v_thresh = 1.0"),
        (lambda: LeakyIntegrateFire(v=1.0), "v is 1.0, allowed are numbers below v_thresh = 1.0"),
        (lambda: SpikeInput(max_spikes=0), "SpikeInput: max_spikes is 0"),
    ],
)
def test_bad_values(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("tau", "kind"), [(None, "a number"), ({}, "a number"), ([20.0, "no"], "an array of numbers")]
)
def test_bad_types(tau, kind):
    with pytest.raises(TypeError, match=f"LeakyIntegrateFire: tau_mem should be {kind}"):
        LeakyIntegrateFire(tau_mem=tau)


def test_check_after_assignment():
    neuron = LeakyIntegrateFire()
    neuron.tau_mem = 0.0
    with pytest.raises(ValueError, match="tau_mem is 0"):
        neuron.check()


@pytest.mark.parametrize(
    ("tau_mem", "error", "message"),
    [
        (
            Uniform(-3, 20),
            ValueError,
            "an end of Uniform(min=-3, max=20) is -3, allowed are finite",
        ),
        (LogUniform(1, 1e12), ValueError, "an end of LogUniform(min=1, max=1e+12) is 1e+12"),
        (Axonal(1.0), TypeError, "tau_mem should be a number, an array of numbers, an Initializer"),
    ],
)
def test_what_time_constants_may_be(tau_mem, error, message):
    with pytest.raises(error, match=re.escape(message)):
        LeakyIntegrateFire(tau_mem=tau_mem)
