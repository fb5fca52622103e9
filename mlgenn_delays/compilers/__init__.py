"""Compilers turn the description of a network into a program and run it on an engine."""

from ..training.checkpoint_file import load_checkpoint, save_checkpoint
from ..training.compiled_inference_network import CompiledInferenceNetwork
from ..training.compiled_network import CompiledNetwork
from ..training.compiled_training_network import CompiledTrainingNetwork
from ..training.training_diverged import TrainingDiverged
from ..training.training_state import load_network
from .event_prop_compiler import EventPropCompiler, default_params
from .inference_compiler import InferenceCompiler

__all__ = [
    "CompiledInferenceNetwork",
    "CompiledNetwork",
    "CompiledTrainingNetwork",
    "EventPropCompiler",
    "InferenceCompiler",
    "TrainingDiverged",
    "default_params",
    "load_checkpoint",
    "load_network",
    "save_checkpoint",
]
