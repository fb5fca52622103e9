"""What templates of sub-step timing need of a program besides what those of the grid do.

Equations and names: docs/substep.md. Times are in timesteps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ...program.equations import kappa
from ...program.program import (
    Density,
    PopulationProgram,
    Program,
    ReadoutProgram,
    Receptor,
)
from ...program.substep import ranks
from .literal import literal, literals

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
    density = density_of(population)
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
        "constants": literals(constants),
        "density": density is not None,
        "numbers": share_numbers(population),
        "receptors": [
            _receptor(r, i, tau_mem, density, dt) for i, r in enumerate(population.receptors)
        ],
        "max_spikes": MAX_SPIKES,
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
        "tau": f"{receptor.tau} ms",
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
    return {**context, "constants": literals(constants)}


def _integral(tau: float, density: Density, dt: float) -> float:
    """Integral of exp(-t / tau) times the density's decay, in timesteps."""
    return 1.0 / (dt / tau + dt / density.tau)


def density_of(population: PopulationProgram) -> Density | None:
    """What the integral of its voltage is weighted with; None where that is not read out."""
    return None if population.readout is None else population.readout.density


def share_numbers(target: PopulationProgram) -> int:
    """How many numbers a synapse's share of a propagator has, and what arrives: of voltage and
    current, and of an integral that is read out."""
    return 2 if density_of(target) is None else 3


def order(
    program: Program,
    populations: Mapping[int, dict[str, Any]],
    connections: Sequence[dict[str, Any]],
) -> None:
    """Say in contexts when populations take their step, and which connections lead back."""
    rank = ranks(program)
    for index, context in populations.items():
        context["rank"] = rank[index]
    for connection, context in zip(program.connections, connections, strict=True):
        context["recurrent"] = rank[connection.source] == rank[connection.target]


@lru_cache(maxsize=8)
def density_weights(readout: ReadoutProgram, dt: float, timesteps: int) -> np.ndarray | None:
    """(timesteps,) what integrals of the voltage over timesteps are weighted with, float32: the
    density at the ends of steps times ``dt`` [ms], 0 outside of the window; None: there is none."""
    density, steps = readout.density, readout.steps(timesteps)
    if density is None:
        return None
    ends = dt * np.arange(1, timesteps + 1)
    weights = np.zeros(timesteps, np.float32)
    weights[steps] = dt * np.exp(-ends[steps] / density.tau) / density.scale
    return weights
