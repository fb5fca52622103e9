"""Small networks and data, see ``trained_networks``."""

from trained_networks import batch, compile_linear, data, fake_engine, linear, recurrent, spikes

__all__ = ["batch", "compile_linear", "data", "fake_engine", "linear", "recurrent", "spikes"]
