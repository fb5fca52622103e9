"""What a release is made of says the same everywhere, and nothing is left out of it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

import mlgenn_delays
from mlgenn_delays.version import __version__

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]


def sources(*suffixes: str) -> list[Path]:
    """Files of the package, of whichever installation the tests run with, and the pages."""
    package = Path(mlgenn_delays.__file__).parent
    folders = (
        package,
        ROOT / "mlgenn_delays",
        ROOT / "models",
        ROOT / "experiments",
        ROOT / "docs",
    )
    found = [p for folder in folders for p in folder.rglob("*") if p.suffix in suffixes]
    return [*found, *(p for p in ROOT.glob("*") if p.suffix in suffixes)]


def changelog() -> list[tuple[str, str]]:
    """Versions and dates, newest first."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    return re.findall(r"^## \[(.+?)\](?: - (.+))?$", text, re.MULTILINE)


def test_versions_are_equal() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.*)$", citation, re.MULTILINE) == [__version__]
    assert __version__ in [version for version, _ in changelog()][:2]
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)


def test_changelog_is_kept() -> None:
    """https://keepachangelog.com/en/1.1.0/"""
    versions = changelog()
    numbers = [tuple(map(int, v.split("."))) for v, _ in versions if v != "Unreleased"]
    assert numbers == sorted(set(numbers), reverse=True)
    for version, date in versions:
        assert (date == "") == (version == "Unreleased")
        assert date in ("", "unreleased") or re.fullmatch(r"\d{4}-\d\d-\d\d", date), version
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.*)$", text, re.MULTILINE)) <= kinds


def test_all_packages_are_installed() -> None:
    """Folders with modules, under the names that they have in an installation."""
    settings = PROJECT["tool"]["setuptools"]
    found = set()
    for name, folder in settings["package-dir"].items():
        for path in (ROOT / folder).rglob("__init__.py"):
            parts = path.parent.relative_to(ROOT / folder).parts
            found.add(".".join([name, *parts]))
    assert found == set(settings["packages"])
    modules = {p.parent for f in settings["package-dir"].values() for p in (ROOT / f).rglob("*.py")}
    assert all((folder / "__init__.py").is_file() for folder in modules)


def test_all_files_are_installed() -> None:
    """Those that are no modules match a pattern."""
    patterns = PROJECT["tool"]["setuptools"]["package-data"]
    known = {
        path
        for package, globs in patterns.items()
        for glob in globs
        for path in ROOT.joinpath(*package.split(".")).glob(glob)
    }
    others = [
        path
        for folder in ("mlgenn_delays", "models", "experiments")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    ]
    assert others and [p for p in others if p not in known] == []


def test_commands_are_there() -> None:
    for entry in PROJECT["project"]["scripts"].values():
        module, _, function = entry.partition(":")
        assert callable(getattr(__import__(module, fromlist=[function]), function))


@pytest.mark.parametrize("suffix", [".py", ".md"])
def test_extras_that_are_named_exist(suffix: str) -> None:
    """In messages and on pages: ``pip install 'mlgenn_delays[dask]'``."""
    named: set[str] = set()
    for path in sources(suffix):
        for names in re.findall(r"mlgenn_delays\[([\w,-]+)\]", path.read_text(encoding="utf-8")):
            named |= set(names.split(","))
    assert named and named <= set(EXTRAS)
