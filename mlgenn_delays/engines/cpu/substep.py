"""What templates of sub-step timing need of a program besides what those of the grid do.

Equations and names: docs/substep.md. Times are in timesteps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...program.equations import kappa
from ...program.program import ConnectionProgram, Density, PopulationProgram, Program, Receptor
from ...program.substep import ranks, within_cycle
from .literal import literal

#: Spikes of a neuron in one timestep, at most: weights that give more are taken to have diverged.
MAX_SPIKES = 1000

#: Relative difference of time constants below which they are told apart by double precision.
_NEAR = 0.1

#: And below which they are set apart, since the modes of equal ones are singular.
_APART = 1e-7


def population_context(program: Program, population: PopulationProgram) -> dict[str, Any]:
    """Constants of a population and its receptors, and when it takes its step."""
    model, dt = population.dynamics, program.dt
    tau_mem = model.params["TauM"]
    density = population.readout.density if population.readout is not None else None
    constants = {"Alpha": math.exp(-dt / tau_mem), "RateMem": dt / tau_mem, "TauM": tau_mem}
    if population.is_spiking:
        threshold = model.params["Vthresh"]
        constants |= {
            "Vthresh": threshold,
            "Reset": threshold - model.params["Vreset"],
            "SlopeMin": model.params["IMinusVthreshMin"] * dt / tau_mem,
        }
    if density is not None:
        constants |= {
            "Gamma": math.exp(dt / density.tau),
            "RateDensity": dt / density.tau,
            "ZetaV": _integral(tau_mem, density, dt)
            * (math.exp(dt / density.tau) - constants["Alpha"]),
        }
    return {
        "constants": _literals(constants),
        "initial": literal(model.vars["V"]),
        "density": density is not None,
        "receptors": [
            _receptor(r, i, tau_mem, density, dt) for i, r in enumerate(population.receptors)
        ],
        "rank": ranks(program)[population.index],
        "slots": program.ring_slots(population) + 1,
        "max_spikes": MAX_SPIKES,
        "vars": [("V", literal(model.vars["V"]))],
        "recorded_adjoints": [
            *(
                (f"LambdaI{i}", f"I{i}", literal(-1.0 / r.tau))
                for i, r in enumerate(population.receptors)
            ),
            ("LambdaV", "V", literal(-1.0 / tau_mem)),
        ],
    }


def _receptor(
    receptor: Receptor, index: int, tau_mem: float, density: Density | None, dt: float
) -> dict[str, Any]:
    tau = receptor.tau
    if abs(tau - tau_mem) < _APART * tau_mem:
        tau = tau_mem * (1.0 + _APART)
    ratio = tau / (tau - tau_mem)
    constants = {"Beta": math.exp(-dt / tau), "RateSyn": dt / tau, "Kappa": kappa(tau_mem, tau, dt)}
    context: dict[str, Any] = {
        "index": index,
        "tau": receptor.tau,
        "near": abs(tau - tau_mem) < _NEAR * tau_mem,
        "rate_mem": repr(dt / tau_mem),
        "rate_syn": repr(dt / tau),
        "ratio": repr(ratio),
        "density": density is not None,
    }
    if density is not None:
        grown = math.exp(dt / density.tau)
        of_mem, of_syn = _integral(tau_mem, density, dt), _integral(tau, density, dt)
        constants["Zeta"] = ratio * (
            of_syn * (grown - math.exp(-dt / tau)) - of_mem * (grown - math.exp(-dt / tau_mem))
        )
        context |= {
            "rate_density": repr(dt / density.tau),
            "integral_mem": repr(of_mem),
            "integral_syn": repr(of_syn),
        }
    return {**context, "constants": _literals(constants)}


def _integral(tau: float, density: Density, dt: float) -> float:
    """Integral of exp(-t / tau) times the density's decay, in timesteps."""
    return 1.0 / (dt / tau + dt / density.tau)


def has_density(population: PopulationProgram) -> bool:
    """Whether the integral of its voltage is read out."""
    return population.readout is not None and population.readout.density is not None


def connection_context(program: Program, connection: ConnectionProgram) -> dict[str, Any]:
    """Of a connection."""
    return {
        "recurrent": within_cycle(program, connection),
        "constant_delay": literal(connection.constant_delay),
    }


def density_weights(population: PopulationProgram, program: Program) -> np.ndarray | None:
    """(timesteps,) what integrals of the voltage over timesteps are weighted with, float32: the
    density at the ends of steps times dt; None where the voltage is sampled."""
    readout = population.readout
    if readout is None or readout.density is None:
        return None
    ends = program.dt * np.arange(1, program.timesteps + 1)
    weights: np.ndarray = program.dt * np.exp(-ends / readout.density.tau) / readout.density.scale
    return weights.astype(np.float32)


def _literals(values: Mapping[str, float]) -> list[tuple[str, str]]:
    return [(name, literal(value)) for name, value in values.items()]
