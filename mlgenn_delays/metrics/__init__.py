"""Metrics measure how well predictions match labels, over all batches of an epoch."""

from ..registry import get_module_classes
from .metric import MeanSquareError, Metric, SparseCategoricalAccuracy

#: A metric, or its name.
MetricType = Metric | str
#: One metric for all outputs, or output -> metric.
MetricsType = dict | MetricType

#: Names by which metrics can be given as text, and their classes.
default_metrics: dict[str, type[Metric]] = get_module_classes(globals(), Metric)

__all__ = [
    "MeanSquareError",
    "Metric",
    "MetricType",
    "MetricsType",
    "SparseCategoricalAccuracy",
    "default_metrics",
]
