"""Declarations contradict themselves loudly; what readers compute from them is what was declared."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from cdk_app.docs.table_pages import tables_markdown
from lambda_src.dynamo.render import create_table_input, grants_of
from lambda_src.dynamo.schema import AccessPattern, Entity, Index, KeyTemplate, Stored, Table, patterns_of
from lambda_src.errors import InvalidKey
from tests.support.assembly import ROOT
from tests.support.sample_tables import (
    ADD_NOTE,
    BOOK,
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
    READER,
    WRITER,
    note_key,
)


@dataclass(frozen=True)
class Thing:
    id: str
    day: str
    note: str | None = None


def table(name: str = "things", *, sort: str | None = "SK", indexes: tuple[Index, ...] = (BY_TOPIC,)) -> Table:
    """A table of its own for each declaration, since they join it."""
    return Table(name, "Sample", "THINGS", partition="PK", sort=sort, indexes=indexes)


def thing(of: Table, **changes: Any) -> Entity[Thing]:
    return Entity(
        of, Thing, **{"pk": "THING#{id}", "sk": "DAY#{day}", "index_keys": {"GSI1PK": "DAY#{day}"}, **changes}
    )


def pattern(of: Entity[Thing], name: str = "p", **changes: Any) -> AccessPattern[Thing]:
    declared: dict[str, Any] = {"operation": "Query", "reads": of, "index": BY_TOPIC, "cost": "", "asked_by": ("api",)}
    return AccessPattern(name, "?", **{**declared, **changes})


@pytest.mark.parametrize(
    ("declare", "complaint"),
    [
        (lambda: table(indexes=(BY_TOPIC, BY_TOPIC)), "same name"),
        (lambda: thing(table(sort=None)), "sort key"),
        (lambda: thing(table(), sk=None), "sort key"),
        (lambda: thing(table(), index_keys={"GSI9PK": "C"}), "no index"),
        (lambda: thing(table(), sk=KeyTemplate("B", limit_bytes=1025)), "promises more"),
        (lambda: thing(table(), pk=KeyTemplate("A", limit_bytes=2049)), "promises more"),
        (lambda: thing(table(), index_keys={"GSI1SK": KeyTemplate("A", limit_bytes=1025)}), "promises more"),
        (lambda: thing(table(), sk="DAY#{dya}"), "lacks.*dya"),
        (lambda: thing(table(), index_keys={"GSI1PK": "DAY#{dya}"}), "lacks.*dya"),
        (lambda: thing(table(), derived=("dya",)), "lacks.*dya"),
        (lambda: thing(table(), stored={"dya": Stored(name="d")}), "no attributes.*dya"),
        (lambda: thing(table(), key_only=("dya",)), "no attributes.*dya"),
        (lambda: thing(table(), key_only=("note",)), "no key with note"),
        (lambda: Index("i", partition="P", projection="INCLUDE"), "names attributes to include"),
        (lambda: Index("i", partition="P", include=("a",)), "names attributes to include"),
    ],
)
def test_a_table_or_an_item_that_contradicts_itself_is_refused(declare: Callable[[], object], complaint: str):
    with pytest.raises(ValueError, match=complaint):
        declare()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"operation": ()}, "no operation"),
        ({"operation": "GetItem"}, "only Query reads an index"),
        ({"index": BY_OWNER}, "does not have"),
        ({"index": None, "reads": (), "table": NOTES}, "does not say what it reads"),
        ({"index": None, "operation": ("Query", "PutItem"), "transaction": True}, "writes and checks only"),
        ({"consistent": True}, "never consistent"),
        ({"from_": "id"}, "not in the sort key"),
        ({"index": None, "from_": "dya"}, "not in the sort key"),
        ({"begins": "id"}, "beginning of what is not in the sort key"),
        ({"index": None, "begins": "dya"}, "beginning of what is not in the sort key"),
        ({"index": None, "begins": "id"}, "beginning of what is not in the sort key"),
        ({"index": None, "reads": (), "operation": "PutItem", "table": NOTES, "begins": "id"}, "beginning of what"),
        ({"index": None, "begins": "day", "from_": "day"}, "begins at day"),
        ({"writes": NOTE}, "one table, not to 2"),
        ({"reads": (), "operation": "PutItem", "index": None}, "one table, not to 0"),
    ],
)
def test_a_pattern_that_contradicts_itself_is_refused(changes, complaint):
    with pytest.raises(ValueError, match=f"pattern p .*{complaint}"):
        pattern(thing(table()), **changes)


@pytest.mark.parametrize(
    ("sort", "of", "complaint"),
    [
        (None, {"pk": "{id}", "sk": None, "index_keys": {}}, "not in the sort key"),
        ("SK", {"pk": "{id}", "sk": "{id}"}, "not in the sort key"),
        ("SK", {"sk": "{id:4}", "pk": "{day}"}, "padded number"),
    ],
)
def test_a_beginning_of_what_has_none_is_refused(sort, of, complaint):
    with pytest.raises(ValueError, match=f"pattern p .*{complaint}"):
        pattern(thing(table(sort=sort), **of), index=None, begins="id")


def test_a_pattern_of_several_kinds_takes_no_beginning():
    things = table()
    kinds = (thing(things), thing(things, name="Other", sk="OTHER#{day}"))
    with pytest.raises(ValueError, match="beginning of what"):
        AccessPattern("p", "?", operation="Query", reads=kinds, begins="day", cost="", asked_by=())


def test_an_index_that_does_not_hold_what_is_read_is_refused():
    with pytest.raises(ValueError, match="not in its index"):
        pattern(thing(table(), index_keys={}))


def test_what_is_declared_has_joined_its_table():
    things = table()
    entity = thing(things)
    asked = [pattern(entity, "first"), pattern(entity, "second", index=None)]
    assert (things.entities, things.patterns) == ([entity], asked)
    things.check()


def test_a_table_is_checked_for_what_all_declarations_show():
    for declare, complaint in (
        (lambda things: [thing(things), thing(things)], "same name"),
        (lambda things: [pattern(thing(things)), pattern(things.entities[0])], "same name"),
        (thing, r"serve no pattern: \['GSI1-index'\]"),
    ):
        things = table()
        declare(things)
        with pytest.raises(ValueError, match=complaint):
            things.check()
        with pytest.raises(ValueError, match=complaint):
            create_table_input(things, "Things")


def test_a_key_is_built_from_the_values_of_both_templates():
    assert NOTE.key(book="b", number=1).values == {"PK": "BOOK#b", "SK": "NOTE#0001"}
    assert PLACE.key(name="attic").values == {"name": "attic"}
    both = thing(table(), pk="THING#{id}", sk="THING#{id}")
    assert both.key(id="x").values == {"PK": "THING#x", "SK": "THING#x"}
    for values in ({"book": "b"}, {"number": 1}, {"book": "b", "number": 1, "other": "x"}):
        with pytest.raises(TypeError):
            NOTE.key(**values)


def test_keys_have_the_limits_of_their_places():
    things = thing(table())
    longest = things.key(id="b" * 2042, day="n" * 1020).values
    assert {len(text) for text in longest.values()} == {2048, 1024}
    for values in ({"id": "b" * 2043, "day": "n"}, {"id": "b", "day": "n" * 1021}):
        with pytest.raises(InvalidKey):
            things.key(**values)
    model = Thing("i", "d" * 1021)
    with pytest.raises(InvalidKey):
        thing(table(), sk="X", index_keys={"GSI1SK": "DAY#{day}"}).item(model)
    assert thing(table(), sk="X", index_keys={"GSI1PK": "DAY#{day}"}).item(model)["GSI1PK"] == "DAY#" + "d" * 1021


def test_names_and_entities_are_found():
    assert NOTES.physical_name("dev") == "Sample-dev"
    keys = (note_key().values, BOOK.key(book="b").values, {"PK": "BOOK#b", "SK": "ABOUT#1"})
    assert [(NOTE.has_key(key), BOOK.has_key(key)) for key in keys] == [(True, False), (False, True), (False, False)]
    assert NOTES.key_attributes() == ("PK", "SK", "GSI1PK", "GSI1SK", "GSI2PK", "GSI3PK", "GSI3SK")
    assert PLACES.key_attributes() == ("name",)


def test_a_create_table_call_has_keys_indexes_projections_and_stream():
    key_attributes = ("PK", "SK", "GSI1PK", "GSI1SK", "GSI2PK", "GSI3PK", "GSI3SK")
    assert create_table_input(NOTES, "Sample-test") == {
        "TableName": "Sample-test",
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in key_attributes],
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
            {
                "IndexName": "GSI3-index",
                "KeySchema": [
                    {"AttributeName": "GSI3PK", "KeyType": "HASH"},
                    {"AttributeName": "GSI3SK", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["number", "written_at", "t"]},
            },
        ],
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    }
    assert create_table_input(PLACES, "Places").keys() == {
        "TableName", "BillingMode", "KeySchema", "AttributeDefinitions",
    }  # fmt: skip


def test_a_grant_is_item_actions_on_the_table_and_query_on_named_indexes():
    [notes, places] = grants_of([NOTES_OF_OWNER, ADD_NOTE, PLACE_OF_BOOK])
    assert notes.table is NOTES
    assert notes.actions == ("BatchGetItem", "ConditionCheckItem", "DeleteItem", "PutItem", "UpdateItem")
    assert notes.index_names == ("GSI2-index",)
    assert (places.table, places.actions, places.index_names) == (PLACES, ("GetItem",), ())


def test_a_query_of_the_table_itself_is_granted_on_the_table():
    [grant] = grants_of([NOTES_OF_BOOK])
    assert (grant.actions, grant.index_names) == (("Query",), ())
    assert grants_of([]) == []


def test_a_function_is_granted_what_it_asks_and_nothing_else():
    of_reader, of_writer = (patterns_of((NOTES, PLACES), asker) for asker in (READER, WRITER))
    assert {grant.table: (grant.actions, grant.index_names) for grant in grants_of(of_reader)} == {
        NOTES: (("BatchGetItem", "GetItem", "Query"), ("GSI1-index", "GSI2-index", "GSI3-index")),
        PLACES: (("GetItem",), ()),
    }
    assert {grant.table: (grant.actions, grant.index_names) for grant in grants_of(of_writer)} == {
        NOTES: (
            ("BatchGetItem", "BatchWriteItem", "ConditionCheckItem", "DeleteItem", "GetItem", "PutItem", "UpdateItem"),
            (),
        ),
        PLACES: (("DeleteItem", "PutItem", "UpdateItem"), ()),
    }
    assert patterns_of((NOTES, PLACES), "nobody") == []
    assert [each.name for each in of_reader][:2] == ["note_by_number", "notes_of_book"]


def test_the_page_of_tables_shows_keys_indexes_items_and_patterns():
    page = tables_markdown([NOTES, PLACES], "Sample")
    assert page.startswith("# Sample: tables\n")
    rows = page.splitlines()
    for row in (
        "## `Sample-<environment>`",
        "| `GSI1-index` | `GSI1PK`, `GSI1SK` | ALL |",
        "| `GSI3-index` | `GSI3PK`, `GSI3SK` | INCLUDE: `number`, `written_at`, `t` |",
        "| Place | `{name}` |  | Where a book stands |",
        "| `place_of_book` | Where does it stand? | GetItem | table, Place | reader | 1 request, 0.5 RRU |",
    ):
        assert row in rows
    [of_topic] = [row for row in rows if row.startswith("| `notes_of_topic`")]
    assert of_topic.endswith(
        f"{NOTES_OF_TOPIC.question} | Query | `GSI1-index`, Note, descending | reader | 1 request |"
    )
    [together] = [row for row in rows if row.startswith("| `places_together`")]
    assert together.endswith(" | PutItem, UpdateItem in one transaction | table, Place | writer | 1 request |")
    [of_owner] = [row for row in rows if row.startswith("| `notes_of_owner`")]
    assert of_owner.endswith(" are these? | Query, BatchGetItem | `GSI2-index`, Note | reader | 2 requests |")
    assert "Whose notes \\| are these?" in of_owner
    [by_number] = [row for row in rows if row.startswith("| `note_by_number`")]
    assert by_number.endswith("| GetItem, BatchGetItem | table, Note | reader, writer | 1 request, 1 RRU |")
    index_keys = (
        "`GSI1PK=TOPIC#{topic}`<br>`GSI1SK={number:4}`<br>`GSI2PK=OWNER#{owner}`"
        "<br>`GSI3PK=SHARD#{shard}`<br>`GSI3SK={written_at}`"
    )
    assert f"| Note | `BOOK#{{book}}` | `NOTE#{{number:4}}` | {index_keys} | A note in a book |\n" in page
    assert "Items leave at `expires_at`" in page
    assert "Stream of `NEW_AND_OLD_IMAGES`" in page
    assert page.count("### Indexes") == 1


def test_declarations_can_be_read_without_boto3():
    program = (
        "import sys, lambda_src.dynamo.render, lambda_src.dynamo.store, lambda_src.dynamo.leases;"
        "assert not {'boto3', 'botocore'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_no_function_starts_with_sqlite():
    """Nothing that they are made of imports it; `asgi` is for a machine without Lambda."""
    files = [file for room in ("services", "runtime") for file in (ROOT / "lambda_src" / room).rglob("*.py")]
    entered = {"__init__", "api", "archiver", "asgi", "stats", "worker"}  # entry points start when they are imported
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files if file.stem not in entered]
    imports = ", ".join(names)
    assert "lambda_src.runtime.resources" in imports
    program = f"import sys, lambda_src.dynamo.boto3_client, {imports}\nassert 'sqlite3' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=60)


def test_an_index_lists_its_attributes():
    assert Index("i", partition="P").attributes == ("P",)
    assert BY_TOPIC.attributes == ("GSI1PK", "GSI1SK")
