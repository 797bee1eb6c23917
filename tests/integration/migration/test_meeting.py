"""Rows that come into a table in which others write: what these wrote stays, and numbers are those of everybody."""

from dataclasses import replace

import pytest

from lambda_src.dynamo.conditions import Attr
from lambda_src.dynamo.values import to_item
from lambda_src.migration.errors import TargetFailed
from lambda_src.migration.mappings.yoto_smart_stream.mapping import mapping
from lambda_src.migration.target.meeting import add_up, residents, sums
from lambda_src.migration.target.place import Place
from lambda_src.services.yoto_smart_stream.models import UserRecord
from lambda_src.services.yoto_smart_stream.tables import USER
from tests.support.dynamodb_front import fronting
from tests.support.migration.killing import KILLED, Killer
from tests.support.migration.yoto_smart_stream_files import HASH, earlier_file, many_users, user
from tests.support.migration.yoto_smart_stream_operator import done

NOW = "2026-12-01T00:00:00.000000Z"


@pytest.fixture
def place(mover, client):
    return Place.of(mapping(), client, mover.tables)


@pytest.fixture
def administrator(mover, dynamodb_client):
    """`administrator(7)`: somebody makes one, who is called `admin7`, and counts it."""

    def make(number, name=None):
        made = UserRecord(
            user_id=number, username=name or f"admin{number}", created_at=NOW, updated_at=NOW, hashed_password=HASH,
            is_admin=True,
        )  # fmt: skip
        dynamodb_client.put_item(TableName=mover.tables["main"], Item=to_item(USER.item(made)))
        dynamodb_client.update_item(
            TableName=mover.tables["main"], Key={"PK": {"S": "GUARD#ADMIN"}, "SK": {"S": "COUNT"}},
            UpdateExpression="ADD active_admins :one", ExpressionAttributeValues={":one": {"N": "1"}},
        )  # fmt: skip

    return make


def stored(place):
    return [(each.stored, each.wanted) for each in sums(place)]


def test_numbers_are_those_of_all_items_and_go_with_the_last_of_them(place, administrator, mover, dynamodb_client):
    assert stored(place) == [(None, None), (None, None)]
    administrator(3)
    administrator(9)
    assert stored(place) == [(None, 9), (2, 2)]
    add_up(place, hold=lambda: None)
    assert stored(place) == [(9, 9), (2, 2)]
    for number in (3, 9):
        key = to_item(USER.key(username_key=f"admin{number}").values)
        dynamodb_client.delete_item(TableName=mover.tables["main"], Key=key)
    assert stored(place) == [(9, None), (2, None)]
    add_up(place, hold=lambda: None)
    assert stored(place) == [(None, None), (None, None)]


def test_an_account_that_somebody_makes_between_counting_and_writing_is_counted(place, administrator):
    administrator(1)
    numbers = iter((2, 3))

    def meanwhile():
        for number in numbers:
            administrator(number)
            break

    place.items.put(
        place.mapping.state_table,
        {"PK": "GUARD#ADMIN", "SK": "COUNT", "active_admins": 7},
        condition=Attr("PK").exists(),
    )
    add_up(place, hold=meanwhile)
    assert stored(place) == [(3, 3), (3, 3)]


def test_who_goes_on_making_accounts_is_waited_for_five_times(place, administrator):
    numbers = iter(range(1, 1_000))

    def meanwhile():
        administrator(next(numbers))

    meanwhile()
    place.items.put(
        place.mapping.state_table,
        {"PK": "GUARD#ADMIN", "SK": "COUNT", "active_admins": 7},
        condition=Attr("PK").exists(),
    )
    with pytest.raises(TargetFailed, match="goes on writing"):
        add_up(place, hold=meanwhile)
    assert next(numbers) < 15


def test_a_table_that_is_not_there_has_nobody_in_it(client):
    assert residents(Place.of(mapping(), client, {"main": "nobody-made-this"})) == ()


def test_who_was_made_while_a_copy_was_dead_is_not_overwritten_when_it_goes_on(
    mover, earlier, table, administrator, dynamodb_endpoint, phases
):
    earlier_file(earlier, users=[*many_users(90), user(100, "admin", is_admin=1)])
    with fronting(dynamodb_endpoint) as front:
        front.spoil = killer = Killer((3,), operations=("BatchWriteItem",))
        process = phases.start(replace(mover, endpoint_url=front.url), "copy")
        killer.aim(process)
        assert process.wait() == KILLED
    administrator(500, "admin")
    before = table()["USER#admin", "PROFILE"]
    assert "| users | kept | 1 |" in done(mover, "copy")
    found = table()
    assert found["USER#admin", "PROFILE"] == before
    assert ("USERID#100", "CLAIM") not in found
    assert "Verified" in done(mover, "verify", "--full")
