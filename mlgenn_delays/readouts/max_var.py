"""Largest voltage."""

from __future__ import annotations

from .readout import Readout


class MaxVar(Readout):
    """Largest voltage in the trial (where several steps share it, the first counts)."""
