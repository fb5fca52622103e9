"""Networks with delays to and from the Neuromorphic Intermediate Representation (NIR).

:func:`to_nir` and :func:`from_nir` translate graphs of the package nir, :func:`export_nir` writes a
file for a chip, with rounded delays and weights, and reports what that costs. Needs nir:
``pip install 'mlgenn_delays[nir]'``.
"""

from .availability import require_nir

require_nir()

from .export import export_nir  # noqa: E402 (after the check)
from .quantise import ConnectionChange, Precision  # noqa: E402
from .read import from_nir  # noqa: E402
from .report import RoundTripReport  # noqa: E402
from .stages import Stage  # noqa: E402
from .write import to_nir  # noqa: E402

__all__ = [
    "ConnectionChange",
    "Precision",
    "RoundTripReport",
    "Stage",
    "export_nir",
    "from_nir",
    "to_nir",
]
