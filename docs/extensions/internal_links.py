"""Looks at the pages that were built: links within the site must lead somewhere, and no page may
need another server to be read."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)

#: Elements that browsers load without being asked, and the attribute with the address.
_LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("build-finished", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def check(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.name == "html":
        for problem in find_problems(Path(app.outdir)):
            logger.warning("%s", problem)


def find_problems(folder: Path) -> list[str]:
    """What is wrong with links of the HTML files in a folder, a sentence each."""
    files = [path for path in sorted(folder.rglob("*.html")) if "_static" not in path.parts]
    pages = {path: Page.read(path) for path in files}
    problems = []
    for path, page in pages.items():
        name = path.relative_to(folder)
        for address in sorted(page.links):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                if address in page.loaded:
                    problems.append(f"{name} loads {address} from another server")
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target = target / "index.html"
            if not target.is_file():
                problems.append(f"{name} has a link to {address}, which is not there")
            elif target in pages and unquote(parts.fragment) not in pages[target].anchors:
                problems.append(f"{name} has a link to {address}, a page without that anchor")
    return problems


class Page(HTMLParser):
    """Links and anchors of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: set[str] = set()
        #: those that a browser follows by itself
        self.loaded: set[str] = set()
        self.anchors: set[str] = {"", "top"}

    @classmethod
    def read(cls, path: Path) -> Page:
        page = cls()
        page.feed(path.read_text(encoding="utf-8"))
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value for name, value in attrs if value is not None}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        address = values.get(_LOADED.get(tag, "href"))
        # canonical addresses and the like are not loaded
        if address is None or (tag == "link" and values.get("rel") not in ("stylesheet", "icon")):
            return
        self.links.add(address)
        if tag in _LOADED:
            self.loaded.add(address)
