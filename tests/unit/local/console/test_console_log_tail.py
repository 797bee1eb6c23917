"""The tail against a log service that answers as the emulator does: oldest first, cut at the limit, no page token."""

import json
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from cdk_app.local.console.log_tail import FRESH_FOR_SECONDS, KEPT_LINES, LogSource, LogTail, Tail

NOW_SECONDS = 1_800_000_000.0
NOW_MS = 1_800_000_000_000


class LogService:
    """Log groups in memory."""

    def __init__(self) -> None:
        self.groups: dict[str, list[dict[str, Any]]] = {"api": []}
        self.requests = 0
        self.is_down = False

    def write(self, group: str, stream: str, timestamp_ms: int, *messages: str) -> None:
        self.groups.setdefault(group, []).extend(
            {"logStreamName": stream, "timestamp": timestamp_ms, "message": message} for message in messages
        )

    def filter_log_events(self, *, logGroupName: str, startTime: int, limit: int) -> dict[str, Any]:  # noqa: N803 - boto3's names
        self.requests += 1
        if self.is_down:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")
        if logGroupName not in self.groups:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "FilterLogEvents")
        events = sorted(self.groups[logGroupName], key=lambda event: event["timestamp"])
        return {"events": [event for event in events if event["timestamp"] >= startTime][:limit]}


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def service():
    return LogService()


@pytest.fixture
def clock():
    return Clock()


def tail_of(service: LogService, clock: Clock, *groups: str, events_per_request: int = 1000) -> LogTail:
    sources = [LogSource(group, group.title()) for group in groups or ("api",)]
    return LogTail(
        cast("Any", service), sources, now=lambda: NOW_SECONDS, monotonic=clock, events_per_request=events_per_request
    )


def look(tail: LogTail, clock: Clock, **question: Any) -> Tail:
    clock.seconds += 1
    return tail.look(**{"limit": 100, **question})


def texts(seen: Tail) -> list[str]:
    return [entry.line.text for entry in seen.entries]


def test_the_newest_line_comes_first_and_lines_of_one_moment_keep_their_order(service, clock):
    service.write("api", "s1", NOW_MS, "a", "b")
    service.write("api", "s2", NOW_MS + 1, "c")
    assert texts(look(tail_of(service, clock), clock)) == ["c", "b", "a"]


def test_a_line_is_shown_once_however_often_one_looks(service, clock):
    tail = tail_of(service, clock)
    service.write("api", "s1", NOW_MS, "a", "a")
    look(tail, clock)
    service.write("api", "s2", NOW_MS, "a")
    assert texts(look(tail, clock)) == ["a", "a", "a"]
    assert texts(look(tail, clock)) == ["a", "a", "a"]


def test_a_line_that_was_stored_a_little_late_is_not_lost(service, clock):
    tail = tail_of(service, clock)
    service.write("api", "s1", NOW_MS, "a")
    look(tail, clock)
    service.write("api", "s2", NOW_MS - 500, "late")
    assert texts(look(tail, clock)) == ["late", "a"]


def test_only_what_came_after_is_given_to_who_was_there_before(service, clock):
    tail = tail_of(service, clock)
    service.write("api", "s1", NOW_MS, "a")
    first = look(tail, clock)
    service.write("api", "s2", NOW_MS + 5, "b")
    second = look(tail, clock, after=first.latest)
    assert texts(second) == ["b"]
    assert texts(look(tail, clock, after=second.latest)) == []


def test_the_limit_counts_the_lines_that_match(service, clock):
    service.write("api", "s1", NOW_MS, "x1", "y1", "x2", "y2", "x3")
    seen = look(tail_of(service, clock), clock, limit=2, matches=lambda line: line.text.startswith("x"))
    assert texts(seen) == ["x3", "x2"]


def test_lines_of_several_functions_are_merged_by_time(service, clock):
    service.write("api", "s1", NOW_MS, "first")
    service.write("worker", "s2", NOW_MS + 1, "second")
    service.write("api", "s3", NOW_MS + 2, "third")
    seen = look(tail_of(service, clock, "worker", "api"), clock)
    assert [(entry.source, entry.line.text) for entry in seen.entries] == [
        ("Api", "third"),
        ("Worker", "second"),
        ("Api", "first"),
    ]


def test_a_backlog_longer_than_one_answer_is_read_in_several(service, clock):
    for number in range(25):
        service.write("api", f"s{number}", NOW_MS + number, str(number))
    tail = tail_of(service, clock, events_per_request=10)
    for _ in range(4):
        seen = look(tail, clock)
    assert sorted(texts(seen), key=int) == [str(number) for number in range(25)]


def test_a_moment_with_more_lines_than_one_answer_holds_does_not_stop_the_tail(service, clock):
    service.write("api", "s1", NOW_MS, *map(str, range(30)))
    service.write("api", "s2", NOW_MS + 1, "next")
    tail = tail_of(service, clock, events_per_request=10)
    for _ in range(4):
        seen = look(tail, clock)
    assert texts(seen)[0] == "next"


def test_a_function_that_has_not_run_yet_has_no_lines_and_is_no_trouble(service, clock):
    seen = look(tail_of(service, clock, "never-run"), clock)
    assert (texts(seen), seen.trouble) == ([], None)


def test_a_silent_service_is_named_and_the_lines_stay(service, clock):
    tail = tail_of(service, clock)
    service.write("api", "s1", NOW_MS, "a")
    look(tail, clock)
    service.is_down = True
    seen = look(tail, clock)
    assert texts(seen) == ["a"]
    assert seen.trouble is not None
    assert "CloudWatch Logs does not answer" in seen.trouble
    service.is_down = False
    assert look(tail, clock).trouble is None


def test_many_who_look_at_once_cost_one_request(service, clock):
    tail = tail_of(service, clock)
    for _ in range(5):
        tail.look(limit=10)
    assert service.requests == 1
    clock.seconds += FRESH_FOR_SECONDS
    tail.look(limit=10)
    assert service.requests == 2


def test_the_tail_forgets_the_oldest_lines(service, clock):
    service.write("api", "s1", NOW_MS, *map(str, range(KEPT_LINES + 5)))
    seen = look(tail_of(service, clock, events_per_request=KEPT_LINES * 2), clock, limit=KEPT_LINES * 2)
    assert len(seen.entries) == KEPT_LINES
    assert texts(seen)[-1] == "5"


def test_what_is_older_than_an_hour_is_not_read(service, clock):
    service.write("api", "s1", NOW_MS - 3_600_001, "old")
    service.write("api", "s2", NOW_MS - 3_599_000, json.dumps({"message": "young"}))
    assert texts(look(tail_of(service, clock), clock)) == ["young"]


def test_two_tails_have_different_names(service, clock):
    assert tail_of(service, clock).name != tail_of(service, clock).name
