"""The public names of a package: what ``__all__`` of its modules lists, and whence it comes."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from sphinx.pycode import ModuleAnalyzer


@dataclass(frozen=True)
class PublicName:
    """A name that users import.

    Attributes:
        module: from which it is best imported
        name: in that module
        value: what it names
        source: module and name where it is written
    """

    module: str
    name: str
    value: Any
    source: tuple[str, str]

    @property
    def path(self) -> str:
        return f"{self.module}.{self.name}"

    @property
    def kind(self) -> str:
        """What Sphinx calls it: "class", "exception", "function" or "data"."""
        if inspect.isclass(self.value):
            return "exception" if issubclass(self.value, BaseException) else "class"
        return "function" if inspect.isroutine(self.value) else "data"


def public_modules(*roots: str) -> list[str]:
    """Names of packages, and of the modules in them, that have ``__all__``, sorted.

    Modules are parsed and not imported, since some need what is not installed.
    """
    return sorted({spec.name for spec in _all_modules(roots) if _has_all(spec)})


@cache
def all_modules(*roots: str) -> frozenset[str]:
    """Names of packages and of all modules in them."""
    return frozenset(spec.name for spec in _all_modules(roots))


def public_names(modules: Iterable[str]) -> list[PublicName]:
    """What the modules export, each thing once: with the first of the modules that has it."""
    names: dict[tuple[str, str], PublicName] = {}
    for module in modules:
        for name, value in _exports(module):
            source = _source(module, name, value)
            names.setdefault(source, PublicName(module, name, value, source))
    return list(names.values())


def exported(module: str) -> list[tuple[str, str]]:
    """Module and name where each thing that a module exports is written."""
    return [_source(module, name, value) for name, value in _exports(module)]


def missing_docstrings(public: PublicName) -> list[str]:
    """Paths of what has no docstring: the name itself, or public methods and properties of a class.

    Methods of subclasses may leave their docstring to the base class, or to what the docstring of
    a base class says of ``method(...)``, as that of ``Callback`` does.
    """
    if public.kind == "data":
        return [] if data_docstring(*public.source) else [public.path]
    # unlike getdoc: the docstring of a base class does not say what a class is
    missing = [] if (public.value.__doc__ or "").strip() else [public.path]
    if inspect.isclass(public.value):
        missing += [
            f"{public.path}.{name}"
            for name in _own_members(public.value)
            if not inspect.getdoc(getattr(public.value, name))
            and not any(f"``{name}(" in (base.__doc__ or "") for base in public.value.__mro__)
        ]
    return missing


@cache
def data_docstring(module: str, name: str) -> str:
    """What ``#:`` comments, or a string below, say of a variable of a module."""
    lines = ModuleAnalyzer.for_module(module).find_attr_docs().get(("", name), [])
    return "\n".join(lines).strip()


def _exports(module: str) -> Iterator[tuple[str, Any]]:
    """Names in ``__all__`` and what they name, other modules and the version left out."""
    found = import_module(module)
    for name in found.__all__:
        value = getattr(found, name)
        if not inspect.ismodule(value) and not name.startswith("__"):
            yield name, value


def _own_members(of: type) -> Iterator[str]:
    """Public methods and properties that a class defines itself; fields may be functions, too."""
    fields = inspect.get_annotations(of)
    for name, member in vars(of).items():
        function = getattr(member, "__func__", member)
        method = isinstance(member, property) or inspect.isfunction(function)
        if method and not name.startswith("_") and name not in fields:
            yield name


def _source(module: str, name: str, value: Any) -> tuple[str, str]:
    if inspect.isclass(value) or inspect.isroutine(value):
        return value.__module__, value.__qualname__
    return _defined_in(module, name)


@cache
def _defined_in(module: str, name: str) -> tuple[str, str]:
    """Where a variable gets its value: here, or in a module that it is imported from."""
    source = import_module(module)
    package = module if hasattr(source, "__path__") else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(inspect.getsource(source))):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if name == (alias.asname or alias.name):
                    parts = package.split(".")[: len(package.split(".")) - node.level + 1]
                    start = ".".join(parts) if node.level else ""
                    target = ".".join(part for part in (start, node.module) if part)
                    return _defined_in(target, alias.name)
    return module, name


def _all_modules(roots: Iterable[str]) -> Iterator[ModuleSpec]:
    for root in roots:
        spec = find_spec(root)
        if spec is None:
            raise ImportError(f"{root} is not there")
        yield from _walk(spec)


def _walk(spec: ModuleSpec) -> Iterator[ModuleSpec]:
    yield spec
    for info in iter_modules(spec.submodule_search_locations or []):
        inner = info.module_finder.find_spec(f"{spec.name}.{info.name}", None)
        if inner is not None and not info.name.startswith("_"):
            yield from _walk(inner)


def _has_all(spec: ModuleSpec) -> bool:
    if spec.origin is None or not spec.origin.endswith(".py"):
        return False
    for node in ast.parse(Path(spec.origin).read_text(encoding="utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            return True
    return False
