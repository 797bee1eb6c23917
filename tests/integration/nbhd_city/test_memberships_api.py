"""Joining and leaving: one request each, and a count that is right whoever is faster."""

import uuid
from collections import Counter
from functools import partial
from typing import Any

import pytest

from lambda_src.services.nbhd_city.tables import MAIN
from tests.support.dynamodb_faults import RandomConflicts, lose_next_answer
from tests.support.nbhd_city import NbhdHouse
from tests.support.nbhd_races import by_use_case, come_and_go, join_all, race_for_a_name


def test_joining_is_one_request(nbhd_house):
    house = nbhd_house()
    made = house.create("alice", "Home")

    with house.counted() as requests:
        answer = house.join("bob", made["id"])

    assert answer.status_code == 201
    assert answer.json() == {"message": "Successfully joined nbhd", "nbhd_id": made["id"]}
    assert requests == {"TransactWriteItems": 1}
    assert house.check_count(made["id"]) == 2
    assert house.detail(made["id"], by="bob")["updated_at"] == made["updated_at"]


def test_joining_twice_and_joining_nothing_are_refused(nbhd_house):
    house = nbhd_house()
    made = house.create("alice", "Home")
    house.join("bob", made["id"])

    again, nothing = house.join("bob", made["id"]), house.join("bob", str(uuid.uuid4()))

    assert (again.status_code, again.json()["code"]) == (409, "already_member")
    assert "already a member" in again.json()["detail"]
    assert (nothing.status_code, nothing.json()["code"]) == (404, "nbhd_not_found")
    assert house.ask("POST", f"/api/nbhds/{made['id']}/join").json()["code"] == "missing_token"
    assert house.check_count(made["id"]) == 2


def test_leaving_is_one_request_and_leaving_again_is_not_found(nbhd_house):
    house = nbhd_house()
    made = house.create("alice", "Home")
    house.join("bob", made["id"])

    with house.counted() as requests:
        answer = house.leave("bob", made["id"])
    again, nothing = house.leave("bob", made["id"]), house.leave("bob", str(uuid.uuid4()))

    assert (answer.status_code, answer.content) == (204, b"")
    assert requests == {"TransactWriteItems": 1}
    for refused in (again, nothing):
        assert (refused.status_code, refused.json()["code"]) == (404, "not_a_member")
    assert house.check_count(made["id"]) == 1


def test_joining_again_is_a_new_membership(nbhd_house):
    house = nbhd_house()
    made = house.create("alice", "Home")
    house.leave("alice", made["id"])
    house.clock.forward(days=1)

    house.join("alice", made["id"])

    [member] = house.detail(made["id"])["members"]
    assert member["joined_at"] == "2025-01-16T08:30:00.123000Z"


def test_a_member_of_a_neighborhood_that_counts_none_meets_an_error_and_a_recount(nbhd_house):
    house = nbhd_house()
    made = house.create("alice", "Home")
    house.store.put(MAIN, {**house.metadata(made["id"]), "member_count": 0})

    answer = house.leave("alice", made["id"])

    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert house.counted_metrics["MemberCountInvariant"] == 1
    house.drain()
    assert house.check_count(made["id"]) == 1
    assert house.leave("alice", made["id"]).status_code == 204


# ---- races ---------------------------------------------------------------------------------------------------------


def test_of_fifty_creations_of_one_name_one_succeeds(nbhd_house):
    house = nbhd_house()

    race_for_a_name(house, "corner café", users=50)

    assert Counter(item["SK"].partition("#")[0] for item in house.items()) == {"NAME": 1, "METADATA": 1, "MEMBER": 1}


def test_two_hundred_users_join_at_once_through_conflicts(nbhd_house, own_client):
    RandomConflicts(own_client, share=0.3, seed=1)
    house = nbhd_house(client=own_client)
    made = house.create("alice", "Home")

    join_all(house, made["id"], users=200, threads=40)

    assert house.check_count(made["id"]) == 201
    assert house.metadata(made["id"])["members_rev"] == 201


def test_of_thirty_joins_of_one_user_one_succeeds(nbhd_house):
    house = nbhd_house()
    made = house.create("alice", "Home")

    answers = house.all_at_once(*[partial(house.join, "bob", made["id"])] * 30)

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 29}
    assert house.check_count(made["id"]) == 2


def test_of_thirty_leaves_of_one_member_one_succeeds(nbhd_house):
    house = nbhd_house()
    made = house.create("alice", "Home")
    house.join("bob", made["id"])

    answers = house.all_at_once(*[partial(house.leave, "bob", made["id"])] * 30)

    assert Counter(answer.status_code for answer in answers) == {204: 1, 404: 29}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 404} == {"not_a_member"}
    assert house.check_count(made["id"]) == 1


def test_users_who_join_and_leave_at_random_leave_a_count_that_is_right(nbhd_house):
    house = nbhd_house()
    made = house.create("alice", "Home")

    tally = come_and_go(house, made["id"], by_use_case, users=40, seconds=5)

    assert min(tally["join"], tally["leave"]) > 20


def test_a_join_whose_answer_got_lost_counts_once(nbhd_house, own_client):
    house = nbhd_house(client=own_client)
    made = house.create("alice", "Home")
    lost = lose_next_answer(own_client, "TransactWriteItems")

    answer = house.join("bob", made["id"])

    assert lost
    assert answer.status_code == 201
    assert house.check_count(made["id"]) == 2


def test_conflicts_without_end_ask_the_client_to_come_again(nbhd_house, own_client):
    house = nbhd_house(client=own_client)
    made = house.create("alice", "Home")
    conflicts = RandomConflicts(own_client, share=1.0, seed=1)

    answer = house.join("bob", made["id"])

    assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (503, "busy", "1")
    assert conflicts.count == house.counted_metrics["JoinConflictRetries"] == 8
    assert house.check_count(made["id"]) == 1


# ---- renames at once -----------------------------------------------------------------------------------------------


def rename(house: NbhdHouse, nbhd_id: str, name: str) -> Any:
    return house.ask("PATCH", f"/api/nbhds/{nbhd_id}", by="alice", json={"name": name})


@pytest.mark.parametrize("seed", range(4))
def test_two_neighborhoods_want_one_name_and_one_gets_it(nbhd_house, seed):
    house = nbhd_house()
    one, two = house.create("alice", f"One {seed}"), house.create("alice", f"Two {seed}")

    answers = house.all_at_once(partial(rename, house, one["id"], "Prize"), partial(rename, house, two["id"], "PRIZE"))

    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 1}
    held = house.names_held()
    loser = one if answers[0].status_code == 409 else two
    winner = two if loser is one else one
    assert held == {"prize": winner["id"], loser["name"].lower(): loser["id"]}
    assert house.detail(loser["id"])["name"] == loser["name"]


@pytest.mark.parametrize("seed", range(4))
def test_a_neighborhood_that_gets_two_names_at_once_ends_with_one(nbhd_house, seed):
    house = nbhd_house()
    made = house.create("alice", f"Home {seed}")

    answers = house.all_at_once(*(partial(rename, house, made["id"], name) for name in ("X", "Y", "X", "Z")))

    for answer in answers:
        assert answer.status_code == 200 or (answer.status_code, answer.json()["code"]) == (409, "edit_conflict")
    name = house.detail(made["id"])["name"]
    assert house.names_held() == {name.lower(): made["id"]}
    assert house.metadata(made["id"])["name_lower"] == name.lower()


def test_a_deletion_and_a_rename_at_once_leave_no_name_behind(nbhd_house):
    house = nbhd_house()
    made = house.create("alice", "Home")

    renamed, deleted = house.all_at_once(
        partial(rename, house, made["id"], "Castle"),
        partial(house.ask, "DELETE", f"/api/nbhds/{made['id']}", by="alice"),
    )

    assert deleted.status_code == 204
    assert renamed.status_code in {200, 404}
    assert house.names_held() == {}
