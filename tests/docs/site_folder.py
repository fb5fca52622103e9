"""Small sites, and the extensions with which the site is built."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
EXTENSIONS = DOCS / "extensions"


def build(source: Path, target: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Build a site as it is built for users: warnings are errors."""
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", *options]
    return subprocess.run([*command, source, target], capture_output=True, text=True, check=False)


def write_site(folder: Path, extensions: list[str], **files: str) -> Path:
    """A site with some of the extensions; names of files have _ for / and end in md or py."""
    source = folder / "site"
    settings = [
        f"import sys; sys.path[:0] = [{str(EXTENSIONS)!r}, {str(source)!r}]",
        f"extensions = {['myst_parser', 'sphinx.ext.napoleon', *extensions]!r}",
        "myst_enable_extensions = ['dollarmath']",
        "napoleon_use_ivar = True",
        "reference_roots = ['shop']",
        "html_math_renderer = 'mathml'" if "mathml" in extensions else "",
    ]
    for name, text in {"conf.py": "\n".join(settings), **files}.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return source
