"""Joining and leaving: one request each, and a count that is right whoever is faster."""

import uuid
from collections import Counter
from functools import partial
from typing import Any

import pytest

from lambda_src.dynamo.boto3_client import Boto3Client
from tests.support.dynamodb_faults import Faults, RandomConflicts
from tests.support.nbhd_city import PlayedCity
from tests.support.nbhd_races import by_use_case, come_and_go, join_all, race_for_a_name


def test_joining_is_one_request(new_city):
    city = new_city()
    made = city.create("alice", "Home")

    with city.counted() as requests:
        answer = city.join("bob", made["id"])

    assert answer.status_code == 201
    assert answer.json() == {"message": "Successfully joined nbhd", "nbhd_id": made["id"]}
    assert requests == {"TransactWriteItems": 1}
    assert city.check_count(made["id"]) == 2
    assert city.detail(made["id"], by="bob")["updated_at"] == made["updated_at"]


def test_joining_twice_and_joining_nothing_are_refused(new_city):
    city = new_city()
    made = city.create("alice", "Home")
    city.join("bob", made["id"])

    again, nothing = city.join("bob", made["id"]), city.join("bob", str(uuid.uuid4()))

    assert (again.status_code, again.json()["code"]) == (409, "already_member")
    assert "already a member" in again.json()["detail"]
    assert (nothing.status_code, nothing.json()["code"]) == (404, "nbhd_not_found")
    assert city.ask("POST", f"/api/nbhds/{made['id']}/join").json()["code"] == "missing_token"
    assert city.check_count(made["id"]) == 2


def test_leaving_is_one_request_and_leaving_again_is_not_found(new_city):
    city = new_city()
    made = city.create("alice", "Home")
    city.join("bob", made["id"])

    with city.counted() as requests:
        answer = city.leave("bob", made["id"])
    again, nothing = city.leave("bob", made["id"]), city.leave("bob", str(uuid.uuid4()))

    assert (answer.status_code, answer.content) == (204, b"")
    assert requests == {"TransactWriteItems": 1}
    for refused in (again, nothing):
        assert (refused.status_code, refused.json()["code"]) == (404, "not_a_member")
    assert city.check_count(made["id"]) == 1


def test_joining_again_is_a_new_membership(new_city):
    city = new_city()
    made = city.create("alice", "Home")
    city.leave("alice", made["id"])
    city.clock.forward(days=1)

    city.join("alice", made["id"])

    [member] = city.detail(made["id"])["members"]
    assert member["joined_at"] == "2025-01-16T08:30:00.123000Z"


def test_a_member_of_a_neighborhood_that_counts_none_meets_an_error_and_a_recount(new_city):
    city = new_city()
    made = city.create("alice", "Home")
    city.put_items({**city.metadata(made["id"]), "member_count": 0})

    answer = city.leave("alice", made["id"])

    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert city.metrics.totals["MemberCountInvariant"] == 1
    city.drain()
    assert city.check_count(made["id"]) == 1
    assert city.leave("alice", made["id"]).status_code == 204


# ---- races ---------------------------------------------------------------------------------------------------------


def test_of_fifty_creations_of_one_name_one_succeeds(new_city):
    city = new_city()

    race_for_a_name(city, "corner café", users=50)

    assert Counter(item["SK"].partition("#")[0] for item in city.items()) == {"NAME": 1, "METADATA": 1, "MEMBER": 1}


def test_sixty_users_join_at_once_through_conflicts(new_city, dynamodb_client):
    city = new_city(engine=RandomConflicts(Boto3Client(dynamodb_client), share=0.3, seed=1))
    made = city.create("alice", "Home")

    join_all(city, made["id"], users=60, threads=40)

    assert city.check_count(made["id"]) == 61
    assert city.metadata(made["id"])["members_rev"] == 61


def test_of_thirty_joins_of_one_user_one_succeeds(new_city):
    city = new_city()
    made = city.create("alice", "Home")

    answers = city.all_at_once(*[partial(city.join, "bob", made["id"])] * 30)

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 29}
    assert city.check_count(made["id"]) == 2


def test_of_thirty_leaves_of_one_member_one_succeeds(new_city):
    city = new_city()
    made = city.create("alice", "Home")
    city.join("bob", made["id"])

    answers = city.all_at_once(*[partial(city.leave, "bob", made["id"])] * 30)

    assert Counter(answer.status_code for answer in answers) == {204: 1, 404: 29}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 404} == {"not_a_member"}
    assert city.check_count(made["id"]) == 1


def test_users_who_join_and_leave_at_random_leave_a_count_that_is_right(new_city):
    city = new_city()
    tally: Counter[str] = Counter()

    for number in range(10):  # one is enough, unless the machine is busy
        made = city.create("alice", f"Home {number}")
        tally += come_and_go(city, made["id"], by_use_case, users=40, seconds=2)
        if min(tally["join"], tally["leave"]) > 20:
            break

    assert min(tally["join"], tally["leave"]) > 20


def test_a_join_whose_answer_got_lost_counts_once(new_city, dynamodb_client):
    faults = Faults(Boto3Client(dynamodb_client))
    city = new_city(engine=faults)
    made = city.create("alice", "Home")
    lost = faults.lose_next_answer("TransactWriteItems")

    answer = city.join("bob", made["id"])

    assert lost
    assert answer.status_code == 201
    assert city.check_count(made["id"]) == 2


def test_conflicts_without_end_ask_the_client_to_come_again(new_city, dynamodb_client):
    quiet = new_city()
    made = quiet.create("alice", "Home")
    conflicts = RandomConflicts(Boto3Client(dynamodb_client), share=1.0, seed=1)
    city = new_city(names=quiet.names, secret=quiet.secret, engine=conflicts)

    answer = city.join("bob", made["id"])

    assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (503, "busy", "1")
    assert conflicts.count == city.metrics.totals["JoinConflictRetries"] == 8
    assert city.check_count(made["id"]) == 1


# ---- renames at once -----------------------------------------------------------------------------------------------


def rename(city: PlayedCity, nbhd_id: str, name: str) -> Any:
    return city.ask("PATCH", f"/api/nbhds/{nbhd_id}", by="alice", json={"name": name})


@pytest.mark.parametrize("seed", range(4))
def test_two_neighborhoods_want_one_name_and_one_gets_it(new_city, seed):
    city = new_city()
    one, two = city.create("alice", f"One {seed}"), city.create("alice", f"Two {seed}")

    answers = city.all_at_once(partial(rename, city, one["id"], "Prize"), partial(rename, city, two["id"], "PRIZE"))

    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 1}
    held = city.names_held()
    loser = one if answers[0].status_code == 409 else two
    winner = two if loser is one else one
    assert held == {"prize": winner["id"], loser["name"].lower(): loser["id"]}
    assert city.detail(loser["id"])["name"] == loser["name"]


@pytest.mark.parametrize("seed", range(4))
def test_a_neighborhood_that_gets_two_names_at_once_ends_with_one(new_city, seed):
    city = new_city()
    made = city.create("alice", f"Home {seed}")

    answers = city.all_at_once(*(partial(rename, city, made["id"], name) for name in ("X", "Y", "X", "Z")))

    for answer in answers:
        assert answer.status_code == 200 or (answer.status_code, answer.json()["code"]) == (409, "edit_conflict")
    name = city.detail(made["id"])["name"]
    assert city.names_held() == {name.lower(): made["id"]}
    assert city.metadata(made["id"])["name_lower"] == name.lower()


def test_a_deletion_and_a_rename_at_once_leave_no_name_behind(new_city):
    city = new_city()
    made = city.create("alice", "Home")

    renamed, deleted = city.all_at_once(
        partial(rename, city, made["id"], "Castle"),
        partial(city.ask, "DELETE", f"/api/nbhds/{made['id']}", by="alice"),
    )

    assert deleted.status_code == 204
    assert renamed.status_code in {200, 404}
    assert city.names_held() == {}
