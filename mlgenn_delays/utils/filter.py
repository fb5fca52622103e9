"""mlGeNN's name of :mod:`mlgenn_delays.callbacks.filter`."""

from ..callbacks.filter import (
    ExampleFilter,
    ExampleFilterType,
    NeuronFilterType,
    get_neuron_filter_mask,
)

__all__ = [
    "ExampleFilter",
    "ExampleFilterType",
    "NeuronFilterType",
    "get_neuron_filter_mask",
]
