"""Updates and conditions: every name and value behind a placeholder, as they are stored, and none in another's way."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_src.dynamo.conditions import ABSENT, EXISTS, Attr, Condition
from lambda_src.dynamo.expressions import Expressions
from lambda_src.dynamo.schema import Entity, Stored, Table
from lambda_src.dynamo.updates import Update
from tests.support.sample_tables import NOTE, PLACE

steady = settings(derandomize=True, deadline=None)


@dataclass(frozen=True)
class Short:
    id: str
    title: str
    day: str


SHORT = Entity(
    Table("short", "Short", "SHORT", partition="PK", sort=None),
    Short,
    pk="SHORT#{id}",
    stored={"title": Stored(name="t"), "day": Stored(name="d", write=lambda text: text[:10])},
)


def expressions_of(entity: Entity[Any]) -> Expressions:
    return Expressions(entity.codec, entity.table.partition)


def rendered(update: Update) -> tuple[str, dict[str, str], dict[str, object]]:
    expressions = expressions_of(NOTE)
    text = expressions.update(update)
    given = expressions.placeholders()
    return text, given["ExpressionAttributeNames"], given.get("ExpressionAttributeValues", {})


def test_an_update_groups_its_steps_by_clause():
    update = Update().set(a=1).remove("b").set(c="x").add(d=Decimal(2)).delete(e={"y"}).set_if_absent(f=3)
    assert rendered(update) == (
        "SET #n0 = :v0, #n2 = :v1, #n5 = if_not_exists(#n5, :v4) REMOVE #n1 ADD #n3 :v2 DELETE #n4 :v3",
        {"#n0": "a", "#n1": "b", "#n2": "c", "#n3": "d", "#n4": "e", "#n5": "f"},
        {":v0": {"N": "1"}, ":v1": {"S": "x"}, ":v2": {"N": "2"}, ":v3": {"SS": ["y"]}, ":v4": {"N": "3"}},
    )


def test_a_step_leaves_the_update_it_started_from_alone():
    start = Update().set(a=1)
    start.add(b=1)
    assert rendered(start)[0] == "SET #n0 = :v0"


def test_what_a_body_brings_is_set_and_what_it_empties_is_removed():
    text, names, values = rendered(
        Update().assign({"title": "x", "text": None, "status": "", "hits": 0, "tags": set()})
    )
    assert text == "SET #n0 = :v0, #n1 = :v1 REMOVE #n2, #n3, #n4"
    assert list(names.values()) == ["t", "hits", "text", "status", "tags"]
    assert values == {":v0": {"S": "x"}, ":v1": {"N": "0"}}


def test_an_attribute_is_changed_once():
    with pytest.raises(ValueError, match="once"):
        Update().set(a=1).remove("a")


@pytest.mark.parametrize("nothing", [None, "", frozenset()])
def test_nothing_is_never_stored(nothing):
    for step in (Update().set, Update().set_if_absent, Update().add, Update().delete):
        with pytest.raises(ValueError, match="remove"):
            step(a=nothing)


def test_an_update_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        rendered(Update())


@steady
@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=8, unique=True), st.data())
def test_no_name_or_value_stands_in_an_expression_itself(names, data):
    update = Update()
    for name in names:
        step = data.draw(st.sampled_from(["set", "add", "remove"]))
        update = update.remove(name) if step == "remove" else getattr(update, step)(**{name: 1})
    expressions = expressions_of(PLACE)
    assert re.fullmatch(r"(?:(?:SET|ADD|REMOVE)|#n\d+|:v\d+|[ =,])+", expressions.update(update))
    assert sorted(expressions.placeholders()["ExpressionAttributeNames"].values()) == sorted(names)


def test_an_update_and_its_condition_share_names_and_no_values():
    expressions = expressions_of(NOTE)
    assert expressions.update(Update().set(status="done")) == "SET #n0 = :v0"
    condition = Attr("status").eq("open") & Attr("a").between(1, Decimal("2.5"))
    assert expressions.condition(condition) == "(#n0 = :v1 AND #n1 BETWEEN :v2 AND :v3)"
    assert expressions.placeholders() == {
        "ExpressionAttributeNames": {"#n0": "status", "#n1": "a"},
        "ExpressionAttributeValues": {
            ":v0": {"S": "done"}, ":v1": {"S": "open"}, ":v2": {"N": "1"}, ":v3": {"N": "2.5"},
        },
    }  # fmt: skip


def test_an_expression_without_values_sends_no_empty_map():
    expressions = expressions_of(NOTE)
    expressions.update(Update().remove("a"))
    assert expressions.placeholders().keys() == {"ExpressionAttributeNames"}
    assert expressions_of(NOTE).placeholders() == {}


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (Attr("a").eq(1), "#n0 = :v0"),
        (Attr("a").ne(1), "#n0 <> :v0"),
        (Attr("a").lt(1), "#n0 < :v0"),
        (Attr("a").lte(1), "#n0 <= :v0"),
        (Attr("a").gt(1), "#n0 > :v0"),
        (Attr("a").gte(Attr("b")), "#n1 >= #n0"),
        (Attr("a").between(1, 2), "#n0 BETWEEN :v0 AND :v1"),
        (Attr("a").is_in([1, 2, 3]), "#n0 IN (:v0, :v1, :v2)"),
        (Attr("a").exists(), "attribute_exists(#n0)"),
        (Attr("a").not_exists(), "attribute_not_exists(#n0)"),
        (Attr("a").contains("x"), "contains(#n0, :v0)"),
        (Attr("a").begins_with("x"), "begins_with(#n0, :v0)"),
        (EXISTS, "attribute_exists(#n0)"),
        (ABSENT, "attribute_not_exists(#n0)"),
        (~Attr("a").exists(), "(NOT attribute_exists(#n0))"),
        (
            Attr("a").eq(1) & (Attr("a").eq(2) | ~Attr("b").eq(3)) & EXISTS,
            "((#n0 = :v0 AND (#n0 = :v1 OR (NOT #n1 = :v2))) AND attribute_exists(#n2))",
        ),
    ],
)
def test_a_condition_is_written_as_dynamodb_reads_it(condition, text):
    assert expressions_of(NOTE).condition(condition) == text


def test_that_an_item_is_there_is_said_of_its_partition_key():
    for entity, partition in ((NOTE, "PK"), (PLACE, "name")):
        expressions = expressions_of(entity)
        expressions.condition(EXISTS & ABSENT)
        assert expressions.placeholders() == {"ExpressionAttributeNames": {"#n0": partition}}


def test_what_is_no_condition_of_ours_is_refused():
    with pytest.raises(TypeError, match="no condition"):
        expressions_of(NOTE).condition(Condition())


def test_attributes_are_named_and_compared_as_they_are_stored():
    expressions = expressions_of(SHORT)
    day = "2025-01-15T08:30:00Z"
    expressions.update(Update().set(title="x", day=day))
    expressions.condition(
        Attr("title").exists()
        & Attr("day").eq(day)
        & Attr("day").is_in([day])
        & Attr("day").between(day, day)
        & Attr("title").lt(Attr("day"))
    )
    given = expressions.placeholders()
    assert given["ExpressionAttributeNames"] == {"#n0": "t", "#n1": "d"}
    assert given["ExpressionAttributeValues"] == {
        ":v0": {"S": "x"}, **{f":v{n}": {"S": "2025-01-15"} for n in range(1, 6)},
    }  # fmt: skip


@pytest.mark.parametrize("text", ["20", "2025-01-15", "2025-01-15T08:30"])
def test_a_part_of_a_text_is_compared_as_it_is_given(text):
    expressions = expressions_of(SHORT)
    assert expressions.condition(Attr("day").begins_with(text)) == "begins_with(#n0, :v0)"
    assert expressions.placeholders()["ExpressionAttributeValues"] == {":v0": {"S": text}}
