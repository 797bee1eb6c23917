"""Places for boxes and paths for arrows, from Graphviz in the Node of set-up: for the same graph always the same.

Graphviz comes as WebAssembly in the npm package @viz-js/viz, so no system package is needed and every machine computes
alike. It knows neither fonts nor colours of ours: it is given sizes and gives back coordinates.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

SCRIPT: Final = Path(__file__).with_name("graphviz.mjs")
TIMEOUT_SECONDS: Final = 60
POINTS_PER_INCH: Final = 72  # Graphviz takes sizes in inches and answers in points; a point is a pixel here

type Point = tuple[float, float]


class LayoutFailed(RuntimeError):
    """Graphviz could not be run; the message holds its own words."""


@dataclass(frozen=True, slots=True)
class Node:
    """width, height: in pixels. group: nodes of one group are framed together. row: those of one row stand in line."""

    id: str
    width: float
    height: float
    group: str
    row: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """bond: `down` puts the target below the source, `beside` next to it, `free` wherever others put it.

    weight: how much it matters that it is short and straight. label_size: width and height of its text, if any.
    """

    source: str
    target: str
    bond: Literal["down", "beside", "free"] = "down"
    weight: int = 1
    label_size: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Path2D:
    """points: the start, then three per cubic curve. tip: where the arrow head ends. label: centre of the text."""

    points: Sequence[Point]
    tip: Point
    label: Point | None


@dataclass(frozen=True, slots=True)
class Frame:
    """left, top, width, height in pixels."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Layout:
    """In pixels from the top left. centres: of nodes by id. paths: in the order of the edges. frames: by group."""

    width: float
    height: float
    centres: Mapping[str, Point]
    paths: Sequence[Path2D]
    frames: Mapping[str, Frame]


def lay_out(nodes: Sequence[Node], edges: Sequence[Edge]) -> Layout:
    """Place a graph from top to bottom. Raises LayoutFailed when Node or Graphviz cannot be run. About 0.3 s."""
    return _layout_in(json.loads(_run(dot_text(nodes, edges))))


def dot_text(nodes: Sequence[Node], edges: Sequence[Edge]) -> str:
    """The graph in Graphviz's language: https://graphviz.org/doc/info/lang.html."""
    lines = [
        "digraph {",
        "graph [rankdir=TB nodesep=0.36 ranksep=0.6 margin=0 newrank=true]",
        'node [shape=box fixedsize=true label=""]',
        "edge [arrowsize=0.8]",
    ]
    for number, group in enumerate(dict.fromkeys(node.group for node in nodes)):
        inside = [node for node in nodes if node.group == group]
        lines += [f'subgraph "cluster_{number}" {{ margin=22 id="{group}"', *map(_node_text, inside)]
        lines += [f"{{ rank=same {' '.join(row)} }}" for row in _rows(inside, edges)]
        lines.append("}")
    lines += [_edge_text(edge, place) for place, edge in enumerate(edges)]
    return "\n".join([*lines, "}"]) + "\n"


def _node_text(node: Node) -> str:
    return f'"{node.id}" [width={node.width / POINTS_PER_INCH:.4f} height={node.height / POINTS_PER_INCH:.4f}]'


def _rows(nodes: Sequence[Node], edges: Sequence[Edge]) -> Iterator[list[str]]:
    """Quoted ids of nodes that stand in line."""
    members = {node.id for node in nodes}
    for row in dict.fromkeys(node.row for node in nodes if node.row):
        yield [f'"{node.id}"' for node in nodes if node.row == row]
    for edge in edges:
        if edge.bond == "beside" and members >= {edge.source, edge.target}:
            yield [f'"{edge.source}"', f'"{edge.target}"']


def _edge_text(edge: Edge, place: int) -> str:
    settings = [f'id="{place}" weight={edge.weight}', *(["constraint=false"] if edge.bond == "free" else [])]
    if edge.label_size:
        width, height = edge.label_size
        cell = (
            f'<table border="0" fixedsize="true" width="{width:.0f}" height="{height:.0f}"><tr><td></td></tr></table>'
        )
        settings.append(f"label=<{cell}>")
    return f'"{edge.source}" -> "{edge.target}" [{" ".join(settings)}]'


def _run(dot: str) -> str:
    beside = str(Path(sys.executable).parent)  # the virtual environment's Node comes first
    node = shutil.which("node", path=os.pathsep.join((beside, os.environ.get("PATH", os.defpath))))
    if node is None:
        raise LayoutFailed("Node was not found: run `make setup`")
    done = subprocess.run(  # noqa: S603 - our own script, and no shell
        [node, str(SCRIPT)], input=dot, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
    )
    if done.returncode != 0:
        raise LayoutFailed(f"Graphviz failed; `make setup` installs it\n{done.stderr.strip()}")
    return done.stdout


def _layout_in(answer: Mapping[str, Any]) -> Layout:
    left, bottom, right, top = _numbers(answer["bb"])

    def flipped(text: str) -> Point:
        """Graphviz counts upwards, SVG downwards."""
        x, y = _numbers(text)
        return round(x - left, 1), round(top - y, 1)

    objects = answer.get("objects", [])
    frames = {part["id"]: _frame(part["bb"], left, top) for part in objects if part["name"].startswith("cluster_")}
    centres = {part["name"]: flipped(part["pos"]) for part in objects if "pos" in part}
    paths = []
    for edge in sorted(answer.get("edges", []), key=lambda edge: int(edge["id"])):
        tip, *points = re.sub(r"^e,", "", edge["pos"]).split(" ")
        label = flipped(edge["lp"]) if "lp" in edge else None
        paths.append(Path2D([flipped(point) for point in points], flipped(tip), label))
    return Layout(right - left, top - bottom, centres, paths, frames)


def _frame(bounds: str, left: float, top: float) -> Frame:
    x1, y1, x2, y2 = _numbers(bounds)
    return Frame(round(x1 - left, 1), round(top - y2, 1), round(x2 - x1, 1), round(y2 - y1, 1))


def _numbers(text: str) -> list[float]:
    return [float(number) for number in text.split(",")]
