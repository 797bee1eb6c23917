"""A worker dies after any step of an analysis: the next delivery makes of it what an undisturbed run would be."""

from collections import Counter
from datetime import timedelta

import pytest

from cdk_app.services.stock_track_record.stand_ins import gemini_answers
from cdk_app.services.stock_track_record.stand_ins.models import Pick
from cdk_app.services.stock_track_record.stand_ins.world import World
from tests.support.invariants import assert_invariants
from tests.support.runs import begin_run, completion_lines, make_world, video_of
from tests.support.steps import Killed, Steps, act_before_step, kill_before, kill_before_step, stepped_worker
from tests.support.stock_track_record import NOON, Applications, Sent, TestClock
from tests.support.worlds import channel_with, numbered_stocks

STEPS = (
    "BatchGetItem",  # channel and video
    "UpdateItem",  # lease
    "PutItem",  # progress line
    "gemini video00000",
    "UpdateItem",  # the paid answer is kept
    "BatchGetItem",  # known shares
    "UpdateItem",  # a slot for the next call
    "yahoo",
    "PutItem",  # a share seen for the first time
    "TransactWriteItems",  # T4: outcome and mentions
    "GetItem",  # are all videos counted?
    "UpdateItem",  # this message closes the run
    "send backfill",  # which completes it
    "send channel",  # which completes it if the prices take too long
)
KEPT = STEPS.index("gemini video00000") + 2  # steps after which Gemini's answer is not lost any more
AFTER_EACH = pytest.mark.parametrize(
    "done", range(len(STEPS)), ids=lambda done: f"{done} {STEPS[done - 1] if done else 'nothing'}"
)


@pytest.fixture
def app(new_app) -> Applications:
    """A channel with one video, which mentions one share that nobody knows yet."""
    clock = TestClock()
    application: Applications = new_app(world=make_world(clock, videos=1), clock=clock)
    return application


def after_the_lease(app: Applications) -> None:
    """The moment the message becomes visible again: its budget and 30 s are over."""
    assert isinstance(app.clock, TestClock)
    app.clock.forward(seconds=361)


def kill_after(app: Applications, sent: Sent, steps_done: int, *, receive_count: int = 1) -> None:
    steps = Steps(kill_before_step(steps_done + 1))
    with stepped_worker(app, steps) as worker, pytest.raises(Killed):
        app.deliver(sent, receive_count=receive_count, worker=worker)
    assert len(steps.names) == steps_done


def assert_finished(app: Applications, channel_id: str) -> None:
    """What an undisturbed run leaves behind."""
    app.drain()
    channel = app.channel(channel_id)
    assert (channel["status"], channel["video_count"], channel["processed_video_count"]) == ("completed", 1, 1)
    (stock,) = app.api.get(f"/api/channels/{channel_id}/stocks").json()["stocks"]
    assert (stock["ticker"], stock["total_mentions"], stock["buy_count"]) == ("QAA", 1, 1)
    assert completion_lines(app, channel_id) == 1
    assert sum(text.startswith("1 mentions in") for text in app.messages(channel_id)) == 1
    (video,) = app.items_of("Video")
    assert (video["analysis_status"], video["transcript_status"]) == ("completed", "fetched")
    assert not video.keys() & {"extraction", "lease_until", "lease_by", "failure_reason"}
    assert app.queue.of_type("backfill")
    assert not app.queue.dead()
    assert_invariants(app)


def test_an_analysis_takes_exactly_these_steps(app):
    channel_id, (sent,) = begin_run(app)
    steps = Steps()
    with stepped_worker(app, steps) as worker:
        assert app.deliver(sent, worker=worker) == []

    assert tuple(steps.names) == STEPS
    assert_finished(app, channel_id)


@AFTER_EACH
def test_a_worker_killed_after_a_step_leaves_nothing_undone_and_nothing_done_twice(app, done):
    channel_id, (sent,) = begin_run(app)
    kill_after(app, sent, done)
    assert_invariants(app)

    after_the_lease(app)
    assert app.deliver(sent, receive_count=2) == []

    assert_finished(app, channel_id)
    assert len(app.world.calls("gemini")) <= 1 + (done < KEPT)


@AFTER_EACH
def test_a_worker_killed_at_the_same_step_twice_is_made_good_by_the_third(app, done):
    channel_id, (sent,) = begin_run(app)
    kill_after(app, sent, done)
    after_the_lease(app)
    with stepped_worker(app, Steps(kill_before_step(done + 1))) as worker:
        try:  # a second delivery may need fewer steps
            app.deliver(sent, receive_count=2, worker=worker)
        except Killed:
            after_the_lease(app)
    assert_invariants(app)

    assert app.deliver(sent, receive_count=3) == []

    assert_finished(app, channel_id)
    assert len(app.world.calls("gemini")) <= (3 if done < KEPT else 1)


def test_a_message_delivered_again_before_the_lease_is_over_has_to_wait(app):
    channel_id, (sent,) = begin_run(app)
    kill_after(app, sent, STEPS.index("gemini video00000"))

    assert app.deliver(sent, receive_count=2) == [sent.message_id]
    assert app.world.calls("gemini") == ()

    after_the_lease(app)
    assert app.deliver(sent, receive_count=3) == []
    assert_finished(app, channel_id)


def test_a_message_delivered_again_after_everything_was_done_changes_nothing(app):
    channel_id, (sent,) = begin_run(app)
    app.deliver(sent)
    app.drain()
    before = sorted(app.items(), key=lambda item: (item["PK"], item["SK"]))

    after_the_lease(app)
    assert app.deliver(sent, receive_count=2) == []

    assert sorted(app.items(), key=lambda item: (item["PK"], item["SK"])) == before
    assert_finished(app, channel_id)


@pytest.mark.parametrize("number", range(1, STEPS.index("GetItem") + 2))
def test_a_worker_that_outlives_its_lease_counts_no_video_twice(new_app, number):
    clock = TestClock()
    app = new_app(world=make_world(clock, videos=2), clock=clock)
    channel_id, (sent, other) = begin_run(app)

    def overtake() -> None:
        after_the_lease(app)
        assert app.deliver(sent, receive_count=2) == []

    with stepped_worker(app, Steps(act_before_step(number, overtake))) as worker:
        assert app.deliver(sent, worker=worker) == []

    channel = app.channel(channel_id)
    assert (channel["status"], channel["processed_video_count"]) == ("processing", 1)
    assert_invariants(app)
    assert app.deliver(other) == []
    app.drain()
    assert app.channel(channel_id)["status"] == "completed"
    assert completion_lines(app, channel_id) == 1
    assert_invariants(app)


# ---- more mentions than one transaction holds ----------------------------------------------------------------------


@pytest.fixture
def talkative(new_app) -> Applications:
    """A channel with one video that mentions sixty shares."""
    clock = TestClock()
    channel = channel_with(1, newest=NOON - timedelta(hours=1))
    stocks = numbered_stocks(60)
    answer = gemini_answers.stocks(*(Pick(stock.ticker, "buy", "Likes it.") for stock in stocks))
    world = World.custom(channels=[channel], answers={"video00000": [answer]}, stocks=stocks, clock=clock, quotas={})
    application: Applications = new_app(world=world, clock=clock, ticker_verification=False)
    return application


def assert_sixty(app: Applications, channel_id: str) -> None:
    app.drain()
    kinds = Counter(item["entity_type"] for item in app.items())
    assert (kinds["StockMention"], kinds["ChannelMention"]) == (60, 60)
    (index,) = app.items_of("ChannelIndex")
    assert len(index["tickers"]) == 60
    channel = app.channel(channel_id)
    assert (channel["status"], channel["processed_video_count"]) == ("completed", 1)
    assert completion_lines(app, channel_id) == 1
    assert_invariants(app)


def test_sixty_mentions_of_one_video_are_stored_and_the_video_is_counted_once(talkative):
    channel_id, (sent,) = begin_run(talkative)
    steps = Steps()
    with stepped_worker(talkative, steps, ticker_verification=False) as worker:
        assert talkative.deliver(sent, worker=worker) == []

    assert steps.names.count("TransactWriteItems") == 2  # 49 mentions, then 11 with the outcome
    assert_sixty(talkative, channel_id)


def test_sixty_mentions_survive_a_crash_between_their_two_transactions(talkative):
    channel_id, (sent,) = begin_run(talkative)
    steps = Steps(kill_before("TransactWriteItems", nth=2))
    with stepped_worker(talkative, steps, ticker_verification=False) as worker, pytest.raises(Killed):
        talkative.deliver(sent, worker=worker)
    assert len(talkative.items_of("StockMention")) == 49
    assert video_of(talkative, sent)["analysis_status"] == "pending"
    assert_invariants(talkative)

    after_the_lease(talkative)
    assert talkative.deliver(sent, receive_count=2) == []

    assert len(talkative.world.calls("gemini")) == 1
    assert_sixty(talkative, channel_id)


def test_a_video_keeps_at_most_a_hundred_mentions(new_app):
    clock = TestClock()
    channel = channel_with(1, newest=NOON - timedelta(hours=1))
    stocks = numbered_stocks(130)
    answer = gemini_answers.stocks(*(Pick(stock.ticker, "hold") for stock in stocks))
    world = World.custom(channels=[channel], answers={"video00000": [answer]}, stocks=stocks, clock=clock)
    app = new_app(world=world, clock=clock, ticker_verification=False)
    _, (sent,) = begin_run(app)

    assert app.deliver(sent) == []

    assert {copy["ticker"] for copy in app.items_of("ChannelMention")} == {stock.ticker for stock in stocks[:100]}
    assert_invariants(app)
