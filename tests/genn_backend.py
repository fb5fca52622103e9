"""Which of GeNN's backends tests on GeNN take.

That is its CPU backend; on a machine with a GPU, and a PyGeNN that was built with CUDA,

    MLGENN_DELAYS_GENN=genn:cuda python -m pytest -m genn

runs the same tests there.
"""

from __future__ import annotations

import os

import pytest

BACKEND = os.environ.get("MLGENN_DELAYS_GENN", "genn:cpu")

#: For tests that run on other engines, too.
GENN = pytest.param(BACKEND, marks=pytest.mark.genn)

#: GeNN's CPU backend simulates one example after the other.
ON_CPU = BACKEND == "genn:cpu"
