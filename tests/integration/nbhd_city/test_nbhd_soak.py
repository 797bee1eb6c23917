"""Races, a large neighborhood and killed workers in full size. With WRITE_FIGURES=1 the figures become a page."""

import os
import random
import statistics
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.runtime.worker import MAX_RECEIVES
from tests.benchmarks.reports import circumstances, publish, table
from tests.support.dynamodb_faults import RandomConflicts
from tests.support.nbhd_city import PlayedCity
from tests.support.nbhd_races import by_request, by_use_case, come_and_go, join_all, race_for_a_name, spellings
from tests.support.nbhd_worker_process import deliver_in_a_process

pytestmark = pytest.mark.soak

LONG_AGO = "2025-01-01T00:00:00.000000Z"
MEMBERS = 20_000
PAGE = 100
PAGES_TIMED = 50
NAMES = 20
LONGEST_LIFE_SECONDS = 1.0  # of a worker, from the first moment of its work; all of it takes about ten
FEWEST_KILLS = 5
ORDER = (
    "One name",
    "Joins through conflicts",
    "Coming and going, straight to the service",
    "Coming and going, through the API",
    "A large neighborhood",
    "Killed workers",
)

INTRODUCTION = """\
`WRITE_FIGURES=1 make soak`

DynamoDB Local carries out one transaction at a time, so figures per second are those of this machine and engine and say
nothing about DynamoDB. What counts is that every count and name was right afterwards; a run that finds otherwise
writes no page."""

type Row = tuple[str, str]
type Figures = dict[str, list[Row]]


@pytest.fixture(scope="module")
def figures() -> Iterator[Figures]:
    """Rows by the title they stand under; `ORDER` has all titles."""
    found: Figures = {}
    yield found
    if os.environ.get("WRITE_FIGURES") and found.keys() == set(ORDER):
        sections = [f"## {title}\n\n{table(('', 'Figure'), found[title])}" for title in ORDER]
        head = ["# Soak: nbhd.city in full size", INTRODUCTION, circumstances(["boto3", "fastapi"])]
        publish("nbhd-city-soak", "\n\n".join([*head, *sections]))


def large_neighborhood(city: PlayedCity) -> dict[str, Any]:
    made = city.create("alice", "Large")
    city.seed_members(made["id"], [f"member{number:05}" for number in range(MEMBERS - 1)], joined_at=LONG_AGO)
    return made


# ---- races ---------------------------------------------------------------------------------------------------------


def test_of_fifty_creations_of_one_name_in_all_spellings_one_succeeds_every_time(new_city, figures):
    city = new_city()
    started = time.monotonic()

    for number in range(NAMES):
        race_for_a_name(city, f"corner café {number}", users=50)

    seconds = time.monotonic() - started
    assert len(city.names_held()) == NAMES
    assert len(city.items()) == 3 * NAMES, "a loser left something behind"
    figures["One name"] = [
        ("users who create one name at once", "50"),
        ("spellings of it, full-width letters among them", f"{len(spellings('é'))}"),
        ("names tried", f"{NAMES}"),
        ("answers 201, 409", f"{NAMES}, {49 * NAMES}"),
        ("items left by those who were refused", "0"),
        ("seconds", f"{seconds:.1f}"),
    ]


def test_two_hundred_users_join_through_conflicts_by_forty_threads(new_city, dynamodb_client, figures):
    conflicts = RandomConflicts(Boto3Client(dynamodb_client), share=0.3, seed=1)
    city = new_city(engine=conflicts)
    made = city.create("alice", "Home")

    statuses = join_all(city, made["id"], users=200, threads=40)

    assert city.check_count(made["id"]) == 201
    assert city.metadata(made["id"])["members_rev"] == 201
    figures["Joins through conflicts"] = [
        ("users, threads", "200, 40"),
        ("transactions refused with a conflict", f"{conflicts.count} of {conflicts.count + 201}"),
        ("answers 201, 503", f"{statuses[201]}, {statuses[503]}"),
        ("member_count, membership items, members_rev", "201, 201, 201"),
    ]


@pytest.mark.parametrize(
    ("how", "step", "users", "seconds"),
    [("straight to the service", by_use_case, 200, 20), ("through the API", by_request, 100, 60)],
)
def test_users_who_come_and_go_leave_a_count_that_is_right(new_city, figures, how, step, users, seconds):
    city = new_city()
    made = city.create("alice", "Home")

    tally = come_and_go(city, made["id"], step, users=users, seconds=seconds)

    assert min(tally["join"], tally["leave"]) > users
    figures[f"Coming and going, {how}"] = [
        ("users, seconds", f"{users}, {seconds}"),
        ("joins, leaves", f"{tally['join']:,}, {tally['leave']:,}"),
        ("refused, as already or not a member", f"{tally['refused']:,}"),
        ("busy (503), any other error", f"{tally['busy']}, 0"),
        ("member_count, membership items", f"{city.check_count(made['id'])}, {city.member_items(made['id'])}"),
        (
            "members_rev, 1 + joins + leaves",
            f"{city.metadata(made['id'])['members_rev']:,}, {1 + tally['join'] + tally['leave']:,}",
        ),
    ]


# ---- a large neighborhood ------------------------------------------------------------------------------------------


def test_a_neighborhood_of_twenty_thousand_members_is_shown_in_two_requests_a_page(new_city, figures):
    city = new_city()
    made = large_neighborhood(city)
    seconds = []
    for _ in range(PAGES_TIMED):
        started = time.perf_counter()
        with city.counted() as requests:
            first = city.detail(made["id"], by="member19998")
        seconds.append(time.perf_counter() - started)
        assert requests == {"BatchGetItem": 1, "Query": 1}
    assert (first["member_count"], len(first["members"]), first["is_member"]) == (MEMBERS, PAGE, True)

    page, seen, pages, started = first, {member["user_id"] for member in first["members"]}, 1, time.monotonic()
    with city.counted() as requests:
        while page["members_next_cursor"]:
            page = city.detail(made["id"], by="bob", members_cursor=page["members_next_cursor"])
            seen |= {member["user_id"] for member in page["members"]}
            pages += 1
    walked_seconds = time.monotonic() - started

    assert (len(seen), pages) == (MEMBERS, MEMBERS // PAGE)
    assert requests == {"BatchGetItem": pages - 1, "Query": pages - 1}
    slow = statistics.quantiles(seconds, n=20)[-1]
    figures["A large neighborhood"] = [
        ("members", f"{MEMBERS:,}"),
        ("requests to DynamoDB for one page of the detail", "2"),
        ("first page, ms: median, p95", f"{statistics.median(seconds) * 1000:.0f}, {slow * 1000:.0f}"),
        ("pages by cursor, distinct members seen", f"{pages}, {len(seen):,}"),
        ("seconds for all pages", f"{walked_seconds:.1f}"),
    ]


def test_a_neighborhood_of_twenty_thousand_members_is_deleted_by_workers_that_are_killed(new_city, figures):
    city = new_city(task_budget_seconds=600)  # what a worker sent would be lost, so it must not run out of time
    made, other = large_neighborhood(city), city.create("bob", "Other")
    city.seed_members(other["id"], [f"member{number:05}" for number in range(50)], joined_at=LONG_AGO)
    assert city.ask("DELETE", f"/api/nbhds/{made['id']}", by="alice").status_code == 204
    [task] = city.queue.take()
    chance, left, receive_count, sweeps, started = random.Random(1), [MEMBERS], 1, 0, time.monotonic()

    while not deliver_in_a_process(
        city, task, receive_count=receive_count, killed_after_seconds=chance.uniform(0, LONGEST_LIFE_SECONDS)
    ):
        left.append(city.member_items(made["id"]))
        receive_count += 1
        if receive_count > MAX_RECEIVES:  # the queue gives the message up; the sweep sends another
            city.clock.forward(minutes=15)
            city.scheduled("sweep")
            sent = city.queue.take()
            if not sent:
                break  # the last kill came after the last write
            [task], receive_count, sweeps = sent, 1, sweeps + 1

    seconds = time.monotonic() - started
    assert len({count for count in left if 0 < count < MEMBERS}) >= FEWEST_KILLS, "too few kills met any work"
    assert [item for item in city.items() if item["PK"] == f"NBHD#{made['id']}"] == []
    assert city.check_count(other["id"]) == 51
    assert city.names_held() == {"other": other["id"]}
    city.clock.forward(minutes=15)
    city.scheduled("sweep")
    assert not city.queue.take()
    removed = [before - after for before, after in pairwise(left)]
    figures["Killed workers"] = [
        ("members of the deleted neighborhood", f"{MEMBERS:,}"),
        ("kill -9 of its worker, at random moments", f"{len(left) - 1}"),
        ("members removed between two kills: fewest, most", f"{min(removed):,}, {max(removed):,}"),
        ("messages given up and sent anew by the sweep", f"{sweeps}"),
        ("items left of it, items missing of another", "0, 0"),
        ("seconds, starts of workers included", f"{seconds:.0f}"),
    ]
