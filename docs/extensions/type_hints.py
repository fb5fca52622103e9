"""Type hints as readers need them: complete, and without what only a command line reads.

Modules import some names for type checkers alone, and fields of settings say in ``Annotated`` how
an option is called. Here the former are imported after all and the latter are taken away, so that
Sphinx can evaluate and link what it shows.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import is_dataclass
from typing import Any, get_type_hints

from sphinx.application import Sphinx

#: Several attributes with one description, as napoleon leaves them.
_NAMES = re.compile(r"^:ivar \w+(?:, \w+)+:")


def setup(app: Sphinx) -> dict[str, Any]:
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-signature", show_defaults)
    keep_attributes(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def complete(package: str) -> None:
    """Import what the loaded modules of a package import for type checkers only."""
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] != package or getattr(module, "__file__", None) is None:
            continue
        for node in ast.parse(inspect.getsource(module)).body:
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                body = ast.Module(node.body, type_ignores=[])
                with suppress(ImportError):  # of a package that is not installed
                    exec(compile(body, module.__file__ or name, "exec"), vars(module))


def simplify(classes: Iterable[type]) -> None:
    """Take ``Annotated`` away from the fields and arguments of data classes."""
    for one in classes:
        if is_dataclass(one):
            # those of a class are evaluated in the modules of its base classes, too
            try:
                hints = get_type_hints(one)
            except NameError:  # the same
                continue
            for holder in filter(None, (one, vars(one).get("__init__"))):
                own = inspect.get_annotations(holder)
                holder.__annotations__ = {name: hints.get(name, own[name]) for name in own}


def show_defaults(
    app: Any,
    what: str,
    name: str,
    obj: Any,
    options: Any,
    arguments: str | None,
    returns: str | None,
) -> tuple[str | None, str | None]:
    """Show defaults without a text of their own, such as ``<factory>``, as ``...``."""
    if arguments is not None:
        arguments = re.sub(r"<(?:[^<>]|<[^<>]*>)*>", "...", arguments)
    return arguments, returns


def _join(field: re.Match[str]) -> str:
    """Their names as one word, which may be broken: Sphinx takes the first of two for a type."""
    return field[0].replace(", ", ",\u200b")


def keep_attributes(app: Sphinx) -> None:
    """Keep napoleon from what attributes say: it reads "limit [s]; None: no limit" as a type.

    It cannot be told so, and therefore gets to see their docstrings and is not listened to.
    """
    kept: dict[str, list[str]] = {}

    def keep(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
        kept[name] = list(lines)

    def restore(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
        before = kept.pop(name, lines)
        if what in ("attribute", "data", "property"):
            lines[:] = before
        else:
            lines[:] = [_NAMES.sub(_join, line) for line in lines]

    app.connect("autodoc-process-docstring", keep, priority=400)  # napoleon is at 500
    app.connect("autodoc-process-docstring", restore, priority=600)
