"""Networks with spread delays, backwards: gradients as formulas, an oracle for engines.

The twin of surrogate_simulation.py: a function of the same name there runs forwards. What is
called ``d_x`` is the derivative of the loss by x.
"""

from __future__ import annotations

import math

import numpy as np
from surrogate_networks import Input, Layer, Network, Parameters, Projection, Surrogate, synapses
from surrogate_simulation import (
    Course,
    kernel,
    matrices_of,
    per_synapse,
    readout_weight,
    softmax,
    taps_of,
    width,
)

#: Gradients of the parameters of each population, and of each projection.
Gradients = tuple[list[Parameters], list[Parameters]]


def gradients(network: Network, courses: list[Course], outputs: dict[int, np.ndarray]) -> Gradients:
    """Derivatives of the loss by all parameters, those of regularisation included.

    Args:
        courses: of :func:`surrogate_simulation.simulate`
        outputs: derivative of the loss by what is read out of each population

    Returns:
        gradients of populations and of projections
    """
    d_spikes = [np.zeros_like(course.spikes) for course in courses]
    of_layers: list[Parameters] = [{} for _ in network.layers]
    of_projections: list[Parameters] = [{} for _ in network.projections]
    for index, layer in reversed(list(enumerate(network.layers))):
        if isinstance(layer, Input):
            continue
        course = courses[index]
        d_voltages = np.zeros_like(course.voltages)
        if index in outputs:
            d_voltages += readout(layer, course.voltages, outputs[index])
        if layer.regulariser is not None:
            d_spikes[index] += regularisation(layer, course.spikes)
        d_arriving = advance(network, index, course, d_voltages, d_spikes[index], of_projections)
        of_layers[index] = feed_forward(
            network, index, courses, d_arriving, d_spikes, of_projections
        )
    return of_layers, of_projections


def feed_forward(
    network: Network,
    index: int,
    courses: list[Course],
    d_arriving: np.ndarray,
    d_spikes: list[np.ndarray],
    of_projections: list[Parameters],
) -> Parameters:
    """From what arrives to the spikes of other populations and all parameters on the way."""
    layer, course, found = network.layers[index], courses[index], {}
    if layer.current_mask is not None:
        d_arriving = d_arriving * layer.current_mask
    if "norm_scale" in layer.parameters:
        found["norm_scale"] = (d_arriving[0] * course.normalised).sum(axis=(0, 1))
        found["norm_shift"] = d_arriving[0].sum(axis=(0, 1))
        d_arriving[0] = normalise(layer, course, d_arriving[0])
    if "bias" in layer.parameters:
        found["bias"] = d_arriving[0].sum(axis=(0, 1))
    for i in network.feed_forward(index):
        projection = network.projections[i]
        source = network.layers[projection.source]
        mask = 1.0 if source.mask is None else source.mask
        sizes = (source.size, layer.size)
        d_sent, d_matrices = arrivals(
            matrices_of(projection, sizes),
            courses[projection.source].spikes * mask,
            d_arriving[projection.receptor],
        )
        d_spikes[projection.source] += d_sent * mask
        of_projections[i] = matrices(projection, sizes, d_matrices)
    return found


def arrivals(
    matrices: np.ndarray, spikes: np.ndarray, d_arriving: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """To the spikes and to the weights at each tap."""
    d_spikes, d_matrices = np.zeros_like(spikes), np.zeros_like(matrices)
    for tap, matrix in enumerate(matrices):
        for n in range(1 + tap, len(spikes)):
            d_spikes[n - 1 - tap] += d_arriving[n] @ matrix.T
            d_matrices[tap] += spikes[n - 1 - tap].T @ d_arriving[n]
    return d_spikes, d_matrices


def normalise(layer: Layer, course: Course, d_result: np.ndarray) -> np.ndarray:
    """To what arrives; mean and variance depend on it, too, unless they are running ones."""
    d_normalised = layer.parameters["norm_scale"] * d_result
    if layer.use_running:
        return d_normalised / np.sqrt(layer.parameters["norm_var"] + 1e-5)
    through_mean = d_normalised.mean(axis=(0, 1))
    through_variance = course.normalised * (d_normalised * course.normalised).mean(axis=(0, 1))
    return (d_normalised - through_mean - through_variance) / np.sqrt(course.variance + 1e-5)


def advance(
    network: Network,
    index: int,
    course: Course,
    d_voltages: np.ndarray,
    d_spikes: np.ndarray,
    of_projections: list[Parameters],
) -> np.ndarray:
    """All steps of one population, from the last to the first: to what arrives in each,
    (receptors, steps, examples, neurons).

    ``d_spikes`` holds what other populations say, and gets what the population says itself.
    """
    layer = network.layers[index]
    indices, sizes = network.recurrent(index), (layer.size, layer.size)
    recurrent = [network.projections[i] for i in indices]
    weights = [matrices_of(p, sizes) for p in recurrent]
    d_weights = [np.zeros_like(w) for w in weights]
    steps, examples, _ = course.spikes.shape
    d_arriving = np.zeros((len(layer.betas), steps, examples, layer.size))
    d_current = np.zeros((len(layer.betas), examples, layer.size))
    d_voltage = np.zeros((examples, layer.size))
    for n in reversed(range(steps)):
        d_v = layer.alpha * d_voltage
        d_voltage = d_voltages[n]
        if layer.threshold is None:
            d_voltage = d_voltage + d_v
        else:
            kept, d_reset = reset(layer, course.voltages[n], course.spikes[n], d_v)
            d_spike = d_spikes[n] + (d_reset if network.surrogate.differentiate_reset else 0.0)
            slope = spike(network.surrogate, course.voltages[n] - layer.threshold)
            d_voltage = d_voltage + kept + d_spike * slope
        for r, (beta, kappa) in enumerate(zip(layer.betas, layer.kappas)):
            d_current[r] = kappa * d_voltage + beta * d_current[r]
            d_arriving[r, n] = d_current[r]
        for projection, taps, d_taps in zip(recurrent, weights, d_weights):
            d_arrived = d_arriving[projection.receptor, n]
            if layer.recurrent_mask is not None:
                d_arrived = d_arrived * layer.recurrent_mask
            for tap, matrix in enumerate(taps[:n]):
                d_spikes[n - 1 - tap] += d_arrived @ matrix.T
                d_taps[tap] += course.spikes[n - 1 - tap].T @ d_arrived
    for i, d_taps in zip(indices, d_weights):
        of_projections[i] = matrices(network.projections[i], sizes, d_taps)
    return d_arriving


def spike(surrogate: Surrogate, x: np.ndarray) -> np.ndarray:
    """The surrogate: what takes the place of the derivative of a spike by x."""
    a = surrogate.slope
    if surrogate.name == "arctangent":
        return 0.5 * a / (1.0 + (0.5 * math.pi * a * x) ** 2)
    if surrogate.name == "triangular":
        return a * np.maximum(0.0, 1.0 - a * np.abs(x))
    if surrogate.name == "fast_sigmoid":
        return 1.0 / (1.0 + a * np.abs(x)) ** 2
    raise ValueError(surrogate.name)


def reset(
    layer: Layer, voltage: np.ndarray, spikes: np.ndarray, d_v: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """To the voltage before the reset, and to the spikes that reset."""
    if layer.relative_reset:
        return d_v, -d_v * (layer.threshold - layer.v_reset)
    return d_v * (1.0 - spikes), d_v * (layer.v_reset - voltage)


def matrices(projection: Projection, sizes: tuple[int, int], d_matrices: np.ndarray) -> Parameters:
    """To the parameters of a projection."""
    pre, post = synapses(projection, sizes)
    weights = projection.parameters["g"]
    d_synapses = d_matrices[:, pre, post]
    found = {"g": (d_synapses * kernel(projection, pre)).sum(axis=0).reshape(weights.shape)}
    d_kernel = d_synapses * weights.ravel()
    for name, by_name in kernel_slopes(projection, pre).items():
        d_each = (d_kernel * by_name).sum(axis=0)
        found[name] = (
            np.array([d_each.sum()])
            if name == "sigma"
            else per_entry(projection, name, pre, d_each)
        )
    return found


def per_entry(projection: Projection, name: str, pre: np.ndarray, d_each: np.ndarray) -> np.ndarray:
    """From every synapse to the entries of a parameter."""
    entries = np.zeros_like(projection.parameters[name])
    if not projection.axonal:
        return d_each.reshape(entries.shape)
    np.add.at(entries, pre, d_each)
    return entries


def width_slopes(projection: Projection, pre: np.ndarray) -> Parameters:
    """Derivatives of the width of each synapse by "sigma" and "p"."""
    if "p" not in projection.parameters:
        return {"sigma": np.ones(len(pre))}
    sigma = projection.parameters["sigma"][0]
    share = 1.0 / (1.0 + np.exp(-per_synapse(projection, "p", pre)))
    return {"sigma": 2.0 * share, "p": 2.0 * sigma * share * (1.0 - share)}


def kernel_slopes(projection: Projection, pre: np.ndarray) -> Parameters:
    """Derivatives of the kernel by "d", "sigma" and "p", (taps, synapses)."""
    if projection.kind in ("constant", "rounded"):
        return {}
    m, d = taps_of(projection, pre)[:, None], per_synapse(projection, "d", pre)
    if projection.kind == "gaussian":
        sigma = projection.parameters["sigma"][0]
        e = np.exp(-0.5 * ((m - d) / sigma) ** 2)
        total = 1e-7 + e.sum(axis=0)
        slopes = {"d": e * (m - d) / sigma**2, "sigma": e * (m - d) ** 2 / sigma**3}
        return {name: by / total - e * by.sum(axis=0) / total**2 for name, by in slopes.items()}
    s = width(projection, pre)
    inside = np.abs(m - d) < s
    slopes = {"d": np.where(inside, np.sign(m - d) / s**2, 0.0)}
    if projection.kind == "triangle":
        by_width = np.where(inside, 1.0 / s**2 - 2.0 * (s - np.abs(m - d)) / s**3, 0.0)
        for name, slope in width_slopes(projection, pre).items():
            slopes[name] = by_width * slope
    return slopes


def readout(layer: Layer, voltages: np.ndarray, d_result: np.ndarray) -> np.ndarray:
    """To the voltages of all steps; of several equal largest voltages the first counts."""
    if layer.readout == "trace":
        return d_result
    steps, d_voltages = len(voltages), np.zeros_like(voltages)
    for n in range(steps):
        if layer.readout == "max_var":
            d_voltages[n] = np.where(voltages.argmax(axis=0) == n, d_result, 0.0)
        elif layer.readout == "sum_softmax_var":
            share = softmax(voltages[n])
            d_voltages[n] = share * (d_result - (share * d_result).sum(axis=1, keepdims=True))
        else:
            d_voltages[n] = readout_weight(layer, n, steps) * d_result
    return d_voltages


def regularisation(layer: Layer, spikes: np.ndarray) -> np.ndarray:
    """To each spike of every example: the same in all steps."""
    upper, lower, nu = layer.regulariser
    excess = spikes.sum(axis=0).mean(axis=0) - nu
    return np.where(excess > 0.0, upper, lower) * excess / spikes.shape[1]
