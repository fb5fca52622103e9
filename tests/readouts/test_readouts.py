import numpy as np
import pytest

from mlgenn_delays.program.program import ReadoutKind
from mlgenn_delays.readouts import (
    AvgVar,
    AvgVarExpWeight,
    FirstSpikeTime,
    MaxVar,
    SumSoftmaxVar,
    SumVar,
    Var,
    default_readouts,
)


def test_names():
    assert {name: cls().name for name, cls in default_readouts.items()} == {
        n: n
        for n in (
            "avg_var",
            "avg_var_exp_weight",
            "first_spike_time",
            "max_var",
            "sum_softmax_var",
            "sum_var",
            "var",
        )
    }


@pytest.mark.parametrize(
    ("readout", "expected"),
    [
        (AvgVar(), [0.25] * 4),
        (AvgVarExpWeight(), np.exp([0.0, -0.25, -0.5, -0.75]) / 4),
        (SumVar(), [1.0] * 4),
        (Var(), [0, 0, 0, 1]),
    ],
)
def test_weights(readout, expected):
    assert readout.is_linear
    weights = readout.weights(4)
    assert weights.dtype == np.float64
    np.testing.assert_allclose(weights, expected, rtol=1e-15)


@pytest.mark.parametrize("readout", [AvgVar(), AvgVarExpWeight(), SumVar()])
def test_density_is_limit_of_weights(readout):
    timesteps, dt = 1000, 0.5
    density = readout.density(timesteps, dt)
    values = np.exp(-np.arange(timesteps) * dt / density.tau) / density.scale
    np.testing.assert_allclose(values * dt, readout.weights(timesteps), rtol=1e-12)


@pytest.mark.parametrize("readout", [MaxVar(), FirstSpikeTime(), SumSoftmaxVar()])
def test_not_linear(readout):
    assert not readout.is_linear
    with pytest.raises(TypeError, match=f"readout '{readout.name}' is not a weighted sum"):
        readout.weights(4)


@pytest.mark.parametrize("readout", [Var(), MaxVar(), FirstSpikeTime(), SumSoftmaxVar()])
def test_no_density(readout):
    assert readout.density(4, 0.5) is None


@pytest.mark.parametrize("name", default_readouts)
def test_program(name):
    readout = default_readouts[name]()
    program = readout.get_program(4, 0.5)
    kinds = {
        "max_var": ReadoutKind.MAX,
        "first_spike_time": ReadoutKind.FIRST_SPIKE,
        "sum_softmax_var": ReadoutKind.SUM_SOFTMAX,
    }
    assert (program.name, program.kind) == (name, kinds.get(name, ReadoutKind.WEIGHTED))
    assert program.uses_spike_times == readout.uses_spike_times
    assert program.density == readout.density(4, 0.5)
    if readout.is_linear:
        np.testing.assert_array_equal(program.weights, readout.weights(4))
    else:
        assert program.weights is None
    assert program == readout.get_program(4, 0.5)


def test_first_spike_time():
    assert FirstSpikeTime.uses_spike_times
    values = np.array([0.0, -1e6, FirstSpikeTime.NO_SPIKE], dtype=np.float32)
    assert FirstSpikeTime.spiked(values).tolist() == [True, True, False]
    assert values[2] == np.finfo(np.float32).min
