"""AlgoItny used to the full asks of AWS exactly what its deployed roles are granted."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any, Final
from unittest.mock import patch

import pytest

from cdk_app.local.ministack import MiniStack
from lambda_src.dynamo.schema import patterns_of
from lambda_src.dynamo.store import Store
from lambda_src.dynamo.values import to_item
from lambda_src.errors import StoreUnavailable
from lambda_src.runtime.secrets import Secret
from lambda_src.services.algoitny import items, wiring
from lambda_src.services.algoitny.histories.service import Histories
from lambda_src.services.algoitny.items import (
    API,
    ARCHIVER,
    BUCKETS,
    STATS,
    SUPPORT,
    TABLES,
    WORKER,
)
from lambda_src.services.algoitny.models.histories import TestResult
from lambda_src.services.algoitny.models.tasks import Task
from lambda_src.services.algoitny.problems.repository import ProblemRepository
from lambda_src.services.algoitny.settings import ArchiverSettings, StatsSettings
from lambda_src.services.algoitny.usage.repository import UsageLogRepository
from lambda_src.services.algoitny.usage.service import UsageService
from lambda_src.services.algoitny.users.repository import UserRepository
from tests.support.algoitny import SIGNING_KEY, Json, PlayedJudge
from tests.support.algoitny_google import ANN, BOB, PlayedGoogle
from tests.support.algoitny_streams import stream_record
from tests.support.played import Invocation, Sent, TestClock
from tests.support.recorded_operations import Operations, Recorder, check_asked, check_found, check_patterns
from tests.support.recording import Recording, ToldApart, recording
from tests.support.roles import done_by_lambda, granted_to

FUNCTIONS: Final = {API: "ApiFunction", WORKER: "Worker", STATS: "StatsFunction", ARCHIVER: "ArchiverFunction"}
QUEUES: Final = {
    "algoitny_job_queue_url": "algoitny-jobs",
    "algoitny_job_dlq_url": "algoitny-jobs-dlq",
    "algoitny_stats_dlq_url": "algoitny-stats-dlq",
    "algoitny_archive_dlq_url": "algoitny-archive-dlq",
}
BOSS: Final = "boss@example.com"
MANAGER: Final = replace(BOB, email=BOSS, sub="110")
SECRETS: Final = {
    "app_secret_arn": {"current": SIGNING_KEY, "google_client_secret": "google-secret", "admin_emails": BOSS}
}
EXPIRED: Final = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
WORN: Final = "01K71V2JG0A1B2C3D4E5F6G7H8"  # a task whose worker is gone for good
HINTS: Final = ("look", "look again", "think")
CASES: Final = 12  # whose long outputs are more than fits beside the code
LONG: Final = "9" * 1_024


LONG_OUTPUTS: Final = [{"test_case_id": str(n), "output": LONG, "error": LONG} for n in range(1, CASES + 1)]


class Everything(ToldApart, PlayedJudge):
    """The service, with the worker's deliveries and the readers of the stream told apart from the API's requests."""

    clock: TestClock

    def __init__(self, made: Recording, **settings: Any) -> None:
        self.recorder = made.recorder
        self.addresses = made.addresses
        self._number = 0
        options: dict[str, Any] = {**made.options(SECRETS), **made.addresses, **settings}
        super().__init__(**options)
        self.resources = replace(self.resources, secret=Secret)

    def asked(self, method: str, path: str, status: int = 200, *, by: Json | None = None, body: Any = None) -> Any:
        """An answer that has to have this status. by: what signing in was answered with."""
        headers = {} if by is None else {"Authorization": f"Bearer {by['access']}"}
        answer = self.api.request(method, path, headers=headers, json=body)
        assert answer.status_code == status, (method, path, answer.text)
        return answer.json() if answer.content else None

    def ran(self, by: Json, *, status: int = 201, key: str | None = None, outputs: Any = None, **body: Any) -> Json:
        """What keeping a run was answered with."""
        headers = {"Authorization": f"Bearer {by['access']}"} | ({"Idempotency-Key": key} if key else {})
        given = outputs or [{"test_case_id": "1", "output": "out 1"}, {"test_case_id": "2", "output": "wrong"}]
        run = {"platform": "baekjoon", "problem_id": "1000", "language": "python", "code": "print(1)"}
        answer = self.api.post("/api/history", headers=headers, json={**run, "outputs": given, **body})
        assert answer.status_code == status, answer.text
        found: Json = answer.json()
        return found

    def happened(self, old: Any, new: Any, **more: Any) -> dict[str, Any]:
        """A record of the stream."""
        self._number += 1
        return {**stream_record(old, new, number=self._number), **more}

    def count(self, *records: dict[str, Any]) -> None:
        """What the function does that counts."""
        settings = StatsSettings(
            environment="local",
            algoitny_table_name=self.names["main"],
            algoitny_stats_dlq_url=self.addresses["algoitny_stats_dlq_url"],
        )
        with self.recorder.acting(STATS):
            answer = wiring.stats(settings, self.resources)({"Records": records}, Invocation())
        assert answer["batchItemFailures"] == []

    def archive(self, *records: dict[str, Any]) -> None:
        settings = ArchiverSettings(
            environment="local",
            algoitny_table_name=self.names["main"],
            algoitny_archive_bucket=self.addresses["algoitny_archive_bucket"],
            algoitny_archive_dlq_url=self.addresses["algoitny_archive_dlq_url"],
        )
        with self.recorder.acting(ARCHIVER):
            answer = wiring.archiver(settings, self.resources)({"Records": records}, Invocation())
        assert answer["batchItemFailures"] == []


def _judge(google: PlayedGoogle) -> Everything:
    assert isinstance(google.judge, Everything)
    return google.judge


@pytest.fixture(scope="module")
def asked(cloud: MiniStack, dynamodb_endpoint: str) -> Iterator[Recorder]:
    """What each role asked for in one run of the scenario."""
    with (
        recording(
            tables=TABLES, queues=QUEUES, secrets=SECRETS, buckets=BUCKETS, cloud=cloud,
            dynamodb_endpoint=dynamodb_endpoint,
        ) as made,
        PlayedGoogle(partial(Everything, made)) as google,
    ):  # fmt: skip
        judge = _judge(google)
        try:
            judge.problem(cases=CASES)
            with made.recorder.acting(API):
                ann = come_and_go(google)
                boss = administrate(google, ann)
                run(judge, ann)
            hear(judge)
            with made.recorder.acting(API):
                look(judge, ann, boss)
                leave(google, boss)
            look_after_it(google)
            with made.recorder.acting(SUPPORT):
                use_as_a_program(judge)
        finally:
            judge.stop()
        yield made.recorder


# ---- the API ---------------------------------------------------------------------------------------------------------


def come_and_go(google: PlayedGoogle) -> Json:
    """Signing in by token and by code, going on, and leaving; and what concerns everybody."""
    judge = _judge(google)
    for path in ("/health", "/api/health/ready", "/api/auth/plans", "/api/legal/terms"):
        judge.asked("GET", path)
    first = google.signed_in(ANN)
    google.signed_in(ANN)
    again = google.post("refresh", refresh=first["refresh"]).json()
    google.post("logout", refresh=again["refresh"])
    google.post("logout", refresh=google.signed_in(ANN)["refresh"], all_devices=True)
    return google.signed_in(ANN)


def administrate(google: PlayedGoogle, ann: Json) -> Json:
    """Plans from beginning to end, and what becomes of users."""
    judge = _judge(google)
    judge.user(BOSS, google_id=None)
    boss = google.signed_in(MANAGER)
    plan = judge.asked("POST", "/api/admin/plans", 201, by=boss, body={"name": "Gold"})
    one = f"/api/admin/plans/{plan['id']}"
    judge.asked("PATCH", one, by=boss, body={"description": "shines"})
    judge.asked("PATCH", one, by=boss, body={"name": "Silver"})
    judge.asked("GET", "/api/admin/plans", by=boss)
    person = f"/api/admin/users/{ann['user']['id']}"
    judge.asked("PATCH", person, by=boss, body={"subscription_plan_id": plan["id"]})
    judge.asked("PATCH", person, by=boss, body={"subscription_plan_id": 2, "is_staff": True})
    judge.asked("PATCH", person, by=boss, body={"is_staff": False})
    judge.asked("DELETE", one, 204, by=boss)
    judge.asked("GET", "/api/admin/users?limit=1", by=boss)
    judge.asked("GET", "/api/admin/users?q=ann@example.com", by=boss)
    judge.asked("GET", person, by=boss)
    judge.asked("PATCH", "/api/account/me", by=ann, body={"name": "Ann K"})
    consents = {"privacy_agreed": True, "terms_agreed": True, "code_ownership_agreed": True}
    judge.asked("POST", "/api/account/consents", by=ann, body=consents)
    judge.asked("PATCH", "/api/account/plan", by=ann, body={"plan": "Free"})
    # No route changes an address yet; what does comes this way.
    UserRepository(judge.store, judge.clock).update_user(boss["user"]["id"], {"email": "chief@example.com"})
    UserRepository(judge.store, judge.clock).update_user(boss["user"]["id"], {"email": BOSS})
    found: Json = boss
    return found


def run(judge: Everything, ann: Json) -> None:
    """Runs of every outcome: public, long, repeated, one too many for its plan, shown and hidden, deleted."""
    public = judge.ran(ann, is_code_public=True)
    judge.ran(ann, key="k")
    judge.ran(ann, key="k", status=200)
    long = judge.ran(ann, outputs=LONG_OUTPUTS)
    for is_public in (False, True):
        judge.asked("PATCH", f"/api/history/{public['id']}", by=ann, body={"is_code_public": is_public})
    for path in (
        "/api/history?scope=public", "/api/history?scope=mine&include=code", "/api/history",
        "/api/history/search?language=python", "/api/history/search?platform=baekjoon",
        f"/api/history/{public['id']}?expand=testcases", f"/api/history/{long['id']}",
    ):  # fmt: skip
        judge.asked("GET", path, by=ann)
    judge.asked("DELETE", f"/api/history/{long['id']}", 204, by=ann)
    meet_trouble(judge, ann)


def meet_trouble(judge: Everything, ann: Json) -> None:
    """A limit that is reached between look and charge, an answer that is lost, a plan of one problem, none at all."""
    test = judge.recorder.acting
    with test("test"):
        free = judge.item(items.PLAN.key(plan_id=1)) or {}
        judge.put_items({**free, "me": 0})
    judge.clock.forward(minutes=2)  # plans are kept for one
    with patch.object(UsageService, "preview", lambda *_, **__: None):
        judge.ran(ann, status=429)
    with test("test"):
        judge.put_items({**free, "mp": 1})
    judge.clock.forward(minutes=2)
    with patch.object(Store, "transact", side_effect=StoreUnavailable):
        judge.ran(ann, status=503)
    with test("test"):
        judge.remove(items.PLAN.key(plan_id=1))
        judge.remove(items.PLAN_NAME_GUARD.key(name_key="free"))
    judge.asked("GET", "/api/auth/plans")


def look(judge: Everything, ann: Json, boss: Json) -> None:
    """What was used and counted."""
    for path in (
        "plan-usage", "usage?days=7", "usage/logs?date=" + UsageLogRepository.format_date(judge.clock()), "stats", "me",
        "consents",
    ):  # fmt: skip
        judge.asked("GET", f"/api/account/{path}", by=ann)
    judge.asked("GET", "/api/history/recent-count?hours=24")
    with judge.recorder.acting("test"):
        for item in judge.items():
            if item.get("tp") == "uprob":
                judge.remove(items.USER_PROBLEM.key_of(items.USER_PROBLEM.decode(to_item(item))))
    judge.asked("POST", f"/api/admin/users/{ann['user']['id']}/rebuild-stats", by=boss)
    judge.asked("GET", "/api/admin/usage-stats?days=7", by=boss)
    yesterday = UsageLogRepository.format_date(judge.clock().replace(day=judge.clock().day - 1))
    task = judge.asked("POST", "/api/admin/usage-stats/rollup", 202, by=boss, body={"date": yesterday})
    judge.asked("GET", f"/api/tasks/{task['task_id']}", by=boss)
    judge.drain()


def leave(google: PlayedGoogle, boss: Json) -> None:
    """An account that goes, with a run, and what the worker clears away."""
    judge = _judge(google)
    bob = google.signed_in(BOB)
    made = judge.ran(bob, is_code_public=True, outputs=LONG_OUTPUTS)
    judge.count(judge.happened(None, judge.item(items.HISTORY.key(history_id=made["id"]))))
    gone = judge.asked("DELETE", "/api/account", 202, by=bob, body={"confirm": BOB.email})
    judge.deliver(*judge.queue.take())
    judge.clock.forward(minutes=1)
    judge.drain()
    judge.asked("GET", f"/api/tasks/{gone['task_id']}", by=boss)


# ---- the others ------------------------------------------------------------------------------------------------------


def hear(judge: Everything) -> None:
    """What the stream tells of runs, hints and expired logs; and nonsense."""
    found = judge.items()
    runs = [item for item in found if item.get("tp") == "hist"]
    judge.count(*(judge.happened(None, run) for run in runs), *(judge.happened(run, None) for run in runs[:1]))
    judge.count(judge.happened(None, {"PK": "HIST#odd", "SK": "META", "tp": "hist"}))
    log = next(item for item in found if item.get("tp") == "ulog")
    judge.archive(judge.happened(log, None, userIdentity=EXPIRED))
    judge.archive(judge.happened({**log, "act": {"a": 1}, "SK": "ULOG#odd"}, None, userIdentity=EXPIRED))


def look_after_it(google: PlayedGoogle) -> None:
    """Tasks whose message or worker was lost, one that is given up and tried again; a plan that is gone; nonsense."""
    judge = _judge(google)
    test = judge.recorder.acting
    judge.clock.forward(days=1)
    judge.scheduled("rollup")
    lost = judge.queue.take()
    with test("test"):
        judge.remove(items.PLAN.key(plan_id=2))
        judge.remove(items.PLAN_NAME_GUARD.key(name_key="pro"))
        now = judge.now_ms
        worn = Task(
            task_id=WORN, kind="user_purge", created_at=now, updated_at=now, expires_at=now // 1000 + 9_999,
            status="STARTED", lease_until=now, attempts=9, user_id=1,
        )  # fmt: skip
        judge.put_items(items.TASK.item(worn))
    judge.clock.forward(hours=1)
    judge.scheduled("maintenance")
    judge.drain()
    assert judge.deliver(*lost) == []  # once more
    with test(API):
        judge.asked("POST", f"/api/admin/tasks/{WORN}/retry", 202, by=google.signed_in(MANAGER))
    judge.deliver(*judge.queue.take(), receive_count=5)  # it says nothing of what to do, however often
    assert judge.deliver(Sent(judge.addresses["algoitny_job_queue_url"], "odd", "not json")) == []


def use_as_a_program(judge: Everything) -> None:
    """What no function asks yet: problems, hints, and the rest of what was published."""
    problems = ProblemRepository(judge.store, judge.clock)
    problems.create_problem("codeforces", "1A", {"title": "Theatre Square"})
    problems.add_testcases_batch("codeforces", "1A", [{"testcase_id": "1", "input": "1", "output": "1"}])
    problems.update_problem("codeforces", "1A", {"is_completed": True})
    problems.update_problem("codeforces", "1A", {"needs_review": True, "solution_code": "1"})
    problems.get_problem("codeforces", "1A")
    problems.get_testcases("codeforces", "1A", 10)
    histories = judge.part(Histories).histories
    data = {
        "platform": "codeforces", "problem_number": "1A", "problem_title": "Theatre Square", "language": "cpp",
        "code": "1", "user_id": 1, "test_results": (TestResult("1", passed=True),),
    }  # fmt: skip
    histories.create_history("1", data)
    histories.create_history("2", {**data, "is_code_public": True})
    histories.update_hints("1", HINTS)
    users, usage = UserRepository(judge.store, judge.clock), UsageLogRepository(judge.store, judge.clock)
    users.get_user_by_email(ANN.email)
    users.get_user_by_google_id(ANN.sub)
    log = usage.log_usage(1, "hint")
    key = items.USAGE_LOG.key_of(log).values
    usage.reverse_usage(key["PK"], key["SK"])
    usage.audit_day(1, "hint", log.date)


# ---- and how that compares -------------------------------------------------------------------------------------------


def declared_of_objects(role: str) -> Operations:
    return {
        (f"{bucket.environment_variable.lower()}/{prefix}", f"s3:{action}")
        for bucket in BUCKETS
        for prefix, action in bucket.rights(role)
    }


@pytest.mark.parametrize("role", FUNCTIONS)
def test_a_deployed_role_of_algoitny_is_granted_what_its_function_does_and_no_more(asked, deployed, role):
    template = deployed.templates["AlgoItnyApp"]
    names = {table.physical_name(deployed.environment): table.name for table in TABLES}
    allowed = granted_to(template, FUNCTIONS[role], tables=names)
    used = asked.operations[role] | done_by_lambda(template, FUNCTIONS[role])
    assert used - allowed == set(), f"{role} is refused this"
    assert allowed - used == set(), f"{role} does not need this"


@pytest.mark.parametrize("asker", FUNCTIONS)
def test_algoitny_runs_exactly_the_patterns_that_say_who_asks_them(asked, asker):
    check_asked(asked, TABLES, asker)


def test_programs_run_what_no_function_of_algoitny_asks(asked):
    check_patterns(asked, patterns_of(TABLES, SUPPORT), SUPPORT)


def test_patterns_of_algoitny_find_the_kinds_of_items_they_read(asked):
    check_found(asked, TABLES)


@pytest.mark.parametrize("role", FUNCTIONS)
def test_what_algoitny_declares_of_objects_is_what_is_done(asked, role):
    assert {pair for pair in asked.operations[role] if pair[1].startswith("s3:")} == declared_of_objects(role)
