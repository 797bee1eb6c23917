"""AlgoItny's three hot paths in the proportion it was planned for, as fast as one engine lets them.

    python -m tests.benchmarks.load

10,000 checks of a limit, 5,000 authentications and 800 pages of the timeline a minute were named. A check can be read
in three ways, and all three are measured. The application and who asks it run in this process over DynamoDB Local, so
that figures are those of all three together, on one machine; on AWS none of them is the limit. Every answer is right,
or says that it is busy. Beside it, what one invocation takes of the processor, for a page and for a single run.

Writes `docs/benchmarks/load.md`. Needs `make setup`; takes three minutes.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle
from statistics import median, quantiles
from threading import Lock
from typing import Final

from cdk_app.local.dynamodb_local import DynamoDBLocal
from cdk_app.services.algoitny import story
from lambda_src.errors import StoreUnavailable
from lambda_src.runtime.clock import utc_now
from lambda_src.runtime.lambda_http import lambda_handler
from lambda_src.services.algoitny.items import TABLES
from lambda_src.services.algoitny.models.users import User
from lambda_src.services.algoitny.usage.repository import UsageLogRepository
from tests.benchmarks import comparing, example_judge, reports
from tests.benchmarks.cold_functions import request_event
from tests.support.algoitny import PRO, PlayedJudge
from tests.support.played import Invocation, TestClock
from tests.support.ports import free_port

SECONDS: Final = 40  # of each reading
THREADS: Final = 8
RUNS: Final = 200  # that the timeline shows
LIMIT: Final = 1_000_000
PLANNED: Final[Mapping[str, int]] = {"check": 10_000, "authentication": 5_000, "timeline": 800}  # a minute
ROUND: Final = ("check", "check", "authentication") * 25 + ("timeline",) * 6  # as planned, within 5 %
READINGS: Final[Mapping[str, str]] = {
    "charge": "The charge alone, in the process: the limit is held and the action is logged in one transaction",
    "question": "`GET /api/account/plan-usage` over HTTP: what is left is shown, nothing is charged",
    "run": "`POST /api/history` over HTTP: an action is charged and recorded, which is more than a check",
}
TIMELINE: Final = "/api/history?scope=public&limit=20"
BUSY: Final = 503
PAGE_IN_RUNS: Final = 12  # what a page may take of the processor, in single runs
WARM, MEASURED, TURNS = 20, 50, 5  # invocations before any counts, of a turn, and turns of which the best counts


@dataclass
class Outcomes:
    """Milliseconds by what was asked, and how often it was not answered with what it should be."""

    milliseconds: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in PLANNED})
    busy: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def note(self, name: str, status: int, milliseconds: float) -> None:
        with self._lock:
            if status == BUSY:
                self.busy[name] += 1
            elif status not in {200, 201}:
                self.wrong[f"{name} {status}"] += 1
            else:
                self.milliseconds[name].append(milliseconds)


type Step = Callable[[User, int], int]
"""Asks in the name of a user and returns the status of the answer. The number differs from step to step."""


def steps(judge: PlayedJudge, users: Sequence[User], reading: str) -> dict[str, Step]:
    """What a thread does, by name, with a check as this reading has it."""
    usage = UsageLogRepository(judge.store, utc_now)
    tokens = {user.user_id: judge.token(user) for user in users}

    def charge(user: User, _: int) -> int:
        try:
            usage.consume(user.user_id, "execution", LIMIT, "baekjoon#1000")
        except StoreUnavailable:
            return BUSY
        return 200

    def get(path: str) -> Step:
        return lambda user, _: judge.api.get(path, headers=authorized(user)).status_code

    def record(user: User, number: int) -> int:
        return judge.api.post("/api/history", headers=authorized(user), json=story.run(number)).status_code

    def authorized(user: User) -> dict[str, str]:
        return {"Authorization": f"Bearer {tokens[user.user_id]}"}

    checks = {"charge": charge, "question": get("/api/account/plan-usage"), "run": record}
    return {"check": checks[reading], "authentication": get("/api/account/me"), "timeline": get(TIMELINE)}


def load(judge: PlayedJudge, users: Sequence[User], reading: str) -> Outcomes:
    """Ask for a while, from some threads at once."""
    outcomes, asked = Outcomes(), steps(judge, users, reading)
    until = time.monotonic() + SECONDS

    def work(place: int) -> None:
        for number, name in enumerate(cycle(ROUND)):
            if time.monotonic() >= until:
                return
            began = time.perf_counter()
            status = asked[name](users[(place + number * THREADS) % len(users)], number)
            outcomes.note(name, status, (time.perf_counter() - began) * 1000)

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(work, range(THREADS)))
    return outcomes


def of_an_invocation(judge: PlayedJudge) -> dict[str, float]:
    """Processor milliseconds of the API function, in this process, which does nothing else meanwhile."""
    handler = lambda_handler(judge.app)
    newest = judge.ask("GET", TIMELINE).json()["results"][0]["id"]
    targets = {"a page of 20 public runs": TIMELINE, "one of them by its id": f"/api/history/{newest}"}

    def invoked(target: str, times: int) -> float:
        event = request_event(target)
        began = time.process_time()
        for _ in range(times):
            assert handler(event, Invocation())["statusCode"] == 200
        return (time.process_time() - began) / times * 1000

    for target in targets.values():
        invoked(target, WARM)
    turns = [{name: invoked(target, MEASURED) for name, target in targets.items()} for _ in range(TURNS)]
    return {name: min(turn[name] for turn in turns) for name in targets}


def report(outcomes: Mapping[str, Outcomes], invocations: Mapping[str, float]) -> str:
    page, single = invocations.values()
    readings = "\n\n".join(
        f"## {name.title()}\n\n{READINGS[name]}.\n\n{_rows(each)}" for name, each in outcomes.items()
    )
    taken = reports.table(("", "processor ms"), [(name, f"{each:.2f}") for name, each in invocations.items()])
    return f"""# AlgoItny's hot paths at once

{THREADS} threads ask for {SECONDS} seconds each time, in the proportion that was planned. Every answer was right, or
503 `busy`. Made by `make bench-load`.

The plan counts *rate-limit checks*. This service has no request that checks a limit and does nothing else: the check is
part of the charge, which is part of the action. So the word is read in three ways: the first is what a check comes to
here, and goes over no HTTP; the other two are requests, one lighter and one heavier. Authentication is
`GET /api/account/me` with a token, the timeline a page of 20; both go over HTTP each time.

{readings}

- A charge is a transaction of a counter and a log, and a read of the counter; the counters are those of
  {example_judge.USERS} users, so that charges meet.
- Application, engine and who asks share one machine, the first and the last one process, and DynamoDB Local carries out
  one transaction at a time. On AWS a counter takes about a thousand writes a second, and there is one for each user,
  action and day. Where fewer were answered than planned, that machine was the limit; nothing here shows what AWS does.

## What an invocation takes of the processor

{taken}

A page takes {page / single:.1f} times as much as a single run, and reads each partition of the timeline. It is the
handler that Lambda calls, in process, without a client or a network; the best of {TURNS} times {MEASURED} invocations.

{reports.circumstances(("boto3", "fastapi"))}
"""


def _rows(outcomes: Outcomes) -> str:
    head = ("", "planned a minute", "answered a minute", "median ms", "p99 ms", "busy")
    rows = [
        (
            name,
            f"{PLANNED[name]:,}",
            f"{len(taken) * 60 // SECONDS:,}",
            f"{median(taken):.0f}",
            f"{quantiles(taken, n=100)[98]:.0f}",
            f"{outcomes.busy[name]}",
        )
        for name, taken in outcomes.milliseconds.items()
    ]
    return reports.table(head, rows)


def main() -> None:
    engine = DynamoDBLocal(free_port())
    try:
        engine.start()
        engine.wait_until_ready()
        client, names, _ = comparing.empty_tables(engine.endpoint_url, TABLES)
        clock = TestClock(utc_now())
        judge = PlayedJudge(client=client, names=names, clock=clock)
        try:
            judge.plan(plan_id=PRO, name="Pro", max_executions_per_day=LIMIT)
            users = example_judge.write(judge, clock, runs=RUNS)
            invocations = of_an_invocation(judge)
            outcomes = {reading: load(judge, users, reading) for reading in READINGS}
        finally:
            judge.stop()
    finally:
        engine.stop()
    if wrong := {reading: dict(each.wrong) for reading, each in outcomes.items() if each.wrong}:
        sys.exit(f"answers that are neither right nor busy: {wrong}")
    page, single = invocations.values()
    if page > PAGE_IN_RUNS * single:
        sys.exit(f"a page takes {page:.2f} ms of the processor, a single run {single:.2f} ms")
    text = report(outcomes, invocations)
    reports.publish("load", text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
