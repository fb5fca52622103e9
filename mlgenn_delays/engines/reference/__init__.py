"""The reference engine: EventProp event by event in float64, no timestep."""

from .engine import ReferenceEngine

__all__ = ["ReferenceEngine"]
