"""Accounts and sign-ins that many reach for at once: one outcome, and everything stored agrees."""

from collections.abc import Callable, Iterator
from functools import partial

import httpx
import pytest

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.models import UserRecord
from tests.support.racing import Meeting, at_once, outcomes
from tests.support.yoto_accounts import (
    OTHER_PASSWORD,
    PASSWORD,
    check_accounts,
    keys_of,
    log_in,
    me,
    phc,
    refresh,
    stored_users,
    told,
    users_of,
)
from tests.support.yoto_smart_stream import ADMIN_PASSWORD, MakeHouse, PlayedHouse

HASH = "$argon2id$of-somebody"
ROUNDS = [1, pytest.param(25, marks=pytest.mark.soak)]


@pytest.fixture
def meeting(dynamodb_client) -> Meeting:
    return Meeting(Boto3Client(dynamodb_client))


@pytest.fixture
def house(new_house: MakeHouse, meeting: Meeting) -> Iterator[PlayedHouse]:
    house = new_house(engine=meeting)
    yield house
    check_accounts(house)


@pytest.mark.parametrize("rounds", ROUNDS)
def test_of_20_threads_that_create_bob_in_any_case_one_succeeds(house, meeting, rounds):
    users = users_of(house)
    for number in range(rounds):
        before = house.store.count(tables.COUNT_USERS)
        names = [f"{name}-{number}" for name in ("Bob", "bob", "BOB")]
        calls = [
            partial(users.create_user, names[thread % 3], HASH, f"bob-{number}-{thread}@example.com")
            for thread in range(20)
        ]
        meeting.at("TransactWriteItems", 20)
        assert outcomes(calls) == {"ok": 1, "username_taken": 19}
        assert house.store.count(tables.COUNT_USERS) == before + 1
    assert len([key for key, _ in keys_of(house) if key.startswith("EMAIL#")]) == rounds
    assert len([key for key, _ in keys_of(house) if key.startswith("USERID#")]) == rounds


@pytest.mark.parametrize("rounds", ROUNDS)
def test_of_20_threads_that_take_one_address_one_succeeds(house, meeting, rounds):
    users = users_of(house)
    for number in range(rounds):
        address = f"bob-{number}@example.com"
        calls = [
            partial(users.create_user, f"user-{number}-{thread}", HASH, (address.upper(), address)[thread % 2])
            for thread in range(20)
        ]
        meeting.at("TransactWriteItems", 20)
        assert outcomes(calls) == {"ok": 1, "email_taken": 19}
    assert len(stored_users(house)) == rounds


def test_of_users_who_change_to_one_address_one_succeeds(house, meeting):
    users = users_of(house)
    ids = [users.create_user(f"user-{number}", HASH, f"user-{number}@example.com").user_id for number in range(8)]
    meeting.at("TransactWriteItems", 8)
    assert outcomes([partial(users.update_user, user_id, "one@example.com") for user_id in ids]) == {
        "ok": 1, "email_taken": 7,
    }  # fmt: skip


def test_ids_that_are_drawn_at_once_differ(house):
    users = users_of(house)
    created = at_once([partial(users.create_user, f"user-{number}", HASH) for number in range(20)])
    assert sorted(user.user_id for user in created) == list(range(1, 21))


# ---- the last administrator ------------------------------------------------------------------------------------------


def change(house: PlayedHouse, by: UserRecord, of: UserRecord, **changes: bool) -> Callable[[], httpx.Response]:
    headers = {"Authorization": f"Bearer {house.token(by)}"}
    return partial(house.api.patch, f"/api/admin/users/{of.user_id}", headers=headers, json=changes)


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("changes", [{"is_admin": False}, {"is_active": False}], ids=["demoted", "switched-off"])
def test_of_two_administrators_who_demote_each_other_one_stays(new_house, meeting, rounds, changes):
    for _ in range(rounds):
        house = new_house(engine=meeting)
        ann, bob = house.admin("ann"), house.admin("bob")
        meeting.at("TransactWriteItems", 2)
        answers = house.all_at_once(change(house, ann, bob, **changes), change(house, bob, ann, **changes))
        assert sorted(told(answer) for answer in answers) == [(200, None), (409, "last_admin")]
        assert [user.counts_as_admin for user in stored_users(house)].count(True) == 1
        check_accounts(house)


def test_of_two_administrators_who_leave_at_once_one_stays(house, meeting):
    ann, bob = house.admin("ann"), house.admin("bob")
    meeting.at("TransactWriteItems", 2)
    leave = [
        partial(
            house.api.delete, f"/api/admin/users/{user.user_id}",
            headers={"Authorization": f"Bearer {house.token(user)}"},
        )
        for user in (ann, bob)
    ]  # fmt: skip
    assert sorted(told(answer) for answer in house.all_at_once(*leave)) == [(204, None), (409, "last_admin")]


def test_of_many_who_demote_many_one_stays(house):
    admins = [house.admin(f"admin-{number}") for number in range(6)]
    users = users_of(house)
    found = outcomes([partial(users.update_user, admin.user_id, is_admin=False) for admin in admins])
    assert found == {"ok": 5, "last_admin": 1}


def test_one_who_is_promoted_and_switched_off_at_once_is_counted_as_what_is_stored(house):
    house.admin("boss")
    john, users = house.user("john"), users_of(house)
    found = outcomes(
        [
            partial(users.update_user, john.user_id, **changes)
            for changes in ({"is_admin": True}, {"is_active": False}, {"is_admin": True}, {"email": "john@example.com"})
        ]
    )
    assert set(found) <= {"ok", "conflict"}
    assert found["ok"] >= 2
    assert users.count_admins() == sum(user.counts_as_admin for user in stored_users(house))


# ---- sign-ins --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rounds", ROUNDS)
def test_of_two_clients_that_refresh_with_one_token_one_gets_on_and_then_neither(house, meeting, rounds):
    house.user("john", hashed_password=phc(PASSWORD))
    for _ in range(rounds):
        token = log_in(house, "john").json()["refresh_token"]
        meeting.at("UpdateItem", 2)
        answers = house.all_at_once(*[partial(refresh, house, token)] * 2)
        assert sorted(told(answer) for answer in answers) == [(200, None), (401, "refresh_reused")]
        [successor] = [answer.json()["refresh_token"] for answer in answers if answer.status_code == 200]
        assert told(refresh(house, successor)) == (401, "refresh_invalid")


def test_of_two_who_choose_a_password_with_one_token_one_succeeds(house, meeting):
    john = house.user("john", hashed_password=phc(PASSWORD))
    headers = {"Authorization": f"Bearer {house.token(john)}"}
    meeting.at("UpdateItem", 2)
    answers = house.all_at_once(*(
        partial(
            house.api.post, "/api/user/password", headers=headers,
            json={"current_password": PASSWORD, "new_password": new},
        )
        for new in (OTHER_PASSWORD, "nine slow purple boats")
    ))  # fmt: skip
    assert sorted(told(answer) for answer in answers) == [(200, None), (401, "token_invalid")]
    [session] = [answer.json() for answer in answers if answer.status_code == 200]
    assert me(house, session["access_token"]).status_code == 200


def test_first_sign_ins_at_once_make_one_administrator(house):
    answers = house.all_at_once(*[partial(log_in, house, "admin", ADMIN_PASSWORD)] * 6)
    assert {told(answer) for answer in answers} == {(200, None)}
    assert [user.username for user in stored_users(house)] == ["admin"]


def test_passwords_that_are_guessed_at_once_are_all_counted(house):
    house.user("john", hashed_password=phc(PASSWORD))
    answers = house.all_at_once(*[partial(log_in, house, "john", "five quiet green lamps")] * 8)
    assert {told(answer) for answer in answers} <= {(401, "invalid_credentials"), (429, "too_many_attempts")}
    assert told(log_in(house, "john")) == (429, "too_many_attempts")
