"""mlGeNN's name of values that may be numbers, arrays or initializers."""

from ..checks import check_array, check_number, check_whole_number
from ..initializers.value import (
    InitValue,
    Value,
    is_value_array,
    is_value_constant,
    is_value_initializer,
)
from ..per_neuron import check_per_neuron

__all__ = [
    "InitValue",
    "Value",
    "check_array",
    "check_number",
    "check_per_neuron",
    "check_whole_number",
    "is_value_array",
    "is_value_constant",
    "is_value_initializer",
]
