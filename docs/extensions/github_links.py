"""Links between files, as GitHub shows them, lead to the same places on the site."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

#: Link in Markdown -> page of the site, from its top.
_PAGES = (
    # files at the top of the repository, which docs/project/ includes
    (r"(?:\.\./)*(CHANGELOG|CONTRIBUTING|SECURITY)\.md", lambda m: f"/project/{m[1].lower()}.md"),
    # tutorials are scripts, of which sphinx-gallery makes pages
    (r"(?:\.\./)?tutorials/(tutorial_\w+)\.py", lambda m: f"/auto_tutorials/{m[1]}.rst"),
    (r"(?:\.\./)?tutorials/?", lambda m: "/auto_tutorials/index.rst"),
)


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("source-read", lambda app, page, source: _rewrite(source))
    app.connect("include-read", lambda app, path, page, source: _rewrite(source))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def rewrite(text: str) -> str:
    """Text of a page with its links as they must be on the site."""
    for pattern, page in _PAGES:
        link = re.compile(rf"(?<=\]\(){pattern}(?=[)#])")
        text = link.sub(page, text)
    return text


def _rewrite(source: list[str]) -> None:
    source[0] = rewrite(source[0])
