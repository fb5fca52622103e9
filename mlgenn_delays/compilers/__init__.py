"""Compilers turn the description of a network into a program and run it on an engine."""

from .checkpoint_file import load_checkpoint, save_checkpoint
from .compiled_inference_network import CompiledInferenceNetwork
from .compiled_network import CompiledNetwork
from .compiled_training_network import CompiledTrainingNetwork
from .event_prop_compiler import EventPropCompiler, default_params
from .inference_compiler import InferenceCompiler
from .training_diverged import TrainingDiverged
from .training_state import load_network

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
