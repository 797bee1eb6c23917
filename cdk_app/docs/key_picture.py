"""The key diagram of a table as SVG, from its declaration: which items live under which key, and which reads find them.

One block for the table and one for each index. In a block, items that share a partition key share its cell, in the
order of their declaration; beside each item stand the access patterns that read it there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from string import Formatter
from typing import Any, Final
from xml.sax.saxutils import escape

from cdk_app.docs.drawing import number, picture, rectangle, text_at, text_width
from lambda_src.dynamo.schema import AccessPattern, Entity, Index, KeyTemplate, Table

MARGIN: Final = 24
HEADER: Final = 62
LINE: Final = 17
ROW_PADDING: Final = 8
CELL_PADDING: Final = 12
BLOCK_HEAD: Final = 52
BLOCK_GAP: Final = 22
PATTERNS_WIDTH: Final = 300  # where names of patterns wrap
KEY_SIZE: Final = 12
_PROJECTIONS: Final = {"ALL": "all attributes", "KEYS_ONLY": "keys only", "INCLUDE": "some attributes"}

_STYLE: Final = """.block { fill: var(--band); stroke: var(--line); }
.partition { fill: var(--card); stroke: var(--blue); }
.row { stroke: var(--line); }
.field { fill: var(--orange); }
.constant { fill: var(--blue); font-weight: 600; }
.head { font-size: 19px; font-weight: 600; }
.pattern { font-size: 11px; fill: var(--green); }
.column { font-size: 11px; fill: var(--soft); }
"""


@dataclass(frozen=True, slots=True)
class _Row:
    """One kind of item in one place."""

    partition: KeyTemplate
    sort: KeyTemplate | None
    entity: Entity[Any]
    patterns: Sequence[str]  # names, wrapped to lines

    @property
    def height(self) -> float:
        return LINE * max(1, len(self.patterns)) + 2 * ROW_PADDING


@dataclass(frozen=True, slots=True)
class _Block:
    """A table or an index. columns: names of the key attributes."""

    title: str
    facts: str
    columns: Sequence[str]
    rows: Sequence[_Row]

    @property
    def height(self) -> float:
        return BLOCK_HEAD + sum(row.height for row in self.rows) + CELL_PADDING


def key_svg(table: Table) -> str:
    """The picture of one table."""
    blocks = [_table_block(table), *(_index_block(table, index) for index in table.indexes)]
    edges = _column_edges([row for block in blocks for row in block.rows], blocks)
    title, subtitle = f"{table.base_name}-<environment>", _subtitle(table)
    heading = MARGIN + max(text_width(title, 19, bold=True), text_width(subtitle, 13))
    width = max(edges[-1], heading) + MARGIN
    body = [
        text_at(MARGIN, MARGIN + 14, title, "head"),
        text_at(MARGIN, MARGIN + 34, subtitle, "soft"),
    ]
    top: float = MARGIN + HEADER - 8
    for block in blocks:
        body += _drawn(block, top, edges)
        top += block.height + BLOCK_GAP
    return picture(
        width=width,
        height=top - BLOCK_GAP + MARGIN,
        title=f"Keys of the table {table.base_name}",
        description=_in_words(blocks),
        body=body,
        style=_STYLE,
    )


def _subtitle(table: Table) -> str:
    kinds = len(table.entities)
    facts = ["1 kind of item" if kinds == 1 else f"{kinds} kinds of item"]
    facts += [f"leaves at {table.ttl} (TTL)" if kinds == 1 else f"some leave at {table.ttl} (TTL)"] if table.ttl else []
    facts += [f"stream of {table.stream}"] if table.stream else []
    return " · ".join([*facts, "each with the access patterns that read it"])


def _table_block(table: Table) -> _Block:
    rows = [_Row(entity.pk, entity.sk, entity, _wrapped(_readers(table, entity, None))) for entity in table.entities]
    return _Block("Table", " and ".join(table.key_names), table.key_names, _together(rows))


def _index_block(table: Table, index: Index) -> _Block:
    rows = [
        _Row(
            entity.index_keys[index.partition],
            entity.index_keys.get(index.sort) if index.sort else None,
            entity,
            _wrapped(_readers(table, entity, index)),
        )
        for entity in table.entities
        if index.partition in entity.index_keys
    ]
    facts = f"{' and '.join(index.attributes)} · {_PROJECTIONS[index.projection]}"
    return _Block(index.name, facts, index.attributes, _together(rows))


def _together(rows: Sequence[_Row]) -> list[_Row]:
    """Rows of one partition key next to each other, else in order."""
    order = list(dict.fromkeys(row.partition.text for row in rows))
    return sorted(rows, key=lambda row: order.index(row.partition.text))


def _readers(table: Table, entity: Entity[Any], index: Index | None) -> list[str]:
    return [pattern.name for pattern in table.patterns if entity in pattern.reads and _place(pattern, entity) == index]


def _place(pattern: AccessPattern[Any], entity: Entity[Any]) -> Index | None:
    """Where a pattern finds an item: its index, unless that item is not in it."""
    return pattern.index if pattern.index is not None and pattern.index.partition in entity.index_keys else None


def _wrapped(names: Sequence[str]) -> list[str]:
    lines: list[str] = []
    for name in names:
        longer = f"{lines[-1]} · {name}" if lines else name
        if lines and text_width(longer, 11, mono=True) <= PATTERNS_WIDTH:
            lines[-1] = longer
        else:
            lines.append(name)
    return lines


def _column_edges(rows: Sequence[_Row], blocks: Sequence[_Block]) -> tuple[float, float, float, float, float]:
    """Left edges of partition key, sort key, item and patterns, and the right edge of all."""
    heads = [text_width(name, 11) for block in blocks for name in block.columns]
    partition = max([*heads, *(text_width(row.partition.text, KEY_SIZE, mono=True) for row in rows)])
    sorts = [text_width(row.sort.text, KEY_SIZE, mono=True) for row in rows if row.sort]
    item = max(text_width(row.entity.name, 13, bold=True) for row in rows)
    pattern = max([PATTERNS_WIDTH / 2, *(text_width(line, 11, mono=True) for row in rows for line in row.patterns)])
    first = MARGIN + CELL_PADDING
    second = first + partition + 3 * CELL_PADDING
    third = second + (max([*heads, *sorts]) + 2 * CELL_PADDING if sorts else 0)
    fourth = third + item + 2 * CELL_PADDING
    return first, second, third, fourth, fourth + pattern + CELL_PADDING


def _drawn(block: _Block, top: float, edges: tuple[float, float, float, float, float]) -> Iterator[str]:
    first, second, third, fourth, right = edges
    yield rectangle(MARGIN, top, right - MARGIN, block.height, "block", radius=8)
    yield text_at(first, top + 22, block.title, "bold")
    yield text_at(first + text_width(block.title, 13, bold=True) + 10, top + 22, block.facts, "soft small")
    names = [*zip((first, second), block.columns, strict=False), (third, "item"), (fourth, "read by")]
    yield from (text_at(x, top + 42, name, "column") for x, name in names)
    y = top + BLOCK_HEAD
    for _, group in groupby(block.rows, key=lambda row: row.partition.text):
        rows = list(group)
        height = sum(row.height for row in rows)
        yield rectangle(first - 4, y + 2, second - first - CELL_PADDING, height - 4, "partition", radius=6)
        yield _key(first + 6, y + ROW_PADDING + 13, rows[0].partition)
        for row in rows:
            yield from _drawn_row(row, y, edges)
            y += row.height
            if row is not block.rows[-1]:
                yield f'<path d="M{number(second)} {number(y)} H{number(right - CELL_PADDING)}" class="row"/>'


def _drawn_row(row: _Row, y: float, edges: tuple[float, float, float, float, float]) -> Iterator[str]:
    _, second, third, fourth, _ = edges
    base = y + ROW_PADDING + 13
    if row.sort is not None:
        yield _key(second, base, row.sort)
    yield text_at(third, base, row.entity.name, "bold")
    for place, line in enumerate(row.patterns):
        yield text_at(fourth, base + LINE * place, line, "mono pattern")
    if not row.patterns:
        yield text_at(fourth, base, "written only", "soft small")


def _key(x: float, y: float, template: KeyTemplate) -> str:
    """A key template, with what varies told apart from what is constant."""
    parts = []
    for literal, name, _, _ in Formatter().parse(template.text):
        parts += [f'<tspan class="constant">{escape(literal)}</tspan>'] if literal else []
        parts += [f'<tspan class="field">{{{escape(name)}}}</tspan>'] if name else []
    return f'<text x="{number(x)}" y="{number(y)}" class="mono" xml:space="preserve">{"".join(parts)}</text>'


def _in_words(blocks: Sequence[_Block]) -> str:
    return " ".join(
        f"{block.title}: {row.entity.name} at {row.partition.text}"
        + (f", {row.sort.text}" if row.sort else "")
        + (f", read by {', '.join(' · '.join(row.patterns).split(' · '))}." if row.patterns else ".")
        for block in blocks
        for row in block.rows
    )
