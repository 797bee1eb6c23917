"""Updates and conditions: every name behind a placeholder, and none of them in each other's way."""

import re
from decimal import Decimal

import pytest
from boto3.dynamodb.conditions import Attr, Key
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_src.dynamo.expressions import read_arguments, write_arguments
from lambda_src.dynamo.updates import Update

steady = settings(derandomize=True, deadline=None)


def test_an_update_groups_its_steps_by_clause():
    update = Update().set(a=1).remove("b").set(c="x").add(d=Decimal(2)).delete(e={"y"}).set_if_absent(f=3)
    assert update.render() == (
        "SET #u0 = :u0, #u2 = :u2, #u5 = if_not_exists(#u5, :u5) REMOVE #u1 ADD #u3 :u3 DELETE #u4 :u4",
        {"#u0": "a", "#u1": "b", "#u2": "c", "#u3": "d", "#u4": "e", "#u5": "f"},
        {":u0": {"N": "1"}, ":u2": {"S": "x"}, ":u3": {"N": "2"}, ":u4": {"SS": ["y"]}, ":u5": {"N": "3"}},
    )


def test_a_step_leaves_the_update_it_started_from_alone():
    start = Update().set(a=1)
    start.add(b=1)
    assert start.render().text == "SET #u0 = :u0"


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
        Update().render()


@steady
@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=8, unique=True), st.data())
def test_no_name_or_value_stands_in_an_expression_itself(names, data):
    update = Update()
    for name in names:
        step = data.draw(st.sampled_from(["set", "add", "remove"]))
        update = update.remove(name) if step == "remove" else getattr(update, step)(**{name: 1})
    text, placeholders, _ = update.render()
    assert re.fullmatch(r"(?:(?:SET|ADD|REMOVE)|[#:]u\d+|[ =,])+", text)
    assert sorted(placeholders.values()) == sorted(names)


def test_an_update_and_its_condition_do_not_share_placeholders():
    condition = Attr("status").eq("open") & Attr("a.b").between(1, Decimal("2.5"))
    assert write_arguments(Update().set(status="done"), condition) == {
        "UpdateExpression": "SET #u0 = :u0",
        "ConditionExpression": "(#n0 = :v0 AND #n1.#n2 BETWEEN :v1 AND :v2)",
        "ExpressionAttributeNames": {"#u0": "status", "#n0": "status", "#n1": "a", "#n2": "b"},
        "ExpressionAttributeValues": {
            ":u0": {"S": "done"}, ":v0": {"S": "open"}, ":v1": {"N": "1"}, ":v2": {"N": "2.5"},
        },
    }  # fmt: skip


def test_an_expression_without_values_sends_no_empty_map():
    assert write_arguments(Update().remove("a"), Attr("a").exists()).keys() == {
        "UpdateExpression", "ConditionExpression", "ExpressionAttributeNames",
    }  # fmt: skip
    assert write_arguments(None, None) == {}


def test_key_filter_and_projection_of_a_query_do_not_share_placeholders():
    key = Key("PK").eq("a") & Key("SK").begins_with("b")
    assert read_arguments(key, Attr("name").ne("x") | Attr("name").not_exists(), ["name", "SK"]) == {
        "KeyConditionExpression": "(#n0 = :v0 AND begins_with(#n1, :v1))",
        "FilterExpression": "(#n2 <> :v2 OR attribute_not_exists(#n3))",
        "ProjectionExpression": "#p0, #p1",
        "ExpressionAttributeNames": {
            "#n0": "PK", "#n1": "SK", "#n2": "name", "#n3": "name", "#p0": "name", "#p1": "SK",
        },
        "ExpressionAttributeValues": {":v0": {"S": "a"}, ":v1": {"S": "b"}, ":v2": {"S": "x"}},
    }  # fmt: skip
