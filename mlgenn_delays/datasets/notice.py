"""Telling users that data are not recordings."""

from __future__ import annotations

import sys
import textwrap
from typing import TextIO

_WIDTH = 74


def print_synthetic_notice(
    text: str,
    reason: str | None = None,
    advice: str | None = None,
    file: TextIO | None = None,
) -> None:
    """Say in a box that data are synthetic.

    Args:
        text: what they are, and what they are not
        reason: why they took the place of recordings; None: they were asked for
        advice: what to do
        file: where to write, default ``sys.stderr``
    """
    why = None if reason is None else f"Why: {reason}"
    paragraphs = [p for p in ("SYNTHETIC DATA", text, why, advice) if p is not None]
    rule = "#" * (_WIDTH + 6)
    lines = [rule]
    for paragraph in paragraphs:
        lines += ["", *textwrap.wrap(paragraph, _WIDTH, break_on_hyphens=False)]
    lines += ["", rule]
    stream = sys.stderr if file is None else file
    print("\n".join(x if x == rule else f"## {x:<{_WIDTH}} ##" for x in lines), file=stream)
