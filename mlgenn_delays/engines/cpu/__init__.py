"""The CPU engine: programs as generated C++."""

from .engine import CpuEngine
from .toolchain import CompilerError

__all__ = ["CompilerError", "CpuEngine"]
