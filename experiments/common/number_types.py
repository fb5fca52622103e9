"""Types of options: numbers in a range, refused with a message that says which are allowed."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable


def whole(minimum: int) -> Callable[[str], int]:
    """Type of whole numbers from ``minimum`` on."""

    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = minimum - 1
        if value < minimum:
            raise argparse.ArgumentTypeError(
                f"{text!r}, allowed are whole numbers of at least {minimum}"
            )
        return value

    return convert


def number(minimum: float | None = None, above: float | None = None) -> Callable[[str], float]:
    """Type of finite numbers of at least ``minimum``, or above ``above``."""
    limit = f"above {above:g}" if above is not None else f"of at least {minimum:g}"

    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        too_small = value <= above if above is not None else value < (minimum or 0.0)
        if not math.isfinite(value) or too_small:
            raise argparse.ArgumentTypeError(f"{text!r}, allowed are finite numbers {limit}")
        return value

    return convert
