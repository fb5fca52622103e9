"""Arrays of other libraries: read where they can be, and never written out in messages."""

from __future__ import annotations

import numpy as np
import pytest

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.callbacks import SpikeRecorder
from mlgenn_delays.checks import as_array, check_array, check_number, describe
from mlgenn_delays.compilers import EventPropCompiler
from mlgenn_delays.connectivity import Dense, OneToOne, Sparse
from mlgenn_delays.neurons import LeakyIntegrateFire, SpikeInput
from mlgenn_delays.synapses import Exponential

WEIGHTS = np.arange(12.0).reshape(3, 4)


class Tensor:
    """Like those of PyTorch: its text has all of its elements."""

    def __init__(self, values, error=None):
        self._values, self._error = np.asarray(values), error
        self.shape = self._values.shape

    def __array__(self, dtype=None, copy=None):
        if self._error is not None:
            raise self._error
        return self._values if dtype is None else self._values.astype(dtype)

    def __repr__(self):
        return f"tensor({'0.123, ' * 100_000})"


#: What libraries raise for tensors with gradients, and on other devices.
REFUSED = [
    Tensor(WEIGHTS, RuntimeError("Can't call numpy() on Tensor that requires grad.")),
    Tensor(WEIGHTS, TypeError("can't convert cuda:0 device type tensor to numpy.")),
    Tensor(WEIGHTS, Exception("something else")),
]


def test_they_are_taken_as_arrays():
    dense = Dense(Tensor(WEIGHTS), Tensor(WEIGHTS.astype(np.int64)))
    assert type(dense.weight) is type(dense.delay) is np.ndarray
    assert np.array_equal(dense.weight, WEIGHTS) and np.array_equal(dense.delay, WEIGHTS)
    assert np.array_equal(OneToOne(Tensor([1.0, 2.0])).weight, [1.0, 2.0])
    assert np.array_equal(Sparse([1, 0], [0, 0], Tensor([1.0, 2.0])).weight, [2.0, 1.0])
    assert Dense(Tensor(0.5), Tensor(2)).weight == 0.5
    dense.weight = Tensor(2.0 * WEIGHTS)
    assert np.array_equal(dense.weight, 2.0 * WEIGHTS)


@pytest.mark.parametrize("convert", [np.array, Tensor])
def test_arrays_of_no_dimension_are_numbers_for_all_neurons(convert):
    neuron, synapse = LeakyIntegrateFire(tau_mem=convert(30.0)), Exponential(convert(4.0))
    neuron.v_thresh = convert(2)
    assert (neuron.tau_mem, neuron.v_thresh, synapse.tau) == (30.0, 2, 4.0)
    assert repr(neuron) == "LeakyIntegrateFire(v_thresh=2, tau_mem=30)"
    with Network() as network:
        x = Population(SpikeInput(), 3)
        Connection(x, Population(neuron, 4), Dense(1.0), synapse)
    assert network.summary().parameters == {"weights": 12, "delays": 0}


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (np.array(0.0), ValueError, r"LeakyIntegrateFire: tau_mem is 0, .* from 1e-06"),
        (np.float32(-1.0), ValueError, r"LeakyIntegrateFire: tau_mem is -1, .* from 1e-06"),
        (np.array("normal"), TypeError, "LeakyIntegrateFire: tau_mem should be a number"),
        (np.ma.masked, ValueError, "LeakyIntegrateFire: tau_mem has 1 masked values"),
        (Tensor(1.0, RuntimeError("on a GPU")), TypeError, "LeakyIntegrateFire: tau_mem .* Tensor"),
    ],
)
def test_bad_arrays_of_no_dimension_and_numbers_of_numpy(value, error, message):
    with pytest.raises(error, match=message):
        LeakyIntegrateFire(tau_mem=value)


def test_they_are_copied():
    values = WEIGHTS.copy()
    dense = Dense(Tensor(values))
    values[:] = 0.0
    assert np.array_equal(dense.weight, WEIGHTS)


@pytest.mark.parametrize("argument", ["weight", "delay"])
@pytest.mark.parametrize("tensor", REFUSED)
def test_tensors_that_cannot_be_read(argument, tensor):
    with pytest.raises(TypeError) as error:
        Dense(**{"weight": 1.0, argument: tensor})
    assert str(error.value) == (
        f"Dense: {argument} should be an array of numbers, Tensor of shape (3, 4) cannot be read "
        "as one; convert it to a NumPy array, e.g. x.detach().cpu().numpy() of a tensor x"
    )
    assert error.value.__cause__ is tensor._error


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        (WEIGHTS - 1.0, ValueError, r"Dense: delay is -1 at \[0, 0\]"),
        (-1.0, ValueError, "Dense: delay is -1, allowed are"),
        (np.full((3, 4), np.nan), ValueError, r"Dense: delay is nan at \[0, 0\]"),
        (WEIGHTS > 3.0, TypeError, "Dense: delay should be an array of numbers, its type is bool"),
        (WEIGHTS.astype(object), TypeError, "its type is object"),
    ],
)
def test_values_are_checked_as_those_of_arrays(values, error, message):
    with pytest.raises(error, match=message):
        Dense(1.0, Tensor(values))


@pytest.mark.parametrize(
    "make",
    [
        lambda tensor, h: LeakyIntegrateFire(tau_mem=tensor),
        lambda tensor, h: Exponential(tensor),
        lambda tensor, h: Population(tensor, 3),
        lambda tensor, h: Population("leaky_integrate", tensor),
        lambda tensor, h: Connection(tensor, h, Dense(1.0)),
        lambda tensor, h: Connection(h, h, tensor),
        lambda tensor, h: Connection(h, h, Dense(1.0), max_delay_steps=tensor),
        lambda tensor, h: SpikeRecorder(tensor),
        lambda tensor, h: SpikeRecorder(h, neuron_filter=tensor),
        lambda tensor, h: SpikeRecorder(h, neuron_filter=[tensor]),
        lambda tensor, h: EventPropCompiler(10, "mean_square_error", dt=tensor),
        lambda tensor, h: EventPropCompiler(10, "mean_square_error", delay_learn_conns=tensor),
        lambda tensor, h: EventPropCompiler(10, "mean_square_error", delay_learn_conns=[tensor]),
        lambda tensor, h: EventPropCompiler(10, "mean_square_error", optimiser=tensor),
        lambda tensor, h: EventPropCompiler(10, "mean_square_error").compile(tensor),
    ],
)
def test_messages_of_all_arguments_are_short(make):
    with Network():
        h = Population(LeakyIntegrateFire(), 3)
        with pytest.raises((TypeError, ValueError)) as error:
            make(Tensor(WEIGHTS), h)
    assert len(str(error.value)) < 250 and "0.123" not in str(error.value)


def test_torch():
    torch = pytest.importorskip("torch")
    dense = Dense(torch.ones(3, 4, dtype=torch.float32), torch.tensor(2))
    assert dense.weight.dtype == np.float32 and dense.delay == 2.0
    with pytest.raises(TypeError, match=r"Dense: weight .*(Tensor|Parameter) of shape \(3, 4\)"):
        Dense(torch.nn.Parameter(torch.ones(3, 4)))


def test_rows_of_different_lengths():
    with pytest.raises(
        ValueError, match=r"Dense: weight should be an array of numbers, \[\[1\.0, "
    ):
        Dense([[1.0, 2.0], [3.0]])


def test_network_with_tensors_is_that_with_arrays():
    networks = []
    for convert in (np.asarray, Tensor):
        with Network() as network:
            x = Population(SpikeInput())
            h = Population("leaky_integrate_fire")
            Connection(x, h, Dense(convert(WEIGHTS)))
        networks.append(network)
    assert [[p.shape for p in n.populations] for n in networks] == [[(3,), (4,)]] * 2


# -- the helpers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("3", "'3'"),
        (np.float32(2.5), repr(np.float32(2.5))),
        (None, "None"),
        (np.zeros((2, 3)), "ndarray of shape (2, 3)"),
        (Tensor(WEIGHTS), "Tensor of shape (3, 4)"),
        (np.ndarray, "<class 'numpy.ndarray'>"),
        ([1, 2], "[1, 2]"),
        (list(range(1000)), "list of 1000 elements"),
        ("x" * 1000, f"'{'x' * 99}..."),
    ],
)
def test_describe(value, text):
    assert describe(value) == text


def test_arrays_and_numbers():
    assert as_array([1, 2], "x").tolist() == [1, 2]
    array = np.ones(3)
    assert as_array(array, "x") is array and check_array(array, "x") is not array
    with pytest.raises(TypeError, match=r"x should be a number, not ndarray of shape \(3,\)"):
        check_number(array, "x")


@pytest.mark.parametrize("name", ["delay_learn_conns", "weight_learn_conns"])
def test_one_connection_instead_of_a_list(name):
    with Network() as network:
        x = Population(SpikeInput(), 3)
        y = Population("leaky_integrate", 2)
        c = Connection(x, y, Dense(1.0))
    assert network.connections == [c]
    for value in (c, "c", {c: 1}, 3, None if name == "delay_learn_conns" else 3):
        with pytest.raises(TypeError) as error:
            EventPropCompiler(10, "mean_square_error", **{name: value})
        assert str(error.value) == (
            f"{name} should be a sequence of connections, e.g. [{value}], not a "
            f"{type(value).__name__}"
        )
    with pytest.raises(NotImplementedError, match="deep_r_conns: rewiring"):
        EventPropCompiler(10, "mean_square_error", deep_r_conns=c)
