import numpy as np
import pytest

from mlgenn_delays import Network, Population
from mlgenn_delays.neurons import LeakyIntegrateFire, SpikeInput


def make(*args, **kwargs):
    with Network() as network:
        population = Population(*args, **kwargs)
    assert network.populations == [population]
    return population


@pytest.mark.parametrize(
    ("shape", "expected"),
    [(5, (5,)), (np.int64(5), (5,)), ((2, 3), (2, 3)), ([2, 3], (2, 3)), (None, None)],
)
def test_shape(shape, expected):
    assert make("spike_input", shape).shape == expected


@pytest.mark.parametrize("shape", [0, -1, 2.5, (), (3, 0), "ab", True, (2.0,)])
def test_bad_shape(shape):
    with pytest.raises(ValueError, match=r"population 'a': shape is .*whole numbers of at least 1"):
        make("spike_input", shape, name="a")


def test_size():
    assert make("spike_input", (2, 3)).size == 6
    with pytest.raises(ValueError, match="population 'a': shape is missing"):
        make("spike_input", name="a").size  # noqa: B018


def test_neuron_is_copied():
    neuron = LeakyIntegrateFire(tau_mem=10.0)
    population = make(neuron, 2)
    neuron.tau_mem = 30.0
    assert population.neuron.tau_mem == 10.0


def test_bad_neuron():
    with pytest.raises(ValueError, match=r"Neuron 'nonsense' is unknown.*leaky_integrate_fire"):
        make("nonsense", 2)
    with pytest.raises(TypeError, match="Neuron should be given as a string or a Neuron object"):
        make(3, 2)
    with pytest.raises(TypeError, match="population 'a': neuron is missing"):
        make(None, 2, name="a")


def test_its_text_is_its_name():
    assert str(make("spike_input", 1, name="x")) == "x"


def test_outside_network():
    with pytest.raises(RuntimeError, match="Population must be created inside a ``with network:``"):
        Population(SpikeInput(), 3)


def test_names_are_those_of_places_in_the_network():
    def describe():
        with Network() as network:
            for name in (None, "Pop2", None, None):
                Population("spike_input", 2, name=name)
        return [p.name for p in network.populations]

    assert describe() == ["Pop0", "Pop2", "Pop3", "Pop4"]
    assert describe() == ["Pop0", "Pop2", "Pop3", "Pop4"]
