"""Numbers as C++ spells them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def literal(value: float) -> str:
    """``value`` as a C++ float literal that keeps every float32 digit; it may be infinite."""
    if np.isinf(value):
        return "INFINITY" if value > 0.0 else "-INFINITY"
    text = f"{np.float32(value):.9g}"
    return f"{text}{'' if '.' in text or 'e' in text else '.0'}f"


def literals(values: Mapping[str, float]) -> list[tuple[str, str]]:
    """Names and literals."""
    return [(name, literal(value)) for name, value in values.items()]
