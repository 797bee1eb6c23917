"""Key diagrams say what a declaration says, each item and each read in its place."""

import pytest

from cdk_app.docs.key_picture import key_svg
from lambda_src.dynamo.schema import AccessPattern, Entity, Index, KeyTemplate, Table
from tests.support.svg import description, texts

BY_DAY = Index("by-day", partition="GSI1PK", sort="GSI1SK", projection="KEYS_ONLY")
USER = Entity("User", partition=KeyTemplate("USER#{user_id}"), sort=KeyTemplate("PROFILE"))
POST = Entity(
    "Post",
    partition=KeyTemplate("USER#{user_id}"),
    sort=KeyTemplate("POST#{post_id}"),
    index_keys={"GSI1PK": KeyTemplate("DAY#{day}"), "GSI1SK": KeyTemplate("{created_at}")},
)
LOCK = Entity("Lock", partition=KeyTemplate("LOCK"), sort=KeyTemplate("LOCK"))
POSTS_OF_DAY = AccessPattern("posts_of_day", "?", ("Query", "GetItem"), cost="1", index=BY_DAY, reads=(POST, USER))
USER_BY_ID = AccessPattern("user_by_id", "?", ("GetItem",), cost="1", reads=(USER,))
TABLE = Table(
    "main",
    seed_name="Sample<&>",
    environment_variable="TABLE",
    partition="PK",
    sort="SK",
    entities=(USER, LOCK, POST),
    indexes=(BY_DAY,),
    patterns=(POSTS_OF_DAY, USER_BY_ID),
    ttl="expires_at",
)


def test_items_of_one_partition_stand_together_with_those_who_read_them():
    assert description(key_svg(TABLE)) == (
        "Table: User at USER#{user_id}, PROFILE, read by posts_of_day, user_by_id. "
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
    share = Entity("Share", partition=KeyTemplate("{ticker}"), sort=None)
    table = Table("t", seed_name="T", environment_variable="T", partition="ticker", sort=None, entities=(share,))
    assert [text for text in texts(key_svg(table)) if text in ("PK", "SK", "ticker", "item")] == [
        "ticker",
        "ticker",
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


def test_a_pattern_cannot_read_an_item_of_another_table():
    strange = AccessPattern("strange", "?", ("GetItem",), cost="1", reads=(USER,))
    with pytest.raises(ValueError, match=r"read items it does not have: \['User'\]"):
        Table(
            "t",
            seed_name="T",
            environment_variable="T",
            partition="PK",
            sort="SK",
            entities=(LOCK,),
            patterns=(strange,),
        )
