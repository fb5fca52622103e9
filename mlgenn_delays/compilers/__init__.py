"""Compilers turn the description of a network into a program and run it on an engine."""

from ..files import load_checkpoint, save_checkpoint
from ..training.compiled_inference_network import CompiledInferenceNetwork
from ..training.compiled_network import CompiledNetwork
from ..training.compiled_surrogate_network import CompiledSurrogateNetwork
from ..training.compiled_training_network import CompiledTrainingNetwork
from ..training.history import History
from ..training.loop import TrainingDiverged
from ..training.run_state import EpochRecord
from .convert import convert
from .event_prop_compiler import EventPropCompiler, default_params
from .inference_compiler import InferenceCompiler
from .load_network import load_network
from .surrogate_compiler import SurrogateCompiler

__all__ = [
    "CompiledInferenceNetwork",
    "CompiledNetwork",
    "CompiledSurrogateNetwork",
    "CompiledTrainingNetwork",
    "EpochRecord",
    "EventPropCompiler",
    "History",
    "InferenceCompiler",
    "SurrogateCompiler",
    "TrainingDiverged",
    "convert",
    "default_params",
    "load_checkpoint",
    "load_network",
    "save_checkpoint",
]
