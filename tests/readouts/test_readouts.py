import numpy as np
import pytest

from mlgenn_delays.program.program import ReadoutKind
from mlgenn_delays.readouts import (
    AvgVar,
    AvgVarExpWeight,
    FirstSpikeTime,
    MaxVar,
    Readout,
    SpikeCount,
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
            "spike_count",
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


@pytest.mark.parametrize("readout", [MaxVar(), FirstSpikeTime(), SpikeCount(), SumSoftmaxVar()])
def test_not_linear(readout):
    assert not readout.is_linear
    with pytest.raises(TypeError, match=f"readout '{readout.name}' is not a weighted sum"):
        readout.weights(4)


@pytest.mark.parametrize(
    "readout", [Var(), MaxVar(), FirstSpikeTime(), SpikeCount(), SumSoftmaxVar()]
)
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
        "spike_count": ReadoutKind.SPIKE_COUNT,
    }
    assert (program.name, program.kind) == (name, kinds.get(name, ReadoutKind.WEIGHTED))
    assert program.uses_spikes == readout.uses_spikes == name.endswith(("_time", "_count"))
    assert program.uses_spike_times == (name == "first_spike_time")
    assert program.density == readout.density(4, 0.5)
    if readout.is_linear:
        np.testing.assert_array_equal(program.weights, readout.weights(4))
    else:
        assert program.weights is None
    assert program == readout.get_program(4, 0.5)


def test_first_spike_time():
    values = np.array([0.0, -1e6, FirstSpikeTime.NO_SPIKE], dtype=np.float32)
    assert FirstSpikeTime.spiked(values).tolist() == [True, True, False]
    assert values[2] == np.finfo(np.float32).min


@pytest.mark.parametrize("name", default_readouts)
def test_window(name):
    """That of a trial which is as long as the window, in its place."""
    program = default_readouts[name](window_start=1.0, window_end=3.5).get_program(10, 0.5)
    short = default_readouts[name]().get_program(5, 0.5)
    assert program.window == (2, 7) and program.steps(10) == slice(2, 7)
    assert (program.name, program.kind) == (short.name, short.kind)
    if short.weights is not None:
        expected = np.concatenate([np.zeros(2), short.weights, np.zeros(3)])
        np.testing.assert_array_equal(program.weights, expected)
    assert (program.density is None) == (short.density is None)
    if short.density is not None:
        for density, start in ((program.density, 1.0), (short.density, 0.0)):
            value = np.exp(-(start + 0.7) / density.tau) / density.scale
            expected = np.exp(-0.7 / short.density.tau) / short.density.scale
            assert value == pytest.approx(expected, rel=1e-14)


def test_steps_that_start_in_the_window_are_in_it():
    def steps(start, end, dt=0.1):
        return AvgVar(start, end).get_program(20, dt).window

    assert steps(0.3, 0.6) == (3, 6)  # 0.3 / 0.1 is 2.9999999999999996
    assert steps(0.31, 0.69) == (4, 7)
    assert steps(None, 0.6) == (0, 6)
    assert steps(0.6, None) == (6, 20)
    assert steps(0.0, 2.0) is steps(None, None) is steps(0, None) is None


def test_the_whole_trial_is_no_window():
    assert AvgVar(0.0, 4.0).get_program(8, 0.5) == AvgVar().get_program(8, 0.5)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"window_start": -1.0},
            ValueError,
            "MaxVar: window_start is -1, allowed are finite numbers from 0",
        ),
        ({"window_start": "2"}, TypeError, "MaxVar: window_start should be a number, not '2'"),
        ({"window_end": np.nan}, ValueError, "MaxVar: window_end is nan, allowed are finite"),
        ({"window_start": 3, "window_end": 3}, ValueError, "MaxVar: window_end is 3, .* above 3"),
    ],
)
def test_bad_windows(arguments, error, message):
    with pytest.raises(error, match=message):
        MaxVar(**arguments)


def test_windows_that_do_not_fit_the_trial():
    with pytest.raises(ValueError, match=r"Var: window_end is 4\.2 ms, the trial ends at 4 ms"):
        Var(window_end=4.2).get_program(8, 0.5)
    message = (
        "Var: no timestep of dt = 0.5 ms starts between window_start = 1.1 ms and window_end = 1"
    )
    with pytest.raises(ValueError, match=message):
        Var(1.1, 1.4).get_program(8, 0.5)
    with pytest.raises(
        ValueError, match=r"no timestep .* window_start = 9 ms and window_end = 4 ms"
    ):
        Var(9.0).get_program(8, 0.5)
    changed = AvgVar()
    changed.window_start = -1.0
    with pytest.raises(ValueError, match="AvgVar: window_start is -1"):
        changed.get_program(8, 0.5)


def test_readouts_of_users_need_no_constructor():
    class First(Readout):
        def __init__(self):
            pass

        def weights(self, timesteps):
            return np.eye(timesteps)[0]

    np.testing.assert_array_equal(First().get_program(3, 1.0).weights, [1.0, 0.0, 0.0])
