"""Declarations contradict themselves loudly; what readers compute from them is what was declared."""

import subprocess
import sys
from typing import Any

import pytest

from lambda_src.dynamo.render import create_table_input, grants_of, tables_markdown
from lambda_src.dynamo.schema import AccessPattern, Entity, Index, KeyTemplate, Table
from lambda_src.errors import InvalidKey
from tests.support.sample_tables import (
    ADD_NOTE,
    BY_OWNER,
    BY_TOPIC,
    NOTE,
    NOTES,
    NOTES_OF_BOOK,
    NOTES_OF_OWNER,
    NOTES_OF_TOPIC,
    PLACE,
    PLACE_OF_BOOK,
    PLACES,
)


def table(**changes: Any) -> Table:
    declared: dict[str, Any] = {
        "name": "notes", "seed_name": "Sample", "environment_variable": "NOTES", "partition": "PK", "sort": "SK",
        "entities": (NOTE,), "indexes": (BY_TOPIC, BY_OWNER), "patterns": (NOTES_OF_TOPIC, NOTES_OF_OWNER),
    }  # fmt: skip
    return Table(**{**declared, **changes})


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"entities": (NOTE, NOTE)}, "same name"),
        ({"patterns": (NOTES_OF_TOPIC, NOTES_OF_TOPIC, NOTES_OF_OWNER)}, "same name"),
        ({"indexes": (BY_TOPIC, BY_TOPIC, BY_OWNER)}, "same name"),
        ({"patterns": (NOTES_OF_TOPIC,)}, "serve no pattern"),
        ({"indexes": (BY_TOPIC,), "entities": ()}, "does not have"),
        ({"entities": (PLACE,)}, "sort key"),
        ({"sort": None}, "sort key"),
        ({"entities": (Entity("E", KeyTemplate("A"), KeyTemplate("B"), {"GSI9PK": KeyTemplate("C")}),)}, "no index"),
        ({"entities": (Entity("E", KeyTemplate("A"), KeyTemplate("B", limit_bytes=1025)),)}, "promises more"),
        ({"entities": (Entity("E", KeyTemplate("A", limit_bytes=2049), KeyTemplate("B")),)}, "promises more"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        table(**changes)


@pytest.mark.parametrize(
    "declare",
    [
        lambda: AccessPattern("p", "?", (), cost=""),
        lambda: AccessPattern("p", "?", ("GetItem",), cost="", index=BY_TOPIC),
        lambda: AccessPattern("p", "?", ("Query", "PutItem"), cost="", transaction=True),
    ],
)
def test_a_pattern_that_contradicts_itself_is_refused(declare):
    with pytest.raises(ValueError, match="pattern p"):
        declare()


def test_a_key_is_built_from_the_values_of_both_templates():
    assert NOTES.key(NOTE, book="b", number="0001") == {"PK": "BOOK#b", "SK": "NOTE#0001"}
    assert PLACES.key(PLACE, name="attic") == {"name": "attic"}
    for values in ({"book": "b"}, {"number": "1"}, {"book": "b", "number": "1", "other": "x"}):
        with pytest.raises(TypeError):
            NOTES.key(NOTE, **values)


def test_keys_have_the_limits_of_their_places():
    longest = NOTES.key(NOTE, book="b" * 2043, number="n" * 1019)
    assert {len(text) for text in longest.values()} == {2048, 1024}
    for values in ({"book": "b" * 2044, "number": "n"}, {"book": "b", "number": "n" * 1020}):
        with pytest.raises(InvalidKey):
            NOTES.key(NOTE, **values)


def test_names_and_entities_are_found():
    assert NOTES.physical_name("dev") == "Sample-dev"
    assert NOTES.entity("Note") is NOTE
    with pytest.raises(KeyError):
        NOTES.entity("Nothing")
    assert NOTES.key_attributes() == ("PK", "SK", "GSI1PK", "GSI1SK", "GSI2PK")
    assert PLACES.key_attributes() == ("name",)


def test_a_create_table_call_has_keys_indexes_and_stream():
    assert create_table_input(NOTES, "Sample-test") == {
        "TableName": "Sample-test",
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK", "GSI1PK", "GSI1SK", "GSI2PK")
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "GSI1-index",
                "KeySchema": [
                    {"AttributeName": "GSI1PK", "KeyType": "HASH"},
                    {"AttributeName": "GSI1SK", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            },
            {
                "IndexName": "GSI2-index",
                "KeySchema": [{"AttributeName": "GSI2PK", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            },
        ],
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    }
    assert create_table_input(PLACES, "Places").keys() == {
        "TableName", "BillingMode", "KeySchema", "AttributeDefinitions",
    }  # fmt: skip


def test_a_grant_is_item_actions_on_the_table_and_query_on_named_indexes():
    [notes, places] = grants_of({NOTES: (NOTES_OF_OWNER, ADD_NOTE), PLACES: (PLACE_OF_BOOK,)})
    assert (notes.table, notes.actions) == (NOTES, ("BatchGetItem", "ConditionCheckItem", "PutItem"))
    assert notes.index_names == ("GSI2-index",)
    assert (places.table, places.actions, places.index_names) == (PLACES, ("GetItem",), ())


def test_a_query_of_the_table_itself_is_granted_on_the_table():
    [grant] = grants_of({NOTES: (NOTES_OF_BOOK,)})
    assert (grant.actions, grant.index_names) == (("Query",), ())
    assert grants_of({NOTES: ()}) == []


def test_a_pattern_of_another_table_is_not_granted():
    with pytest.raises(ValueError, match="place_of_book"):
        grants_of({NOTES: (PLACE_OF_BOOK,)})


def test_the_page_of_tables_shows_keys_indexes_items_and_patterns():
    page = tables_markdown([NOTES, PLACES], "Sample")
    assert page.startswith("# Sample: tables\n")
    for row in (
        "## `Sample-<environment>`",
        "| `GSI1-index` | `GSI1PK`, `GSI1SK` | ALL |",
        "| Place | `{name}` |  | Where a book stands |",
        f"| `notes_of_topic` | {NOTES_OF_TOPIC.question} | Query | `GSI1-index`, descending | 1 request |",
        "| `notes_of_owner` | Whose notes \\| are these? | Query, BatchGetItem | `GSI2-index` | 2 requests |",
        "| `add_note` | T1: write a note | PutItem, ConditionCheckItem in one transaction | table | 1 request |",
    ):
        assert row in page.splitlines()
    index_keys = "`GSI1PK=TOPIC#{topic}`<br>`GSI1SK={number}`<br>`GSI2PK=OWNER#{owner}`"
    assert f"| Note | `BOOK#{{book}}` | `NOTE#{{number}}` | {index_keys} | A note in a book |\n" in page
    assert "Items leave at `expires_at`" in page
    assert "Stream of `NEW_AND_OLD_IMAGES`" in page
    assert page.count("### Indexes") == 1


def test_declarations_can_be_read_without_boto3():
    program = "import sys, lambda_src.dynamo.render; assert not {'boto3', 'botocore'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_an_index_lists_its_attributes():
    assert Index("i", partition="P").attributes == ("P",)
    assert BY_TOPIC.attributes == ("GSI1PK", "GSI1SK")
