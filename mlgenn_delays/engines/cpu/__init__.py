"""The CPU engine: programs as generated C++."""

from ..code_cache import CompilerError
from .engine import CpuEngine

__all__ = ["CompilerError", "CpuEngine"]
