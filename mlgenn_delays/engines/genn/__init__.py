"""The GeNN engine: programs as GeNN models."""
