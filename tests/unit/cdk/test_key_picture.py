"""Key diagrams say what a declaration says, each item and each read in its place."""

from dataclasses import dataclass

from cdk_app.docs.key_picture import key_svg
from lambda_src.dynamo.schema import AccessPattern, Entity, Index, Table
from tests.support.svg import description, texts

BY_DAY = Index("by-day", partition="GSI1PK", sort="GSI1SK", projection="KEYS_ONLY")
TABLE = Table(
    "main",
    base_name="Sample<&>",
    environment_variable="TABLE",
    partition="PK",
    sort="SK",
    indexes=(BY_DAY,),
    ttl="expires_at",
)


@dataclass(frozen=True)
class User:
    user_id: str


@dataclass(frozen=True)
class Lock:
    """An item that is all key."""


@dataclass(frozen=True)
class Post:
    user_id: str
    post_id: str
    day: str
    created_at: str


USER = Entity(TABLE, User, pk="USER#{user_id}", sk="PROFILE")
LOCK = Entity(TABLE, Lock, pk="LOCK", sk="LOCK")
POST = Entity(
    TABLE,
    Post,
    pk="USER#{user_id}",
    sk="POST#{post_id}",
    index_keys={"GSI1PK": "DAY#{day}", "GSI1SK": "{created_at}"},
)
AccessPattern(
    "posts_of_day",
    "?",
    operation="Query",
    index=BY_DAY,
    reads=POST,
    asked_by=("api",),
    cost="1",
)
AccessPattern("users_by_ids", "?", operation="BatchGetItem", reads=USER, asked_by=("api",), cost="1")
AccessPattern("user_by_id", "?", operation="GetItem", reads=USER, asked_by=("api",), cost="1")


def test_items_of_one_partition_stand_together_with_those_who_read_them():
    assert description(key_svg(TABLE)) == (
        "Table: User at USER#{user_id}, PROFILE, read by users_by_ids, user_by_id. "
        "Table: Post at USER#{user_id}, POST#{post_id}. "
        "Table: Lock at LOCK, LOCK. "
        "by-day: Post at DAY#{day}, {created_at}, read by posts_of_day."
    )


def test_every_key_is_written_out_once_per_place():
    shown = texts(key_svg(TABLE))
    for key in ("USER#{user_id}", "PROFILE", "POST#{post_id}", "DAY#{day}", "{created_at}"):
        assert shown.count(key) == 1, key
    assert shown.count("LOCK") == 2  # its partition key and its sort key
    assert "GSI1PK and GSI1SK · keys only" in shown


def test_an_item_that_nothing_reads_is_said_to_be_written_only():
    assert texts(key_svg(TABLE)).count("written only") == 2  # the lock, and the post outside the index


def test_names_are_escaped():
    svg = key_svg(TABLE)
    assert "Sample<&>-<environment>" in texts(svg)
    assert "<&>" not in svg


def test_a_table_without_sort_key_has_no_column_for_it():
    table = Table("t", base_name="T", environment_variable="T", partition="user_id", sort=None)
    Entity(table, User, pk="{user_id}", name="Share")
    assert [text for text in texts(key_svg(table)) if text in ("PK", "SK", "user_id", "item")] == [
        "user_id",
        "user_id",
        "item",
    ]


def test_the_picture_needs_nothing_from_elsewhere():
    svg = key_svg(TABLE)
    assert "<script" not in svg
    assert "@import" not in svg
    assert "href" not in svg
    assert svg.count("http") == 1  # the name of SVG itself


def test_the_same_declaration_gives_the_same_bytes():
    assert key_svg(TABLE) == key_svg(TABLE)
