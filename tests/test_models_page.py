"""The example of docs/models.md runs as it stands, learns, and adapts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

PAGE = Path(__file__).parent.parent / "docs" / "models.md"


def test_example() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 3
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block, names)
    assert names["metrics"][names["y"]].result > 0.6
    adaptation = np.stack(names["data"]["adaptation"])
    assert adaptation.shape == (32, 60, 64)
    # threshold 1, raised by 0.1 with each spike
    assert adaptation.min() == 0.0 and adaptation.max() > 0.2
    before, after = names["before"], names["after"]
    assert np.ptp(before["tau_mem"]) > 10.0 and np.ptp(before["beta"]) == 0.0
    assert all(np.any(after[name] != before[name]) for name in before)
    assert after["beta"].min() >= 0.0 and after["tau_adapt"].min() >= 20.0
