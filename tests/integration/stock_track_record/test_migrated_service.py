"""The service on tables that were migrated from SQL, beside the service whose history filled that SQL database."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from lambda_src.dynamo.boto3_client import make_client
from lambda_src.migration.mappings.stock_track_record.mapping import mapping
from lambda_src.migration.phases.copy import copy
from lambda_src.migration.phases.verify import verify
from lambda_src.migration.target import marks
from lambda_src.migration.target.place import STATE_PARTITION
from lambda_src.services.stock_track_record.tables import PURGE_PAGE
from tests.support.invariants import assert_invariants
from tests.support.migration.jobs import Rows, RowsInHand, job
from tests.support.migration.stock_track_record_awkward import YOUTUBE_ID, awkward_rows
from tests.support.migration.stock_track_record_history import live, make_world, sql_rows
from tests.support.migration.stock_track_record_rows import id_of, rows_by_table
from tests.support.played import TestClock
from tests.support.stock_track_record import Applications

ENTITIES = (
    "Channel",
    "Video",
    "VideoClaim",
    "StockMention",
    "ChannelMention",
    "ChannelIndex",
    "UniqueClaim",
    "Counter",
)
# What SQL never knew, and what nobody is told.
UNKNOWN_TO_SQL = {
    "run_id", "listed", "uploads_playlist_id", "failed_video_count", "attempts", "duration_seconds", "failure_reason",
    "price_date", "backfill_until", "price_status", "price_checked_at",
}  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """Two services with one history. channels: their ids by what became of them."""

    lived: Applications
    migrated: Applications
    channels: dict[str, str]


@pytest.fixture
def migrate(dynamodb_endpoint, tmp_path):
    """`migrate(app, rows)`: into the empty tables of a service, verified, and opened."""

    def migrate(app: Applications, rows: Rows, **options: Any) -> None:
        client = make_client(region="us-east-1", endpoint_url=dynamodb_endpoint, read_timeout_seconds=30)
        migration = job(RowsInHand(mapping(**options), rows), client, app.names, tmp_path)
        copy(migration)
        assert copy(migration).items == 0  # a second run finds nothing left to write
        assert verify(migration, full=True).is_equal
        marks.strip(migration.place)
        client.close()
        # the migration's own, no concern of the service
        own = [item for item in app.items() if item["PK"] == STATE_PARTITION]
        app.store.batch_write(PURGE_PAGE, deletes=[{"PK": item["PK"], "SK": item["SK"]} for item in own])

    return migrate


@pytest.fixture
def pair(new_app, migrate) -> Pair:
    clock = TestClock()
    lived, migrated = (new_app(world=make_world(clock), clock=clock) for _ in range(2))
    channels = live(lived)
    migrate(migrated, sql_rows(lived))
    clock.forward(hours=1)
    return Pair(lived, migrated, channels)


def ask(app: Applications, path: str) -> Any:
    answer = app.api.get(f"/api/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def lists_of(app: Applications) -> Iterator[tuple[str, Any]]:
    for query in ("", "?page=2&per_page=2", "?page=9", "?per_page=2"):
        answer = ask(app, f"channels{query}")
        cursor = answer.pop("next_cursor")
        yield f"channels{query}", answer
        if cursor:
            yield f"channels{query}, continued", ask(app, f"channels{query}&cursor={cursor}")


def results_of(app: Applications, channel_id: str) -> Iterator[tuple[str, Any]]:
    """Every answer about a channel, by its path. Log lines had other numbers, as MySQL's are shorter."""
    yield "channel", ask(app, f"channels/{channel_id}")
    stocks = ask(app, f"channels/{channel_id}/stocks")
    yield "stocks", stocks
    for stock in stocks["stocks"]:
        yield stock["ticker"], ask(app, f"channels/{channel_id}/stocks/{stock['ticker']}")
    yield "timeline", ask(app, f"channels/{channel_id}/timeline")
    page = ask(app, f"channels/{channel_id}/timeline?limit=2")
    yield "page", page["timeline"]
    if page["next_cursor"]:
        yield "next page", ask(app, f"channels/{channel_id}/timeline?limit=2&cursor={page['next_cursor']}")["timeline"]
    for query in ("", "?limit=3", "?since=2025-01-15T08:30:30Z&limit=5"):
        lines = ask(app, f"channels/{channel_id}/logs{query}")["logs"]
        numbers = [line.pop("id") for line in lines]
        assert len(numbers) == len(set(numbers))
        yield f"logs{query}", lines


def items_of(app: Applications, entity_type: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The items of a kind by key, with what SQL knew of them."""
    return {
        (item["PK"], item["SK"]): {name: item[name] for name in item.keys() - UNKNOWN_TO_SQL}
        for item in app.items_of(entity_type)
    }


def test_every_question_is_answered_alike(pair):
    assert dict(lists_of(pair.migrated)) == dict(lists_of(pair.lived))
    assert ask(pair.migrated, "channels")["total"] == 3
    for what, channel_id in pair.channels.items():
        lived = dict(results_of(pair.lived, channel_id))
        assert dict(results_of(pair.migrated, channel_id)) == lived
        assert bool(lived["stocks"]["stocks"]) is (what != "failed")
        assert len(lived["logs"]) > 3
    assert "next page" in dict(results_of(pair.lived, pair.channels["completed"]))

    # the answers to come are the same as well, since the items are
    for entity in ENTITIES:
        assert items_of(pair.migrated, entity) == items_of(pair.lived, entity) != {}
    assert_invariants(pair.migrated)


def test_prices_are_answered_alike(pair):
    for stock in ask(pair.lived, f"channels/{pair.channels['completed']}/stocks")["stocks"]:
        lived, migrated = (ask(app, f"stocks/{stock['ticker']}/price") for app in (pair.lived, pair.migrated))
        assert migrated == lived
        assert lived["price"]
    for name in ("refresh-prices", "backfill-prices"):
        lived, migrated = (
            app.api.post(f"/api/channels/{pair.channels['completed']}/{name}").json()
            for app in (pair.lived, pair.migrated)
        )
        assert migrated == lived


def test_awkward_rows_are_answered_as_was_decided_about_them(new_app, migrate):
    app = new_app()
    migrate(app, rows_by_table((case.table, case.row) for case in awkward_rows()))
    channels = {item["id"]: item for item in ask(app, "channels?per_page=100")["items"]}

    assert len(channels) == ask(app, "channels")["total"]
    assert channels.keys() == {
        str(case.fields.get("id", case.row["id"])).lower()
        for case in awkward_rows()
        if case.table == "channels" and not case.reject
    }
    assert channels[id_of("c", 10)]["youtube_channel_id"] == "handle:foobar"
    assert channels[id_of("c", 13)]["youtube_channel_id"] == YOUTUBE_ID
    assert channels[id_of("c", 42)]["status"] == "cancelled"
    logs = ask(app, f"channels/{id_of('c', 1)}/logs")["logs"]
    assert [line["id"] for line in logs if line["created_at"] == "2024-01-15T08:33:00.000Z"][:2] == [7, 8]
    (line,) = ask(app, f"channels/{id_of('c', 42)}/logs")["logs"]
    assert (line["log_level"], line["created_at"]) == ("info", "2024-02-01T10:00:00.001Z")
    apple = ask(app, f"channels/{id_of('c', 1)}/stocks/aapl")["mentions"]
    assert {mention["id"]: mention["price_at_mention"] for mention in apple}[id_of("e", 1)] == 185.5
    for channel_id in (id_of("c", 1), id_of("c", 0xABC), "channel-22"):
        assert dict(results_of(app, channel_id))["channel"] == channels[channel_id]


def test_a_migrated_channel_is_analysed_again_and_only_what_is_missing(pair):
    for app in (pair.lived, pair.migrated):
        for channel_id in pair.channels.values():
            assert app.api.post(f"/api/channels/{channel_id}/cancel").json()["code"] == "not_processing"
            assert app.api.post(f"/api/channels/{channel_id}/process").json()["status"] == "pending"
    pair.lived.forward(seconds=1)  # lines that API and worker write in one millisecond have no order
    for app in (pair.lived, pair.migrated):
        before = len(app.world.calls("gemini"))
        app.drain()
        assert len(app.world.calls("gemini")) - before == 3  # two that were stopped and one that was refused

    for what, channel_id in pair.channels.items():
        lived, migrated = (dict(results_of(app, channel_id)) for app in (pair.lived, pair.migrated))
        assert migrated == lived
        assert lived["channel"]["status"] == ("failed" if what == "failed" else "completed")
    assert_invariants(pair.migrated)


def test_a_migrated_channel_cannot_be_added_again_under_any_of_its_names_until_it_is_deleted(pair):
    app = pair.migrated
    resolved = app.channel(pair.channels["completed"])["youtube_channel_id"]
    for name in ("@Finished", "@FINISHED/videos", f"channel/{resolved}", "@Nobody", "@stopped"):
        answer = app.api.post("/api/channels", json={"url": f"https://www.youtube.com/{name}"})
        assert (answer.status_code, answer.json()["code"]) == (400, "channel_exists"), name

    for channel_id in pair.channels.values():
        assert app.api.delete(f"/api/channels/{channel_id}").status_code == 204
    app.drain()
    app.drain()

    assert ask(app, "channels")["total"] == 0
    assert {item["entity_type"] for item in app.items()} <= {"Counter", "RateSlot"}
    assert app.add("https://www.youtube.com/@Finished")


def test_an_interrupted_analysis_that_was_queued_again_is_finished_by_the_worker(new_app, migrate):
    clock = TestClock()
    lived, migrated = (new_app(world=make_world(clock), clock=clock) for _ in range(2))
    stopped = live(lived)["cancelled"]
    rows = sql_rows(lived)
    rows["channels"] = [{**row, "status": "processing"} if row["id"] == stopped else row for row in rows["channels"]]
    migrate(migrated, rows, requeue=True)
    assert migrated.channel(stopped)["status"] == "pending"
    before = len(migrated.world.calls("gemini"))

    clock.forward(minutes=5)
    migrated.sweep()
    migrated.drain()

    done = migrated.channel(stopped)
    assert (done["status"], done["video_count"], done["processed_video_count"]) == ("completed", 3, 3)
    assert len(migrated.world.calls("gemini")) - before == 2  # one was analysed before
    assert_invariants(migrated)
