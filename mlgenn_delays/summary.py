"""Tables that describe something, as text and for notebooks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import chain, zip_longest

Rows = Sequence[tuple[str, ...]]

_GAP = "  "  #: before each column

#: Texts are wrapped where a table would be wider, at these places.
_WIDTH, _BREAK = 120, re.compile(r"(?<= )|(?<=\()(?!\))")


@dataclass(frozen=True)
class Table:
    """Texts in rows and columns; columns without text in any row are not shown."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[str] = frozenset()  #: columns that end at their right edges

    def _shown(self) -> list[int]:
        return [i for i in range(len(self.columns)) if any(row[i] for row in self.rows)]

    def __str__(self) -> str:
        if not self.rows:
            return f"{self.title}: none"
        shown = self._shown()
        rows = [tuple(row[i] for i in shown) for row in (self.columns, *self.rows)]
        right = [self.columns[i] in self.numbers for i in shown]
        widths = _widths(list(zip(*rows, strict=True)), right)
        heading, *texts = (_lines(row, widths, right) for row in rows)
        longest = max(len(line) for lines in (heading, *texts) for line in lines)
        rule = "  " + "-" * (longest - 2)
        return "\n".join([self.title, *heading, rule, *chain.from_iterable(texts)])

    def to_html(self) -> str:
        """The table in HTML, for notebooks."""
        if not self.rows:
            return f"<p>{escape(self.title)}: none</p>"
        shown = self._shown()
        aligned = {i: "right" if self.columns[i] in self.numbers else "left" for i in shown}

        def cells(row: Sequence[str], tag: str) -> str:
            return "".join(
                f'<{tag} style="text-align: {aligned[i]}">{escape(row[i])}</{tag}>' for i in shown
            )

        head = f"<thead><tr>{cells(self.columns, 'th')}</tr></thead>"
        body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in self.rows)
        caption = f'<caption style="text-align: left">{escape(self.title)}</caption>'
        return f"<table>{caption}{head}<tbody>{body}</tbody></table>"


def _widths(columns: Sequence[Sequence[str]], numbers: Sequence[bool]) -> list[int]:
    """Widths of columns: the widest of texts are narrowed until the table fits or words would be
    broken."""
    widths = [max(map(len, column)) for column in columns]
    longest = [max(len(part) for text in column for part in _parts(text)) for column in columns]
    least = [w if n else part for w, n, part in zip(widths, numbers, longest, strict=True)]
    while sum(widths) + len(_GAP) * len(widths) > _WIDTH:
        spare = [i for i, width in enumerate(widths) if width > least[i]]
        if not spare:
            break
        widths[max(spare, key=widths.__getitem__)] -= 1
    return widths


def _parts(text: str) -> list[str]:
    """What may stand on a line of its own: words, and what is before and after ``(``."""
    return [part.rstrip() for part in _BREAK.split(text)]


def _lines(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> list[str]:
    """A row, on several lines where a text is longer than its column is wide."""
    wrapped = zip_longest(*map(_wrap, row, widths), fillvalue="")
    return [_GAP + _GAP.join(map(_pad, line, widths, right)).rstrip() for line in wrapped]


def _wrap(text: str, width: int) -> list[str]:
    lines = [""]
    for part in _BREAK.split(text):
        if len((lines[-1] + part).rstrip()) > width:
            lines.append("")
        lines[-1] += part
    return [line.rstrip() for line in lines]


def _pad(text: str, width: int, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)


@dataclass(frozen=True, repr=False)
class Summary:
    """A description: ``print`` shows it as text, notebooks as tables.

    Attributes:
        title: what is described, in a line
        tables: populations, connections, ...
        facts: name -> text, what concerns all of it
        parameters: kind of parameter ("weights", "delays", ...) -> how many there are; empty where
            it is not known yet
    """

    title: str
    tables: tuple[Table, ...]
    facts: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, int] = field(default_factory=dict)

    @property
    def num_parameters(self) -> int:
        """Number of parameters in all."""
        return sum(self.parameters.values())

    def __str__(self) -> str:
        width = max(map(len, self.facts), default=0)
        facts = [f"{name.ljust(width)}  {text}" for name, text in self.facts.items()]
        return "\n\n".join(filter(None, [self.title, *map(str, self.tables), "\n".join(facts)]))

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        facts = "".join(
            f'<tr><th style="text-align: left">{escape(name)}</th>'
            f'<td style="text-align: left">{escape(text)}</td></tr>'
            for name, text in self.facts.items()
        )
        tables = "".join(table.to_html() for table in self.tables)
        return f"<p><b>{escape(self.title)}</b></p>{tables}<table>{facts}</table>"


def bytes_text(size: float) -> str:
    """A number of bytes in units that suit it."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000.0:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000.0
    return f"{size:.1f} GB"


def parameters_text(parameters: Mapping[str, int]) -> str:
    """Numbers of parameters, those that there are, and their sum."""
    parts = ", ".join(f"{number:,} {kind}" for kind, number in parameters.items() if number)
    total = f"{sum(parameters.values()):,}"
    return f"{total}: {parts}" if parts else total
