"""What a phase did, as tables: the same for the terminal and for a Markdown file."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table as TerminalTable

from lambda_src.migration.terminal import printable

_MARKDOWN: Final = re.compile(r"([\\`*\[\]|])")  # what could make a picture, a link or another column of a text
_HTML: Final = str.maketrans({"&": "&amp;", "<": "&lt;"})


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, a sentence, and a table; each of the last two may be missing. right: columns with numbers."""

    heading: str
    text: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    right: frozenset[str] = frozenset()


@dataclass(slots=True)
class Report:
    """title: phase, service and environment. verdict: the sentence that everybody reads. effort: when, how long, and
    what it used.
    """

    title: str
    verdict: str = ""
    effort: str = ""
    sections: list[Section] = field(default_factory=list)

    def say(self, heading: str, text: str) -> None:
        """Add a sentence."""
        self.sections.append(Section(heading, text))

    def table(
        self,
        heading: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[object]],
        *,
        text: str = "",
    ) -> None:
        """Add a table, unless it would be empty. Numbers are set right, with commas between thousands."""
        given = [tuple(row) for row in rows]
        if not given:
            return
        right = frozenset(
            column
            for column, values in zip(columns, zip(*given, strict=True), strict=True)
            if all(isinstance(value, int) for value in values)
        )
        texts = tuple(tuple(_text(value) for value in row) for row in given)
        self.sections.append(Section(heading, text, tuple(columns), texts, right))

    def facts(self, heading: str, facts: Mapping[str, object]) -> None:
        """Add a table of two columns."""
        self.table(heading, ("What", "Value"), facts.items())

    def markdown(self) -> str:
        """The report as a page."""
        parts = [f"# {self.title}\n"]
        if self.verdict:
            parts.append(f"**{self.verdict}**\n")
        if self.effort:
            parts.append(f"{self.effort}\n")
        for section in self.sections:
            parts.append(f"## {section.heading}\n")
            if section.text:
                parts.append(f"{section.text}\n")
            if section.columns:
                parts.append("\n".join(_markdown_table(section)) + "\n")
        return "\n".join(parts)

    def write(self, path: Path) -> None:
        """Write the page; it may quote rows, so that only its owner may read it."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_text(self.markdown(), encoding="utf-8")

    def show(self, console: Console) -> None:
        """Print the report."""
        for section in self.sections:
            console.print(f"\n{section.heading}", style="bold")
            if section.text:
                console.print(section.text)
            if section.columns:
                console.print(_terminal_table(section))
        console.print(f"\n{self.verdict}", style="bold")
        if self.effort:
            console.print(self.effort, style="dim")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "NO"
    return f"{value:,}" if isinstance(value, int) else printable(str(value))


def _markdown_table(section: Section) -> Iterable[str]:
    yield "| " + " | ".join(section.columns) + " |"
    yield "| " + " | ".join("---:" if column in section.right else "---" for column in section.columns) + " |"
    for row in section.rows:
        yield "| " + " | ".join(_cell(text) for text in row) + " |"


def _cell(text: str) -> str:
    """A text of a stranger, in one cell."""
    return _MARKDOWN.sub(r"\\\1", text).translate(_HTML)


def _terminal_table(section: Section) -> TerminalTable:
    table = TerminalTable(header_style="dim", box=None, pad_edge=False)
    for column in section.columns:
        table.add_column(column, justify="right" if column in section.right else "left", overflow="fold")
    for row in section.rows:
        table.add_row(*row)
    return table
