"""Deletion of a channel: gone at once for its viewers, its items removed by a worker that may die at any point."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from cdk_app.services.stock_track_record.stand_ins import gemini_answers
from cdk_app.services.stock_track_record.stand_ins.models import Pick
from cdk_app.services.stock_track_record.stand_ins.world import World
from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.dynamo.client import Client, Response
from lambda_src.dynamo.values import Request
from lambda_src.services.stock_track_record.models import (
    ChannelId,
    Mention,
    RunId,
    Video,
    VideoClaim,
    VideoId,
    mention_id,
    video_id,
)
from lambda_src.services.stock_track_record.processing_log import Line, LogLines
from lambda_src.services.stock_track_record.tables import (
    CHANNEL_MENTION,
    PROCESSING_LOG,
    PURGE_PAGE,
    STOCK_MENTION,
    TABLES,
    VIDEO,
    VIDEO_CLAIM,
)
from tests.support.dynamodb_faults import Faults
from tests.support.stock_track_record import NOON, Applications, Sent, TestClock
from tests.support.track_record_items import add_tickers
from tests.support.worlds import channel_with, numbered_stocks

URL = "https://www.youtube.com/@TestChannel"
NOW = "2025-01-15T08:30:00.123Z"


class Killed(BaseException):
    """The process ended here. No handler of the product catches it."""


class BatchWrites:
    """A client that watches and disturbs BatchWriteItem calls.

    Faults cannot do this: an answer made up would leave items behind that it says were written.
    """

    def __init__(self, client: Client) -> None:
        self.count = 0
        self.deletes = 0
        self.kill_after_deletes: int | None = None
        self.leave_unprocessed = 0
        self._client = client

    def call(self, operation: str, request: Request, pattern: str) -> Response:
        if operation != "BatchWriteItem":
            return self._client.call(operation, request, pattern)
        if self.kill_after_deletes is not None and self.deletes >= self.kill_after_deletes:
            raise Killed
        [(table, writes)] = request["RequestItems"].items()
        assert 1 <= len(writes) <= 25
        taken = max(1, len(writes) - self.leave_unprocessed)
        self.count += 1
        self.deletes += sum("DeleteRequest" in write for write in writes[:taken])
        answer = self._client.call(operation, {**request, "RequestItems": {table: writes[:taken]}}, pattern)
        return {**answer, "UnprocessedItems": {table: writes[taken:]}} if writes[taken:] else answer

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def disturbed(dynamodb_client, make_tables) -> Iterator[Callable[[Callable[[Client], Any]], tuple[Applications, Any]]]:
    """`app, client = disturbed(BatchWrites)`: the service with such a client, whose calls a test may disturb."""
    made: list[Applications] = []

    def make(disturbing: Callable[[Client], Any]) -> tuple[Applications, Any]:
        engine = disturbing(Boto3Client(dynamodb_client))
        made.append(Applications(client=dynamodb_client, names=make_tables(TABLES), engine=engine))
        return made[-1], engine

    yield make
    for app in made:
        app.stop()


def fill(app: Applications, channel_id: str, *, videos: int, logs: int, mentions: int) -> None:
    """What analyses leave behind: per video a claim and the item, per mention home and copy, and log lines."""
    channel, run = ChannelId(channel_id), RunId(app.items_of("Channel")[0]["run_id"])
    tickers = [stock.ticker for stock in numbered_stocks(150)]
    known = [_video(channel, run, number) for number in range(videos)]
    lines = LogLines(clock=TestClock(NOON + timedelta(seconds=1)), pick=lambda _: 0, retention_days=90)
    items: list[Mapping[str, object]] = [
        PROCESSING_LOG.item(lines.put(channel, Line("info", "A line")).model) for _ in range(logs)
    ]
    for video in known:
        claim = VideoClaim(channel, video.youtube_video_id, video.id, NOW)
        items += [VIDEO.item(video), VIDEO_CLAIM.item(claim)]
    for number in range(mentions):
        mention = _mention(known[number % videos], tickers[(number + number // videos) % len(tickers)])
        items += [STOCK_MENTION.item(mention), CHANNEL_MENTION.item(mention)]
    app.store.batch_write(PURGE_PAGE, puts=items)
    add_tickers(app, channel, set(tickers))


def _video(channel_id: ChannelId, run_id: RunId, number: int) -> Video:
    youtube_id = f"video{number:05}"
    return Video(
        id=VideoId(video_id(channel_id, youtube_id)),
        channel_id=channel_id,
        youtube_video_id=youtube_id,
        title=f"Episode {number}",
        published_at="2025-01-10",
        created_at=NOW,
        transcript_status="fetched",
        analysis_status="completed",
        run_id=run_id,
    )


def _mention(video: Video, ticker: str) -> Mention:
    return Mention(
        id=mention_id(video.id, ticker),
        channel_id=video.channel_id,
        video_id=video.id,
        ticker=ticker,
        sentiment="buy",
        published_at=video.published_at,
        created_at=NOW,
        youtube_video_id=video.youtube_video_id,
        video_title=video.title,
        video_created_at=video.created_at,
        context_snippet="Likes the margin. " * 20,
    )


def leftovers(items: Sequence[Mapping[str, Any]], channel_id: str) -> list[Mapping[str, Any]]:
    """Items of the channel's partition and homes of mentions."""
    return [item for item in items if item["PK"] == f"CHANNEL#{channel_id}" or item["PK"].startswith("VIDEO#")]


def purge_of(app: Applications) -> Sent:
    [message] = [sent for sent in app.queue.take() if sent.content["type"] == "purge"]
    return message


def delete(app: Applications, channel_id: str) -> None:
    answer = app.api.delete(f"/api/channels/{channel_id}")
    assert (answer.status_code, answer.content) == (204, b"")


# ---- the request ---------------------------------------------------------------------------------------------------


def test_a_deleted_channel_is_gone_for_its_viewers_at_once(new_app):
    app = new_app()
    channel_id = app.add(URL)
    other = app.add("https://www.youtube.com/@other")
    fill(app, channel_id, videos=30, logs=10, mentions=60)
    before = app.usage.snapshot()

    delete(app, channel_id)

    assert app.usage.since(before).requests == 2  # GetItem and T8, however much there is to remove
    assert app.api.get(f"/api/channels/{channel_id}").status_code == 404
    assert app.api.delete(f"/api/channels/{channel_id}").status_code == 404
    for path in ("logs", "stocks", "timeline", "stocks/QAA"):
        assert app.api.get(f"/api/channels/{channel_id}/{path}").status_code == 404
    for path in ("process", "cancel", "refresh-prices", "backfill-prices"):
        assert app.api.post(f"/api/channels/{channel_id}/{path}").status_code == 404
    page = app.api.get("/api/channels").json()
    assert ([item["id"] for item in page["items"]], page["total"]) == ([other], 1)


def test_the_handle_of_a_deleted_channel_can_be_added_again_at_once(new_app):
    app = new_app()
    channel_id = app.add(URL)
    fill(app, channel_id, videos=3, logs=3, mentions=3)
    delete(app, channel_id)

    again = app.add(URL)
    app.drain()

    assert again != channel_id
    assert app.channel(again)["youtube_channel_id"] == "handle:testchannel"
    assert app.api.get("/api/channels").json()["total"] == 1
    assert not leftovers(app.items(), channel_id)


def test_of_several_deletions_at_once_one_finds_the_channel(new_app):
    app = new_app()
    app.add("https://www.youtube.com/@other")
    channel_id = app.add(URL)

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(app.api.delete, [f"/api/channels/{channel_id}"] * 6))

    assert sorted(answer.status_code for answer in answers) == [204] + [404] * 5
    assert app.api.get("/api/channels").json()["total"] == 1
    assert len(app.queue.of_type("purge")) == 1


# ---- the purge -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hundreds", [12, pytest.param(50, marks=pytest.mark.soak)])
def test_a_deletion_of_many_items_survives_the_death_of_its_worker(disturbed, hundreds):
    app, batches = disturbed(BatchWrites)
    channel_id = app.add(URL)
    items, videos, logs = 100 * hundreds, 12 * hundreds, 22 * hundreds - 1
    mentions = (items - 3 - logs) // 2 - videos  # 3: of the creation
    fill(app, channel_id, videos=videos, logs=logs, mentions=mentions)
    app.queue.take()
    assert len(leftovers(app.items(), channel_id)) == items
    delete(app, channel_id)
    message, batches.count, batches.kill_after_deletes = purge_of(app), 0, items // 2
    with pytest.raises(Killed):
        app.deliver(message)
    left = leftovers(app.items(), channel_id)
    assert len(left) == items - batches.deletes
    assert {item["PK"] for item in left if item["entity_type"] == "StockMention"} <= {
        f"VIDEO#{item['video_id']}" for item in left if item["entity_type"] == "ChannelMention"
    }, "a home that no copy points to would never be found again"

    batches.kill_after_deletes = None
    assert app.deliver(message, receive_count=2) == []
    assert not leftovers(app.items(), channel_id)
    assert 0 <= batches.deletes - (items - 1) < min(500, mentions)  # all but the channel; homes of one page go twice
    assert items // 25 <= batches.count <= items // 25 + 25
    app.drain()
    assert [item["entity_type"] for item in app.items()] == ["Counter"]


def test_a_purge_may_be_repeated(new_app):
    app = new_app()
    channel_id = app.add(URL)
    other = app.add("https://www.youtube.com/@other")
    fill(app, channel_id, videos=20, logs=10, mentions=40)
    app.queue.take()
    delete(app, channel_id)
    message = purge_of(app)
    app.deliver(message)
    app.drain()
    before = app.items()

    for receive_count in (1, 2):
        assert app.deliver(message, receive_count=receive_count) == []

    assert app.items() == before
    assert app.channel(other)["status"] == "pending"


def test_a_purge_of_a_living_channel_removes_nothing(new_app):
    app = new_app()
    channel_id = app.add(URL)
    fill(app, channel_id, videos=2, logs=2, mentions=2)
    app.queue.take()
    before = app.items()
    app.queue.send("http://queue.test/processing", f'{{"v":1,"type":"purge","channel_id":"{channel_id}","pass":1}}')

    app.drain()

    assert app.items() == before


def test_a_purge_that_runs_out_of_time_sends_itself_again(new_app):
    app = new_app()
    channel_id = app.add(URL)
    fill(app, channel_id, videos=20, logs=10, mentions=40)
    app.queue.take()
    delete(app, channel_id)
    message = purge_of(app)

    assert app.deliver(message, milliseconds=5_000) == []  # less than what the worker keeps for its end

    [again] = app.queue.take()
    assert again.content == message.content
    assert leftovers(app.items(), channel_id)
    app.deliver(again)
    assert not leftovers(app.items(), channel_id)


def test_items_that_dynamodb_leaves_unprocessed_are_deleted_in_the_end(disturbed):
    app, batches = disturbed(BatchWrites)
    channel_id = app.add(URL)
    fill(app, channel_id, videos=10, logs=9, mentions=30)
    app.queue.take()
    delete(app, channel_id)
    batches.deletes, batches.leave_unprocessed = 0, 5

    app.drain()

    assert not leftovers(app.items(), channel_id)
    assert batches.deletes == 10 + 10 + 10 + 2 * 30 + 1  # videos, claims, lines, mentions, index
    assert not app.queue.dead()


def test_a_purge_that_meets_an_ailing_table_comes_again(disturbed):
    app, faults = disturbed(Faults)
    channel_id = app.add(URL)
    fill(app, channel_id, videos=4, logs=4, mentions=4)
    app.queue.take()
    delete(app, channel_id)
    message = purge_of(app)
    faults.error("InternalServerError", status=500, times=12)  # one request is tried eight times

    assert app.deliver(message) == [message.message_id]

    assert app.deliver(message, receive_count=2) == []
    assert not leftovers(app.items(), channel_id)


# ---- deletion while a worker is at it ------------------------------------------------------------------------------


def test_an_answer_of_gemini_after_the_deletion_writes_no_mention(new_app):
    clock = TestClock()
    channel = channel_with(1, newest=NOON)
    answer = gemini_answers.stocks(Pick("NVDA", "buy", "Likes it."), Pick("AAPL", "hold"))
    world = World.custom(channels=[channel], answers={"video00000": [answer]}, clock=clock)
    app = new_app(world=world, clock=clock)
    channel_id = app.add(URL)
    app.deliver(*app.queue.take())
    [video_message] = app.queue.take()

    world.before_answer = lambda call: delete(app, channel_id) if call.service == "gemini" else None
    assert app.deliver(video_message) == []
    world.before_answer = None

    assert len(world.calls("gemini")) == 1
    assert not app.items_of("StockMention") + app.items_of("ChannelMention") + app.items_of("ChannelIndex")
    [video] = app.items_of("Video")
    assert video["analysis_status"] == "pending"
    [first_pass] = app.queue.take()
    app.deliver(first_pass)
    assert not leftovers(app.items(), channel_id)


def test_a_line_written_by_a_straggler_is_gone_after_the_second_pass(new_app):
    clock = TestClock()
    app = new_app(clock=clock)
    channel_id = app.add(URL)
    app.queue.take()
    delete(app, channel_id)
    app.deliver(purge_of(app))
    app.log.append_log(ChannelId(channel_id), "info", "Analysing Episode 1")
    assert len(leftovers(app.items(), channel_id)) == 1
    second = purge_of(app)
    assert (second.content["pass"], second.delay_seconds) == (2, 900)
    [pending] = app.items_of("PendingPurge")
    assert (pending["pass"], pending["not_before"]) == (2, "2025-01-15T08:45:00.123Z")

    clock.forward(minutes=15)
    app.deliver(second)

    assert [item["entity_type"] for item in app.items()] == ["Counter"]


def test_a_lost_second_pass_is_sent_by_the_sweep(new_app):
    clock = TestClock()
    app = new_app(clock=clock)
    channel_id = app.add(URL)
    app.queue.take()
    delete(app, channel_id)
    app.deliver(purge_of(app))
    app.queue.take()  # lost

    app.sweep()
    assert not app.queue.take(), "stragglers may still be at work"
    clock.forward(minutes=15)
    app.sweep()

    message = purge_of(app)
    assert message.content["pass"] == 2
    app.deliver(message)
    assert not app.items_of("PendingPurge")


def test_messages_of_a_deleted_channel_are_dropped_without_work(new_app):
    clock = TestClock()
    world = World.custom(channels=[channel_with(2, newest=NOON)], clock=clock)
    app = new_app(world=world, clock=clock)
    channel_id = app.add(URL)
    listing = app.queue.take()
    app.deliver(*listing)
    videos = app.queue.take()
    delete(app, channel_id)
    before = app.items()

    assert app.deliver(*listing, *videos) == []

    assert app.items() == before
    assert world.calls("gemini") == ()
