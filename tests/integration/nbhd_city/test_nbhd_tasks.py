"""The worker: purges across kills, recounts, sweep and audit."""

import json
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from lambda_src.services.nbhd_city.bootstrap.worker import build_worker
from lambda_src.services.nbhd_city.tables import MAIN
from tests.support.nbhd_city import QUEUE, NbhdHouse, did
from tests.support.played import Sent
from tests.support.stepping import (
    Killed,
    SteppedQueue,
    Steps,
    act_before_step,
    kill_before,
    kill_before_step,
    stepped_client,
)

LONG_AGO = "2025-01-01T00:00:00.000000Z"


@contextmanager
def stepped_worker(house: NbhdHouse, steps: Steps):
    """A worker in a process of its own, as far as anybody outside can tell."""
    with stepped_client(house.client.meta.endpoint_url, steps) as client:
        around = replace(house.surroundings, client=client, queue=SteppedQueue(house.queue, steps))
        yield build_worker(house.worker_settings, around)


def deleted_with(house: NbhdHouse, members: int, name: str = "Home") -> tuple[str, Sent]:
    """A neighborhood whose creator deleted it, and the task that purges it."""
    made = house.create("alice", name)
    house.seed_members(made["id"], [f"member{number:05}" for number in range(members - 1)], joined_at=LONG_AGO)
    assert house.ask("DELETE", f"/api/nbhds/{made['id']}", by="alice").status_code == 204
    [task] = house.queue.take()
    assert task.content == {"v": 1, "task": "purge_neighborhood", "nbhd_id": made["id"]}
    return made["id"], task


def remains(house: NbhdHouse, nbhd_id: str) -> list[dict[str, Any]]:
    return [item for item in house.items() if item["PK"] == f"NBHD#{nbhd_id}"]


# ---- deletion ------------------------------------------------------------------------------------------------------


def test_a_deleted_neighborhood_is_gone_for_everybody_at_once_though_no_task_was_sent(nbhd_house):
    house = nbhd_house()
    made = house.create("alice", "Home")
    house.seed_members(made["id"], ["bob", *(f"member{n:03}" for n in range(998))], joined_at=LONG_AGO)
    house.queue.is_down = True

    with house.counted() as requests:
        answer = house.ask("DELETE", f"/api/nbhds/{made['id']}", by="alice")

    assert (answer.status_code, answer.content) == (204, b"")
    assert requests == {"GetItem": 1, "TransactWriteItems": 1}
    path = f"/api/nbhds/{made['id']}"
    for method, rest in (("GET", ""), ("GET", "/members"), ("POST", "/join"), ("DELETE", "/leave"), ("DELETE", "")):
        refused = house.ask(method, path + rest, by="alice")
        assert (refused.status_code, refused.json()["code"]) == (404, "nbhd_not_found"), (method, rest)
    assert house.ask("GET", "/api/nbhds").json() == []
    assert house.ask("GET", "/api/users/me/nbhds", by="bob").json()["neighborhoods"] == []
    assert house.create("bob", "HOME")["name"] == "HOME"

    house.queue.is_down = False
    house.scheduled("sweep")
    assert not house.queue.take(), "its task may still be on its way"
    house.clock.forward(minutes=6)
    house.scheduled("sweep")
    [task] = house.queue.take()
    assert house.deliver(task) == []

    assert remains(house, made["id"]) == []
    before = house.items()
    assert house.deliver(task, receive_count=2) == []
    house.scheduled("sweep")
    assert house.items() == before
    assert not house.queue.take()


def test_a_purge_costs_a_request_per_twenty_five_members(nbhd_house):
    house = nbhd_house()
    nbhd_id, task = deleted_with(house, 1_000)
    steps = Steps()

    with stepped_worker(house, steps) as worker:
        assert house.deliver(task, worker=worker) == []

    assert Counter(steps.names) == {"GetItem": 1, "Query": 3, "BatchWriteItem": 40, "DeleteItem": 1}
    assert remains(house, nbhd_id) == []


@pytest.mark.parametrize("nth", range(1, 13))
def test_a_purge_that_dies_before_any_of_its_steps_is_finished_by_the_next(nbhd_house, nth):
    house = nbhd_house()
    nbhd_id, task = deleted_with(house, 200)

    with stepped_worker(house, Steps(kill_before_step(nth))) as worker:
        if nth <= 12:
            with pytest.raises(Killed):
                house.deliver(task, worker=worker)
    assert house.metadata(nbhd_id) is not None
    assert house.deliver(task, receive_count=2) == []

    assert remains(house, nbhd_id) == []
    assert house.items() == []


def test_a_purge_of_many_members_survives_several_deaths(nbhd_house):
    house = nbhd_house()
    nbhd_id, task = deleted_with(house, 3_000)

    left = [3_000]
    for receive_count in (1, 2, 3):
        with stepped_worker(house, Steps(kill_before("BatchWriteItem", nth=31))) as worker, pytest.raises(Killed):
            house.deliver(task, receive_count=receive_count, worker=worker)
        left.append(house.member_items(nbhd_id))
    assert left == [3_000, 2_250, 1_500, 750]

    assert house.deliver(task, receive_count=4) == []
    assert house.items() == []


def test_a_purge_that_runs_out_of_time_sends_the_rest_as_another_task(nbhd_house):
    house = nbhd_house()
    nbhd_id, task = deleted_with(house, 1_200)

    assert house.deliver(task, milliseconds=5_000) == []  # less than what the worker keeps for its end

    [rest] = house.queue.take()
    assert rest.content == task.content
    assert house.member_items(nbhd_id) == 700
    assert house.deliver(rest) == []
    assert house.items() == []


def test_a_purge_of_a_living_neighborhood_removes_nothing(nbhd_house):
    house = nbhd_house()
    made = house.create("alice", "Home")
    before = house.items()
    house.queue.send(QUEUE, json.dumps({"v": 1, "task": "purge_neighborhood", "nbhd_id": made["id"]}))

    house.drain()

    assert house.items() == before


# ---- counts and names ----------------------------------------------------------------------------------------------


def test_the_audit_corrects_a_count_that_is_wrong(nbhd_house):
    house = nbhd_house()
    right, wrong = house.create("alice", "Right"), house.create("alice", "Wrong")
    house.store.put(MAIN, {**house.metadata(wrong["id"]), "member_count": 7})

    house.scheduled("audit")
    tasks = house.queue.take()
    assert [task.content for task in tasks] == [{"v": 1, "task": "recount_members", "nbhd_id": wrong["id"]}]
    assert house.deliver(*tasks) == []
    assert house.deliver(*tasks, receive_count=2) == []

    assert house.check_count(wrong["id"]) == house.check_count(right["id"]) == 1
    assert house.counted_metrics == {"MemberCountDrift": 1}


def test_a_recount_that_is_overtaken_counts_again(nbhd_house):
    house = nbhd_house()
    made = house.create("alice", "Home")
    house.store.put(MAIN, {**house.metadata(made["id"]), "member_count": 7})
    house.queue.send(QUEUE, json.dumps({"v": 1, "task": "recount_members", "nbhd_id": made["id"]}))
    # its first three steps are GetItem, Query, UpdateItem
    steps = Steps(act_before_step(3, lambda: house.services.memberships.join(made["id"], did("bob"))))

    with stepped_worker(house, steps) as worker:
        assert house.deliver(*house.queue.take(), worker=worker) == []

    assert steps.names == ["GetItem", "Query", "UpdateItem", "GetItem", "Query", "UpdateItem"]
    assert house.check_count(made["id"]) == 2


def test_a_recount_of_what_is_gone_creates_nothing(nbhd_house):
    house = nbhd_house()
    nbhd_id, task = deleted_with(house, 3)
    house.queue.send(QUEUE, json.dumps({"v": 1, "task": "recount_members", "nbhd_id": nbhd_id}))
    house.drain()
    assert house.metadata(nbhd_id)["status"] == "deleting"
    house.deliver(task)
    house.queue.send(QUEUE, json.dumps({"v": 1, "task": "recount_members", "nbhd_id": nbhd_id}))

    house.drain()

    assert house.items() == []


def test_the_audit_tells_of_a_name_that_is_not_held(nbhd_house):
    house = nbhd_house()
    house.create("alice", "Fine")
    house.create("alice", "Lost")
    house.store.delete(MAIN, {"PK": "NBHDNAME#lost", "SK": "NAME"})

    house.scheduled("audit")

    assert house.counted_metrics == {"NameSentinelInvariant": 1}


def test_an_audit_that_runs_out_of_time_goes_on_where_it_was(nbhd_house):
    house = nbhd_house()
    for number in range(150):
        house.clock.forward(seconds=1)
        house.services.neighborhoods.create(did("alice"), name=f"Number {number}", description="")
    wrong = (
        house.ask("GET", "/api/nbhds").json()[0],
        house.ask("GET", "/api/nbhds", params={"name": "Number 0"}).json()[0],
    )
    for each in wrong:
        house.store.put(MAIN, {**house.metadata(each["id"]), "member_count": 7})
    house.queue.send(QUEUE, json.dumps({"v": 1, "task": "audit"}))

    assert house.deliver(*house.queue.take(), milliseconds=5_000) == []
    found = house.queue.take()
    assert [task.kind for task in found] == ["recount_members", "audit"]
    assert house.deliver(*found) == []
    house.drain()

    assert [house.check_count(each["id"]) for each in wrong] == [1, 1]


# ---- tasks that make no sense --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[]",
        "{}",
        '{"v":1,"task":"dance"}',
        '{"v":2,"task":"sweep"}',
        '{"v":1,"task":"purge_neighborhood"}',
        '{"v":1,"task":"purge_neighborhood","nbhd_id":"../etc"}',
    ],
)
def test_what_is_no_task_is_set_aside_with_its_reason(nbhd_house, body):
    house = nbhd_house()
    house.queue.send(QUEUE, body)
    [sent] = house.queue.take()

    assert house.deliver(sent) == []

    [dead] = house.queue.dead()
    assert dead.body == body
    assert dead.attributes["reason"]
