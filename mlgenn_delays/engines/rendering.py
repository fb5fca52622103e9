"""What all engines that render models into code have in common."""

from __future__ import annotations

import jinja2


def template_environment(package: str) -> jinja2.Environment:
    """Templates in the folder ``templates`` of a package; undefined names are errors."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader(package, "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
        cache_size=-1,  # templates are few, and do not change while a program runs
        auto_reload=False,
    )
