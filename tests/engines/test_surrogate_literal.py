"""The literal simulation with spread delays: its gradients, its kernels, cases counted by hand.

With spikes that are replaced by smooth numbers, of which the surrogate is the true derivative, the
whole network has gradients, and they are finite differences. What holds of the literal holds of
engines that agree with it.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
from numpy.random import default_rng
from surrogate_adjoint import kernel_slopes, readout_weight
from surrogate_adjoint import spike as spike_slope
from surrogate_cases import NETWORKS, STEPS, Case, layered, with_parameter
from surrogate_networks import Input, Layer, Network, Projection, Surrogate, predicting
from surrogate_simulation import (
    kernel,
    matrices_of,
    running_statistics,
    simulate,
    softmax,
    spike,
)
from surrogate_simulation import readout as read_out

#: Central differences of fourth order, with a step that no kink of a surrogate lies within.
STEP = 2e-5
POINTS = ((1.0, 8.0 / 12.0), (-1.0, -8.0 / 12.0), (2.0, -1.0 / 12.0), (-2.0, 1.0 / 12.0))

#: Largest error relative to the largest entry of a gradient.
TOLERANCE = 1e-6

#: Of the random networks. None of it has a gradient that is 0 by chance, as 1 has, where what the
#: synapses say of one width cancels but for a millionth.
SEED = 2

SURROGATES = {"arctangent": 2.0, "triangular": 1.0, "fast_sigmoid": 3.0}


# -- gradients


def differences(case: Case, owner: str, index: int, name: str, held: list | None) -> np.ndarray:
    """Derivative of the loss by each entry of a parameter."""
    value = getattr(case.network, owner)[index].parameters[name]
    result = np.zeros(value.shape)
    for entry in np.ndindex(value.shape):
        for offset, weight in POINTS:
            shifted = value.copy()
            shifted[entry] += offset * STEP
            other = with_parameter(case, owner, index, name, shifted)
            courses = simulate(other.network, other.inputs, held)
            result[entry] += weight * other.loss(courses) / STEP
    return result


def is_centred(layer: Layer) -> bool:
    """Whether the mean is taken off what arrives, and a bias with it."""
    return "norm_scale" in layer.parameters and not layer.use_running


def assert_gradients(case: Case) -> None:
    """All gradients are differences."""
    courses = case.run()
    # a reset that is not differentiated is one by the spikes of this run
    held = None if case.network.surrogate.differentiate_reset else courses
    for owner, found in zip(("layers", "projections"), case.gradients(courses)):
        for index, parameters in enumerate(found):
            for name, gradient in parameters.items():
                expected = differences(case, owner, index, name, held)
                scale, label = np.max(np.abs(expected)), f"{owner} {index}, {name}"
                assert gradient.shape == expected.shape
                if name == "bias" and is_centred(case.network.layers[index]):
                    assert scale < 1e-7 and np.max(np.abs(gradient)) < 1e-10
                    continue
                assert scale > 1e-6, f"{label}: the gradient vanishes: nothing would be tested"
                error = np.max(np.abs(gradient - expected))
                assert error <= TOLERANCE * scale, (
                    f"{label}: error {error / scale:.1e} of the scale\n{gradient}\n{expected}"
                )


@pytest.mark.parametrize("differentiate_reset", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_of_smooth_networks_are_finite_differences(name, differentiate_reset):
    # every network with two surrogates, every surrogate with many networks
    which = list(NETWORKS).index(name) + 2 * differentiate_reset
    surrogate = list(SURROGATES)[which % 3]
    case = NETWORKS[name](
        SEED,
        name=surrogate,
        slope=SURROGATES[surrogate],
        smooth=True,
        differentiate_reset=differentiate_reset,
    )
    assert_gradients(case)


def test_networks_have_all_parameters():
    found = set()
    for make in NETWORKS.values():
        case = make(SEED, smooth=True)
        for parameters in chain.from_iterable(case.gradients(case.run())):
            found |= set(parameters)
    assert found == {"g", "d", "sigma", "p", "bias", "norm_scale", "norm_shift"}


def test_networks_spike_neither_always_nor_never():
    for name, make in NETWORKS.items():
        case = make(SEED)
        for layer, course in zip(case.network.layers, case.run()):
            if isinstance(layer, Layer) and layer.threshold is not None:
                assert 0.05 < course.spikes.mean() < 0.7, name
                assert set(np.unique(course.spikes)) == {0.0, 1.0}


@pytest.mark.parametrize("name", NETWORKS)
def test_true_spikes_have_the_gradient_of_the_formulas(name):
    """Spikes are steps: the same formulas with 0 and 1, so that a weight of the output, which is
    behind all spikes, has a true derivative."""
    case = NETWORKS[name](SEED)
    courses = case.run()
    gradients = case.gradients(courses)[1]
    outputs = [i for i, layer in enumerate(case.network.layers) if i in case.targets]
    for index, projection in enumerate(case.network.projections):
        if projection.target in outputs:
            for parameter, gradient in gradients[index].items():
                expected = differences(case, "projections", index, parameter, None)
                error = np.max(np.abs(gradient - expected))
                assert error <= TOLERANCE * max(np.max(np.abs(expected)), 1e-6)


@pytest.mark.parametrize("name", SURROGATES)
@pytest.mark.parametrize("slope", [0.7, 1.0, 5.0])
def test_smooth_spikes_have_the_surrogate_as_derivative(name, slope):
    surrogate = Surrogate(name, slope, smooth=True)
    x = default_rng(1).normal(0.0, 1.0, 40)
    expected = sum(w * spike(surrogate, x + o * 1e-4) for o, w in POINTS) / 1e-4
    assert np.max(np.abs(spike_slope(surrogate, x) - expected)) < 1e-7
    assert spike(surrogate, np.zeros(1)) == 0.5


def test_published_surrogates():
    x = np.array([-1.5, -0.25, 0.0, 0.25, 2.0])
    arctangent = 2.5 / (1.0 + (np.pi * 2.5 * x) ** 2)
    assert np.allclose(spike_slope(Surrogate(), x), arctangent, rtol=1e-15)
    triangle = [0.0, 0.75, 1.0, 0.75, 0.0]
    assert np.array_equal(spike_slope(Surrogate("triangular", 1.0), x), triangle)


# -- kernels


def projection(kind: str, d, sigma: float = 1.0, p=None, max_delay: int = 6) -> Projection:
    d = np.atleast_1d(np.asarray(d, dtype=float))
    n = len(d)
    parameters = {"g": np.ones(n), "d": d, "sigma": np.array([sigma])}
    if p is not None:
        parameters["p"] = np.atleast_1d(np.asarray(p, dtype=float))
    zeros = np.zeros(n, dtype=int)
    return Projection(0, 1, kind, max_delay, pre=zeros, post=zeros, parameters=parameters)


def kernel_of(*args, **kwargs) -> np.ndarray:
    made = projection(*args, **kwargs)
    return kernel(made, made.pre)


def test_gaussian_counted_by_hand():
    e = np.exp([-2.0, -0.5, 0.0, -0.5])
    assert np.allclose(
        kernel_of("gaussian", 2.0, 1.0, max_delay=3)[:, 0], e / (1e-7 + e.sum()), rtol=1e-14
    )


def test_gaussians_sum_to_one_even_at_the_ends():
    sums = kernel_of("gaussian", [0.0, 0.3, 3.0, 6.0], 2.0).sum(axis=0)
    assert np.all(sums < 1.0) and np.allclose(sums, 1.0, atol=1e-6)


def test_gaussian_of_no_width_is_one_tap():
    narrow = kernel_of("gaussian", [0.0, 2.2, 3.8, 6.0], 0.05)
    assert np.allclose(narrow, kernel_of("rounded", [0.0, 2.2, 3.8, 6.0]), atol=1e-2)
    assert np.allclose(kernel_of("gaussian", [0.0, 2.0, 6.0], 0.05), np.eye(7)[:, [0, 2, 6]])


def test_triangle_counted_by_hand():
    taps = kernel_of("triangle", [2.0, 0.5], 1.0, max_delay=2)
    assert taps.shape == (4, 2)  # 2 + ceil(2) - 1 is the last
    assert np.allclose(taps[:, 0], [0.0, 0.25, 0.5, 0.25])
    assert np.allclose(taps[:, 1], [0.375, 0.375, 0.125, 0.0])  # cut off below 0


@pytest.mark.parametrize("sigma", [0.0, 1.0, 2.0, 9.0])
def test_triangles_of_whole_width_sum_to_one(sigma):
    delays = np.array([10.0, 11.3, 12.5])
    assert np.allclose(kernel_of("triangle", delays, sigma, max_delay=13).sum(axis=0), 1.0)


def test_triangle_reaches_the_last_tap_that_is_not_zero():
    for sigma in (0.0, 0.3, 1.0, 1.7, 5.0):
        taps = kernel_of("triangle", 6.0, sigma)[:, 0]
        assert taps[-1] > 0.0 and 1.0 + sigma <= len(taps) - 6.0


def test_triangle_of_no_width_is_linear_interpolation():
    expected = np.zeros((7, 2))
    expected[2, 0], expected[3, 0], expected[5, 1] = 0.75, 0.25, 1.0
    assert np.allclose(kernel_of("triangle", [2.25, 5.0], 0.0), expected)
    assert np.allclose(kernel_of("fractional", [2.25, 5.0]), expected)


def test_learned_width_of_p():
    s = np.array([1.0 + 4.0 * 0.5, 1.0 + 4.0 * 0.75])
    taps = kernel_of("triangle", [3.0, 3.0], 2.0, p=[0.0, np.log(3.0)])
    assert taps.shape[0] == 6 + 4
    for synapse in (0, 1):
        plain = kernel_of("triangle", 3.0, s[synapse] - 1.0)[:, 0]
        assert np.allclose(taps[: len(plain), synapse], plain)


def test_delays_are_rounded_half_up():
    d = [0.0, 0.4999, 0.5, 1.5, 2.5, 5.49, 6.0]
    assert kernel_of("rounded", d).argmax(axis=0).tolist() == [0, 0, 1, 2, 3, 5, 6]


@pytest.mark.parametrize("kind", ["gaussian", "triangle", "fractional", "width"])
def test_slopes_of_kernels_are_finite_differences(kind):
    rng = default_rng(3)
    d, p = rng.uniform(0.0, 6.0, 30), rng.normal(size=30) if kind == "width" else None
    made = projection("triangle" if kind == "width" else kind, d, 1.43, p)
    names = {"gaussian": ["d", "sigma"], "fractional": ["d"], "triangle": ["d", "sigma"]}
    slopes = kernel_slopes(made, made.pre)
    assert sorted(slopes) == names.get(kind, ["d", "p", "sigma"])
    for name, found in slopes.items():
        expected = 0.0
        for offset, weight in POINTS:
            value = made.parameters[name] + offset * 1e-5
            other = replace(made, parameters={**made.parameters, name: value})
            expected += weight * kernel(other, other.pre) / 1e-5
        assert np.max(np.abs(found - expected)) < 1e-9 * max(1.0, np.max(np.abs(expected)))


def test_sparse_synapses_lie_where_they_are_said_to():
    made = Projection(
        0,
        1,
        "rounded",
        2,
        pre=np.array([0, 1, 1]),
        post=np.array([1, 0, 1]),
        parameters={"g": np.array([1.0, 2.0, 3.0]), "d": np.array([0.0, 2.0, 1.0])},
    )
    expected = np.zeros((3, 2, 2))
    expected[0, 0, 1], expected[2, 1, 0], expected[1, 1, 1] = 1.0, 2.0, 3.0
    assert np.array_equal(matrices_of(made, (2, 2)), expected)


# -- counted by hand


def train(*steps: int, length: int = 8) -> np.ndarray:
    """Spikes of one neuron in one example; a step given twice has two."""
    spikes = np.zeros((length, 1, 1))
    for n in steps:
        spikes[n] += 1.0
    return spikes


def neurons(*layers: Layer, weights=(2.0, 1.0), delays=(2, 3), recurrent=None) -> Network:
    """One neuron after the other, by constant delays; ``recurrent``: weight and delay of the
    first after the input."""

    def constant(source: int, target: int, weight: float, delay: int) -> Projection:
        parameters = {"g": np.array([[weight]])}
        return Projection(source, target, "constant", delay, parameters=parameters)

    projections = [constant(i, i + 1, weights[i], delays[i]) for i in range(len(layers))]
    if recurrent is not None:
        projections.append(constant(1, 1, *recurrent))
    return Network((Input(1), *layers), tuple(projections))


def voltages(network: Network, inputs: np.ndarray, index: int = -1) -> list[float]:
    return simulate(network, {0: inputs})[index].voltages[:, 0, 0].tolist()


OUTPUT = Layer(1, alpha=0.5, threshold=None, readout="sum_var")


def test_spikes_arrive_one_step_and_their_delay_later():
    network = neurons(Layer(1, alpha=0.5), OUTPUT)
    courses = simulate(network, {0: train(1, length=10)})
    # emitted in 1, arrives in 1 + 1 + 2, spikes there, arrives in 4 + 1 + 3
    assert courses[1].voltages[:, 0, 0].tolist() == [0, 0, 0, 0, 2, 0, 0, 0, 0, 0]
    assert courses[1].spikes[:, 0, 0].tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0, 0]
    assert courses[2].voltages[:, 0, 0].tolist() == [0, 0, 0, 0, 0, 0, 0, 0, 1, 0.5]


def test_without_delay_spikes_of_inputs_and_neurons_arrive_in_the_next_step():
    network = neurons(Layer(1, alpha=0.5), OUTPUT, delays=(0, 0))
    assert voltages(network, train(0)) == [0, 0, 1, 0.5, 0.25, 0.125, 0.0625, 0.03125]


def test_what_leaves_in_the_last_step_arrives_nowhere():
    network = neurons(Layer(1, alpha=0.5), OUTPUT, delays=(0, 0))
    courses = simulate(network, {0: train(2, 3, length=4)})
    assert courses[1].voltages[:, 0, 0].tolist() == [0, 0, 0, 2]
    assert not courses[2].voltages.any()


def test_spikes_of_one_step_add_up_and_threshold_itself_spikes():
    network = neurons(Layer(1, alpha=0.5), OUTPUT, weights=(0.5, 1.0), delays=(0, 0))
    courses = simulate(network, {0: train(1, 3, 3)})
    # 0.5 in step 2, decays to 0.25, to 0.125 and 2 x 0.5 arrive: above 1 and reset
    assert courses[1].voltages[:6, 0, 0].tolist() == [0, 0, 0.5, 0.25, 1.125, 0]
    courses = simulate(network, {0: train(2, 2)})
    assert courses[1].voltages[3, 0, 0] == 1.0 and courses[1].spikes[3, 0, 0] == 1.0


def test_recurrent_spikes_arrive_one_step_and_their_delay_later():
    network = neurons(
        Layer(1, alpha=0.5), OUTPUT, delays=(0, 0), weights=(2.0, 1.0), recurrent=(1.5, 1)
    )
    courses = simulate(network, {0: train(0)})
    # the input arrives in 1, the spikes of 1, 3, 5 in 3, 5, 7
    assert courses[1].spikes[:, 0, 0].tolist() == [0, 1, 0, 1, 0, 1, 0, 1]
    assert courses[1].voltages[:, 0, 0].tolist() == [0, 2, 0, 1.5, 0, 1.5, 0, 1.5]


def test_resets():
    def after(**numbers) -> list[float]:
        layer = Layer(1, alpha=0.5, **numbers)
        return voltages(neurons(layer, OUTPUT, weights=(3.0, 1.0), delays=(0, 0)), train(0), 1)[:5]

    assert after() == [0, 3, 0, 0, 0]
    assert after(v_reset=-1.0) == [0, 3, -0.5, -0.25, -0.125]
    assert after(relative_reset=True) == [0, 3, 1, 0, 0]  # 3 - 1, halved: spikes again
    # less 1.5: 3 -> 1.5 -> 0.75
    assert after(relative_reset=True, v_reset=-0.5) == [0, 3, 0.75, 0.375, 0.1875]


def test_voltage_at_the_start_decays():
    silent = train(length=3)
    network = neurons(replace(OUTPUT, v=0.8), weights=(1.0,), delays=(0,))
    assert voltages(network, silent) == [0.4, 0.2, 0.1]


def test_currents_of_two_receptors():
    layer = replace(OUTPUT, betas=(0.5, 0.25), kappas=(1.0, 2.0))
    fast, slow = (
        Projection(0, 1, "constant", 0, r, parameters={"g": np.array([[g]])})
        for r, g in ((0, 1.0), (1, 4.0))
    )
    network = Network((Input(1), layer), (fast, slow))
    # from step 1 on, currents 1, 1/2, 1/4 and 4, 1, 1/4; their sums with gains 9, 2.5, 0.75
    assert voltages(network, train(0, length=4)) == [0.0, 9.0, 7.0, 4.25]


def test_bias_arrives_in_every_step():
    layer = replace(OUTPUT, parameters={"bias": np.array([1.0])})
    network = neurons(layer, weights=(1.0,), delays=(1,))
    # 1 in every step, and 1 of the input in step 2
    assert voltages(network, train(0, length=4)) == [1.0, 1.5, 2.75, 2.375]


def test_spread_delays_counted_by_hand():
    parameters = {"g": np.array([[4.0]]), "d": np.array([[1.25]]), "sigma": np.array([0.0])}
    made = Projection(0, 1, "triangle", 2, parameters=parameters)
    network = Network((Input(1), replace(OUTPUT, alpha=0.0)), (made,))
    inputs = train(0, length=6)
    # 3/4 arrives after 1 + 1 steps, 1/4 after 1 + 2
    assert voltages(network, inputs) == [0, 0, 3, 1, 0, 0]
    assert voltages(predicting(network), inputs) == [0, 0, 4, 0, 0, 0]
    assert voltages(predicting(network, fractional=True), inputs) == [0, 0, 3, 1, 0, 0]


def test_dropout_of_what_leaves_and_of_what_recurs():
    layer = Layer(
        1, alpha=0.5, mask=np.array([[0.0]]), recurrent_mask=np.array([[2.0]]), readout="sum_var"
    )
    network = neurons(layer, OUTPUT, delays=(0, 0), recurrent=(0.4, 0))
    courses = simulate(network, {0: train(0)})
    # the spike of step 1 comes back doubled, is not enough, and never leaves
    assert courses[1].voltages[:4, 0, 0].tolist() == [0, 2, 0.8, 0.4]
    assert not courses[2].voltages.any()
    there = simulate(predicting(network), {0: train(0)})
    assert there[1].voltages[:4, 0, 0].tolist() == [0, 2, 0.4, 0.2]
    assert there[2].voltages[2, 0, 0] == 1.0


def test_dropout_of_currents_is_of_what_feeds_forward_and_the_bias():
    layer = Layer(
        1,
        alpha=0.5,
        threshold=2.5,
        current_mask=np.array([[2.0], [0.0]]),
        parameters={"bias": np.array([0.5])},
    )
    network = neurons(layer, OUTPUT, delays=(0, 0), recurrent=(0.25, 0))
    inputs = np.repeat(train(0, length=4), 2, axis=1)
    courses = simulate(network, {0: inputs})
    # doubled: 1 in every step and 4 of the input in step 1; as it is: the spike that comes back
    assert courses[1].voltages[:, 0, 0].tolist() == [1, 5.5, 1.25, 1.625]
    assert not courses[1].voltages[:, 1].any()
    assert courses[2].voltages[:, 0, 0].tolist() == [0, 0, 1, 0.5]
    there = simulate(predicting(network), {0: inputs})
    for example in (0, 1):
        assert there[1].voltages[:, example, 0].tolist() == [0.5, 2.75, 0.75, 0.875]


def test_dropout_of_currents_is_at_all_receptors():
    layer = replace(OUTPUT, betas=(0.5, 0.0), kappas=(1.0, 1.0), current_mask=np.array([[0.0]]))
    both = tuple(
        Projection(0, 1, "constant", 0, r, parameters={"g": np.array([[1.0]])}) for r in (0, 1)
    )
    network = Network((Input(1), layer), both)
    assert voltages(network, train(0, length=4)) == [0, 0, 0, 0]
    # currents 1, 1/2, 1/4 and 1, 0, 0
    assert voltages(predicting(network), train(0, length=4)) == [0, 2, 1.5, 1]


def test_dropout_of_currents_comes_after_normalisation():
    parameters = {"norm_scale": np.array([3.0]), "norm_shift": np.array([0.5])}
    layer = replace(OUTPUT, alpha=0.0, parameters=parameters, current_mask=np.array([[2.0]]))
    network = neurons(layer, weights=(4.0,), delays=(0,))
    # 0, 4, 0, 4 arrive: 2 below and above their mean, by a deviation of 2
    found = voltages(network, train(0, 2, length=4))
    assert np.allclose(found, [-5.0, 7.0, -5.0, 7.0], rtol=1e-5)


def test_normalisation_of_what_feeds_forward():
    parameters = {
        "norm_scale": np.array([2.0]),
        "norm_shift": np.array([0.5]),
        "norm_mean": np.array([1.0]),
        "norm_var": np.array([4.0]),
    }
    layer = Layer(1, 0.0, threshold=9.0, parameters=parameters)
    network = neurons(layer, OUTPUT, weights=(4.0, 1.0), delays=(0, 0), recurrent=(1.0, 0))
    inputs = train(0, 2, length=4)  # 0, 4, 0, 4 arrive: mean 2, variance 4
    course = simulate(network, {0: inputs})[1]
    sign = 2.0 / np.sqrt(4.0 + 1e-5)
    assert np.allclose(course.voltages[:, 0, 0], 0.5 + 2.0 * sign * np.array([-1, 1, -1, 1]))
    mean, variance = running_statistics(layer, course)
    assert np.allclose(mean, 0.9 + 0.2) and np.allclose(variance, 0.9 * 4.0 + 0.1 * 16.0 / 3.0)
    there = simulate(predicting(network), {0: inputs})[1]
    expected = 0.5 + 2.0 * np.array([-1, 3, -1, 3]) / np.sqrt(4.0 + 1e-5)
    assert np.allclose(there.voltages[:, 0, 0], expected)


def test_recurrent_arrivals_are_not_normalised():
    case = layered(2, norm=True, recurrent={"kind": "constant", "max_delay": 0})
    projections = case.network.projections
    quiet = with_parameter(case, "projections", 1, "g", 0.0 * projections[1].parameters["g"])
    one, other = case.run()[1], quiet.run()[1]
    assert not np.array_equal(one.voltages, other.voltages)
    assert np.array_equal(one.normalised, other.normalised)


def test_readouts():
    v = np.array([[[1.0, 0.0]], [[3.0, 1.0]], [[2.0, 1.0]]])

    def of(name: str) -> np.ndarray:
        return read_out(replace(OUTPUT, readout=name), v)[0]

    assert of("avg_var").tolist() == [2.0, 2.0 / 3.0]
    assert of("sum_var").tolist() == [6.0, 2.0]
    assert of("var").tolist() == [2.0, 1.0]
    assert of("max_var").tolist() == [3.0, 1.0]
    weights = np.exp([0.0, -1.0 / 3.0, -2.0 / 3.0]) / 3.0
    assert np.allclose(of("avg_var_exp_weight"), weights @ v[:, 0], rtol=1e-15)
    share = 1.0 / (1.0 + np.exp(-np.array([1.0, 2.0, 1.0])))
    assert np.allclose(of("sum_softmax_var"), [share.sum(), 3.0 - share.sum()], rtol=1e-14)
    assert softmax(np.array([[1000.0, 1000.0]])).tolist() == [[0.5, 0.5]]
    assert readout_weight(OUTPUT, 0, STEPS) == 1.0


def test_nothing_comes_before_its_cause():
    """What enters in a step changes nothing before the next."""
    for name, make in NETWORKS.items():
        case = make(SEED)
        if any("norm_scale" in p.parameters for p in case.network.layers if isinstance(p, Layer)):
            continue  # statistics are of all steps
        before = case.run()
        for spikes in case.inputs.values():
            spikes[6:] += 1.0
        after = case.run()
        first = next(i for i, course in enumerate(before) if course.voltages is not None)
        assert not np.array_equal(before[first].voltages, after[first].voltages), name
        for one, other in zip(before[1:], after[1:]):
            if one.voltages is not None:
                assert np.array_equal(one.voltages[:7], other.voltages[:7]), name
