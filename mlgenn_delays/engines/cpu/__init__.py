"""The CPU engine: programs as generated C++."""

from .engine import CpuEngine
from ..code_cache import CompilerError

__all__ = ["CompilerError", "CpuEngine"]
