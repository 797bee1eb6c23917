"""AlgoItny's three hot paths in the proportion it was planned for, as fast as one engine lets them, for a minute.

    python -m tests.benchmarks.load

10,000 charges, 5,000 authentications and 800 pages of the timeline a minute were named. The application runs in this
process over DynamoDB Local, so that figures are those of both together, on one machine; on AWS neither is the limit.
Every answer is right, or says that it is busy. Writes `docs/benchmarks/load.md`. Needs `make setup`; takes two minutes.
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
from lambda_src.errors import StoreUnavailable
from lambda_src.runtime.clock import utc_now
from lambda_src.services.algoitny.items import TABLES
from lambda_src.services.algoitny.models.users import User
from lambda_src.services.algoitny.usage.repository import UsageLogRepository
from tests.benchmarks import comparing, example_judge, reports
from tests.support.algoitny import PlayedJudge
from tests.support.played import TestClock
from tests.support.ports import free_port

SECONDS: Final = 60
THREADS: Final = 8
RUNS: Final = 200  # that the timeline shows
LIMIT: Final = 1_000_000
PLANNED: Final[Mapping[str, int]] = {"charge": 10_000, "authentication": 5_000, "timeline": 800}  # a minute
ROUND: Final = ("charge", "charge", "authentication") * 25 + ("timeline",) * 6  # as planned, within 5 %
BUSY: Final = 503


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
            elif status != 200:
                self.wrong[f"{name} {status}"] += 1
            else:
                self.milliseconds[name].append(milliseconds)


def load(judge: PlayedJudge, users: Sequence[User]) -> Outcomes:
    """Ask for a minute, from some threads at once."""
    usage, outcomes = UsageLogRepository(judge.store, utc_now), Outcomes()
    tokens = {user.user_id: judge.token(user) for user in users}
    until = time.monotonic() + SECONDS

    def charge(user: User) -> int:
        try:
            usage.consume(user.user_id, "execution", LIMIT, "baekjoon#1000")
        except StoreUnavailable:
            return BUSY
        return 200

    def ask(path: str, user: User) -> int:
        headers = {"Authorization": f"Bearer {tokens[user.user_id]}"}
        return judge.api.get(path, headers=headers).status_code

    steps: dict[str, Callable[[User], int]] = {
        "charge": charge,
        "authentication": lambda user: ask("/api/account/me", user),
        "timeline": lambda user: ask("/api/history?scope=public&limit=20", user),
    }

    def work(place: int) -> None:
        for number, name in enumerate(cycle(ROUND)):
            if time.monotonic() >= until:
                return
            began = time.perf_counter()
            status = steps[name](users[(place + number * THREADS) % len(users)])
            outcomes.note(name, status, (time.perf_counter() - began) * 1000)

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(work, range(THREADS)))
    return outcomes


def report(outcomes: Outcomes) -> str:
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
    head = ("", "planned a minute", "answered a minute", "median ms", "p99 ms", "busy")
    return f"""# AlgoItny's hot paths at once

{THREADS} threads ask for {SECONDS} seconds, in the proportion that was planned. Every answer was right, or 503 `busy`.
Made by `make bench-load`.

{reports.table(head, rows)}

- A charge is a transaction of a counter and a log, and a read of the counter; the counters are those of
  {example_judge.USERS} users, so that charges meet. Authentication is a request with a token; both go over HTTP.
- Application and engine share one machine, and DynamoDB Local carries out one transaction at a time. On AWS a counter
  takes about a thousand writes a second, and there is one for each user, action and day.

{reports.circumstances(("boto3", "fastapi"))}
"""


def main() -> None:
    engine = DynamoDBLocal(free_port())
    try:
        engine.start()
        engine.wait_until_ready()
        client, names, _ = comparing.empty_tables(engine.endpoint_url, TABLES)
        clock = TestClock(utc_now())
        judge = PlayedJudge(client=client, names=names, clock=clock)
        try:
            outcomes = load(judge, example_judge.write(judge, clock, runs=RUNS))
        finally:
            judge.stop()
    finally:
        engine.stop()
    if outcomes.wrong:
        sys.exit(f"answers that are neither right nor busy: {dict(outcomes.wrong)}")
    text = report(outcomes)
    reports.publish("load", text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
