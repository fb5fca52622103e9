"""What all engines that render models into code have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping

import jinja2


def statements(snippet: str) -> str:
    """A model's code snippet as a statement list, one per line."""
    return "\n".join(line.strip() for line in snippet.strip().splitlines())


def rename(snippet: str, names: Mapping[str, str]) -> str:
    """``snippet`` with whole words replaced: old name -> new name."""
    if not names:
        return snippet
    words = "|".join(re.escape(name) for name in names)
    return re.sub(rf"\b({words})\b", lambda match: names[match[0]], snippet)


def template_environment(package: str) -> jinja2.Environment:
    """Templates in the folder ``templates`` of a package; undefined names are errors."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader(package, "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
