"""Charges under fire: many threads, few users, an engine on a bad day, and what has to be true of the table then."""

import contextlib
import json
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Final

from cdk_app.local.layout import ROOT
from lambda_src.dynamo.boto3_client import Boto3Client, make_client
from lambda_src.dynamo.client import CallRefused, Client, Response
from lambda_src.dynamo.store import ABSENT, Put, Store
from lambda_src.dynamo.values import Request
from lambda_src.errors import AppError, StoreUnavailable
from lambda_src.runtime.clock import Clock, utc_now
from lambda_src.services.algoitny import items, tables
from lambda_src.services.algoitny.errors import ExtraWriteConflict, KeyReused, LimitExceeded
from lambda_src.services.algoitny.models.tasks import Task
from lambda_src.services.algoitny.usage.charge import Consumed, usage_log
from lambda_src.services.algoitny.usage.repository import UsageLogRepository
from tests.support.algoitny import PlayedJudge

LIMITS: Final = (5, 1, 0, -1)
TAKEN: Final = "TAKEN"
REPEATED_KEYS: Final = 6
CHARGES_AT_MOST: Final = 1_000
GIVEN_BACK_AT_MOST: Final = 50

type Place = tuple[int, str]
"""A user and an action."""


def limit_of(user_id: int) -> int:
    return LIMITS[user_id % len(LIMITS)]


class BadDay:
    """A client that answers some transactions with a conflict, loses answers, and forgets whose a token is.

    spoiled: how often, by what it did.
    """

    def __init__(self, client: Client, seed: int) -> None:
        self.spoiled: Counter[str] = Counter()
        self._client = client
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def call(self, operation: str, request: Request, pattern: str) -> Response:
        with self._lock:
            chance = self._random.random()
        if operation == "TransactWriteItems" and chance < 0.2:
            self._note("conflict")
            reasons = [{"Code": "TransactionConflict"} for _ in request["TransactItems"]]
            raise CallRefused("TransactionCanceledException", reasons=reasons)
        answer = self._client.call(operation, request, pattern)
        if chance > 0.9:
            self._note("lost answer")
            raise CallRefused("InternalServerError", status=500)
        if operation == "TransactWriteItems" and chance > 0.85:
            self._note("forgotten token")
            raise CallRefused("IdempotentParameterMismatchException")
        return answer

    def close(self) -> None:
        self._client.close()

    def _note(self, what: str) -> None:
        with self._lock:
            self.spoiled[what] += 1


@dataclass
class Told:
    """What callers heard. charged, replayed: by place; refused: places where somebody was refused."""

    charged: Counter[Place] = field(default_factory=Counter)
    replayed: Counter[Place] = field(default_factory=Counter)
    refused: Counter[Place] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)
    logs: dict[Place, list[tuple[str, str]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, place: Place, outcome: Any) -> None:
        with self._lock:
            match outcome:
                case LimitExceeded():
                    self.refused[place] += 1
                case AppError():
                    self.others[type(outcome).__name__] += 1
                case consumed:
                    (self.charged if consumed.charged else self.replayed)[place] += 1
                    if consumed.charged:
                        self.logs.setdefault(place, []).append((consumed.log_pk, consumed.log_sk))


def task(task_id: str) -> Put[Task]:
    now: dict[str, Any] = {"created_at": 1, "updated_at": 1, "expires_at": 1}
    return Put(items.TASK, Task(task_id=task_id, kind="execution", **now), ABSENT)


def charge_once(usage: UsageLogRepository, choice: random.Random, users: int, task_id: str) -> tuple[Place, Any]:
    """One charge of somebody for something; every other one has a key, some of their bodies and tasks clash."""
    user_id, action = choice.randrange(users), choice.choice(["hint", "execution"])
    key = f"k{choice.randrange(REPEATED_KEYS)}" if choice.random() < 0.5 else None
    extra = [task(task_id), *([task(TAKEN)] if choice.random() < 0.1 else [])]
    digest = "d" if choice.random() < 0.9 else "other"
    try:
        return (user_id, action), usage.consume(
            user_id, action, limit_of(user_id), None, {"task_id": task_id}, key, extra, body_digest=digest
        )
    except (LimitExceeded, ExtraWriteConflict, KeyReused, StoreUnavailable) as error:
        return (user_id, action), error


def fire(usage: UsageLogRepository, *, threads: int, users: int, charges: int, reverse: bool = False) -> Told:
    """So many charges by so many threads at once. reverse: some are given back."""
    told, barrier = Told(), threading.Barrier(threads)

    def work(number: int) -> None:
        choice = random.Random(number)
        barrier.wait()
        for count in range(charges // threads):
            place, outcome = charge_once(usage, choice, users, f"T{number}-{count}-{reverse}")
            told.note(place, outcome)
            if reverse and not isinstance(outcome, AppError) and outcome.charged and choice.random() < 0.5:
                give_back(usage, outcome)
                assert give_back(usage, outcome) is False, "a charge was given back twice"
                told.note(place, AlreadyGivenBack())

    with ThreadPoolExecutor(threads) as pool:
        for future in [pool.submit(work, number) for number in range(threads)]:
            future.result()
    return told


class AlreadyGivenBack(AppError):
    """Noted for a charge that was given back."""


def give_back(usage: UsageLogRepository, consumed: Consumed) -> bool:
    """Give a charge back, again as long as nobody says what became of it."""
    for _ in range(GIVEN_BACK_AT_MOST):
        with contextlib.suppress(StoreUnavailable):
            return usage.reverse_usage(consumed.log_pk, consumed.log_sk)
    raise AssertionError("a charge cannot be given back")


# ---- what has to be true ---------------------------------------------------------------------------------------------


def check_charges(judge: PlayedJudge, users: int, date: str) -> Counter[Place]:
    """Counters, logs, keys and tasks agree with each other and with the limits. Returns what counts."""
    found = judge.items()
    logs = [items.USAGE_LOG.model(item) for item in found if item["tp"] == "ulog"]
    marks = [items.USAGE_IDEMPOTENCY.model(item) for item in found if item["tp"] == "uidem"]
    counts: Counter[Place] = Counter()
    for item in found:
        if item["tp"] == "ucnt":
            counter = items.USAGE_COUNTER.model(item)
            counts[counter.user_id, counter.action] = counter.value
    standing = Counter((log.user_id, log.action) for log in logs if log.reversed_at is None)
    assert +counts == standing, "a counter is not what its logs say"
    assert all(count <= limit_of(user_id) or limit_of(user_id) == -1 for (user_id, _), count in counts.items())
    assert {log.date for log in logs} <= {date}
    keyed = {(log.user_id, log.action, log.idempotency_hash): log for log in logs if log.idempotency_hash}
    assert len(keyed) == sum(log.idempotency_hash is not None for log in logs), "a key was charged twice"
    assert {(mark.user_id, mark.action, mark.key_hash) for mark in marks} == keyed.keys()
    tasks = {items.TASK.model(item).task_id for item in found if item["tp"] == "task"} - {TAKEN}
    assert tasks == {log.metadata["task_id"] for log in logs}, "a charge and what comes of it fell apart"
    assert len(tasks) == len(logs)
    assert {user_id for user_id, _ in counts} <= set(range(users))
    return counts


def check_told(told: Told, counts: Mapping[Place, int]) -> None:
    """What callers heard is what is stored. Whoever was not told, with `StoreUnavailable`, may have been charged."""
    unknown = told.others["StoreUnavailable"] + told.others["OutcomeUnknown"]
    for place, count in counts.items():
        assert told.charged[place] <= count <= told.charged[place] + unknown
    for user_id, action in told.refused:
        assert counts.get((user_id, action), 0) == limit_of(user_id), "somebody was refused though there was room"


# ---- what counts first and then writes -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NaiveUsage:
    """Counts the logs of the day and writes another one where there are too few."""

    store: Store
    clock: Clock
    all_have_counted: threading.Barrier

    def consume(self, user_id: int, action: str, limit: int) -> bool:
        log = usage_log(self.clock(), user_id, action, None, None)
        count = self.store.count(tables.AUDIT_DAY, user_id=user_id, date=log.date)
        self.all_have_counted.wait()
        if count >= limit:
            return False
        self.store.put(tables.LOG_USAGE, Put(items.USAGE_LOG, log))
        return True


# ---- processes that are killed ---------------------------------------------------------------------------------------


def charge_until_killed(endpoint: str, table: str, seed: int, users: int) -> None:
    """Charge and give back, one after the other; writes a line for each that is over."""
    client = Boto3Client(make_client(region="us-east-1", endpoint_url=endpoint, read_timeout_seconds=30))
    usage = UsageLogRepository(Store(client, {items.MAIN.name: table}), utc_now)
    choice = random.Random(seed)
    for count in range(CHARGES_AT_MOST):
        _, outcome = charge_once(usage, choice, users, f"T{seed}-{count}")
        if not isinstance(outcome, AppError) and outcome.charged and choice.random() < 0.3:
            usage.reverse_usage(outcome.log_pk, outcome.log_sk)
        print(count, flush=True)  # noqa: T201 -- to whom started it


def killed_after(judge: PlayedJudge, *, seed: int, lines: int, users: int) -> None:
    """A process that charges, killed with kill -9 while it works on what comes after so many."""
    plan = [judge.client.meta.endpoint_url, judge.names[items.MAIN.name], seed, users]
    with subprocess.Popen(
        [sys.executable, "-m", __name__, json.dumps(plan)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            for _ in range(lines):
                assert process.stdout.readline(), "the process ended by itself"
        finally:
            process.kill()
    assert process.returncode == -9


def repository(judge: PlayedJudge, engine: Client | None = None) -> UsageLogRepository:
    """Charges of a service, through another engine where one is given, on the table that the service has."""
    resources = judge.resources if engine is None else replace(judge.resources, client=judge.metered(engine))
    return UsageLogRepository(resources.store(tables.TABLES, judge.api_settings), judge.clock)


def plant(judge: PlayedJudge) -> None:
    """The task that some charges clash with."""
    judge.put_items(items.TASK.item(task(TAKEN).model))


if __name__ == "__main__":
    charge_until_killed(*json.loads(sys.argv[1]))
