import numpy as np
import pytest

from mlgenn_delays.losses import SparseCategoricalCrossentropy, Trial
from mlgenn_delays.neurons import LeakyIntegrate, LeakyIntegrateFire
from mlgenn_delays.readouts import AvgVar, Var

LOSS = SparseCategoricalCrossentropy()
DURATION = 20.0
TRIAL = Trial(DURATION, 1.0, ttfs_alpha=0.3, softmax_temperature=0.7)


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def test_on_readout(rng, check_gradient):
    x, y = rng.normal(0, 2, (4, 5)), np.array([0, 3, 4, 2])
    loss, gradient = LOSS.on_readout(x, y)
    softmax = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(loss, -np.log(softmax[np.arange(4), y]), rtol=1e-12)
    check_gradient(lambda z: LOSS.on_readout(z, y)[0], x, gradient)


def test_temperature(rng, check_gradient):
    x, y = rng.normal(0, 0.02, (4, 5)), np.array([0, 3, 4, 2])
    warm = SparseCategoricalCrossentropy(temperature=0.01)
    loss, gradient = warm.on_readout(x, y)
    np.testing.assert_allclose(loss, LOSS.on_readout(x / 0.01, y)[0], rtol=1e-12)
    check_gradient(lambda z: warm.on_readout(z, y)[0], x, gradient)
    density = warm.on_trace(x, 2, np.arange(4.0), 1.0)[0]
    np.testing.assert_allclose(density, LOSS.on_trace(x / 0.01, 2, np.arange(4.0), 1.0)[0])


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_bad_temperature(temperature):
    with pytest.raises(ValueError, match="sparse_categorical_crossentropy: temperature is"):
        SparseCategoricalCrossentropy(temperature)


def test_extreme_values_stay_finite():
    x = np.array([[1e30, -1e30, 0.0], [-1e4, 1e4, 0.0]], dtype=np.float32)
    loss, gradient = LOSS.on_readout(x, np.array([0, 0]))
    np.testing.assert_allclose(loss, [0.0, 2e4])
    np.testing.assert_allclose(gradient, [[0, 0, 0], [-1, 1, 0]], atol=1e-12)


def test_on_trace(rng, check_gradient):
    x = rng.normal(0, 2, (6, 5))
    density, gradient = LOSS.on_trace(x, np.int64(2), np.arange(6.0), 1.0)
    np.testing.assert_allclose(density, LOSS.on_readout(x, np.full(6, 2))[0])
    check_gradient(lambda z: LOSS.on_trace(z, 2, np.arange(6.0), 1.0)[0], x, gradient)


class TestSpikeTimes:
    y = np.array([0, 2, 1])

    def times(self, rng):
        return rng.uniform(1.0, 15.0, (3, 4))

    def loss(self, times, spiked):
        return LOSS.on_spike_times(times, spiked, self.y, TRIAL)

    def test_formula(self, rng):
        t = self.times(rng)
        spiked = np.ones_like(t, dtype=bool)
        weights = np.exp(-t / 0.7)
        true = np.arange(3), self.y
        expected = -np.log(weights[true] / weights.sum(axis=1)) + 0.3 / (20.2 - t[true])
        np.testing.assert_allclose(self.loss(t, spiked)[0], expected, rtol=1e-12)

    def test_gradient(self, rng, check_gradient):
        t = self.times(rng)
        spiked = np.ones_like(t, dtype=bool)
        _, gradient, silent = self.loss(t, spiked)
        check_gradient(lambda z: self.loss(z, spiked)[0], t, gradient)
        assert not np.any(silent)

    def test_silent_neurons(self, rng, check_gradient):
        t = self.times(rng)
        spiked = np.ones_like(t, dtype=bool)
        spiked[0, 0] = spiked[1, 1] = False
        loss, gradient, silent = self.loss(t, spiked)
        # The time of a neuron without a spike does not matter: it counts as the duration
        t[~spiked] = 1e30
        np.testing.assert_array_equal(self.loss(t, spiked)[0], loss)
        t[~spiked] = DURATION
        everywhere = np.ones_like(spiked)
        np.testing.assert_array_equal(self.loss(t, everywhere)[0], loss)
        assert np.all(gradient[~spiked] == 0.0)
        check_gradient(
            lambda z: np.sum(self.loss(np.where(spiked, z, DURATION), spiked)[0]), t, gradient
        )
        # Only the silent true neuron, (0, 0), is woken
        assert np.argwhere(silent).tolist() == [[0, 0]]
        np.testing.assert_allclose(silent[0, 0], 0.3 / (1e-4 * DURATION**2))


class TestLabels:
    def check(self, y, **changes):
        arguments = {
            "name": "out", "shape": (3,), "num_examples": len(y), "timesteps": 5,
            "readout": AvgVar(), "per_timestep": False, **changes,
        }  # fmt: skip
        readout = arguments.pop("readout").get_program(5, 1.0)
        return LOSS.check(y, readout=readout, **arguments)

    @pytest.mark.parametrize("y", [[0, 2, 1], np.array([0, 2, 1], np.uint8), [0.0, 2.0, 1.0]])
    def test_good(self, y):
        labels = self.check(y)
        assert labels.dtype == np.int64
        assert labels.tolist() == [0, 2, 1]

    @pytest.mark.parametrize(
        ("y", "message"),
        [
            ([0, 3], "'out': labels: example 1 has 3, allowed are whole numbers from 0 to 2"),
            ([-1, 0], "example 0 has -1"),
            ([0.5, 0], "example 0 has 0.5"),
            ([0, np.nan], "example 1 has nan"),
            ([[0, 1], [1, 0]], r"labels have shape \(2, 2\)"),
            (["a", "b"], "should be one whole number per example"),
            ([[0], [0, 1]], "'out': labels should be one whole number per example"),
        ],
    )
    def test_bad(self, y, message):
        with pytest.raises(ValueError, match=message):
            self.check(y)

    def test_number(self):
        with pytest.raises(ValueError, match="'out': y has 2 targets for 3 examples"):
            self.check([0, 1], num_examples=3)

    def test_many_axes(self):
        assert self.check([5], shape=(2, 3)).tolist() == [5]

    def test_readout(self):
        with pytest.raises(ValueError, match="'out': readout is 'var', allowed with loss"):
            self.check([0], readout=Var())


@pytest.mark.parametrize("per_timestep", [False, True])
@pytest.mark.parametrize(
    "readout",
    ["avg_var", "avg_var_exp_weight", "sum_var", "max_var", "var", "first_spike_time", None],
)
@pytest.mark.parametrize("neuron", [LeakyIntegrate, LeakyIntegrateFire])
def test_allowed_outputs(neuron, readout, per_timestep):
    voltage = readout not in ("var", "first_spike_time", None) or (
        readout == "var" and per_timestep
    )
    allowed = (
        voltage if neuron is LeakyIntegrate else readout == "first_spike_time" and not per_timestep
    )
    if allowed:
        LOSS.check_output("out", neuron(readout=readout), per_timestep)
    else:
        with pytest.raises(ValueError, match="output population 'out': "):
            LOSS.check_output("out", neuron(readout=readout), per_timestep)


def test_messages():
    with pytest.raises(ValueError, match=r"'out': readout is 'var', .* are avg_var, .*first_spike"):
        LOSS.check_output("out", LeakyIntegrate(readout="var"), False)
    with pytest.raises(ValueError, match="sum_softmax_var and spike_count with SurrogateCompiler"):
        LOSS.check_output("out", LeakyIntegrate(readout="var"), False)
    with pytest.raises(
        ValueError, match=r"readout is none, allowed with .* per timestep are avg_var"
    ):
        LOSS.check_output("out", LeakyIntegrate(), True)
    message = "with readout 'avg_var' needs LeakyIntegrate neurons, not LeakyIntegrateFire"
    with pytest.raises(ValueError, match=message):
        LOSS.check_output("out", LeakyIntegrateFire(readout="avg_var"), False)
