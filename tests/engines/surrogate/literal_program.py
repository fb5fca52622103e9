"""From a program and its parameters to the literal simulation of it."""

from __future__ import annotations

import numpy as np
from surrogate_networks import Input, Layer, Network, Projection, Surrogate

from mlgenn_delays.program.program import PopulationProgram, Program


def make_literal(program: Program, values: list[np.ndarray], step: int, examples: int) -> Network:
    """The network as it learns, in the numbers of the program's models.

    Args:
        values:   of all parameters, each of the shape of its specification
        step:     of the optimiser, for which dropout draws
        examples: of the batch
    """
    surrogate = program.surrogate
    layers = [_layer(program, p, values, step, examples) for p in program.populations]
    projections = [_projection(program, i, values) for i in range(len(program.connections))]
    return Network(
        tuple(layers),
        tuple(projections),
        Surrogate(
            surrogate.function,
            surrogate.slope,
            differentiate_reset=surrogate.differentiate_reset,
        ),
    )


def _layer(
    program: Program, p: PopulationProgram, values: list[np.ndarray], step: int, examples: int
) -> Input | Layer:
    if p.is_input:
        return Input(p.size)
    model, extra, regulariser = p.dynamics, program.surrogate.layers[p.index], p.regulariser
    parameters = {} if extra.bias is None else {"bias": values[extra.bias]}
    if extra.norm is not None:
        for name in ("scale", "shift", "mean", "var"):
            parameters[f"norm_{name}"] = values[getattr(extra.norm, name)]

    def mask(share: float, stream: int) -> np.ndarray | None:
        if share == 0.0:
            return None
        rng = np.random.default_rng([program.surrogate.seed, step, p.index, stream])
        return (rng.random((examples, p.size)) >= share) / (1.0 - share)

    return Layer(
        p.size,
        model.params["Alpha"],
        tuple(r.model.params.get("ExpDecay", 0.0) for r in p.receptors),
        tuple(r.model.params.get("Kappa", 1.0) for r in p.receptors),
        model.params.get("Vthresh"),
        model.params.get("Vreset", 0.0),
        model.vars["V"],
        "-=" in model.reset_code,
        None if p.readout is None else "trace" if p.trace else p.readout.name,
        None if regulariser is None else (regulariser.upper, regulariser.lower, regulariser.nu),
        mask(extra.dropout, 0),
        mask(extra.recurrent_dropout, 1),
        mask(extra.current_dropout, 2),
        parameters=parameters,
    )


def _projection(program: Program, index: int, values: list[np.ndarray]) -> Projection:
    c, spread = program.connections[index], program.surrogate.spreads[index]

    def of_synapses(index: int) -> np.ndarray:
        """Entries of axons, or a value for each synapse."""
        spec = program.parameters[index]
        if spec.map is None or c.axonal_delays:
            return values[index]
        return spec.expand(values[index]).reshape(c.synapse_shape)

    parameters = {"g": values[c.weight]}
    kind, longest, axonal = "constant", c.constant_delay, False
    if c.delay is not None:
        # delays that are not learned are what they are in predictions
        fixed = "fractional" if program.surrogate.fractional_delays else "rounded"
        kind, longest = fixed if spread is None else spread.kind, c.max_delay_steps
        axonal = c.axonal_delays
        parameters["d"] = of_synapses(c.delay)
    if spread is not None:
        parameters["sigma"] = values[spread.sigma]
        if spread.width is not None:
            parameters["p"] = of_synapses(spread.width)
    return Projection(
        c.source, c.target, kind, longest, c.receptor, axonal, c.pre_ind, c.post_ind, parameters
    )
