import numpy as np
import pytest

from mlgenn_delays.losses import (
    MeanSquareError,
    RelativeMeanSquareError,
    SparseCategoricalCrossentropy,
    Trial,
    evaluate,
)
from mlgenn_delays.program.exchange import ForwardResult, Trace
from mlgenn_delays.program.program import PopulationProgram
from mlgenn_delays.readouts import AvgVar, FirstSpikeTime, Var

T, DT, K, B = 5, 0.5, 3, 4
TRIAL = Trial(T * DT, DT, ttfs_alpha=0.3, softmax_temperature=0.7)


def make(readout, **options):
    program = readout.get_program(T, DT)
    return PopulationProgram(0, "out", (K,), "Neuron", readout=program, **options)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def traces(values):
    times = np.arange(1, T + 1) * DT
    return [Trace(times, np.full(T, DT), v) for v in values]


def test_readout(rng, check_gradient):
    population = make(AvgVar())
    loss, y = SparseCategoricalCrossentropy(), np.array([0, 1, 2, 0])

    def run(values):
        return evaluate(loss, population, ForwardResult({0: values}, {}), y, TRIAL)

    values = rng.normal(size=(B, K))
    losses, gradient = run(values)
    assert losses.shape == (B,)
    np.testing.assert_array_equal(losses, loss.on_readout(values, y)[0])
    assert gradient.trace is None
    assert gradient.silent is None
    check_gradient(lambda v: np.mean(run(v)[0]), values, gradient.readout)


@pytest.mark.parametrize("loss", [SparseCategoricalCrossentropy(), MeanSquareError()])
def test_trace(rng, check_gradient, loss):
    population = make(Var(), trace=True)
    square = isinstance(loss, MeanSquareError)
    y = rng.normal(size=(B, T, K)) if square else np.array([0, 1, 2, 0])

    def run(values):
        return evaluate(loss, population, ForwardResult({}, {}, {0: traces(values)}), y, TRIAL)

    values = rng.normal(size=(B, T, K))
    losses, gradient = run(values)
    if square:
        np.testing.assert_allclose(losses, np.sum((values - y) ** 2, axis=(1, 2)) / (2 * T))
    else:
        steps = [loss.on_readout(values[:, n], y)[0] for n in range(T)]
        np.testing.assert_allclose(losses, np.mean(steps, axis=0))
    assert gradient.readout is None
    check_gradient(lambda v: np.mean(run(v)[0]), values, np.stack(gradient.trace))


def test_trace_missing():
    population = make(Var())
    result = ForwardResult({0: np.zeros((B, K))}, {})
    with pytest.raises(
        ValueError, match="'out': loss 'mean_square_error' needs the voltage of every"
    ):
        evaluate(MeanSquareError(), population, result, np.zeros((B, T, K)), TRIAL)


@pytest.mark.parametrize("loss", [SparseCategoricalCrossentropy(), RelativeMeanSquareError(0.3)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_spike_times(rng, loss, dtype):
    population = make(FirstSpikeTime())
    times, y = rng.uniform(0.1, 2.0, (B, K)), np.array([0, 1, 2, 0])
    spiked = np.ones((B, K), bool)
    spiked[0, 0] = spiked[1, 2] = False
    values = np.where(spiked, -times, FirstSpikeTime.NO_SPIKE).astype(dtype)
    losses, gradient = evaluate(loss, population, ForwardResult({0: values}, {}), y, TRIAL)
    expected = loss.on_spike_times(times, spiked, y, TRIAL)
    assert np.all(np.isfinite(losses))
    np.testing.assert_allclose(losses, expected[0], rtol=1e-5)
    np.testing.assert_allclose(gradient.readout, expected[1] / B, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(gradient.silent, expected[2] / B)
    assert np.any(gradient.silent) == isinstance(loss, SparseCategoricalCrossentropy)
