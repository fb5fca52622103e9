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
from sphinx.domains.python import PythonDomain
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
    reference = Reference()
    # before tutorials are executed: what is imported here with stand-ins is all that has them
    app.connect("builder-inited", reference.write, priority=400)
    app.connect("env-check-consistency", reference.check_listed)
    app.connect("missing-reference", reference.resolve, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class Reference:
    """What the steps of a build know of the public names.

    Attributes:
        names: all of them, after :meth:`write`
    """

    def __init__(self) -> None:
        self.names: list[PublicName] = []

    def write(self, app: Sphinx) -> None:
        """Write a page per public module, and complain of names without docstring."""
        with mock(app.config.autodoc_mock_imports):
            # the shortest path is the one to import from, so it comes first
            modules = sorted(
                public_modules(*app.config.reference_roots), key=lambda name: name.count(".")
            )
            self.names = public_names(modules)
            complete(modules[0])
            simplify(public.value for public in self.names if public.kind == "class")
            for public in self.names:
                _check_docstrings(public)
            pages = {f"{module}.rst": write_page(module, self.names) for module in modules}
        _write_changed(Path(app.srcdir) / FOLDER, pages)

    def check_listed(self, app: Sphinx, env: BuildEnvironment) -> None:
        """Complain of modules that no list of the reference has, and of names on no page."""
        listed = env.toctree_includes.get("reference/index", [])
        for public in self.names:
            if f"{FOLDER}/{public.module}" not in listed:
                logger.warning(
                    "%s is public, and its module on no page of the reference: add "
                    "'api/%s' to a list of docs/reference/index.md",
                    public.path,
                    public.module,
                )
            elif public.path not in _objects(env):
                logger.warning("%s is public and on no page of the reference", public.path)

    def resolve(
        self, app: Sphinx, env: BuildEnvironment, node: pending_xref, contnode: nodes.Element
    ) -> nodes.Element | None:
        """Link paths of the inside to where users import from; show what is not public as text.

        Names that do not exist are left to Sphinx, which warns of them.
        """
        if node.get("refdomain") != "py":
            return None
        target = node["reftarget"]
        for public in self.names:
            for path in (".".join(public.source), public.name):
                if target == path or target.startswith(f"{path}."):
                    found = _objects(env).get(public.path + target[len(path) :])
                    if found is not None:
                        return make_refnode(
                            app.builder, node["refdoc"], found.docname, found.node_id, contnode
                        )
        with mock(app.config.autodoc_mock_imports):
            return contnode if _exists(target, app.config.reference_roots) else None


def write_page(module: str, names: list[PublicName]) -> str:
    """The page of a module, in reStructuredText."""
    by_source = {public.source: public for public in names}
    own = [public for public in names if public.module == module]
    others = [
        by_source[source].path for source in exported(module) if by_source[source].module != module
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


def _check_docstrings(public: PublicName) -> None:
    how = "a comment '#:' above it" if public.kind == "data" else "or make it private"
    for path in missing_docstrings(public):
        logger.warning(
            "%s is public and has no docstring: write one in %s (%s)", path, public.source[0], how
        )


def _write_changed(folder: Path, pages: dict[str, str]) -> None:
    """Write those that have changed, so that Sphinx reads no others again; remove older ones."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.rst"):
        if path.name not in pages:
            path.unlink()
    for file, text in pages.items():
        path = folder / file
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _objects(env: BuildEnvironment) -> dict[str, Any]:
    """What the pages describe, by its path."""
    domain = env.get_domain("py")
    assert isinstance(domain, PythonDomain)
    return domain.objects


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
