"""The example of the README runs as it stands, and learns."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any


def test_example() -> None:
    text = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["metrics"][names["y"]].result > 0.6
