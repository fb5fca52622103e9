"""The page on compatibility is complete: every name of mlGeNN is here, or the page has it."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path

import pytest

pytestmark = pytest.mark.genn

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"
MODULES = (
    "",
    ".callbacks",
    ".compilers",
    ".connectivity",
    ".initializers",
    ".losses",
    ".metrics",
    ".neurons",
    ".optimisers",
    ".readouts",
    ".serialisers",
    ".synapses",
)


def names_of(module: str) -> set[str]:
    """Classes of mlGeNN that a module of it offers."""
    return {
        name
        for name, value in vars(import_module(f"ml_genn{module}")).items()
        if inspect.isclass(value) and value.__module__.startswith("ml_genn")
    }


def missing_names() -> str:
    """The first column of the table of what is not there."""
    text = PAGE.read_text(encoding="utf-8").split("## What is not there")[1].split("##")[0]
    return "\n".join(line.split("|")[1] for line in text.splitlines() if line.startswith("|"))


@pytest.mark.parametrize("module", MODULES)
def test_names(module: str) -> None:
    ours = import_module(f"mlgenn_delays{module}")
    missing = missing_names()
    for name in names_of(module):
        assert hasattr(ours, name) != (f"`{name}`" in missing), name
