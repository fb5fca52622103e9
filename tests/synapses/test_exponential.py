import numpy as np
import pytest

from mlgenn_delays.synapses import Delta, Exponential, default_synapses


def test_defaults():
    synapse = Exponential()
    assert (synapse.tau, synapse.scale_i) == (5.0, True)
    assert default_synapses == {"delta": Delta, "exponential": Exponential}


@pytest.mark.parametrize("tau", [0, -1.0, np.inf, np.nan])
def test_bad_tau(tau):
    with pytest.raises(ValueError, match=r"Exponential: tau is .*, allowed .* from 1e-06 to 1e.09"):
        Exponential(tau)


@pytest.mark.parametrize(
    ("tau", "kind"), [(None, "a number"), ({}, "a number"), ([5.0, "no"], "an array of numbers")]
)
def test_bad_type(tau, kind):
    with pytest.raises(TypeError, match=f"Exponential: tau should be {kind}"):
        Exponential(tau)


def test_check_after_assignment():
    synapse = Exponential()
    synapse.tau = -1.0
    with pytest.raises(ValueError, match="Exponential: tau is -1"):
        synapse.check()
