"""Metrics measure how well predictions match labels, over all batches of an epoch."""

from ..utils.module import get_module_classes
from .mean_square_error import MeanSquareError
from .metric import Metric
from .sparse_categorical_accuracy import SparseCategoricalAccuracy

MetricType = Metric | str
MetricsType = dict | MetricType

default_metrics: dict[str, type[Metric]] = get_module_classes(globals(), Metric)

__all__ = [
    "MeanSquareError",
    "Metric",
    "MetricType",
    "MetricsType",
    "SparseCategoricalAccuracy",
    "default_metrics",
]
