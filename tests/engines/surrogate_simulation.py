"""Networks with spread delays, forwards: an oracle for engines that train with surrogates.

Slow and literal on purpose; shares no code with any engine. surrogate_adjoint.py is its twin: a
function of the same name there goes back through the function here. Arrays are (examples,
neurons) in one step and (steps, examples, neurons) in a trial.

Sources: delays as positions in a kernel over time, Hammouamri, Khalfaoui-Hassani & Masquelier
2024, arXiv 2306.17670; scheduled currents, Queant, Rancon, Cottereau & Masquelier 2025, arXiv
2509.24852.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from surrogate_networks import Input, Layer, Network, Projection, Surrogate, synapses


@dataclass
class Course:
    """What a population did in a trial, (steps, examples, neurons) each; inputs have only spikes.

    ``normalised`` is what arrived less its mean and divided by its standard deviation, before
    scale and shift; ``mean`` and ``variance`` (neurons,) are those of the batch.
    """

    spikes: np.ndarray
    voltages: np.ndarray | None = None
    normalised: np.ndarray | None = None
    mean: np.ndarray | None = None
    variance: np.ndarray | None = None


def simulate(
    network: Network, inputs: dict[int, np.ndarray], held: list[Course] | None = None
) -> list[Course]:
    """Run a batch through the network.

    Args:
        inputs: numbers of spikes of each input population, (steps, examples, neurons)
        held: an earlier run whose spikes reset the neurons, in place of their own

    Returns:
        one course per population
    """
    courses: list[Course] = []
    for index, population in enumerate(network.layers):
        if isinstance(population, Input):
            courses.append(Course(inputs[index]))
            continue
        course, arriving = feed_forward(network, index, courses)
        resets = None if held is None else held[index].spikes
        advance(network, index, course, arriving, resets)
        courses.append(course)
    return courses


def feed_forward(network: Network, index: int, courses: list[Course]) -> tuple[Course, np.ndarray]:
    """What arrives from other populations, (receptors, steps, examples, neurons)."""
    layer = network.layers[index]
    steps, examples, _ = courses[0].spikes.shape
    arriving = np.zeros((len(layer.betas), steps, examples, layer.size))
    for i in network.feed_forward(index):
        projection = network.projections[i]
        source = network.layers[projection.source]
        sent = courses[projection.source].spikes
        if source.mask is not None:
            sent = sent * source.mask
        matrices = matrices_of(projection, (source.size, layer.size))
        arriving[projection.receptor] += arrivals(matrices, sent)
    if "bias" in layer.parameters:
        arriving[0] += layer.parameters["bias"]
    course = Course(np.zeros((steps, examples, layer.size)))
    if "norm_scale" in layer.parameters:
        arriving[0] = normalise(layer, course, arriving[0])
    if layer.current_mask is not None:
        arriving = arriving * layer.current_mask
    return course, arriving


def arrivals(matrices: np.ndarray, spikes: np.ndarray) -> np.ndarray:
    """What arrives in each step of the spikes of all steps: without delay, in the next one."""
    steps, examples, _ = spikes.shape
    arriving = np.zeros((steps, examples, matrices.shape[2]))
    for tap, matrix in enumerate(matrices):
        for n in range(1 + tap, steps):
            arriving[n] += spikes[n - 1 - tap] @ matrix
    return arriving


def normalise(layer: Layer, course: Course, arriving: np.ndarray) -> np.ndarray:
    """Batch normalisation over steps and examples."""
    parameters = layer.parameters
    course.mean, course.variance = arriving.mean(axis=(0, 1)), arriving.var(axis=(0, 1))
    mean, variance = course.mean, course.variance
    if layer.use_running:
        mean, variance = parameters["norm_mean"], parameters["norm_var"]
    course.normalised = (arriving - mean) / np.sqrt(variance + 1e-5)
    return parameters["norm_scale"] * course.normalised + parameters["norm_shift"]


def running_statistics(layer: Layer, course: Course) -> tuple[np.ndarray, np.ndarray]:
    """Running mean and variance after a batch; the batch's variance is made unbiased."""
    count = course.spikes.shape[0] * course.spikes.shape[1]
    unbiased = course.variance * count / (count - 1)
    mean = 0.9 * layer.parameters["norm_mean"] + 0.1 * course.mean
    return mean, 0.9 * layer.parameters["norm_var"] + 0.1 * unbiased


def advance(
    network: Network,
    index: int,
    course: Course,
    arriving: np.ndarray,
    resets: np.ndarray | None,
) -> None:
    """All steps of one population: recurrent arrivals, currents, voltage, spikes, reset."""
    layer = network.layers[index]
    recurrent = [network.projections[i] for i in network.recurrent(index)]
    matrices = [matrices_of(p, (layer.size, layer.size)) for p in recurrent]
    course.voltages = np.zeros_like(course.spikes)
    steps, examples, _ = course.spikes.shape
    current = np.zeros((len(layer.betas), examples, layer.size))
    v = np.full((examples, layer.size), layer.v)
    for n in range(steps):
        for projection, taps in zip(recurrent, matrices):
            for tap, matrix in enumerate(taps[:n]):
                arrived = course.spikes[n - 1 - tap] @ matrix
                if layer.recurrent_mask is not None:
                    arrived = arrived * layer.recurrent_mask
                arriving[projection.receptor, n] += arrived
        voltage = layer.alpha * v
        for r, (beta, kappa) in enumerate(zip(layer.betas, layer.kappas)):
            current[r] = beta * current[r] + arriving[r, n]
            voltage = voltage + kappa * current[r]
        course.voltages[n] = voltage
        v = voltage
        if layer.threshold is not None:
            course.spikes[n] = spike(network.surrogate, voltage - layer.threshold)
            v = reset(layer, voltage, course.spikes[n] if resets is None else resets[n])


def spike(surrogate: Surrogate, x: np.ndarray) -> np.ndarray:
    """Spikes of neurons x above threshold; smooth: the integral of the surrogate over x."""
    a = surrogate.slope
    if not surrogate.smooth:
        return (x >= 0.0).astype(float)
    if surrogate.name == "arctangent":
        return 0.5 + np.arctan(0.5 * math.pi * a * x) / math.pi
    if surrogate.name == "triangular":
        y = np.clip(a * x, -1.0, 1.0)
        return 0.5 + y - 0.5 * y * np.abs(y)
    if surrogate.name == "fast_sigmoid":
        return 0.5 + x / (1.0 + a * np.abs(x))
    raise ValueError(surrogate.name)


def reset(layer: Layer, voltage: np.ndarray, spikes: np.ndarray) -> np.ndarray:
    """Voltage after the reset."""
    if layer.relative_reset:
        return voltage - spikes * (layer.threshold - layer.v_reset)
    return voltage - spikes * (voltage - layer.v_reset)


def matrices_of(projection: Projection, sizes: tuple[int, int]) -> np.ndarray:
    """Weights at each tap, (taps, pre, post)."""
    pre, post = synapses(projection, sizes)
    weights = projection.parameters["g"].ravel()
    spread = kernel(projection, pre)
    matrices = np.zeros((len(spread), *sizes))
    for tap, matrix in enumerate(matrices):
        np.add.at(matrix, (pre, post), weights * spread[tap])
    return matrices


def per_synapse(projection: Projection, name: str, pre: np.ndarray) -> np.ndarray:
    """A parameter of every synapse."""
    values = projection.parameters[name]
    return values[pre] if projection.axonal else values.ravel()


def width(projection: Projection, pre: np.ndarray) -> np.ndarray:
    """Half the base of the triangle of each synapse, in steps."""
    if projection.kind == "fractional":
        return np.ones(len(pre))
    sigma = projection.parameters["sigma"][0]
    if "p" not in projection.parameters:
        return np.full(len(pre), 1.0 + sigma)
    return 1.0 + 2.0 * sigma / (1.0 + np.exp(-per_synapse(projection, "p", pre)))


def taps_of(projection: Projection, pre: np.ndarray) -> np.ndarray:
    """Steps 0, 1, ... over which delays are spread."""
    beyond = 1
    if projection.kind == "triangle":
        beyond = math.ceil(np.max(width(projection, pre), initial=1.0))
    return np.arange(projection.max_delay + beyond)


def kernel(projection: Projection, pre: np.ndarray) -> np.ndarray:
    """Share of a spike that arrives at each tap, (taps, synapses)."""
    m = taps_of(projection, pre)[:, None]
    if projection.kind == "constant":
        return np.repeat(np.where(m == projection.max_delay, 1.0, 0.0), len(pre), axis=1)
    d = per_synapse(projection, "d", pre)
    if projection.kind == "rounded":
        return np.where(m == np.floor(d + 0.5), 1.0, 0.0)
    if projection.kind == "gaussian":
        e = np.exp(-0.5 * ((m - d) / projection.parameters["sigma"][0]) ** 2)
        return e / (1e-7 + e.sum(axis=0))
    s = width(projection, pre)
    return np.maximum(0.0, s - np.abs(m - d)) / s**2


def readout(layer: Layer, voltages: np.ndarray) -> np.ndarray:
    """What is read out of a population, (examples, neurons), or the whole trace of voltages."""
    steps = len(voltages)
    if layer.readout == "trace":
        return voltages
    if layer.readout == "max_var":
        return voltages.max(axis=0)
    if layer.readout == "sum_softmax_var":
        return np.sum([softmax(v) for v in voltages], axis=0)
    return np.sum([readout_weight(layer, n, steps) * voltages[n] for n in range(steps)], axis=0)


def readout_weight(layer: Layer, n: int, steps: int) -> float:
    """What the voltage of one step counts in readouts that are sums."""
    if layer.readout == "avg_var_exp_weight":
        return math.exp(-n / steps) / steps
    return {"avg_var": 1.0 / steps, "sum_var": 1.0, "var": float(n == steps - 1)}[layer.readout]


def softmax(voltage: np.ndarray) -> np.ndarray:
    """Over the neurons of each example."""
    e = np.exp(voltage - voltage.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def regularisation(layer: Layer, spikes: np.ndarray) -> float:
    """Loss of the mean numbers of spikes."""
    upper, lower, nu = layer.regulariser
    excess = spikes.sum(axis=0).mean(axis=0) - nu
    return float(np.sum(0.5 * np.where(excess > 0.0, upper, lower) * excess**2))
