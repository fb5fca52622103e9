"""Readouts turn what an output population does in a trial into one number per neuron.

The classes and their formulas, with V_n the voltage after step n of T (in brackets the
counterpart in continuous time, with trial duration T dt):

======================  =============================  ==========================================
``avg_var``             (1/T) sum V_n                  [(1/(T dt)) integral V dt]
``avg_var_exp_weight``  (1/T) sum exp(-n/T) V_n        [(1/(T dt)) integral exp(-t/(T dt)) V dt]
``sum_var``             sum V_n                        [(1/dt) integral V dt]
``sum_softmax_var``     sum softmax(V_n) over neurons  [none; ``SurrogateCompiler`` only]
``max_var``             max V_n                        [max V]
``var``                 V_{T-1}                        [V(T dt)]
``first_spike_time``    -(time of the first spike)     [the same]
``spike_count``         number of spikes               [the same]
======================  =============================  ==========================================

``first_spike_time`` of a neuron that does not spike is the smallest float32.

All of them can be those of a window within the trial, in ms,
``AvgVar(window_start=20.0, window_end=80.0)``: then T is the number of its timesteps, n and t count
from its start, and ``var`` is the voltage at its end. Losses and metrics over time are those of the
window.
"""

from ..registry import get_module_classes
from .readout import (
    AvgVar,
    AvgVarExpWeight,
    FirstSpikeTime,
    MaxVar,
    Readout,
    SpikeCount,
    SumSoftmaxVar,
    SumVar,
    Var,
)

#: Names by which readouts can be given as text, and their classes.
default_readouts: dict[str, type[Readout]] = get_module_classes(globals(), Readout)

__all__ = [
    "AvgVar",
    "AvgVarExpWeight",
    "FirstSpikeTime",
    "MaxVar",
    "Readout",
    "SpikeCount",
    "SumSoftmaxVar",
    "SumVar",
    "Var",
    "default_readouts",
]
