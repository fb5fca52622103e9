"""What all experiments have in common: command line, training, results folder."""

from .experiment import Experiment, ExperimentData, ExperimentError, Part
from .number_types import number, whole
from .options import Options
from .runner import main

__all__ = [
    "Experiment",
    "ExperimentData",
    "ExperimentError",
    "Options",
    "Part",
    "main",
    "number",
    "whole",
]
