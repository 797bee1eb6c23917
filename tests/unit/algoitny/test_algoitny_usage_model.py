"""Charges in any order, against a plain account of what was charged: on an engine in memory that does as DynamoDB."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_src.dynamo.sqlite import SqliteClient
from lambda_src.dynamo.store import ABSENT, Put, Store
from lambda_src.errors import AppError
from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.errors import ExtraWriteConflict, KeyReused, LimitExceeded
from lambda_src.services.algoitny.models.tasks import Task
from lambda_src.services.algoitny.tables import CREATE_TASK
from lambda_src.services.algoitny.usage.repository import UsageLogRepository
from tests.support.played import TestClock

NIGHT = datetime(2025, 10, 8, 23, 59, 59, tzinfo=UTC)
TAKEN = "TAKEN"

consumption = st.fixed_dictionaries(
    {
        "user_id": st.sampled_from([1, 2]),
        "action": st.sampled_from(["hint", "execution"]),
        "limit": st.sampled_from([-1, 0, 1, 2, 3]),
        "key": st.sampled_from([None, "a", "b"]),
        "digest": st.sampled_from(["d1", "d2"]),
        "extra": st.sampled_from(["none", "new", "taken"]),
    }
)
reversal = st.integers(min_value=0, max_value=40)
pause = st.sampled_from([timedelta(0), timedelta(milliseconds=1), timedelta(seconds=1), timedelta(hours=12)])
histories = st.lists(st.one_of(consumption, consumption, reversal, pause), max_size=30)


@dataclass
class Account:
    """What was charged, in a few dictionaries."""

    counts: Counter[tuple[int, str, str]] = field(default_factory=Counter)
    marks: dict[tuple[int, str, str, str], tuple[str, str]] = field(default_factory=dict)

    def expected(self, day: str, task_id: str, said: dict[str, Any]) -> tuple[Any, ...]:
        """What `consume` has to come to."""
        place = (said["user_id"], said["action"], day)
        mark, count, limit = (*place, said["key"]), self.counts[place], said["limit"]
        if limit == 0:
            return "exceeded", count
        if said["key"] is not None and mark in self.marks:
            digest, first = self.marks[mark]
            return ("charged before", count, first) if digest == said["digest"] else ("key reused",)
        if 0 < limit <= count:
            return "exceeded", count
        if said["extra"] == "taken":
            return "conflict", 1
        self.counts[place] += 1
        if said["key"] is not None:
            self.marks[mark] = (said["digest"], task_id)
        return "charged", count + 1, task_id


def extra_writes(task_id: str, kind: str) -> list[Put[Task]]:
    names = {"none": [], "new": [task_id], "taken": [task_id, TAKEN]}[kind]
    now: dict[str, Any] = {"created_at": 1, "updated_at": 1, "expires_at": 1}
    return [Put(items.TASK, Task(task_id=name, kind="execution", **now), ABSENT) for name in names]


def outcome(usage: UsageLogRepository, task_id: str, said: dict[str, Any], charged: list[Any]) -> tuple[Any, ...]:
    try:
        consumed = usage.consume(
            said["user_id"],
            said["action"],
            said["limit"],
            None,
            {"task_id": task_id},
            said["key"],
            extra_writes(task_id, said["extra"]),
            body_digest=said["digest"],
        )
    except AppError as error:
        match error:
            case LimitExceeded():
                return "exceeded", error.current_count
            case ExtraWriteConflict():
                return "conflict", error.index
            case KeyReused():
                return ("key reused",)
        raise
    if consumed.charged:
        charged.append(((said["user_id"], said["action"], consumed.log_pk[-8:]), consumed.log_pk, consumed.log_sk))
    return "charged" if consumed.charged else "charged before", consumed.current_count, consumed.task_id


@settings(max_examples=200, deadline=None, derandomize=True)
@given(histories)
def test_charges_come_to_what_a_plain_account_says(steps):
    engine = SqliteClient(":memory:", {"main": items.MAIN})
    clock = TestClock(NIGHT)
    usage = UsageLogRepository(Store(engine, {"main": "main"}), clock)
    usage.store.put(CREATE_TASK, extra_writes(TAKEN, "new")[0])
    account, reversed_places = Account(), set()
    charged: list[Any] = []
    for number, step in enumerate(steps):
        day = clock().strftime("%Y%m%d")
        match step:
            case dict():
                task_id = f"T{number}"
                assert outcome(usage, task_id, step, charged) == account.expected(day, task_id, step)
            case timedelta():
                clock.now += step
            case int() if step < len(charged):
                place, log_pk, log_sk = charged[step]
                assert usage.reverse_usage(log_pk, log_sk) is (step not in reversed_places)
                account.counts[place] -= step not in reversed_places
                reversed_places.add(step)
    for user_id, action, date in account.counts:
        count = account.counts[user_id, action, date]
        assert usage.audit_day(user_id, action, date) == (count, count)
    engine.close()
