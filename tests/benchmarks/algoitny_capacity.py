"""Capacity figures of AlgoItny: signing in, runs and their charge, the timeline; and what its storage takes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.errors import LimitExceeded
from lambda_src.services.algoitny.models.users import User
from lambda_src.services.algoitny.usage.repository import UsageLogRepository
from tests.benchmarks import algoitny_storage, comparing, example_judge
from tests.benchmarks.comparing import Cost, Meter, Question, Section
from tests.benchmarks.example_judge import RUNS, USERS
from tests.benchmarks.reports import table
from tests.support.algoitny import PlayedJudge
from tests.support.algoitny_google import ANN, PlayedGoogle
from tests.support.algoitny_streams import counting, stream_record
from tests.support.played import Invocation, TestClock

PAGE: Final = 20
LOGS: Final = 50  # of one user on one day: all that plan Free allows
FEW: Final = 60  # runs of the table whose timeline is not spread
TIMELINE: Final = f"/api/history?scope=public&limit={PAGE}"
LOGS_OF_DAY: Final = f"/api/account/usage/logs?limit={PAGE}&date"
UNSHARDED_PAGE: Final = "timeline in one partition, page of 20"
PRIVATE_RUN: Final = "a private run"
PUBLIC_RUN: Final = "a public run"
FIRST_COUNTED: Final = "the first run of a problem counted"
COUNTED: Final = "another run of it counted"
SIGN_IN: Final = "sign in again"
KEY: Final = {"Idempotency-Key": "one"}


@dataclass(frozen=True, slots=True)
class Scene:
    """The service over the example. usage: its repository, for the charge alone."""

    google: PlayedGoogle
    users: list[User]
    clock: TestClock
    usage: UsageLogRepository

    @property
    def judge(self) -> PlayedJudge:
        return self.google.judge

    def charged(self, user: User, *, limit: int = 1_000, key: str | None = None) -> int:
        """1 for an action that was accepted, 0 for a refusal."""
        try:
            self.usage.consume(user.user_id, "hint", limit, "baekjoon#1000", {}, key)
        except LimitExceeded:
            return 0
        return 1


def section(endpoint_url: str) -> Section:
    """Everything that is measured of this service. About two minutes."""
    with _example(endpoint_url) as (scene, meter), _unsharded(endpoint_url) as (plain, plain_meter):
        stored = algoitny_storage.storage(scene.judge.items())
        parts = {
            heading: [comparing.measure(question, meter) for question in questions(scene, meter)]
            for heading, questions in {"Read": reads, "Charge": charges, "Write": writes, "Sign-in": sign_ins}.items()
        }
        page = Question(UNSHARDED_PAGE, lambda: len(_asked(plain, TIMELINE)["results"]), PAGE)
        by_query = parts["Read"][-1].reference
        parts["Read"].insert(1, comparing.measure(page, plain_meter))
    figures = {
        "example": {"users": USERS, "runs": RUNS, "logs": LOGS},
        "requests": comparing.as_data(cost for part in parts.values() for cost in part),
        "count by query": comparing.rounded(asdict(by_query)) if by_query else {},
        "storage": comparing.rounded(stored),
    }
    return Section("algoitny", _text(parts, stored), figures)


@contextmanager
def _example(endpoint_url: str) -> Iterator[tuple[Scene, Meter]]:
    clock = TestClock()
    client, names, meter = comparing.empty_tables(endpoint_url, items.TABLES)
    writing = PlayedJudge(client=client, names=names, clock=clock)
    try:
        users = example_judge.write(writing, clock)
    finally:
        writing.stop()
    with PlayedGoogle(partial(PlayedJudge, client=client, names=names, clock=clock, engine=meter)) as google:
        try:
            usage = UsageLogRepository(google.judge.store, clock)
            for _ in range(LOGS):
                usage.log_usage(users[0].user_id, "hint", "baekjoon#1000")
            yield Scene(google, users, clock, usage), meter
        finally:
            google.judge.stop()


@contextmanager
def _unsharded(endpoint_url: str) -> Iterator[tuple[PlayedJudge, Meter]]:
    """The service with its timeline in one partition."""
    client, names, meter = comparing.empty_tables(endpoint_url, items.TABLES, prefix="plain-")
    clock = TestClock()
    judge = PlayedJudge(client=client, names=names, clock=clock, engine=meter, public_timeline_shards=1)
    try:
        example_judge.write(judge, clock, runs=FEW)
        yield judge, meter
    finally:
        judge.stop()


def _asked(judge: PlayedJudge, path: str, *, by: User | None = None) -> Any:
    answer = judge.ask("GET", path, by=by)
    assert answer.is_success, answer.text
    return answer.json()


# ---- what is asked ---------------------------------------------------------------------------------------------------


def reads(scene: Scene, meter: Meter) -> list[Question]:
    """Questions that change nothing."""
    judge, somebody, logged = scene.judge, scene.users[1], scene.users[0]
    newest = _asked(judge, TIMELINE)["results"][0]["id"]

    def listed(path: str, by: User | None = None) -> int:
        return len(_asked(judge, path, by=by)["results"])

    def one(path: str, by: User | None = None) -> int:
        return len([_asked(judge, path, by=by)])

    return [
        Question("timeline, page of 20", partial(listed, TIMELINE), PAGE),
        Question("runs in a language, page of 20", partial(listed, "/api/history/search?language=python"), PAGE),
        Question("own runs, page of 20", partial(listed, "/api/history?scope=mine&limit=20", somebody), PAGE),
        Question("a run", partial(one, f"/api/history/{newest}"), 1),
        Question("a run with its test cases", partial(one, f"/api/history/{newest}?expand=testcases"), 1),
        Question("me", partial(one, "/api/account/me", somebody), 1),
        Question("plans", partial(one, "/api/auth/plans"), 1),
        Question("what a plan allows and what is used of it", partial(one, "/api/account/plan-usage", somebody), 1),
        Question("usage of 7 days", partial(one, "/api/account/usage?days=7", somebody), 1),
        Question("logs of a day, page of 20", partial(listed, f"{LOGS_OF_DAY}={_day(scene)}", logged), PAGE),
        Question("statistics", partial(one, "/api/account/stats", somebody), 1),
        Question(
            f"how many of a day count, of {LOGS} logs",
            lambda: scene.usage.get_daily_usage_count(logged.user_id, "hint", _day(scene)),
            LOGS,
            partial(_count_by_query, judge, meter, logged, _day(scene)),
        ),
    ]


def _day(scene: Scene) -> str:
    return UsageLogRepository.format_date(scene.clock())


def _count_by_query(judge: PlayedJudge, meter: Meter, user: User, day: str) -> int:
    """How the plan counts: the logs of an action in a Query with `Select=COUNT`, eventually consistent."""
    answer = meter.call(
        "Query",
        {
            "TableName": judge.names["main"],
            "Select": "COUNT",
            "KeyConditionExpression": "PK = :p AND begins_with(SK, :s)",
            "FilterExpression": "act = :a",
            "ExpressionAttributeValues": {
                ":p": {"S": f"USR#{user.user_id}#ULOG#{day}"}, ":s": {"S": "ULOG#"}, ":a": {"S": "hint"}
            },
            "ReturnConsumedCapacity": "INDEXES",
        },
        "count by query",
    )  # fmt: skip
    return int(answer["Count"])


def charges(scene: Scene, _meter: Meter) -> list[Question]:
    """The charge alone, as every action that is limited has it."""
    charged, somebody = scene.charged, scene.users[2]
    return [
        Question("accepted, the first of a day", partial(charged, somebody), 1),
        Question("accepted", partial(charged, somebody), 1),
        Question("accepted, with an idempotency key", partial(charged, somebody, key="k"), 1),
        Question("the same key again", partial(charged, somebody, key="k"), 1),
        Question("refused", partial(charged, somebody, limit=3), 0),
        Question("refused, with a key", partial(charged, somebody, limit=3, key="other"), 0),
        Question("refused by a plan that allows none", partial(charged, somebody, limit=0), 0),
    ]


def writes(scene: Scene, _meter: Meter) -> list[Question]:
    """A run and what follows from it. Of five runs of the story three are public, the first of them among those."""
    judge, somebody = scene.judge, scene.users[1]
    made: list[Any] = []

    def run(number: int, **headers: str) -> int:
        scene.clock.forward(seconds=1)
        made.append(example_judge.record(judge, somebody, number, **headers))
        return 1

    def show(**body: bool) -> int:
        return judge.ask("PATCH", f"/api/history/{made[0]['id']}", by=somebody, json=body).status_code

    return [
        Question(PRIVATE_RUN, partial(run, 3), 1),
        Question(PUBLIC_RUN, partial(run, 0), 1),
        Question("a private run with an idempotency key", partial(run, 3, **KEY), 1),
        Question("the same run again", partial(run, 3, **KEY), 1),
        Question("make it public", partial(show, is_code_public=True), 200),
        Question("make it private", partial(show, is_code_public=False), 200),
        Question(FIRST_COUNTED, partial(_counted, judge, made, 0), 1),
        Question(COUNTED, partial(_counted, judge, made, 2), 1),
        Question("a public run counted", partial(_counted, judge, made, 1), 1),
        Question(
            "delete a run",
            lambda: judge.ask("DELETE", f"/api/history/{made[0]['id']}", by=somebody).status_code,
            204,
        ),
    ]


def _counted(judge: PlayedJudge, made: Sequence[Any], place: int) -> int:
    """What the function does that counts, for one run."""
    item = judge.item(items.HISTORY.key(history_id=made[place]["id"]))
    assert item is not None
    event = {"Records": [stream_record(None, item, number=place + 1)]}
    assert counting(judge)(event, Invocation())["batchItemFailures"] == []
    return 1


def sign_ins(scene: Scene, _meter: Meter) -> list[Question]:
    """With Google, from the first time on."""
    google = scene.google
    sessions: list[Any] = []

    def come() -> int:
        answer = google.sign_in(ANN)
        sessions.append(answer.json())
        return answer.status_code

    def go_on() -> int:
        scene.clock.forward(minutes=30)
        answer = google.post("refresh", refresh=sessions[-1]["refresh"])
        sessions.append(answer.json())
        return answer.status_code

    return [
        Question("sign in for the first time", come, 200),
        Question(SIGN_IN, come, 200),
        Question("refresh", go_on, 200),
        Question("sign out", lambda: google.post("logout", refresh=sessions[-1]["refresh"]).status_code, 200),
    ]


def _text(parts: Mapping[str, Sequence[Cost]], stored: Mapping[str, float]) -> str:
    tables = "\n\n".join(comparing.cost_table(part, heading=heading) for heading, part in parts.items())
    shares = [(name, f"{share:.0%}") for name, share in stored.items() if name.startswith("saved")]
    sizes = [(name, f"{size / 1e3:,.0f} KB") for name, size in stored.items() if not name.startswith("saved")]
    return f"""## AlgoItny

The example has {USERS} users, 40 problems and {RUNS:,} runs within five minutes, three of five public, in 8 partitions
of the timeline; beside it the same with one partition and fewer runs.

{tables}

{table(("Storage", ""), [*sizes, *shares])}

- Every request of a member begins with a consistent read of the account: 1 unit.
- What is replaced is the count of a day's logs by a Query with `Select=COUNT`, which was planned at 0.5 units. A filter
  and a count save nothing: all {LOGS} logs are read.
- A charge is a transaction, so that its counter and its log cost twice. The counter is read again, for what remains.
- What the function does that counts is measured with one record; Lambda reads the stream for nothing.
- *Usage* is part of the table. Shares are of everything stored, 100 bytes of overhead for each item and entry included.
  Long names are those that the models have.
"""
