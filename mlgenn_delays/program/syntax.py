"""The language of snippets: what of C's syntax it has, and how that is written.

pycparser makes the tree, one walk over it does the rest. What the walk does not know is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

# without type hints: syntax trees are Any in this module, and nowhere else
from pycparser import c_ast, c_parser

_PROLOGUE = "typedef float scalar; typedef int bool; void snippet(void) {\n"
_PLACE = re.compile(r":(\d+):(\d+): (.*)", re.DOTALL)

_CONSTANT = re.compile(r"(0|[1-9]\d*)|(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][+-]?\d+)?[fF]?")
_TYPES = ("bool", "int", "scalar", "unsigned", "unsigned int")

#: Operators that need no parentheses beside each other, read from left to right.
_CHAINS = {"*": "product", "/": "product", "%": "product", "+": "sum", "-": "sum"}
_CHAINS |= {"&&": "and", "||": "or"}

#: How strongly an expression holds together.
_COMMA, _ASSIGNMENT, _BINARY, _UNARY, _PRIMARY = range(5)

#: What messages call some that are likely to be tried; others have the parser's name.
_WORDS = {
    "ArrayDecl": "an array",
    "ArrayRef": "an array",
    "FuncDecl": "the declaration of a function",
    "PtrDecl": "a pointer",
    "StructRef": "the member of a struct",
}


class Mark(NamedTuple):
    """A place in the text that rendering may change."""

    kind: str  # "name", "function" or "real"
    text: str


Piece: TypeAlias = str | Mark


class SnippetError(Exception):
    """What is wrong with a snippet, and where: line and column, from 1, if they are known."""

    def __init__(self, reason: str, line: int = 0, column: int = 0):
        super().__init__(reason)
        self.reason, self.line, self.column = reason, line, column


class Reader:
    """The walk over a snippet's tree: a whitelist of nodes and what is written for each."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.functions: set[str] = set()
        self.assigned: set[str] = set()
        self.declared: dict[str, None] = {}
        self._scopes: list[dict[str, str]] = []  # local variable -> "", "const" or "new"
        self._inside: list[str] = []  # "loop" or "switch"

    def read(self, text: str, is_expression: bool) -> list[Piece]:
        """What is to be written for ``text``, which has no comments."""
        try:
            if is_expression and not text.strip():
                raise SnippetError("this is empty")
            nodes = parse_tree(f"{text}\n;" if is_expression else text)
            if not is_expression:
                return self._statements(nodes, "")[:-1]
            if len(nodes) != 1 or isinstance(nodes[0], (c_ast.Decl, c_ast.EmptyStatement)):
                raise SnippetError("this should be an expression, not statements")
            pieces = self._expression(nodes[0], _ASSIGNMENT)
        except RecursionError:
            raise SnippetError("too deeply nested") from None
        if self.assigned:
            raise SnippetError("this should be an expression, without assignments")
        return pieces

    def _statements(self, nodes: Sequence[Any], indent: str) -> list[Piece]:
        """Lines of a block, in a scope of its own."""
        self._scopes.append({})
        pieces: list[Piece] = []
        for node in nodes:
            if not isinstance(node, c_ast.EmptyStatement):
                pieces += [indent, *self._statement(node, indent), "\n"]
        self._scopes.pop()
        return pieces

    def _expression(self, node: Any, least: int = _COMMA) -> list[Piece]:
        """An expression, in parentheses where it holds together less than ``least``."""
        level, pieces = self._operation(node)
        return pieces if level >= least else ["(", *pieces, ")"]

    def _statement(self, node: Any, indent: str) -> list[Piece]:
        pieces: list[Piece]
        match node:
            case c_ast.Compound():
                return self._block(node, indent)
            case c_ast.Decl():
                return [*self._declaration([node]), ";"]
            case c_ast.If():
                pieces = ["if (", *self._expression(node.cond), ") "]
                pieces += self._block(node.iftrue, indent)
                if isinstance(node.iffalse, c_ast.If):
                    pieces += [" else ", *self._statement(node.iffalse, indent)]
                elif node.iffalse is not None:
                    pieces += [" else ", *self._block(node.iffalse, indent)]
                return pieces
            case c_ast.For():
                self._scopes.append({})
                if isinstance(node.init, c_ast.DeclList):
                    pieces = ["for (", *self._declaration(node.init.decls), "; "]
                else:
                    pieces = ["for (", *self._optional(node.init), "; "]
                pieces += [*self._optional(node.cond), "; ", *self._optional(node.next), ") "]
                pieces += self._block(node.stmt, indent, "loop")
                self._scopes.pop()
                return pieces
            case c_ast.While():
                head = ["while (", *self._expression(node.cond), ") "]
                return [*head, *self._block(node.stmt, indent, "loop")]
            case c_ast.DoWhile():
                body = self._block(node.stmt, indent, "loop")
                return ["do ", *body, " while (", *self._expression(node.cond), ");"]
            case c_ast.Switch():
                head = ["switch (", *self._expression(node.cond), ") "]
                return [*head, *self._block(node.stmt, indent, "switch")]
            case c_ast.Case() | c_ast.Default() if "switch" in self._inside:
                is_case = isinstance(node, c_ast.Case)
                pieces = ["case ", *self._expression(node.expr), ":"] if is_case else ["default:"]
                for item in node.stmts or [c_ast.EmptyStatement()]:
                    pieces += ["\n    ", indent, *self._statement(item, indent + "    ")]
                return pieces
            case c_ast.EmptyStatement():
                return [";"]
            case c_ast.Break() if self._inside:
                return ["break;"]
            case c_ast.Continue() if "loop" in self._inside:
                return ["continue;"]
        return [*self._expression(node), ";"]

    def _block(self, node: Any, indent: str, kind: str = "") -> list[Piece]:
        """The body of a statement, always in braces."""
        items = (node.block_items or []) if isinstance(node, c_ast.Compound) else [node]
        self._inside += [kind] if kind else []
        pieces = ["{\n", *self._statements(items, indent + "    "), indent, "}"]
        del self._inside[len(self._inside) - bool(kind) :]
        return pieces

    def _optional(self, node: Any) -> list[Piece]:
        return [] if node is None else self._expression(node)

    def _declaration(self, nodes: Sequence[Any]) -> list[Piece]:
        pieces: list[Piece] = []
        for node in nodes:
            kind, name, scope = self._type(node), node.name, self._scopes[-1]
            pieces += [", ", name] if pieces else [f"{kind} {name}"]
            if name in scope:
                raise self._refused(node, f"a second {name!r} in the same block")
            scope[name] = "new"
            if node.init is not None:
                pieces += [" = ", *self._expression(node.init, _ASSIGNMENT)]
            scope[name] = "const" if kind.startswith("const") else ""
            self.declared[name] = None
        return pieces

    def _type(self, node: Any) -> str:
        """Type of a declaration or cast."""
        inner = node.type.type if isinstance(node.type, c_ast.TypeDecl) else node.type
        if not isinstance(inner, c_ast.IdentifierType):
            raise self._refused(inner)
        words = [*getattr(node, "storage", ()), *getattr(node, "funcspec", ()), *node.quals]
        kind = " ".join([*words, *(["_Alignas"] if node.align else []), *inner.names])
        if kind.removeprefix("const ") not in _TYPES:
            raise self._refused(inner, f"the type {kind!r}")
        return kind

    def _operation(self, node: Any) -> tuple[int, list[Piece]]:
        """An expression and how strongly it holds together."""
        match node:
            case c_ast.ID():
                return _PRIMARY, self._name(node)
            case c_ast.Constant() if number := _CONSTANT.fullmatch(node.value):
                return _PRIMARY, [node.value if number[1] else Mark("real", node.value)]
            case c_ast.Constant():
                raise self._refused(node, f"the constant {node.value}")
            case c_ast.FuncCall(name=c_ast.ID()):
                self.functions.add(node.name.name)
                arguments = self._list(node.args.exprs if node.args is not None else [])
                return _PRIMARY, [Mark("function", node.name.name), "(", *arguments, ")"]
            case c_ast.UnaryOp(op="+" | "-" | "!" | "~"):
                return _UNARY, [node.op, *self._expression(node.expr, _PRIMARY)]
            case c_ast.UnaryOp(op="++" | "--" | "p++" | "p--"):
                target, sign = self._target(node.expr), node.op[-2:]
                return _UNARY, [sign, *target] if node.op == sign else [*target, sign]
            case c_ast.UnaryOp():
                raise self._refused(node, f"the operator {node.op!r}")
            case c_ast.Cast():
                kind = self._type(node.to_type)
                return _UNARY, [f"({kind})", *self._expression(node.expr, _PRIMARY)]
            case c_ast.BinaryOp():
                chain, inner = _CHAINS.get(node.op), getattr(node.left, "op", "")
                in_chain = chain is not None and _CHAINS.get(inner) == chain
                left = self._expression(node.left, _BINARY if in_chain else _UNARY)
                right = self._expression(node.right, _UNARY)
                return _BINARY, [*left, f" {node.op} ", *right]
            case c_ast.TernaryOp():
                condition = self._expression(node.cond, _UNARY)
                yes, no = (self._expression(n, _BINARY) for n in (node.iftrue, node.iffalse))
                return _ASSIGNMENT, [*condition, " ? ", *yes, " : ", *no]
            case c_ast.Assignment():
                value = self._expression(node.rvalue, _ASSIGNMENT)
                return _ASSIGNMENT, [*self._target(node.lvalue), f" {node.op} ", *value]
            case c_ast.ExprList():
                return _COMMA, self._list(node.exprs)
        raise self._refused(node)

    def _list(self, nodes: Sequence[Any]) -> list[Piece]:
        pieces: list[Piece] = []
        for node in nodes:
            pieces += [", ", *self._expression(node, _ASSIGNMENT)]
        return pieces[1:]

    def _local(self, name: str) -> str | None:
        """What is known of a local variable, None for any other name."""
        return next((scope[name] for scope in reversed(self._scopes) if name in scope), None)

    def _name(self, node: Any) -> list[Piece]:
        local = self._local(node.name)
        if local == "new":
            raise self._refused(node, f"{node.name!r} in its own initial value")
        if local is not None or node.name in ("true", "false"):
            return [node.name]
        self.names.add(node.name)
        return [Mark("name", node.name)]

    def _target(self, node: Any) -> list[Piece]:
        """The variable that an assignment changes."""
        if not isinstance(node, c_ast.ID):
            raise self._refused(node, "a change of anything but a variable")
        local = self._local(node.name)
        if local == "const":
            raise self._refused(node, f"a change of {node.name!r}, which is const,")
        self.assigned |= {node.name} if local is None else set()
        return self._name(node)

    def _refused(self, node: Any, what: str = "") -> SnippetError:
        what = what or _WORDS.get(type(node).__name__, type(node).__name__.lower())
        place = (node.coord.line - 1, node.coord.column) if node.coord else ()
        return SnippetError(f"{what} is not allowed here", *place)


def parse_tree(text: str) -> list[Any]:
    """The statements of a snippet as syntax trees, which count lines from 2."""
    if found := re.search(r"/\*|#", text):
        before = text[: found.start()].split("\n")
        raise SnippetError(f"unexpected {found[0]!r}", len(before), len(before[-1]) + 1)
    try:
        functions = c_parser.CParser().parse(f"{_PROLOGUE}{text}\n}}").ext[2:]
    except (c_parser.ParseError, AssertionError) as error:
        place = _PLACE.fullmatch(str(error))
        if place is None or int(place[1]) > text.count("\n") + 2:
            raise SnippetError("';' or a bracket is missing, or there is one too many") from None
        reason = re.sub("^before: (.*)", r"unexpected '\1'", place[3])
        raise SnippetError(reason, int(place[1]) - 1, int(place[2])) from None
    if len(functions) > 1:
        raise SnippetError("unexpected '}'")
    return functions[0].body.block_items or []
