"""The page on compatibility is right: what it names is here, every other name of mlGeNN is among
what it says is not."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"
MODULES = (
    "",
    ".callbacks",
    ".communicators",
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


def present_names() -> Iterator[tuple[str, str]]:
    """Modules and names of the tables of what runs."""
    text = PAGE.read_text(encoding="utf-8").split("## What runs")[1].split("## What is not")[0]
    module = ""
    for name in re.findall(r"^\| `([\w.]+)` \|", text, re.MULTILINE):
        if name.startswith("mlgenn_delays"):
            module = name
        else:
            yield module, name


def test_names_that_are_there() -> None:
    names = list(present_names())
    assert len(names) > 60 and {module for module, _ in names} >= {
        f"mlgenn_delays{module}" for module in MODULES
    }
    missing = {name for module, name in names if not hasattr(import_module(module), name)}
    assert not missing


@pytest.mark.genn
def test_all_names_are_on_the_page() -> None:
    listed = set(present_names())
    for module in MODULES:
        for name in names_of(module):
            here = (f"mlgenn_delays{module}", name) in listed
            assert here != (f"`{name}`" in missing_names()), name


@pytest.mark.genn
@pytest.mark.parametrize("module", MODULES)
def test_names(module: str) -> None:
    ours = import_module(f"mlgenn_delays{module}")
    missing = missing_names()
    for name in names_of(module):
        assert hasattr(ours, name) != (f"`{name}`" in missing), name
