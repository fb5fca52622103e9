"""Callbacks run code of their own while a network is trained or evaluated, or record it."""

from ..registry import get_module_classes
from .best_checkpoint import BestCheckpoint
from .callback import Callback
from .checkpoint import Checkpoint
from .early_stopping import EarlyStopping
from .learning_rate_schedule import LearningRateSchedule, WarmUpCosine
from .optimiser_param_schedule import OptimiserParamSchedule
from .progress_bar import BatchProgressBar
from .spike_recorder import SpikeRecorder
from .spike_statistics import SpikeStatistics
from .var_recorder import VarRecorder
from .wake_silent_neurons import WakeSilentNeurons

default_callbacks: dict[str, type[Callback]] = get_module_classes(globals(), Callback)

__all__ = [
    "BatchProgressBar",
    "BestCheckpoint",
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "LearningRateSchedule",
    "OptimiserParamSchedule",
    "SpikeRecorder",
    "SpikeStatistics",
    "VarRecorder",
    "WakeSilentNeurons",
    "WarmUpCosine",
    "default_callbacks",
]
