"""Metrics measure how well predictions match labels, over all batches of an epoch."""

from ..registry import get_module_classes
from .metric import MeanSquareError, Metric, SparseCategoricalAccuracy

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
