"""Callbacks run code of their own while a network is trained or evaluated, or record it."""

from ..registry import get_module_classes
from .callback import Callback
from .checkpoints import BestCheckpoint, Checkpoint
from .conn_var_recorder import ConnVarRecorder
from .early_stopping import EarlyStopping
from .gradient_norms import GradientNorms
from .progress_bar import BatchProgressBar
from .recorders import SpikeRecorder, VarRecorder
from .schedules import (
    Cosine,
    LearningRateSchedule,
    OneCycle,
    OptimiserParamSchedule,
    WarmUpCosine,
)
from .spike_statistics import SpikeStatistics
from .wake_silent_neurons import WakeSilentNeurons

#: Names by which callbacks can be given as text, and their classes.
default_callbacks: dict[str, type[Callback]] = get_module_classes(globals(), Callback)

__all__ = [
    "BatchProgressBar",
    "BestCheckpoint",
    "Callback",
    "Checkpoint",
    "ConnVarRecorder",
    "Cosine",
    "EarlyStopping",
    "GradientNorms",
    "LearningRateSchedule",
    "OneCycle",
    "OptimiserParamSchedule",
    "SpikeRecorder",
    "SpikeStatistics",
    "VarRecorder",
    "WakeSilentNeurons",
    "WarmUpCosine",
    "default_callbacks",
]
