"""What all engines that render models into code have in common."""

from __future__ import annotations

import jinja2

from ..program.model import NeuronModel
from ..program.program import PopulationProgram, Program


def model_of(program: Program, population: PopulationProgram) -> NeuronModel:
    """Model of a population with dynamics."""
    return population.neuron.get_model(program.dt, program.i_minus_thresh_min)


def readout_kind(population: PopulationProgram) -> str | None:
    """How a population is read out: "weighted", "max", "first_spike" or None (not at all)."""
    readout = population.readout
    if readout is None:
        return None
    if readout.uses_spike_times:
        return "first_spike"
    return "weighted" if readout.is_linear else "max"


def template_environment(package: str) -> jinja2.Environment:
    """Templates in the folder ``templates`` of a package; undefined names are errors."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader(package, "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
