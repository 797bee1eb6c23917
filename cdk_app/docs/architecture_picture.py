"""The architecture diagram of a service as SVG: Graphviz places, this draws."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from cdk_app.docs.architecture import Architecture, Arrow, Flow
from cdk_app.docs.boxes import Box, Kind
from cdk_app.docs.drawing import number, picture, rectangle, text_at, text_width
from cdk_app.docs.graphviz import Edge, Frame, Layout, Node, Path2D, Point, lay_out

MARGIN: Final = 24
HEADER: Final = 58
LEGEND: Final = 46
PADDING: Final = 12
ICON: Final = 22
LINE: Final = 16
SMALLEST_WIDTH: Final = 760

_KIND_COLOURS: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        "api": "violet",
        "function": "orange",
        "queue": "pink",
        "table": "blue",
        "bucket": "green",
        "secret": "ochre",
        "schedule": "green",
        "event": "green",
        "topic": "red",
        "alarm": "red",
        "person": "grey",
    }
)
_FLOWS: Final[Mapping[Flow, tuple[str, str]]] = MappingProxyType(  # colour, words of the legend
    {
        "calls": ("grey", "calls"),
        "feeds": ("orange", "triggers"),
        "sends": ("pink", "sends to"),
        "uses": ("blue", "reads and writes"),
        "writes": ("violet", "writes"),
        "reads": ("ochre", "reads"),
        "fails": ("red", "gives up to"),
        "watches": ("grey", "notifies"),
    }
)
_DASHED: Final = ("fails", "watches", "reads")
_WITH_LETTERS: Final = ("queue", "function")
_KEPT: Final = ("table", "bucket", "secret")
_WEIGHTS: Final[Mapping[Flow, int]] = MappingProxyType({"calls": 8, "feeds": 3})

# 22 x 22 pixels, drawn with strokes.
_ICONS: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        "api": "M7 3 L2 11 L7 19 M15 3 L20 11 L15 19 M13 5 L9 17",
        "function": "M5 3 H8 L17 19 H20 M11 9 L4 19",
        "queue": "M2 6 H20 V16 H2 Z M8 6 V16 M14 6 V16",
        "table": "M3 6 C3 2 19 2 19 6 V16 C19 20 3 20 3 16 Z M3 6 C3 10 19 10 19 6 M3 11 C3 15 19 15 19 11",
        "bucket": "M3 5 H19 L16 19 H6 Z M3 5 C3 2 19 2 19 5",
        "secret": "M7 11 m-4 0 a4 4 0 1 0 8 0 a4 4 0 1 0 -8 0 M11 11 H20 V15 M16 11 V14",
        "schedule": "M11 11 m-9 0 a9 9 0 1 0 18 0 a9 9 0 1 0 -18 0 M11 5 V11 L15 14",
        "event": "M12 2 L5 12 H11 L9 20 L17 9 H11 Z",
        "topic": "M3 9 V13 H6 L14 18 V4 L6 9 Z M17 8 C19 10 19 12 17 14",
        "alarm": "M5 16 V10 C5 2 17 2 17 10 V16 L19 17 H3 L5 16 M9 19 C10 21 12 21 13 19",
        "person": "M2 5 H20 V17 H2 Z M2 5 L11 12 L20 5",
    }
)
_STYLE: Final = """.box { fill: var(--card); stroke-width: 1.5; }
.frame { fill: var(--band); stroke: var(--line); stroke-dasharray: 5 4; }
.icon { fill: none; stroke-width: 1.6; stroke-linejoin: round; stroke-linecap: round; }
.arrow { fill: none; stroke-width: 1.6; }
.dashed { stroke-dasharray: 5 4; }
.label { font-size: 11px; fill: var(--soft); stroke: var(--band); stroke-width: 4px; paint-order: stroke; }
.head { font-size: 19px; font-weight: 600; }
"""


@dataclass(frozen=True, slots=True)
class _Card:
    """A box with what belongs inside it: its dead letters. Arrows go to the card, not into it."""

    box: Box
    inner: Box | None = None
    redrive: Arrow | None = None

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in pixels."""
        width, height = _size(self.box)
        if self.inner is None:
            return width, height
        inner_width, inner_height = _size(self.inner)
        return max(width, inner_width + 2 * PADDING), height + self.gap + inner_height + PADDING

    @property
    def gap(self) -> float:
        """Between the box's own lines and its dead letters, with room for the notes."""
        return 8 + 14 * len(self.redrive.notes) if self.redrive else 0


def architecture_svg(architecture: Architecture) -> str:
    """The picture of a service. Raises LayoutFailed when Graphviz cannot be run."""
    cards = _cards(architecture)
    inside = {card.redrive for card in cards}
    arrows = [arrow for arrow in architecture.arrows if arrow not in inside]
    owner = {box.id: card.box.id for card in cards for box in (card.box, card.inner) if box}
    layout = lay_out([_node(card) for card in cards], [_edge(arrow, owner, architecture) for arrow in arrows])
    legend, legend_width = _legend(architecture)
    width = max(layout.width, legend_width, SMALLEST_WIDTH) + 2 * MARGIN
    body = [
        text_at(MARGIN, MARGIN + 14, architecture.title, "head"),
        text_at(MARGIN, MARGIN + 34, _subtitle(architecture), "soft"),
        f'<g transform="translate({number((width - layout.width) / 2)} {MARGIN + HEADER})">',
        *(_frame(frame) for frame in layout.frames.values()),
        *(_arrow(arrow.flow, path) for arrow, path in zip(arrows, layout.paths, strict=True)),
        *(_card(card, layout) for card in cards),
        *(_frame_name(name, frame) for name, frame in layout.frames.items()),
        *(_label(arrow.notes, path.label) for arrow, path in zip(arrows, layout.paths, strict=True) if path.label),
        "</g>",
        f'<g transform="translate({MARGIN} {number(MARGIN + HEADER + layout.height + LEGEND - 12)})">',
        *legend,
        "</g>",
    ]
    return picture(
        width=width,
        height=layout.height + 2 * MARGIN + HEADER + LEGEND,
        title=f"Architecture of {architecture.title}",
        description=architecture.in_words(),
        body=body,
        style=_STYLE + _colour_rules(),
    )


def _cards(architecture: Architecture) -> list[_Card]:
    """Dead letters go into the card of the queue or function that gives up to them, when no other does.

    In a row of their own below the functions they would push what is kept beside the stack that uses it.
    """
    redrives = [arrow for arrow in architecture.arrows if arrow.flow == "fails"]
    owners = Counter(arrow.target for arrow in redrives)
    inner = {
        arrow.source: arrow
        for arrow in redrives
        if owners[arrow.target] == 1 and architecture.box(arrow.source).kind in _WITH_LETTERS
    }
    taken = {arrow.target for arrow in inner.values()}
    cards = []
    for box in architecture.boxes:
        redrive = inner.get(box.id)
        if box.id not in taken:
            cards.append(_Card(box, architecture.box(redrive.target), redrive) if redrive else _Card(box))
    return cards


def _subtitle(architecture: Architecture) -> str:
    return f"What {architecture.environment} is made of, drawn from its templates"


def _size(box: Box) -> tuple[float, float]:
    widths = [text_width(box.title, 13, bold=True) + ICON + 8, *(text_width(line, 11) for line in box.lines)]
    return max(widths) + 2 * PADDING, 2 * PADDING + LINE * (len(box.lines) + 1) + 2


def _node(card: _Card) -> Node:
    """What a stack keeps stands in one row, below what uses it."""
    stack = card.box.stack.partition("-")[2]
    width, height = card.size
    return Node(card.box.id, width, height, group=stack, row=stack if card.box.kind in _KEPT else "")


def _edge(arrow: Arrow, owner: Mapping[str, str], architecture: Architecture) -> Edge:
    size = None
    if arrow.notes:
        size = max(text_width(note, 11) for note in arrow.notes) + 8, 14.0 * len(arrow.notes)
    return Edge(
        owner[arrow.source],
        owner[arrow.target],
        bond=_bond(arrow, architecture),
        weight=_WEIGHTS.get(arrow.flow, 1),
        label_size=size,
    )


def _bond(arrow: Arrow, architecture: Architecture) -> Literal["down", "beside", "free"]:
    """Notices run to the side; what a function sends back to its own queues, and a bucket tells, decides nothing."""
    if arrow.flow == "watches":
        return "beside"
    own = {other.source for other in architecture.arrows if (other.flow, other.target) == ("feeds", arrow.source)}
    told = arrow.flow == "feeds" and architecture.box(arrow.source).kind in _KEPT
    return "free" if told or (arrow.flow == "sends" and arrow.target in own) else "down"


def _card(card: _Card, layout: Layout) -> str:
    x, y = layout.centres[card.box.id]
    width, height = card.size
    left, top = x - width / 2, y - height / 2
    parts = [_box(card.box, left, top, width, height)]
    if card.inner and card.redrive:
        start, arrow_x = top + _size(card.box)[1] - 4, left + PADDING + ICON / 2
        end = start + 4 + card.gap
        path = Path2D([(arrow_x, start)] * 2 + [(arrow_x, end - 8)] * 2, (arrow_x, end), None)
        parts += [
            _arrow("fails", path),
            *(
                text_at(left + PADDING + ICON + 8, start + 12 + 14 * row, note, "soft small")
                for row, note in enumerate(card.redrive.notes)
            ),
            _box(card.inner, left + PADDING, end, width - 2 * PADDING, _size(card.inner)[1], colour="red"),
        ]
    return "\n".join(parts)


def _box(box: Box, left: float, top: float, width: float, height: float, *, colour: str = "") -> str:
    colour = colour or _KIND_COLOURS[box.kind]
    lines = [
        text_at(left + PADDING, top + PADDING + 14 + LINE * (row + 1), line, "soft small")
        for row, line in enumerate(box.lines)
    ]
    return "\n".join(
        [
            rectangle(left, top, width, height, f"box {colour}", radius=8),
            (
                f'<path transform="translate({number(left + PADDING)} {number(top + PADDING - 4)})" '
                f'd="{_ICONS[box.kind]}" class="icon {colour}"/>'
            ),
            text_at(left + PADDING + ICON + 8, top + PADDING + 12, box.title, "bold"),
            *lines,
        ]
    )


def _frame(frame: Frame) -> str:
    return rectangle(frame.left, frame.top, frame.width, frame.height, "frame", radius=10)


def _frame_name(name: str, frame: Frame) -> str:
    return text_at(frame.left + 10, frame.top + frame.height - 8, f"stack {name}", "label")


def _arrow(flow: Flow, path: Path2D) -> str:
    colour, _ = _FLOWS[flow]
    start, *rest = path.points
    curves = " ".join(f"{number(x)} {number(y)}" for x, y in rest)
    dashed = " dashed" if flow in _DASHED else ""
    line = f'<path d="M{number(start[0])} {number(start[1])} C{curves}" class="arrow {colour}{dashed}"/>'
    return f"{line}\n{_head(path, colour)}"


def _head(path: Path2D, colour: str) -> str:
    """The tip of an arrow: a triangle from where the line ends to where the box begins."""
    (x, y), (tip_x, tip_y) = path.points[-1], path.tip
    side_x, side_y = (tip_y - y) * 0.42, (tip_x - x) * 0.42
    corners = ((x + side_x, y - side_y), (tip_x, tip_y), (x - side_x, y + side_y))
    points = " ".join(f"{number(a)},{number(b)}" for a, b in corners)
    return f'<polygon points="{points}" class="fill-{colour}"/>'


def _label(notes: Sequence[str], centre: Point) -> str:
    x, y = centre
    first = y - 7 * (len(notes) - 1) + 4
    return "\n".join(text_at(x, first + 14 * row, note, "label", anchor="middle") for row, note in enumerate(notes))


def _legend(architecture: Architecture) -> tuple[list[str], float]:
    """What the colours of the arrows mean, for those that occur; with the width it takes."""
    occurring = {arrow.flow for arrow in architecture.arrows}
    lines: list[str] = []
    x = 0.0
    for flow, (colour, words) in _FLOWS.items():
        if flow in occurring:
            dashed = " dashed" if flow in _DASHED else ""
            lines.append(f'<path d="M{number(x)} 0 h26" class="arrow {colour}{dashed}"/>')
            lines.append(
                f'<polygon points="{number(x + 24)},-4 {number(x + 32)},0 {number(x + 24)},4" class="fill-{colour}"/>'
            )
            lines.append(text_at(x + 38, 4, words, "soft small"))
            x += 38 + text_width(words, 11) + 20
    return lines, x


def _colour_rules() -> str:
    colours = dict.fromkeys([*_KIND_COLOURS.values(), *(colour for colour, _ in _FLOWS.values())])
    rules = (f".{name} {{ stroke: var(--{name}); }}\n.fill-{name} {{ fill: var(--{name}); }}\n" for name in colours)
    return "".join(rules)
