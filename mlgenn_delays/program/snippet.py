"""Snippets of models: text in a subset of C, parsed once.

Everything that is asked of a snippet or done to it (which names it uses, other names, other
precision) comes from its syntax tree::

    snippet = parse_statements("V = (Alpha * V) + Isyn;")
    snippet.names                           # {"V", "Alpha", "Isyn"}
    snippet.render({"V": "s.V[j]"})         # "s.V[j] = (Alpha * s.V[j]) + Isyn;"

The language is that of docs/models.md; :mod:`.syntax` has it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from .syntax import Piece, Reader, SnippetError


@dataclass(frozen=True)
class Snippet:
    """A parsed snippet; a value that can be compared, hashed and pickled.

    Attributes:
        text:       as it was written
        names:      variables and parameters that are used, local variables not among them
        functions:  functions that are called
        assigned:   those of ``names`` that are changed (=, +=, ++, ...)
        declared:   local variables, in order
    """

    text: str
    names: frozenset[str]
    functions: frozenset[str]
    assigned: frozenset[str]
    declared: tuple[str, ...]
    _pieces: tuple[Piece, ...] = field(repr=False)

    def render(
        self,
        names: Mapping[str, str] = {},
        *,
        single_precision: bool = False,
        calls: Mapping[str, str] = {},
    ) -> str:
        """C text of the snippet, one statement per line, without comments.

        Args:
            names:              name -> what stands in its place, a name or an expression;
                                local variables keep theirs
            single_precision:   give every floating constant the suffix f
            calls:              function -> what stands in its place before the parenthesis
        """

        def spelled(piece: Piece) -> str:
            if isinstance(piece, str):
                return piece
            if piece.kind == "function":
                return calls.get(piece.text, piece.text)
            if piece.kind == "name":
                name = names.get(piece.text, piece.text)
                return name if _OPERAND.fullmatch(name) else f"({name})"
            is_single = piece.text[-1] in "fF"
            return piece.text + ("f" if single_precision and not is_single else "")

        return "".join(map(spelled, self._pieces))


#: What needs no parentheses wherever it stands in place of a name.
_OPERAND = re.compile(r"[A-Za-z_][\w.\[\]]*")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


@lru_cache(maxsize=1024)
def parse_statements(text: str) -> Snippet:
    """Parse a list of statements, which may be empty.

    Raises:
        ValueError: the text is not of the language; the message says where
    """
    return _parse(text, is_expression=False)


@lru_cache(maxsize=1024)
def parse_expression(text: str) -> Snippet:
    """Parse an expression without assignments.

    Raises:
        ValueError: the text is not of the language or not such an expression
    """
    return _parse(text, is_expression=True)


def _parse(text: str, is_expression: bool) -> Snippet:
    lines = text.splitlines()
    reader = Reader()
    try:
        pieces = reader.read(_COMMENT.sub(_blank, "\n".join(lines)), is_expression)
    except SnippetError as error:
        known = 0 < error.line <= len(lines)
        place = f"line {error.line}, column {error.column}: " if known else ""
        quoted = lines[error.line - 1] if known else text
        raise ValueError(
            f"{place}{error.reason} (see docs/models.md): {quoted.strip()!r}"
        ) from None
    return Snippet(
        text=text,
        names=frozenset(reader.names),
        functions=frozenset(reader.functions),
        assigned=frozenset(reader.assigned),
        declared=tuple(reader.declared),
        _pieces=tuple(pieces),
    )


def _blank(comment: re.Match[str]) -> str:
    """A comment as white space, so that what follows keeps its place."""
    return re.sub(r"[^\n]", " ", comment[0])
