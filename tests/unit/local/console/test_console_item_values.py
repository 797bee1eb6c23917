import pytest

from cdk_app.local.console.table_reader import Item, ItemPage, KeyAttribute, KeySchema, Question, TableFacts, value_text
from cdk_app.local.console.views.tables import table_page

TABLE = TableFacts(
    name="T",
    item_count=1,
    size_bytes=10,
    schemas=(
        KeySchema(None, KeyAttribute("PK", "S"), KeyAttribute("SK", "S")),
        KeySchema("GSI1-index", KeyAttribute("GSI1PK", "S"), KeyAttribute("GSI1SK", "S")),
    ),
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"S": 'say "hi"'}, 'say "hi"'),
        ({"N": "0.10000000000000000000000000000000000001"}, "0.10000000000000000000000000000000000001"),
        ({"BOOL": True}, "true"),
        ({"NULL": True}, "null"),
        ({"B": b"\x00\xff"}, "AP8="),
        ({"SS": ["a", "b"]}, "{a, b}"),
        ({"NS": ["1", "2"]}, "{1, 2}"),
        ({"BS": [b"\x00"]}, "{AA==}"),
        ({"L": [{"S": "a"}, {"N": "1"}, {"L": []}]}, '["a", 1, []]'),
        (
            {"M": {"ticker": {"S": "NVDA"}, "deep": {"M": {"ok": {"BOOL": False}}}}},
            '{ticker: "NVDA", deep: {ok: false}}',
        ),
    ],
)
def test_every_type_of_value_can_be_read(value, text):
    assert value_text(value) == text


ANYTHING = Question()


def shown(item: Item, question: Question = ANYTHING) -> str:
    return table_page(TABLE, question, ItemPage([item], None, 0.5))


def test_keys_lead_to_their_partitions_in_table_and_index():
    page = shown({name: {"S": f"{name}#1"} for name in ("PK", "SK", "GSI1PK", "GSI1SK")})
    assert 'href="/tables/T?partition=PK%231"' in page
    assert 'href="/tables/T?partition=PK%231&amp;sort=SK%231"' in page
    assert 'href="/tables/T?index=GSI1-index&amp;partition=GSI1PK%231"' in page


def test_an_item_outside_an_index_does_not_lead_there():
    assert "index=GSI1-index&amp;partition" not in shown({"PK": {"S": "p"}, "SK": {"S": "s"}, "GSI1PK": {"S": "half"}})


def test_text_of_items_and_attribute_names_stay_text():
    evil = "<img src=x onerror=alert(1)>"
    page = shown({"PK": {"S": evil}, "SK": {"S": f'"{evil}'}, evil: {"M": {evil: {"S": evil}}}})
    assert "<img" not in page
    assert page.count("&lt;img") >= 6


def test_inside_a_partition_items_go_by_their_sort_key():
    item: Item = {"PK": {"S": "the-partition"}, "SK": {"S": "the-sort"}}
    assert "<b>the-sort</b>" in shown(item, Question(partition="the-partition"))
    assert "<b>the-partition / the-sort</b>" in shown(item)
