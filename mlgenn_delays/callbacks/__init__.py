"""Callbacks run code of their own while a network is trained or evaluated, or record it."""

from ..registry import get_module_classes
from .callback import Callback
from .checkpoint import Checkpoint
from .early_stopping import EarlyStopping
from .optimiser_param_schedule import OptimiserParamSchedule
from .progress_bar import BatchProgressBar
from .spike_recorder import SpikeRecorder
from .spike_statistics import SpikeStatistics
from .var_recorder import VarRecorder
from .wake_silent_neurons import WakeSilentNeurons

default_callbacks: dict[str, type[Callback]] = get_module_classes(globals(), Callback)

__all__ = [
    "BatchProgressBar",
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "OptimiserParamSchedule",
    "SpikeRecorder",
    "SpikeStatistics",
    "VarRecorder",
    "WakeSilentNeurons",
    "default_callbacks",
]
