"""The whole site builds without a warning, tutorials not executed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="Sphinx is not installed")
pytest.importorskip("myst_parser", reason="myst-parser is not installed")
pytest.importorskip("pydata_sphinx_theme", reason="pydata-sphinx-theme is not installed")
pytest.importorskip("sphinx_gallery", reason="sphinx-gallery is not installed")
pytest.importorskip("sphinx_design", reason="sphinx-design is not installed")

from site_folder import DOCS, ROOT, build

pytestmark = [pytest.mark.docs, pytest.mark.slow]


def test_site(tmp_path: Path) -> None:
    # a copy, since pages are written beside the sources; what links lead to stays where it is
    generated = shutil.ignore_patterns("auto_tutorials", "api", "*.pyc")
    shutil.copytree(DOCS, tmp_path / "docs", ignore=generated)
    for path in ROOT.glob("*.md"):
        shutil.copy(path, tmp_path)
    (tmp_path / "mlgenn_delays").symlink_to(ROOT / "mlgenn_delays")
    result = build(tmp_path / "docs", tmp_path / "html", "-D", "plot_gallery=0")
    assert (result.returncode, result.stderr) == (0, "")
    method = (tmp_path / "html/background/method.html").read_text(encoding="utf-8")
    assert method.count("<math ") > 50
    compilers = (tmp_path / "html/reference/api/mlgenn_delays.compilers.html").read_text("utf-8")
    assert 'id="mlgenn_delays.compilers.CompiledTrainingNetwork.train"' in compilers
