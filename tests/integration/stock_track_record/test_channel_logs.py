"""The processing log of a channel over HTTP."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from lambda_src.services.stock_track_record.models import ChannelId
from lambda_src.services.stock_track_record.processing_log import Line, LogLines
from lambda_src.services.stock_track_record.tables import PROCESSING_LOG, PURGE_PAGE
from tests.support.stock_track_record import NOON, Applications, TestClock

URL = "https://www.youtube.com/@TestChannel"
HALF_PAST_EIGHT = datetime(2025, 1, 15, 8, 30, tzinfo=UTC)


def write_lines(app: Applications, channel_id: str, count: int, *, every: timedelta, text: str = "") -> None:
    """Lines `line 0`, `line 1`, ... from a second after noon of the test's day on."""
    clock = TestClock(NOON)
    lines = LogLines(clock=clock, pick=random.Random(7).randrange, retention_days=90)
    items = []
    for number in range(count):
        clock.now += every
        items.append(PROCESSING_LOG.item(lines.put(ChannelId(channel_id), Line("info", f"line {number}{text}")).model))
    app.store.batch_write(PURGE_PAGE, puts=items)


def logs(app: Applications, channel_id: str, **parameters: object) -> list[dict[str, object]]:
    answer = app.api.get(f"/api/channels/{channel_id}/logs", params={k: str(v) for k, v in parameters.items()})
    assert answer.status_code == 200, answer.text
    lines = answer.json()["logs"]
    assert isinstance(lines, list)
    return lines


def test_log_lines_have_unique_integers_and_ascending_times(new_app: Callable[..., Applications]):
    app = new_app()
    channel_id = app.add(URL)
    app.drain()  # YouTube knows no such channel: the run fails

    lines = logs(app, channel_id)

    assert len(lines) >= 4
    assert all(type(line["id"]) is int and 0 < line["id"] < 2**53 for line in lines)
    assert len({line["id"] for line in lines}) == len(lines)
    times = [str(line["created_at"]) for line in lines]
    assert times == sorted(times)
    assert all(len(time) == 24 and time.endswith("Z") for time in times)
    assert {line["channel_id"] for line in lines} == {channel_id}
    assert [line["log_level"] for line in lines][-1] == "error"
    assert all(line.keys() == {"id", "channel_id", "log_level", "message", "created_at"} for line in lines)


def test_since_includes_the_line_of_that_very_moment(new_app):
    clock = TestClock(HALF_PAST_EIGHT)
    app = new_app(clock=clock)
    channel_id = app.add(URL)

    [line] = logs(app, channel_id, since="2025-01-15T08:30:00Z")
    assert line["created_at"] == "2025-01-15T08:30:00.000Z"
    assert logs(app, channel_id, since="2025-01-15T08:30:00.001Z") == []


@pytest.mark.parametrize(
    "since",
    [
        "2025-01-15T08:30:00Z",
        "2025-01-15T08:30:00",  # UTC
        "2025-01-15 08:30",
        "2025-01-15T09:30:00+01:00",
        "2025-01-15T09:30:00 01:00",  # the + was lost on its way through a query string
        "2025-01-15T03:30:00.000999-05:00",  # floored to the millisecond
        "2025-01-15",  # its first moment
    ],
)
def test_since_may_be_written_in_any_iso_form(new_app, since):
    app = new_app(clock=TestClock(HALF_PAST_EIGHT))
    channel_id = app.add(URL)

    assert len(logs(app, channel_id, since=since)) == 1


def test_a_plus_in_the_query_string_is_repaired(new_app):
    app = new_app(clock=TestClock(HALF_PAST_EIGHT))
    channel_id = app.add(URL)

    answer = app.api.get(f"/api/channels/{channel_id}/logs?since=2025-01-15T09:30:00+01:00")

    assert len(answer.json()["logs"]) == 1


@pytest.mark.parametrize(
    "since", ["yesterday", "", "2025-01", "20250115", "2025-02-29", "2025-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00"]
)
def test_a_since_that_is_no_time_is_refused_before_the_table_is_asked(new_app, since):
    app = new_app()
    channel_id = app.add(URL)
    before = app.usage.snapshot()

    answer = app.api.get(f"/api/channels/{channel_id}/logs", params={"since": since})

    assert answer.status_code == 422
    assert isinstance(answer.json()["detail"], str)
    assert app.usage.snapshot() == before


def test_of_a_long_log_the_newest_thousand_lines_are_answered_in_order(new_app):
    app = new_app()
    channel_id = app.add(URL)
    write_lines(app, channel_id, 1_600, every=timedelta(milliseconds=700))
    before = app.usage.snapshot()

    lines = logs(app, channel_id)

    assert [line["message"] for line in lines] == [f"line {number}" for number in range(600, 1_600)]
    assert app.usage.since(before).requests == 2


def test_with_since_the_oldest_lines_from_there_are_answered(new_app):
    app = new_app()
    channel_id = app.add(URL)
    write_lines(app, channel_id, 40, every=timedelta(seconds=1))

    lines = logs(app, channel_id, since="2025-01-15T08:30:05.123Z", limit=3)

    assert [line["message"] for line in lines] == ["line 4", "line 5", "line 6"]


def test_a_log_can_be_read_on_from_its_last_line_without_a_gap(new_app):
    app = new_app()
    channel_id = app.add(URL)
    write_lines(app, channel_id, 40, every=timedelta(milliseconds=1))

    seen: dict[object, object] = {}
    since = "2025-01-15T00:00:00Z"
    for _ in range(20):
        page = logs(app, channel_id, since=since, limit=5)
        seen |= {line["id"]: line["message"] for line in page}
        since = str(page[-1]["created_at"])

    assert list(seen.values())[1:] == [f"line {number}" for number in range(40)]


def test_without_since_the_limit_counts_from_the_end(new_app):
    app = new_app()
    channel_id = app.add(URL)
    write_lines(app, channel_id, 40, every=timedelta(seconds=1))

    assert [line["message"] for line in logs(app, channel_id, limit=2)] == ["line 38", "line 39"]


@pytest.mark.parametrize("character", ["\N{GRINNING FACE}", "\x01"])
def test_a_log_too_large_for_one_answer_is_answered_as_far_as_it_fits(new_app, character):
    app = new_app()
    channel_id = app.add(URL)
    write_lines(app, channel_id, 700, every=timedelta(seconds=1), text=character * 1_990)

    newest = logs(app, channel_id)
    seen: dict[object, object] = {}
    since = "2025-01-15T08:30:01.123Z"
    for _ in range(5):
        page = logs(app, channel_id, since=since)
        seen |= {line["id"]: str(line["message"]).removesuffix(character * 1_990) for line in page}
        since = str(page[-1]["created_at"])

    assert 0 < len(newest) < 700
    assert str(newest[-1]["message"]).startswith("line 699")
    assert list(seen.values()) == [f"line {number}" for number in range(700)]
