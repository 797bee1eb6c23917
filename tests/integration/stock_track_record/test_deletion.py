"""Deletion of a channel: gone at once for its viewers, its items removed by a worker that may die at any point."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from cdk_app.services.stock_track_record.stand_ins import gemini_answers
from cdk_app.services.stock_track_record.stand_ins.models import Pick
from cdk_app.services.stock_track_record.stand_ins.world import World
from lambda_src.dynamo.client import make_client
from lambda_src.services.stock_track_record.models import ChannelId, Mention, RunId, Video, VideoId
from lambda_src.services.stock_track_record.repository.base import Line, LogLines
from lambda_src.services.stock_track_record.repository.mentions import mention_puts, tickers_change
from lambda_src.services.stock_track_record.repository.videos import video_item
from lambda_src.services.stock_track_record.rules.ids import mention_id, video_id
from lambda_src.services.stock_track_record.tables import MAIN, TABLES, VIDEO_CLAIM
from tests.support.dynamodb_faults import Faults
from tests.support.stock_track_record import NOON, Applications, Sent, TestClock
from tests.support.worlds import channel_with, numbered_stocks

URL = "https://www.youtube.com/@TestChannel"
NOW = "2025-01-15T08:30:00.123Z"


class Killed(BaseException):
    """The process ended here. No handler of the product catches it."""


class BatchWrites:
    """Watches and disturbs the BatchWriteItem calls of a client.

    Faults cannot do this: an answer made up would leave items behind that it says were written.
    """

    def __init__(self, client: Any) -> None:
        self.count = 0
        self.deletes = 0
        self.kill_after_deletes: int | None = None
        self.leave_unprocessed = 0
        self._left: dict[str, Any] = {}
        events = client.meta.events
        events.register("provide-client-params.dynamodb.BatchWriteItem", self._before)
        events.register("after-call.dynamodb.BatchWriteItem", self._after)

    def _before(self, params: Mapping[str, Any], **_: object) -> dict[str, Any]:
        if self.kill_after_deletes is not None and self.deletes >= self.kill_after_deletes:
            raise Killed
        [(table, writes)] = params["RequestItems"].items()
        assert 1 <= len(writes) <= 25
        taken = max(1, len(writes) - self.leave_unprocessed)
        self._left = {table: writes[taken:]} if writes[taken:] else {}
        self.count += 1
        self.deletes += sum("DeleteRequest" in write for write in writes[:taken])
        return {**params, "RequestItems": {table: writes[:taken]}}

    def _after(self, parsed: dict[str, Any], **_: object) -> None:
        if self._left:
            parsed["UnprocessedItems"] = self._left


@pytest.fixture
def patient(dynamodb_endpoint, make_tables) -> Iterator[Callable[..., tuple[Applications, Any]]]:
    """`app, client = patient()`: the service with a client of its own, whose calls a test may disturb."""
    made: list[tuple[Applications, Any]] = []

    def make(**options: Any) -> tuple[Applications, Any]:
        client = make_client(region="us-east-1", endpoint_url=dynamodb_endpoint, read_timeout_seconds=30)
        made.append((Applications(client=client, names=make_tables(TABLES), **options), client))
        return made[-1]

    yield make
    for app, client in made:
        app.stop()
        client.close()


def fill(app: Applications, channel_id: str, *, videos: int, logs: int, mentions: int) -> None:
    """What analyses leave behind: per video a claim and the item, per mention home and copy, and log lines."""
    channel, run = ChannelId(channel_id), RunId(app.items_of("Channel")[0]["run_id"])
    tickers = [stock.ticker for stock in numbered_stocks(150)]
    known = [_video(channel, run, number) for number in range(videos)]
    lines = LogLines(clock=TestClock(NOON + timedelta(seconds=1)), pick=lambda _: 0, retention_days=90)
    items: list[Mapping[str, object]] = [lines.put(channel, Line("info", "A line")).item for _ in range(logs)]
    for video in known:
        claim = MAIN.key(VIDEO_CLAIM, channel_id=channel, youtube_video_id=video.youtube_video_id)
        items += [video_item(video), {**claim, "entity_type": "VideoClaim", "video_id": video.id, "created_at": NOW}]
    for number in range(mentions):
        mention = _mention(known[number % videos], tickers[(number + number // videos) % len(tickers)])
        items += [put.item for put in mention_puts(mention)]
    app.store.batch_write(MAIN, puts=items)
    app.store.transact([tickers_change(channel, set(tickers))])


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


def test_a_deleted_channel_is_gone_for_its_viewers_at_once(house):
    app = house()
    channel_id = app.add(URL)
    other = app.add("https://www.youtube.com/@other")
    fill(app, channel_id, videos=30, logs=10, mentions=60)
    before = app.services.usage.snapshot()

    delete(app, channel_id)

    assert app.services.usage.since(before).requests == 2  # GetItem and T8, however much there is to remove
    assert app.api.get(f"/api/channels/{channel_id}").status_code == 404
    assert app.api.delete(f"/api/channels/{channel_id}").status_code == 404
    for path in ("logs", "stocks", "timeline", "stocks/QAA"):
        assert app.api.get(f"/api/channels/{channel_id}/{path}").status_code == 404
    for path in ("process", "cancel", "refresh-prices", "backfill-prices"):
        assert app.api.post(f"/api/channels/{channel_id}/{path}").status_code == 404
    page = app.api.get("/api/channels").json()
    assert ([item["id"] for item in page["items"]], page["total"]) == ([other], 1)


def test_the_handle_of_a_deleted_channel_can_be_added_again_at_once(house):
    app = house()
    channel_id = app.add(URL)
    fill(app, channel_id, videos=3, logs=3, mentions=3)
    delete(app, channel_id)

    again = app.add(URL)
    app.drain()

    assert again != channel_id
    assert app.channel(again)["youtube_channel_id"] == "handle:testchannel"
    assert app.api.get("/api/channels").json()["total"] == 1
    assert not leftovers(app.items(), channel_id)


def test_of_several_deletions_at_once_one_finds_the_channel(house):
    app = house()
    app.add("https://www.youtube.com/@other")
    channel_id = app.add(URL)

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(app.api.delete, [f"/api/channels/{channel_id}"] * 6))

    assert sorted(answer.status_code for answer in answers) == [204] + [404] * 5
    assert app.api.get("/api/channels").json()["total"] == 1
    assert len(app.queue.of_type("purge")) == 1


# ---- the purge -----------------------------------------------------------------------------------------------------


def test_a_deletion_of_five_thousand_items_survives_the_death_of_its_worker(patient):
    app, client = patient()
    batches = BatchWrites(client)
    channel_id = app.add(URL)
    fill(app, channel_id, videos=600, logs=1_099, mentions=1_349)  # the creation wrote a line as well
    app.queue.take()
    assert len(leftovers(app.items(), channel_id)) == 5_000
    delete(app, channel_id)
    message = purge_of(app)

    batches.count, batches.kill_after_deletes = 0, 2_500
    with pytest.raises(Killed):
        app.deliver(message)
    left = leftovers(app.items(), channel_id)
    assert len(left) == 5_000 - batches.deletes
    assert {item["PK"] for item in left if item["entity_type"] == "StockMention"} <= {
        f"VIDEO#{item['video_id']}" for item in left if item["entity_type"] == "ChannelMention"
    }, "a home that no copy points to would never be found again"

    batches.kill_after_deletes = None
    assert app.deliver(message, receive_count=2) == []

    assert not leftovers(app.items(), channel_id)
    assert 0 <= batches.deletes - 4_999 < 500  # all but the channel item; of one page the homes may go twice
    assert 200 <= batches.count <= 225
    app.drain()
    assert [item["entity_type"] for item in app.items()] == ["Counter"]


def test_a_purge_may_be_repeated(house):
    app = house()
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


def test_a_purge_of_a_living_channel_removes_nothing(house):
    app = house()
    channel_id = app.add(URL)
    fill(app, channel_id, videos=2, logs=2, mentions=2)
    app.queue.take()
    before = app.items()
    app.queue.send("http://queue.test/processing", f'{{"v":1,"type":"purge","channel_id":"{channel_id}","pass":1}}')

    app.drain()

    assert app.items() == before


def test_a_purge_that_runs_out_of_time_sends_itself_again(house):
    app = house()
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


def test_items_that_dynamodb_leaves_unprocessed_are_deleted_in_the_end(patient):
    app, client = patient()
    batches = BatchWrites(client)
    channel_id = app.add(URL)
    fill(app, channel_id, videos=10, logs=9, mentions=30)
    app.queue.take()
    delete(app, channel_id)
    batches.deletes, batches.leave_unprocessed = 0, 5

    app.drain()

    assert not leftovers(app.items(), channel_id)
    assert batches.deletes == 10 + 10 + 10 + 2 * 30 + 1  # videos, claims, lines, mentions, index
    assert not app.queue.dead()


def test_a_purge_that_meets_an_ailing_table_comes_again(patient):
    app, client = patient()
    channel_id = app.add(URL)
    fill(app, channel_id, videos=4, logs=4, mentions=4)
    app.queue.take()
    delete(app, channel_id)
    message = purge_of(app)
    Faults(client).error("InternalServerError", status=500, times=12)  # one request is tried eight times

    assert app.deliver(message) == [message.message_id]

    assert app.deliver(message, receive_count=2) == []
    assert not leftovers(app.items(), channel_id)


# ---- deletion while a worker is at it ------------------------------------------------------------------------------


def test_an_answer_of_gemini_after_the_deletion_writes_no_mention(house):
    clock = TestClock()
    channel = channel_with(1, newest=NOON)
    answer = gemini_answers.stocks(Pick("NVDA", "buy", "Likes it."), Pick("AAPL", "hold"))
    world = World.custom(channels=[channel], answers={"video00000": [answer]}, clock=clock)
    app = house(world=world, clock=clock)
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


def test_a_line_written_by_a_straggler_is_gone_after_the_second_pass(house):
    clock = TestClock()
    app = house(clock=clock)
    channel_id = app.add(URL)
    app.queue.take()
    delete(app, channel_id)
    app.deliver(purge_of(app))
    app.services.channels.repository.logs.append_log(ChannelId(channel_id), Line("info", "Analysing Episode 1"))
    assert len(leftovers(app.items(), channel_id)) == 1
    second = purge_of(app)
    assert (second.content["pass"], second.delay_seconds) == (2, 900)
    [pending] = app.items_of("PendingPurge")
    assert (pending["pass"], pending["not_before"]) == (2, "2025-01-15T08:45:00.123Z")

    clock.forward(minutes=15)
    app.deliver(second)

    assert [item["entity_type"] for item in app.items()] == ["Counter"]


def test_a_lost_second_pass_is_sent_by_the_sweep(house):
    clock = TestClock()
    app = house(clock=clock)
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


def test_messages_of_a_deleted_channel_are_dropped_without_work(house):
    clock = TestClock()
    world = World.custom(channels=[channel_with(2, newest=NOON)], clock=clock)
    app = house(world=world, clock=clock)
    channel_id = app.add(URL)
    listing = app.queue.take()
    app.deliver(*listing)
    videos = app.queue.take()
    delete(app, channel_id)
    before = app.items()

    assert app.deliver(*listing, *videos) == []

    assert app.items() == before
    assert world.calls("gemini") == ()
