"""Small networks and data, see ``trained_networks``."""

from trained_networks import recurrent, spikes

__all__ = ["recurrent", "spikes"]
