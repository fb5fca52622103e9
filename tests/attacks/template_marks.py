"""Which branches of the templates were taken, in Jinja and in the C++ that they give.

An environment of Jinja that notes the outcome of every condition and loop, and ends every line of
C++ with a comment that says where it comes from, so that gcov's branches have a place, too.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any, NamedTuple

import jinja2
from jinja2 import nodes


class Branch(NamedTuple):
    """One way on from a line of a template."""

    template: str
    line: int
    which: str  #: e.g. "Jinja test 1: False"


#: What Jinja writes, in the order in which it is told apart.
_JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_PLACE = re.compile(r"/\*@(\S+):(\d+)@\*/")


class MarkedEnvironment(jinja2.Environment):
    """Templates that say what of them was rendered.

    Args:
        other:    environment whose templates these are
        replaced: a text, and what stands in its place

    Attributes:
        taken: every branch of the templates that were loaded, and whether it was taken
    """

    def __init__(self, other: jinja2.Environment, *replaced: str):
        super().__init__(
            loader=other.loader,
            undefined=other.undefined,
            trim_blocks=other.trim_blocks,
            lstrip_blocks=other.lstrip_blocks,
            keep_trailing_newline=other.keep_trailing_newline,
        )
        self.filters = other.filters
        self._replaced = replaced
        self.taken: dict[Branch, bool] = {}
        self.globals["taken"] = self._note

    def _note(self, template: str, line: int, kind: str, value: Any = True) -> Any:
        self.taken[Branch(template, line, f"{kind}: {bool(value)}")] = True
        return value

    def load_all(self) -> None:
        """Load all templates, so that branches of those that nobody needs are known, too."""
        for name in self.list_templates(filter_func=lambda name: name.endswith((".j2", ".hpp"))):
            self.get_template(name)

    def compile(self, source: Any, name: Any = None, *arguments: Any, **options: Any) -> Any:
        source = source.replace(*self._replaced) if self._replaced else source
        tree = self.parse(_with_places(source, name), name)
        conditions: dict[int, int] = defaultdict(int)
        for node in list(tree.find_all((nodes.If, nodes.CondExpr, nodes.For))):
            conditions[node.lineno] += 1
            self._mark(node, name, conditions[node.lineno])
        return super().compile(tree, name, *arguments, **options)

    def _mark(self, node: Any, template: str, number: int) -> None:
        if node.test is not None:
            node.test = self._call(node, template, f"Jinja test {number}", node.test)
        if isinstance(node, nodes.For):
            for part, entered in ((node.body, True), (node.else_, False)):
                call = self._call(node, template, f"Jinja loop {number}", nodes.Const(entered))
                part.insert(0, nodes.ExprStmt(call))

    def _call(self, node: Any, template: str, kind: str, value: Any) -> nodes.Call:
        for outcome in (True, False):
            self.taken.setdefault(Branch(template, node.lineno, f"{kind}: {outcome}"), False)
        place = [nodes.Const(v) for v in (template, node.lineno, kind)]
        call = nodes.Call(nodes.Name("taken", "load"), [*place, value], [], None, None)
        return call.set_lineno(node.lineno)


def _with_places(source: str, template: str) -> str:
    """C++ lines with a comment that names template and line."""
    covered = bytearray(len(source) + 1)  # 1: within something of Jinja's
    for found in _JINJA.finditer(source):
        covered[found.start() : found.end()] = bytes([1]) * (found.end() - found.start())
    lines, start = [], 0
    for number, line in enumerate(source.split("\n"), 1):
        end = start + len(line)
        code = re.sub(r"\{[#%].*?[#%]\}", "", line).strip()
        inside = covered[end] and end < len(source)
        marked = code and not inside and not line.rstrip().endswith(("#}", "%}"))
        lines.append(f"{line} /*@{template}:{number}@*/" if marked else line)
        start = end + 1
    return "\n".join(lines)


def places(source: str) -> dict[int, tuple[str, int]]:
    """Line of a rendered source -> template and line that it comes from, where that is known."""
    found = {}
    for number, line in enumerate(source.split("\n"), 1):
        if marks := _PLACE.findall(line):
            found[number] = (marks[-1][0], int(marks[-1][1]))
    return found
