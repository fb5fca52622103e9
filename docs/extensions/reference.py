"""The reference of the site: a page per public module, made from ``__all__`` and the docstrings.

New names of a module appear by themselves. The build fails, with what to do, where a public name
has no docstring, or a module with ``__all__`` is in no list of ``reference/index.md``.
"""

from __future__ import annotations

import builtins
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from docutils import nodes
from public_names import (
    PublicName,
    all_modules,
    data_docstring,
    exported,
    missing_docstrings,
    public_modules,
    public_names,
)
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.ext.autodoc.mock import mock
from sphinx.util import logging
from sphinx.util.nodes import make_refnode
from type_hints import complete, simplify

logger = logging.getLogger(__name__)

#: Where pages are written, below the sources of the site; they are not kept in the repository.
FOLDER = "reference/api"

#: Base classes whose methods are Python's and say nothing of this package.
_PYTHONS = "object,type,tuple,dict,list,str,Exception,BaseException,ABC,Enum,Protocol,Generic"

_GROUPS = (
    ("class", "Classes"),
    ("function", "Functions"),
    ("exception", "Exceptions"),
    ("data", "Values"),
)


def setup(app: Sphinx) -> dict[str, Any]:
    app.setup_extension("sphinx.ext.autodoc")
    app.add_config_value("reference_roots", [], "env")
    app.connect("builder-inited", write_pages)
    app.connect("env-check-consistency", check_listed)
    # after intersphinx, which may know better
    app.connect("missing-reference", resolve, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write_pages(app: Sphinx) -> None:
    """Write a page per public module, and complain of names without docstring."""
    with mock(app.config.autodoc_mock_imports):
        # the shortest path is the one to import from, so it comes first
        modules = sorted(
            public_modules(*app.config.reference_roots), key=lambda name: (name.count("."), name)
        )
        names = public_names(modules)
        complete(modules[0])
        simplify(public.value for public in names if public.kind == "class")
        for public in names:
            for path in missing_docstrings(public):
                logger.warning(
                    "%s is public and has no docstring: write one in %s (%s)",
                    path,
                    public.source[0],
                    "a comment '#:' above it" if public.kind == "data" else "or make it private",
                )
        by_source = {public.source: public for public in names}
        folder = Path(app.srcdir) / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        pages = {f"{module}.rst": write_page(module, names, by_source) for module in modules}
    for old in folder.glob("*.rst"):
        if old.name not in pages:
            old.unlink()
    for file, text in pages.items():
        if not (folder / file).exists() or (folder / file).read_text(encoding="utf-8") != text:
            (folder / file).write_text(text, encoding="utf-8")
    app._public_names = names  # type: ignore[attr-defined]


def write_page(
    module: str, names: list[PublicName], by_source: dict[tuple[str, str], PublicName]
) -> str:
    """The page of a module, in reStructuredText."""
    own = [public for public in names if public.module == module]
    others = [
        by_source[source].path
        for name, source in exported(module)
        if by_source[source].module != module
    ]
    lines = [module, "=" * len(module), "", f".. automodule:: {module}", ""]
    shown = [public.name for public in own if public.kind != "data"]
    if shown:
        lines += [".. autosummary::", "   :nosignatures:", ""]
        lines += [f"   {name}" for name in shown] + [""]
    if others:
        links = ", ".join(f":py:obj:`~{path}`" for path in others)
        lines += [f"Documented elsewhere, and to be had here, too: {links}.", ""]
    for kind, title in _GROUPS:
        group = [public for public in own if public.kind == kind]
        if group:
            lines += [title, "-" * len(title), ""]
            for public in group:
                lines += _entry(public)
    return "\n".join(lines)


def _entry(public: PublicName) -> list[str]:
    if public.kind == "data":
        text = repr(public.value)
        value = [f"   :value: {text}"] if len(text) < 70 and " at 0x" not in text else []
        document = [f"   {line}" for line in data_docstring(*public.source).splitlines()]
        name = [f".. py:data:: {public.name}", f"   :module: {public.module}"]
        return [*name, *value, "", *document, ""]
    lines = [f".. auto{public.kind}:: {public.path}"]
    if public.kind != "function":
        lines += ["   :members:", f"   :inherited-members: {_PYTHONS}"]
    return [*lines, ""]


def check_listed(app: Sphinx, env: BuildEnvironment) -> None:
    """Complain of modules that no list of the reference has, and of names on no page."""
    listed = env.toctree_includes.get("reference/index", [])
    for public in app._public_names:  # type: ignore[attr-defined]
        if f"{FOLDER}/{public.module}" not in listed:
            logger.warning(
                "%s is public, and its module on no page of the reference: add "
                "'api/%s' to a list of docs/reference/index.md",
                public.path,
                public.module,
            )
        elif public.path not in env.get_domain("py").objects:  # type: ignore[attr-defined]
            logger.warning("%s is public and on no page of the reference", public.path)


def resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, contnode: nodes.Element
) -> nodes.Element | None:
    """Link paths of the inside to where users import from; show what is not public as text.

    Names that do not exist are left to Sphinx, which warns of them.
    """
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    for public in app._public_names:  # type: ignore[attr-defined]
        inside = ".".join(public.source)
        for path in (inside, public.name):
            if target == path or target.startswith(f"{path}."):
                outside = public.path + target[len(path) :]
                found = env.get_domain("py").objects.get(outside)  # type: ignore[attr-defined]
                if found is not None:
                    return make_refnode(
                        app.builder, node["refdoc"], found.docname, found.node_id, contnode
                    )
    with mock(app.config.autodoc_mock_imports):
        return contnode if _exists(target, app.config.reference_roots) else None


def _exists(target: str, roots: list[str]) -> bool:
    """Whether there is such a name: from the top, among Python's own, or inside of the package."""
    names = target.split(".")
    for count in range(len(names), 0, -1):
        try:
            value: Any = import_module(".".join(names[:count]))
        except ImportError:
            continue
        with suppress(AttributeError):
            for name in names[count:]:
                value = getattr(value, name)
            return True
    modules = all_modules(*roots)
    inside = [sys.modules[name] for name in modules & sys.modules.keys()]
    return any(hasattr(module, names[0]) for module in (builtins, *inside)) or any(
        name.endswith(f".{target}") for name in modules
    )
