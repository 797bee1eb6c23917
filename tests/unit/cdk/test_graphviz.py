"""Graphviz places boxes as the picture asks; set-up installs it."""

import pytest

from cdk_app.docs import graphviz
from cdk_app.docs.graphviz import Edge, LayoutFailed, Node, lay_out
from tests.support.engines import GRAPHVIZ, NODE_PACKAGES, installed

NODES = [Node("a", 100, 40, group="one"), Node("b", 100, 40, group="one"), Node("c", 60, 30, group="two")]


@pytest.fixture(autouse=True)
def _graphviz() -> None:
    installed(GRAPHVIZ, NODE_PACKAGES)


def test_an_arrow_down_puts_its_target_below():
    layout = lay_out(NODES, [Edge("a", "b"), Edge("b", "c")])
    heights = [layout.centres[name][1] for name in ("a", "b", "c")]
    assert heights == sorted(heights)
    assert len(set(heights)) == 3


def test_an_arrow_to_the_side_puts_its_target_beside():
    layout = lay_out(NODES, [Edge("a", "b", bond="beside"), Edge("b", "c")])
    assert layout.centres["a"][1] == layout.centres["b"][1]
    assert layout.centres["a"][0] + 100 < layout.centres["b"][0]


def test_nodes_of_one_row_stand_in_line():
    row = [Node("a", 50, 20, group="one"), *(Node(name, 50, 20, group="two", row="kept") for name in "bc")]
    layout = lay_out(row, [Edge("a", "b"), Edge("b", "c", bond="free")])
    assert layout.centres["b"][1] == layout.centres["c"][1]


def test_paths_keep_the_order_of_the_edges_and_end_at_their_targets():
    edges = [Edge("b", "c"), Edge("a", "b"), Edge("a", "c", label_size=(40, 14))]
    layout = lay_out(NODES, edges)
    for edge, path in zip(edges, layout.paths, strict=True):
        node = next(node for node in NODES if node.id == edge.target)
        x, y = layout.centres[edge.target]
        assert abs(path.tip[0] - x) <= node.width / 2 + 1
        assert abs(path.tip[1] - y) <= node.height / 2 + 1
    assert [path.label is not None for path in layout.paths] == [False, False, True]


def test_a_group_is_framed_around_its_nodes():
    layout = lay_out(NODES, [Edge("a", "b"), Edge("b", "c")])
    frame = layout.frames["two"]
    x, y = layout.centres["c"]
    assert frame.left < x - 30
    assert frame.top < y - 15
    assert frame.left + frame.width > x + 30
    assert 0 <= frame.left <= layout.width


def test_the_same_graph_has_the_same_layout():
    edges = [Edge("a", "b"), Edge("b", "c"), Edge("a", "c", bond="free")]
    assert lay_out(NODES, edges) == lay_out(NODES, edges)


def test_a_graph_that_graphviz_refuses_is_a_clear_failure(monkeypatch):
    monkeypatch.setattr(graphviz, "dot_text", lambda *_: "digraph {")
    with pytest.raises(LayoutFailed, match="syntax error"):
        lay_out(NODES, [])


def test_a_machine_without_node_is_told_what_to_do(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(LayoutFailed, match="make setup"):
        lay_out(NODES, [])
