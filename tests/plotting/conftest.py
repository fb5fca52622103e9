"""Small networks and data, see ``trained_networks``."""

from trained_networks import batch, recurrent, spikes

__all__ = ["batch", "recurrent", "spikes"]
