"""Name under which :mod:`mlgenn_delays.interop.ml_genn` is documented. Needs PyGeNN and ml_genn."""

from .interop.ml_genn import Conversion, DelayEventPropCompiler, Sparse, from_ml_genn, to_ml_genn

__all__ = ["Conversion", "DelayEventPropCompiler", "Sparse", "from_ml_genn", "to_ml_genn"]
