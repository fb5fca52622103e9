"""Models, losses and regularisation that cannot be compiled."""

from __future__ import annotations

import pytest
from small_networks import make_network, settings

from mlgenn_delays.compilers.build import build_program
from mlgenn_delays.losses import RelativeMeanSquareError, SparseCategoricalCrossentropy
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire, Neuron
from mlgenn_delays.synapses import Exponential, Synapse

# -- models


class Quadratic(Neuron):
    is_spiking = True

    def check(self):
        pass


class Alpha(Synapse):
    def check(self):
        pass


@pytest.mark.parametrize(
    ("hidden", "message"),
    [
        (LeakyIntegrateFire(scale_i=False), "population 'h': scale_i is False"),
        (LeakyIntegrateFire(relative_reset=True), "population 'h': relative_reset is True"),
        (
            LeakyIntegrateFire(tau_refrac=2.0, integrate_during_refrac=True),
            "population 'h': integrate_during_refrac is True with tau_refrac = 2 ms",
        ),
        (Quadratic(), "population 'h': neurons of type Quadratic are not supported"),
    ],
)
def test_unsupported_hidden_neurons(hidden, message):
    with pytest.raises(ValueError, match=message):
        build_program(make_network(hidden=hidden), settings())


def test_integration_in_a_refractory_period_that_does_not_exist_is_fine():
    hidden = LeakyIntegrateFire(tau_refrac=None, integrate_during_refrac=True)
    build_program(make_network(hidden=hidden), settings())


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (LeakyIntegrate(readout="avg_var", scale_i=False), "population 'y': scale_i is False"),
        (LeakyIntegrate(readout="avg_var", bias=0.5), "population 'y': bias is 0.5"),
    ],
)
def test_unsupported_output_neurons(output, message):
    with pytest.raises(ValueError, match=message):
        build_program(make_network(output=output), settings())


def test_parameters_changed_after_construction_are_checked():
    network = make_network()
    network.populations[1].neuron.tau_mem = -1.0
    with pytest.raises(ValueError, match="tau_mem"):
        build_program(network, settings())


@pytest.mark.parametrize(
    ("synapse", "message"),
    [
        (Alpha(), "connection 'xh': synapses of type Alpha are not supported"),
        (Exponential(5.0, scale_i=False), "connection 'xh': scale_i of its synapse is False"),
    ],
)
def test_unsupported_synapses(synapse, message):
    with pytest.raises(ValueError, match=message):
        build_program(make_network(synapse=synapse), settings())


# -- losses and regularisation


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        ("hinge", "loss of output 'y', 'hinge' is unknown"),
        ("mean_square_error", "output population 'y': readout is 'avg_var'"),
        (RelativeMeanSquareError(1.0), "output population 'y': readout is 'avg_var'"),
    ],
)
def test_unknown_or_unfit_losses(losses, message):
    with pytest.raises(ValueError, match=message):
        build_program(make_network(), settings(losses=losses))


def test_unknown_readout():
    with pytest.raises(ValueError, match="Readout 'best_var' is unknown"):
        LeakyIntegrate(readout="best_var")


def test_loss_dictionary_with_a_population_that_is_no_output():
    network = make_network()
    losses = {network.populations[1]: SparseCategoricalCrossentropy()}
    with pytest.raises(ValueError, match="losses has the key 'h', which is no output"):
        build_program(network, settings(losses=losses))


def test_loss_dictionary_without_an_output():
    with pytest.raises(ValueError, match="losses has no loss for the output 'y'"):
        build_program(make_network(), settings(losses={}))


def test_no_loss():
    with pytest.raises(TypeError, match="losses: output 'y' has no loss"):
        build_program(make_network(), settings(losses=None))


def test_regularisation_of_an_output():
    network = make_network()
    given = settings(reg_lambda_upper={network.populations[2]: 1.0})
    with pytest.raises(ValueError, match="reg_lambda_upper has the key 'y', which is no spiking"):
        build_program(network, given)


def test_negative_regularisation():
    with pytest.raises(ValueError, match="reg_lambda_lower is -1"):
        build_program(make_network(), settings(reg_lambda_lower=-1.0))
