"""Tables that describe something, as text and for notebooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

Rows = Sequence[tuple[str, ...]]


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
        lines = [tuple(row[i] for i in shown) for row in (self.columns, *self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        right = [self.columns[i] in self.numbers for i in shown]
        texts = ["  " + "  ".join(map(_pad, line, widths, right)).rstrip() for line in lines]
        rule = "  " + "-" * (max(map(len, texts)) - 2)
        return "\n".join([self.title, texts[0], rule, *texts[1:]])

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
