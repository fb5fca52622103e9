import numpy as np
import pytest

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.connectivity import Dense, FixedProbability
from mlgenn_delays.initializers import Uniform
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire
from mlgenn_delays.serialisers import Numpy
from mlgenn_delays.synapses import Exponential


def make(connectivity, sizes=(3, 2)):
    with Network() as network:
        source = Population("spike_input", sizes[0], name="a")
        target = Population("leaky_integrate", sizes[1], name="b")
        Connection(source, target, connectivity)
    return network


def test_default_params():
    params = {LeakyIntegrateFire: {"tau_mem": 7.0, "v_thresh": 0.5}, Exponential: {"tau": 2.0}}
    with Network(params):
        assert LeakyIntegrateFire().tau_mem == 7.0
        assert LeakyIntegrateFire(tau_mem=9.0).tau_mem == 9.0
        assert LeakyIntegrateFire(0.7).v_thresh == 0.7
        assert LeakyIntegrate().tau_mem == 20.0
        assert Exponential().tau == 2.0
    assert LeakyIntegrateFire().tau_mem == 20.0


def test_unknown_default_param():
    with (
        Network({LeakyIntegrate: {"nonsense": 1}}),
        pytest.raises(TypeError, match="unexpected keyword argument 'nonsense'"),
    ):
        LeakyIntegrate()


def test_nested():
    with (
        Network(),
        pytest.raises(RuntimeError, match="cannot be nested"),
        Network(),
    ):
        pass


def test_context_ends_after_error():
    with pytest.raises(KeyError), Network():
        raise KeyError
    with Network() as network:
        Population("spike_input", 1)
    assert len(network.populations) == 1


class TestLoad:
    def save(self, path, **arrays):
        serialiser = Numpy(path)
        for name, array in arrays.items():
            serialiser.serialise((3, "Conn_a_b", name), array)
        return serialiser

    def test_dense(self, tmp_path):
        weights, delays = np.arange(6.0), np.full((3, 2), 4.0)
        network = make(Dense(0.0))
        network.load((3,), self.save(tmp_path, g=weights, d=delays))
        connectivity = network.connections[0].connectivity
        np.testing.assert_array_equal(connectivity.weight, weights.reshape(3, 2))
        np.testing.assert_array_equal(connectivity.delay, delays)

    def test_sparse_is_sorted(self, tmp_path):
        network = make(FixedProbability(0.5, 1.0))
        serialiser = self.save(tmp_path, g=[1.0, 2.0], pre_ind=[2, 0], post_ind=[0, 1])
        network.load((3,), serialiser)
        connectivity = network.connections[0].connectivity
        pre, post = connectivity.get_indices(3, 2, False, np.random.default_rng(0))
        assert (pre.tolist(), post.tolist()) == ([0, 2], [1, 0])
        assert connectivity.weight.tolist() == [2.0, 1.0]

    def test_missing(self, tmp_path):
        with pytest.raises(ValueError, match=r"keys \(9,\): .*no data for connection 'Conn_a_b'"):
            make(Dense(0.0)).load((9,), self.save(tmp_path, g=np.zeros(6)))

    def test_by_name(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        self.save("", g=np.ones(6))
        network = make(Dense(0.0))
        network.load((3,))
        assert np.all(network.connections[0].connectivity.weight == 1.0)

    @pytest.mark.parametrize(
        ("connectivity", "arrays", "message"),
        [
            (Dense(0.0), {"g": np.zeros(5)}, r"'g' has shape \(5,\), it should be \(3, 2\)"),
            (Dense(0.0), {"g": np.zeros((2, 3))}, r"'g' has shape \(2, 3\)"),
            (Dense(0.0), {"d": np.zeros(6)}, r"weights \('g'\) are missing"),
            (Dense(0.0), {"g": [np.nan] * 6}, r"weights \('g'\) is nan at \[0\]"),
            (Dense(0.0), {"g": np.zeros(6), "d": [-1.0] * 6}, r"delays \('d'\) is -1 at \[0\]"),
            (
                Dense(0.0),
                {"g": np.zeros(1), "pre_ind": [0], "post_ind": [0]},
                "connectivity is dense, the saved one is sparse",
            ),
            (FixedProbability(0.5, 0.0), {"g": np.zeros(6)}, "drawn at random cannot be restored"),
            (
                FixedProbability(0.5, 0.0),
                {"g": np.zeros(1), "pre_ind": [0]},
                "one of 'pre_ind' and 'post_ind' is missing",
            ),
            (
                FixedProbability(0.5, 0.0),
                {"g": np.zeros(1), "pre_ind": [0], "post_ind": [2]},
                "post_ind has the index 2, allowed are from 0 to 1",
            ),
            (
                FixedProbability(0.5, 0.0),
                {"g": np.zeros(2), "pre_ind": [0], "post_ind": [1]},
                r"'g' has shape \(2,\), there are 1 synapses",
            ),
        ],
    )
    def test_another_network(self, tmp_path, connectivity, arrays, message):
        network = make(connectivity)
        with pytest.raises(ValueError, match=message) as error:
            network.load((3,), self.save(tmp_path, **arrays))
        assert "connection 'Conn_a_b'" in str(error.value)
        assert network.connections[0].connectivity.weight == 0.0

    def test_nothing_changes_unless_all_fits(self, tmp_path):
        network = make(Dense(0.0))
        with network:
            Connection(*network.populations, Dense(0.0), name="second")
        serialiser = self.save(tmp_path, g=np.ones(6))
        serialiser.serialise((3, "second", "g"), np.zeros(4))
        with pytest.raises(ValueError, match="connection 'second'"):
            network.load((3,), serialiser)
        assert network.connections[0].connectivity.weight == 0.0

    def test_given_values_of_single_neurons_stay(self, tmp_path):
        """Files of mlGeNN have none."""
        network = make(Dense(0.0))
        network.populations[1].neuron = LeakyIntegrate(tau_mem=[3.0, 9.0])
        network.load((3,), self.save(tmp_path, g=np.ones(6)))
        assert network.populations[1].neuron.tau_mem == [3.0, 9.0]
        assert np.all(network.connections[0].connectivity.weight == 1.0)

    @pytest.mark.parametrize("of_synapse", [False, True])
    def test_what_only_the_network_has_of_single_neurons(self, tmp_path, of_synapse):
        """It would be drawn, and the weights were trained with a number that files do not say."""
        network = make(Dense(0.0))
        connection, population = network.connections[0], network.populations[1]
        if of_synapse:
            connection.synapse = Exponential(Uniform(3, 9))
            owner, name = "connection 'Conn_a_b'", "tau"
        else:
            population.neuron = LeakyIntegrate(tau_mem=Uniform(3, 9))
            owner, name = "population 'b'", "tau_mem"
        serialiser = self.save(tmp_path, g=np.ones(6))
        with pytest.raises(ValueError, match=rf"{owner}: {name} is missing.*Uniform"):
            network.load((3,), serialiser)
        assert connection.connectivity.weight == 0.0
        serialiser.serialise((3, connection if of_synapse else population, name), [5.0, 6.0])
        network.load((3,), serialiser)
        model = connection.synapse if of_synapse else population.neuron
        assert getattr(model, name).tolist() == [5.0, 6.0]
