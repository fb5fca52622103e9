"""Equations, and links within the site."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="Sphinx is not installed")
pytest.importorskip("myst_parser", reason="myst-parser is not installed")

from site_folder import EXTENSIONS, build, write_site

sys.path.insert(0, str(EXTENSIONS))

from github_links import rewrite
from internal_links import find_problems

pytestmark = pytest.mark.docs


@pytest.mark.slow
def test_equations(tmp_path: Path) -> None:
    lines = r"\begin{aligned} a &= b \\ c &= 1 \end{aligned}"
    page = f"# Page\n\nA $\\tau_m$, and\n\n$$\n{lines}\n$$\n"
    source = write_site(tmp_path, ["mathml"], **{"index.md": page})
    result = build(source, tmp_path / "html")
    assert (result.returncode, result.stderr) == (0, "")
    html = (tmp_path / "html/index.html").read_text(encoding="utf-8")
    assert html.count("<math ") == 2 and html.count("<mtr>") == 2
    assert "tex-mml" not in html  # nothing is fetched


@pytest.mark.slow
def test_equation_that_cannot_be_shown(tmp_path: Path) -> None:
    source = write_site(tmp_path, ["mathml"], **{"index.md": "# Page\n\n$\\nonsense<1$\n"})
    result = build(source, tmp_path / "html")
    assert result.returncode == 1
    assert "index.md" in result.stderr and "\\nonsense" in result.stderr
    assert "\\nonsense&lt;1" in (tmp_path / "html/index.html").read_text(encoding="utf-8")


def test_links(tmp_path: Path) -> None:
    other = tmp_path / "more" / "other.html"
    other.parent.mkdir()
    other.write_text('<h1 id="here">x</h1><a href="../index.html">back</a>')
    links = {
        "more/other.html": None,
        "more/other.html#here": None,
        "more": "not there",
        "more/other.html#gone": "without that anchor",
        "#nowhere": "without that anchor",
        "gone.png": "not there",
        "https://example.org/page": None,
    }
    text = "".join(f'<a href="{address}">x</a>' for address in links)
    text += '<script src="https://example.org/a.js"></script><link rel="canonical" href="gone">'
    (tmp_path / "index.html").write_text(text)
    problems = find_problems(tmp_path)
    expected = [f"{address}, " for address, problem in links.items() if problem]
    for address in expected:
        assert sum(address in problem for problem in problems) == 1, address
    assert sum("a.js from another server" in problem for problem in problems) == 1
    assert len(problems) == len(expected) + 1


@pytest.mark.parametrize(
    ("link", "page"),
    [
        ("../SECURITY.md", "/project/security.md"),
        ("../../CHANGELOG.md#new", "/project/changelog.md#new"),
        ("CHANGELOG.md", "/project/changelog.md"),
        ("tutorials/", "/auto_tutorials/index.rst"),
        ("../tutorials/tutorial_1_why_delays.py", "/auto_tutorials/tutorial_1_why_delays.rst"),
        ("../studies.md", "../studies.md"),
        ("../mlgenn_delays/studies/task.py", "../mlgenn_delays/studies/task.py"),
    ],
)
def test_links_of_files(link: str, page: str) -> None:
    assert rewrite(f"see [it]({link}).") == f"see [it]({page})."
