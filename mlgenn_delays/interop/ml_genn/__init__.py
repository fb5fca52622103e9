"""mlGeNN and mlgenn_delays together. Needs PyGeNN and ml_genn.

:class:`DelayEventPropCompiler` trains an ``ml_genn.Network`` with delayed EventProp. Networks
convert in both directions, with names and parameters: :func:`from_ml_genn`, :func:`to_ml_genn`.
Checkpoints of weights, delays of synapses and connectivity are read by either package.
"""

from ...engines.genn.availability import require_ml_genn

require_ml_genn()

from .conversion import Conversion, from_ml_genn, to_ml_genn  # noqa: E402 (after the check)
from .delay_event_prop_compiler import DelayEventPropCompiler  # noqa: E402
from .sparse import Sparse  # noqa: E402

__all__ = ["Conversion", "DelayEventPropCompiler", "Sparse", "from_ml_genn", "to_ml_genn"]
