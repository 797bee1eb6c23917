"""Users and plans that many reach for at once: one outcome, and everything stored agrees."""

from collections.abc import Callable
from functools import partial

import pytest

from lambda_src.dynamo.boto3_client import Boto3Client
from tests.support.algoitny import ADMIN, FREE, PRO
from tests.support.algoitny_people import check_people, stored_users, users_of
from tests.support.racing import Meeting, at_once, outcomes

ROUNDS = [1, pytest.param(25, marks=pytest.mark.soak)]


@pytest.fixture
def meeting(dynamodb_client):
    return Meeting(Boto3Client(dynamodb_client))


@pytest.fixture
def judge(new_judge, meeting):
    judge = new_judge(engine=meeting)
    yield judge
    check_people(judge)


@pytest.mark.parametrize("rounds", ROUNDS)
def test_of_20_who_register_one_address_one_succeeds(judge, meeting, rounds):
    users = users_of(judge)
    for number in range(rounds):
        address = f"ann-{number}@example.com"
        calls = [
            partial(users.create_user, {"email": (address, address.upper())[thread % 2], "google_id": f"{thread}"})
            for thread in range(number * 20, number * 20 + 20)
        ]
        meeting.at("TransactWriteItems", 20)
        assert outcomes(calls) == {"ok": 1, "email_taken": 19}
    assert len(stored_users(judge)) == rounds


def test_of_20_who_register_one_google_account_one_succeeds(judge, meeting):
    users = users_of(judge)
    calls = [partial(users.create_user, {"email": f"{n}@example.com", "google_id": "108"}) for n in range(20)]
    meeting.at("TransactWriteItems", 20)
    assert outcomes(calls) == {"ok": 1, "google_id_taken": 19}


def test_of_users_who_change_to_one_address_one_succeeds(judge, meeting):
    users = users_of(judge)
    ids = [judge.user(f"{number}@example.com").user_id for number in range(8)]
    meeting.at("TransactWriteItems", 8)
    found = outcomes([partial(users.update_user, user_id, {"email": "one@example.com"}) for user_id in ids])
    assert found == {"ok": 1, "email_taken": 7}


def test_ids_that_are_drawn_at_once_differ(judge):
    users = users_of(judge)
    created = at_once([partial(users.create_user, {"email": f"{number}@example.com"}) for number in range(20)])
    assert sorted(user.user_id for user in created) == list(range(1, 21))


@pytest.mark.parametrize("rounds", ROUNDS)
def test_plans_count_their_users_whatever_happens_to_them_at_once(judge, rounds):
    """Each user is given several plans, changes the address and leaves, while others come; plans are switched off."""
    users = users_of(judge)
    for number in range(rounds):
        first = 10_000 * (number + 2)  # above what the counter has drawn
        ids = [judge.user(f"{each}@example.com", user_id=each).user_id for each in range(first, first + 4)]
        calls: list[Callable[[], object]] = [
            partial(users.update_subscription_plan, user_id, plan_id)
            for user_id in ids
            for plan_id in (PRO, ADMIN, FREE)
        ]
        calls += [partial(users.update_user, user_id, {"email": f"new-{user_id}@example.com"}) for user_id in ids]
        calls += [partial(users.delete_user, user_id) for user_id in ids[:2]]
        calls += [partial(users.create_user, {"email": f"{number}-new-{each}@example.com"}) for each in range(4)]
        found = outcomes(calls)
        assert set(found) <= {"ok", "not_found", "conflict"}
        check_people(judge)
    assert len(stored_users(judge)) == rounds * 6
