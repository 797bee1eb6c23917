"""The worker: purges across kills, recounts, sweep and audit."""

import json
from collections import Counter
from contextlib import contextmanager
from typing import Any

import pytest

from lambda_src.services.nbhd_city.memberships.service import MembershipService
from lambda_src.services.nbhd_city.neighborhoods.service import NeighborhoodService
from lambda_src.services.nbhd_city.tables import NAME
from tests.support.nbhd_city import QUEUE, PlayedCity, did
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
def stepped_worker(city: PlayedCity, steps: Steps):
    """A worker in a process of its own, as far as anybody outside can tell."""
    client = city.metered(stepped_client(city.client, steps))
    yield city.another_worker(client=client, queue=SteppedQueue(city.queue, steps))


def deleted_with(city: PlayedCity, members: int, name: str = "Home") -> tuple[str, Sent]:
    """A neighborhood whose creator deleted it, and the task that purges it."""
    made = city.create("alice", name)
    city.seed_members(made["id"], [f"member{number:05}" for number in range(members - 1)], joined_at=LONG_AGO)
    assert city.ask("DELETE", f"/api/nbhds/{made['id']}", by="alice").status_code == 204
    [task] = city.queue.take()
    assert task.content == {"v": 1, "task": "purge_neighborhood", "nbhd_id": made["id"]}
    return made["id"], task


def remains(city: PlayedCity, nbhd_id: str) -> list[dict[str, Any]]:
    return [item for item in city.items() if item["PK"] == f"NBHD#{nbhd_id}"]


# ---- deletion ------------------------------------------------------------------------------------------------------


def test_a_deleted_neighborhood_is_gone_for_everybody_at_once_though_no_task_was_sent(new_city):
    city = new_city()
    made = city.create("alice", "Home")
    city.seed_members(made["id"], ["bob", *(f"member{n:03}" for n in range(98))], joined_at=LONG_AGO)
    city.queue.is_down = True

    with city.counted() as requests:
        answer = city.ask("DELETE", f"/api/nbhds/{made['id']}", by="alice")

    assert (answer.status_code, answer.content) == (204, b"")
    assert requests == {"GetItem": 1, "TransactWriteItems": 1}
    path = f"/api/nbhds/{made['id']}"
    for method, rest in (("GET", ""), ("GET", "/members"), ("POST", "/join"), ("DELETE", "/leave"), ("DELETE", "")):
        refused = city.ask(method, path + rest, by="alice")
        assert (refused.status_code, refused.json()["code"]) == (404, "nbhd_not_found"), (method, rest)
    assert city.ask("GET", "/api/nbhds").json() == []
    assert city.ask("GET", "/api/users/me/nbhds", by="bob").json()["neighborhoods"] == []
    assert city.create("bob", "HOME")["name"] == "HOME"

    city.queue.is_down = False
    city.scheduled("sweep")
    assert not city.queue.take(), "its task may still be on its way"
    city.clock.forward(minutes=6)
    city.scheduled("sweep")
    [task] = city.queue.take()
    assert city.deliver(task) == []

    assert remains(city, made["id"]) == []
    before = city.items()
    assert city.deliver(task, receive_count=2) == []
    city.scheduled("sweep")
    assert city.items() == before
    assert not city.queue.take()


def test_a_purge_costs_a_request_per_twenty_five_members(new_city):
    city = new_city()
    nbhd_id, task = deleted_with(city, 1_000)
    steps = Steps()

    with stepped_worker(city, steps) as worker:
        assert city.deliver(task, worker=worker) == []

    assert Counter(steps.names) == {"GetItem": 1, "Query": 3, "BatchWriteItem": 40, "DeleteItem": 1}
    assert remains(city, nbhd_id) == []


@pytest.mark.parametrize("nth", range(1, 13))
def test_a_purge_that_dies_before_any_of_its_steps_is_finished_by_the_next(new_city, nth):
    city = new_city()
    nbhd_id, task = deleted_with(city, 200)

    with stepped_worker(city, Steps(kill_before_step(nth))) as worker, pytest.raises(Killed):
        city.deliver(task, worker=worker)
    assert city.metadata(nbhd_id) is not None
    assert city.deliver(task, receive_count=2) == []

    assert remains(city, nbhd_id) == []
    assert city.items() == []


def test_a_purge_of_many_members_survives_several_deaths(new_city):
    city = new_city()
    nbhd_id, task = deleted_with(city, 300)

    left = [300]
    for receive_count in (1, 2, 3):
        with (
            stepped_worker(city, Steps(kill_before("BatchWriteItem", nth=4))) as worker,
            pytest.raises(Killed),
        ):
            city.deliver(task, receive_count=receive_count, worker=worker)
        left.append(city.member_items(nbhd_id))
    assert left == [300, 225, 150, 75]

    assert city.deliver(task, receive_count=4) == []
    assert city.items() == []


def test_a_purge_that_runs_out_of_time_sends_the_rest_as_another_task(new_city):
    city = new_city()
    nbhd_id, task = deleted_with(city, 1_200)

    assert city.deliver(task, milliseconds=5_000) == []  # less than what the worker keeps for its end

    [rest] = city.queue.take()
    assert rest.content == task.content
    assert city.member_items(nbhd_id) == 700
    assert city.deliver(rest) == []
    assert city.items() == []


def test_a_purge_of_a_living_neighborhood_removes_nothing(new_city):
    city = new_city()
    made = city.create("alice", "Home")
    before = city.items()
    city.queue.send(QUEUE, json.dumps({"v": 1, "task": "purge_neighborhood", "nbhd_id": made["id"]}))

    city.drain()

    assert city.items() == before


# ---- counts and names ----------------------------------------------------------------------------------------------


def test_the_audit_corrects_a_count_that_is_wrong(new_city):
    city = new_city()
    right, wrong = city.create("alice", "Right"), city.create("alice", "Wrong")
    city.put_items({**city.metadata(wrong["id"]), "member_count": 7})

    city.scheduled("audit")
    tasks = city.queue.take()
    assert [task.content for task in tasks] == [{"v": 1, "task": "recount_members", "nbhd_id": wrong["id"]}]
    assert city.deliver(*tasks) == []
    assert city.deliver(*tasks, receive_count=2) == []

    assert city.check_count(wrong["id"]) == city.check_count(right["id"]) == 1
    assert city.metrics.totals == {"MemberCountDrift": 1}


def test_a_recount_that_is_overtaken_counts_again(new_city):
    city = new_city()
    made = city.create("alice", "Home")
    city.put_items({**city.metadata(made["id"]), "member_count": 7})
    city.queue.send(QUEUE, json.dumps({"v": 1, "task": "recount_members", "nbhd_id": made["id"]}))
    # its first three steps are GetItem, Query, UpdateItem
    steps = Steps(act_before_step(3, lambda: city.part(MembershipService).join(made["id"], did("bob"))))

    with stepped_worker(city, steps) as worker:
        assert city.deliver(*city.queue.take(), worker=worker) == []

    assert steps.names == ["GetItem", "Query", "UpdateItem", "GetItem", "Query", "UpdateItem"]
    assert city.check_count(made["id"]) == 2


def test_a_recount_of_what_is_gone_creates_nothing(new_city):
    city = new_city()
    nbhd_id, task = deleted_with(city, 3)
    city.queue.send(QUEUE, json.dumps({"v": 1, "task": "recount_members", "nbhd_id": nbhd_id}))
    city.drain()
    assert city.metadata(nbhd_id)["status"] == "deleting"
    city.deliver(task)
    city.queue.send(QUEUE, json.dumps({"v": 1, "task": "recount_members", "nbhd_id": nbhd_id}))

    city.drain()

    assert city.items() == []


def test_the_audit_tells_of_a_name_that_is_not_held(new_city):
    city = new_city()
    city.create("alice", "Fine")
    city.create("alice", "Lost")
    city.remove(NAME.key(name_lower="lost"))

    city.scheduled("audit")

    assert city.metrics.totals == {"NameSentinelInvariant": 1}


def test_an_audit_that_runs_out_of_time_goes_on_where_it_was(new_city):
    city = new_city()
    for number in range(150):
        city.clock.forward(seconds=1)
        city.part(NeighborhoodService).create(did("alice"), name=f"Number {number}", description="")
    wrong = (
        city.ask("GET", "/api/nbhds").json()[0],
        city.ask("GET", "/api/nbhds", params={"name": "Number 0"}).json()[0],
    )
    for each in wrong:
        city.put_items({**city.metadata(each["id"]), "member_count": 7})
    city.queue.send(QUEUE, json.dumps({"v": 1, "task": "audit"}))

    assert city.deliver(*city.queue.take(), milliseconds=5_000) == []
    found = city.queue.take()
    assert [task.kind for task in found] == ["recount_members", "audit"]
    assert city.deliver(*found) == []
    city.drain()

    assert [city.check_count(each["id"]) for each in wrong] == [1, 1]


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
def test_what_is_no_task_is_set_aside_with_its_reason(new_city, body):
    city = new_city()
    city.queue.send(QUEUE, body)
    [sent] = city.queue.take()

    assert city.deliver(sent) == []

    [dead] = city.queue.dead()
    assert dead.body == body
    assert dead.attributes["reason"]
