"""Charges under fire: threads, an engine on a bad day, kill -9. Admitted is exactly what the limits allow."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.runtime.clock import utc_now
from lambda_src.services.algoitny.errors import LimitExceeded
from lambda_src.services.algoitny.usage.repository import UsageLogRepository
from tests.support.algoitny_charges import (
    BadDay,
    NaiveUsage,
    check_charges,
    check_told,
    fire,
    killed_after,
    plant,
    repository,
)
from tests.support.stepping import Killed, Steps, kill_before_step, stepped_client

DAY = "20251008"
ANN = 12345


@pytest.fixture
def judge(new_judge):
    made = new_judge()
    plant(made)
    return made


def under_fire(judge, dynamodb_client, *, threads, users, charges):
    """Charges through a bad day, then with reversals among them; returns how the engine spoiled it."""
    bad_day = BadDay(Boto3Client(dynamodb_client), seed=1)
    usage = repository(judge, bad_day)

    told = fire(usage, threads=threads, users=users, charges=charges)

    counts = check_charges(judge, users, DAY)
    check_told(told, counts)
    assert told.refused, "nobody was refused, so nothing was tried"
    assert told.replayed
    assert set(told.others) >= {"ExtraWriteConflict", "KeyReused"}
    told = fire(usage, threads=threads, users=users, charges=charges, reverse=True)
    check_charges(judge, users, DAY)
    assert told.others["AlreadyGivenBack"]
    return bad_day.spoiled


def test_under_fire_exactly_as_many_are_admitted_as_limits_allow(judge, dynamodb_client):
    spoiled = under_fire(judge, dynamodb_client, threads=8, users=4, charges=160)
    assert spoiled.keys() == {"conflict", "lost answer", "forgotten token"}


@pytest.mark.soak
def test_under_heavy_fire_exactly_as_many_are_admitted_as_limits_allow(judge, dynamodb_client):
    spoiled = under_fire(judge, dynamodb_client, threads=64, users=20, charges=6_400)
    assert min(spoiled.values()) > 100


def race(judge, *, threads, limit):
    """So many at once for one limit: who is let in by `consume`, and by counting first."""
    usage, barrier = repository(judge), threading.Barrier(threads)
    naive = NaiveUsage(judge.store, judge.clock, threading.Barrier(threads))

    def ours(_: int) -> bool:
        barrier.wait()
        try:
            usage.consume(ANN, "hint", limit)
        except LimitExceeded:
            return False
        return True

    with ThreadPoolExecutor(threads) as pool:
        exact = Counter(pool.map(ours, range(threads)))
        counted = Counter(pool.map(lambda _: naive.consume(ANN + 1, "hint", limit), range(threads)))
    assert usage.audit_day(ANN, "hint", DAY) == (limit, limit)
    return exact, counted


def test_a_race_for_the_last_ones_is_won_by_as_many_and_counting_first_lets_all_in(judge):
    exact, counted = race(judge, threads=20, limit=5)
    assert exact == {True: 5, False: 15}
    assert counted == {True: 20}, "the control has to fail, or nothing is tried here"


@pytest.mark.soak
def test_a_large_race_for_the_last_ones_is_won_by_as_many(judge):
    exact, counted = race(judge, threads=64, limit=50)
    assert exact == {True: 50, False: 14}
    assert counted[True] > 50


# ---- kills -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_process_that_ends_between_its_requests_leaves_all_of_a_charge_or_nothing(judge, dynamodb_client, step):
    killed = repository(judge, stepped_client(dynamodb_client, Steps(kill_before_step(step))))

    ends = False
    try:
        killed.consume(ANN, "hint", 1, None, {"task_id": "T1"}, "k1")
    except Killed:
        ends = True

    assert ends is (step < 3)
    was_charged = step > 1
    usage = repository(judge)
    assert usage.audit_day(ANN, "hint", DAY) == (was_charged, was_charged)
    again = usage.consume(ANN, "hint", 1, None, {"task_id": "T1"}, "k1")
    assert (again.charged, again.current_count, again.task_id) == (not was_charged, 1, "T1")


def killed_processes(judge, *, kills, users):
    """Processes that are killed one after the other, and what is true after each."""
    for seed in range(kills):
        killed_after(judge, seed=seed, lines=5 + seed * 7 % 11, users=users)
        check_charges(judge, users, utc_now().strftime("%Y%m%d"))
    usage = UsageLogRepository(judge.store, utc_now)
    assert usage.get_daily_usage_count(3, "hint", utc_now().strftime("%Y%m%d")) > 0


def test_killed_processes_leave_no_charge_without_what_comes_of_it(judge):
    killed_processes(judge, kills=2, users=4)


@pytest.mark.soak
def test_many_killed_processes_leave_no_charge_without_what_comes_of_it(judge):
    killed_processes(judge, kills=100, users=4)
