"""Losses: what training minimises, a function of what output populations do.

They are plain NumPy, the same for every engine, and work on whole batches: B examples,
K output neurons, T timesteps. All of them are per example; :func:`evaluate` turns them
into the gradient of the mean over the batch.
"""

from ..registry import get_module_classes
from .evaluation import evaluate
from .loss import Loss, Trial
from .sparse_categorical_crossentropy import SparseCategoricalCrossentropy
from .square_errors import MeanSquareError, RelativeMeanSquareError

#: Names by which losses can be given as text, and their classes.
default_losses: dict[str, type[Loss]] = get_module_classes(globals(), Loss)

__all__ = [
    "Loss",
    "MeanSquareError",
    "RelativeMeanSquareError",
    "SparseCategoricalCrossentropy",
    "Trial",
    "default_losses",
    "evaluate",
]
