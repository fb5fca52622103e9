"""The examples of docs/surrogate.md run as they stand: the first learns, the second goes on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch.nn", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

PAGE = Path(__file__).parent.parent / "docs" / "surrogate.md"


def test_examples() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block, names)
    y = names["y"]
    assert names["metrics"][y].result > 0.7  # three classes
    assert names["lost"] == ()
    assert names["same"][y].result == names["metrics"][y].result
