"""Runs of a channel with 65 videos: from listing to completion, and what providers and crashes do to them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from cdk_app.services.stock_track_record.stand_ins import gemini_answers
from cdk_app.services.stock_track_record.stand_ins.models import Video
from cdk_app.services.stock_track_record.stand_ins.world import World
from tests.support.invariants import assert_invariants
from tests.support.runs import begin_run, completion_lines, error_lines, make_world, video_of, videos_of
from tests.support.steps import Killed, Steps, kill_before, stepped_worker
from tests.support.stock_track_record import DLQ, QUEUE, Applications, Sent, TestClock
from tests.support.worlds import channel_with


@pytest.fixture
def app(new_app) -> Iterator[Applications]:
    """`@TestChannel` with 65 videos. Whatever a test does, the items agree at its end."""
    yield from application(new_app, videos=65)


@pytest.fixture
def few(new_app) -> Iterator[Applications]:
    """`@TestChannel` with 4 videos."""
    yield from application(new_app, videos=4)


def application(new_app, *, videos: int) -> Iterator[Applications]:
    clock = TestClock()
    made: Applications = new_app(world=make_world(clock, videos=videos), clock=clock)
    yield made
    assert_invariants(made)


# ---- a run from beginning to end -----------------------------------------------------------------------------------


def test_a_run_skips_what_was_analysed_before_and_finishes_the_rest(app):
    channel_id, messages = begin_run(app, analysed=3)
    listed = app.channel(channel_id)
    assert (listed["video_count"], listed["processed_video_count"], listed["status"]) == (65, 3, "processing")
    assert len(messages) == 62
    asked_before = len(app.world.calls("gemini"))

    for sent in messages:
        assert app.deliver(sent) == []
    app.drain()

    done = app.channel(channel_id)
    assert (done["video_count"], done["processed_video_count"], done["status"]) == (65, 65, "completed")
    assert len(app.world.calls("gemini")) - asked_before == 62
    assert completion_lines(app, channel_id) == 2  # of the first run over 3 videos, and of this one
    assert app.queue.of_type("backfill")
    assert not app.queue.dead()


def test_the_prices_of_a_finished_run_are_asked_for_only_after_its_last_video(few):
    _, messages = begin_run(few)
    backfills_before = len(few.queue.of_type("backfill"))
    for sent in messages[:-1]:
        few.deliver(sent)
    assert len(few.queue.of_type("backfill")) == backfills_before

    few.deliver(messages[-1])

    (backfill,) = few.queue.of_type("backfill")[backfills_before:]
    assert backfill.delay_seconds == 5


def test_a_channel_without_videos_completes_at_once(new_app):
    for app in application(new_app, videos=0):
        channel_id, messages = begin_run(app)

        assert messages == []
        assert app.channel(channel_id)["status"] == "completed"
        assert completion_lines(app, channel_id) == 1


@pytest.mark.parametrize(("older", "is_found"), [(120, True), (1_200, False)])
def test_a_video_published_yesterday_behind_older_uploads_is_found_or_the_run_says_so(new_app, older, is_found):
    clock = TestClock()
    behind = channel_with(older, newest=clock() - timedelta(days=400), every=timedelta(minutes=1))
    late = Video(id="late", title="Late", published_at=clock() - timedelta(days=1))
    channel = replace(behind, videos=(*behind.videos, late))
    app = new_app(world=World.custom(channels=[channel], clock=clock), clock=clock)
    channel_id, _ = begin_run(app)

    assert app.channel(channel_id)["video_count"] == is_found
    assert any("may be incomplete" in text for text in app.messages(channel_id)) is not is_found


# ---- the lister dies -----------------------------------------------------------------------------------------------


def test_a_lister_killed_while_it_registers_goes_on_with_what_is_missing(app):
    channel_id, (lister,) = begin_run(app, analysed=3, is_listed=False)
    steps = Steps(kill_before("TransactWriteItems", nth=3))  # after the start line and the first 49 videos
    with stepped_worker(app, steps) as worker, pytest.raises(Killed):
        app.deliver(lister, worker=worker)
    assert len(videos_of(app, channel_id)) == 3 + 49
    assert_invariants(app)
    assert app.queue.take() == []  # nothing is queued before the listing is final

    app.clock.forward(seconds=871)
    steps = Steps()
    with stepped_worker(app, steps) as worker:
        assert app.deliver(lister, receive_count=2, worker=worker) == []

    assert len(videos_of(app, channel_id)) == 65
    assert steps.names.count("TransactWriteItems") == 2  # 13 more videos, and the counts
    assert len(app.queue.take()) == 62
    channel = app.channel(channel_id)
    assert (channel["video_count"], channel["processed_video_count"]) == (65, 3)


def test_a_lister_killed_while_it_sends_sends_all_that_wait(app):
    channel_id, (lister,) = begin_run(app, analysed=3, is_listed=False)
    with stepped_worker(app, Steps(kill_before("send video", nth=31))) as worker, pytest.raises(Killed):
        app.deliver(lister, worker=worker)
    first = app.queue.take()
    assert len(first) == 30
    for sent in first[:10]:
        app.deliver(sent)
    listed = [text for text in app.messages(channel_id) if text.startswith("Found")]

    app.clock.forward(seconds=871)
    assert app.deliver(lister, receive_count=2) == []

    second = app.queue.take()
    assert len(second) == 52  # the ten that were finished meanwhile are left alone
    assert [text for text in app.messages(channel_id) if text.startswith("Found")] == listed
    for sent in [*first[10:], *second]:
        app.deliver(sent)
    app.drain()
    channel = app.channel(channel_id)
    assert (channel["status"], channel["video_count"], channel["processed_video_count"]) == ("completed", 65, 65)


def test_another_lister_message_of_the_same_run_leaves_the_work_to_the_first(few):
    channel_id, (lister,) = begin_run(few, is_listed=False)
    with stepped_worker(few, Steps(kill_before("send video"))) as worker, pytest.raises(Killed):
        few.deliver(lister, worker=worker)

    second = Sent(QUEUE, "another-message", lister.body)
    assert few.deliver(second) == []  # acknowledged: the first message is still in the queue

    assert few.queue.take() == []
    assert few.deliver(lister, receive_count=2) == [lister.message_id]  # too early, so it has to come again
    assert few.channel(channel_id)["status"] == "processing"


def test_a_message_that_meets_its_own_lease_until_its_receives_run_out_is_sent_anew(few):
    channel_id, (lister,) = begin_run(few, is_listed=False)
    with stepped_worker(few, Steps(kill_before("send video"))) as worker, pytest.raises(Killed):
        few.deliver(lister, receive_count=4, worker=worker)

    assert few.deliver(lister, receive_count=5) == []

    (again,) = few.queue.take()
    assert again.body == lister.body
    few.clock.forward(seconds=again.delay_seconds)
    assert few.deliver(again) == []
    few.drain()
    assert few.channel(channel_id)["status"] == "completed"
    assert not few.queue.dead()


# ---- what the provider says ----------------------------------------------------------------------------------------


def test_a_video_that_kills_every_worker_fails_after_four_attempts(app):
    channel_id, (poison, *others) = begin_run(app, analysed=3)
    for sent in others:
        app.deliver(sent)

    call = f"gemini {video_of(app, poison)['youtube_video_id']}"
    for receive_count in range(1, 5):
        with stepped_worker(app, Steps(kill_before(call))) as worker, pytest.raises(Killed):
            app.deliver(poison, receive_count=receive_count, worker=worker)
        app.clock.forward(seconds=361)
    assert app.channel(channel_id)["status"] == "processing"
    assert app.deliver(poison, receive_count=5) == []
    app.drain()

    channel = app.channel(channel_id)
    assert (channel["status"], channel["video_count"], channel["processed_video_count"]) == ("completed", 65, 65)
    (stored,) = app.items_of("Channel")
    assert stored["failed_video_count"] == 1
    (failed,) = [video for video in videos_of(app, channel_id) if video["analysis_status"] == "failed"]
    assert failed["id"] == poison.content["video_id"]
    assert not app.queue.dead()


def test_a_throttled_video_comes_back_after_the_pause_that_was_asked_for(few):
    channel_id, messages = begin_run(few)
    first = messages[0]
    few.world.answer_next("gemini", gemini_answers.rate_limited("37s"))

    assert few.deliver(first) == []

    (again,) = few.queue.take()
    assert again.body == first.body
    assert 37 <= again.delay_seconds <= 900
    video = video_of(few, first)
    assert (video["attempts"], video["throttles"], video["analysis_status"]) == (0, 1, "pending")
    assert few.channel(channel_id)["processed_video_count"] == 0
    calls = len(few.world.calls("gemini"))
    assert few.deliver(Sent(QUEUE, "a-duplicate", first.body)) == []  # the video is kept for the delayed message
    assert len(few.world.calls("gemini")) == calls

    few.clock.forward(seconds=again.delay_seconds)
    assert few.deliver(again) == []

    assert video_of(few, first)["analysis_status"] == "completed"
    (stored,) = few.items_of("Channel")
    assert (stored["processed_video_count"], stored["failed_video_count"]) == (1, 0)


def test_pauses_double_with_every_throttle_and_only_the_first_is_told(few):
    channel_id, messages = begin_run(few)
    sent, delays = messages[0], []
    few.world.answer_next("gemini", gemini_answers.rate_limited(None), times=7)
    for _ in range(7):
        few.deliver(sent)
        (sent,) = few.queue.take()
        delays.append(sent.delay_seconds)
        few.clock.forward(seconds=sent.delay_seconds)

    assert delays == [30, 60, 120, 240, 480, 900, 900]
    assert sum("Rate limit" in text for text in few.messages(channel_id)) == 1
    few.deliver(sent)
    assert video_of(few, sent)["analysis_status"] == "completed"


def test_a_video_throttled_more_than_forty_times_fails(few):
    _, messages = begin_run(few)
    sent = messages[0]
    few.world.answer_next("gemini", gemini_answers.rate_limited("1s"), times=41)
    for _ in range(40):
        few.deliver(sent)
        (sent,) = few.queue.take()
        few.clock.forward(seconds=sent.delay_seconds)

    few.deliver(sent)

    assert few.queue.take() == []
    assert video_of(few, sent)["analysis_status"] == "failed"


def test_a_refused_key_fails_the_run_once_and_stops_its_other_videos(app):
    channel_id, messages = begin_run(app)
    app.world.answer_next("gemini", gemini_answers.key_invalid())

    for sent in messages:
        assert app.deliver(sent) == []

    failed = app.channel(channel_id)
    assert len(app.world.calls("gemini")) == 1
    errors = error_lines(app, channel_id)
    assert (failed["status"], [failed["failure"]]) == ("failed", errors)
    assert len(errors) == 1
    assert "gemini-sample" not in errors[0]
    assert not app.queue.dead()


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (gemini_answers.location_unsupported(), "location"),
        (gemini_answers.billing_disabled(), "billing"),
        (gemini_answers.daily_quota(), "daily quota"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_no_pause_helps_against_stops_the_run_and_its_videos_stay_pending(few, refusal, reason):
    channel_id, messages = begin_run(few)
    few.world.answer_next("gemini", refusal)

    for sent in messages:
        assert few.deliver(sent) == []

    assert few.channel(channel_id)["status"] == "failed"
    assert [reason in text for text in error_lines(few, channel_id)] == [True]
    assert {video["analysis_status"] for video in videos_of(few, channel_id)} == {"pending"}
    assert len(few.world.calls("gemini")) == 1
    assert few.queue.take() == []


def test_an_answer_among_thoughts_and_words_is_read_with_one_call(few):
    channel_id, (first, *_) = begin_run(few)
    answer = 'Here it is:\n```json\n{"stocks":[{"ticker":"QAA","sentiment":"buy"}]}\n```'
    few.world.answer_next("gemini", gemini_answers.thinking("QZZ, or is it?", answer))

    few.deliver(first)

    assert [copy.ticker for copy in few.mentions(channel_id)] == ["QAA"]
    assert len(few.world.calls("gemini")) == 1


def test_ten_workers_that_meet_a_refused_key_fail_the_run_once(app):
    channel_id, messages = begin_run(app)
    app.world.answer_next("gemini", gemini_answers.key_invalid(), times=65)

    with ThreadPoolExecutor(10) as pool:
        failures = list(pool.map(app.deliver, messages))

    assert not any(failures)
    assert app.channel(channel_id)["status"] == "failed"
    assert len(error_lines(app, channel_id)) == 1
    assert len(app.world.calls("gemini")) <= 10


# ---- messages that are none ----------------------------------------------------------------------------------------


def test_a_message_that_is_not_json_is_set_aside_with_its_reason(few):
    assert few.deliver(Sent(QUEUE, "odd", "not json")) == []

    (dead,) = few.queue.dead()
    assert (dead.queue_url, dead.body) == (DLQ, "not json")
    assert dead.attributes["reason"] == "not JSON"


@pytest.mark.parametrize(
    "body",
    [
        '{"v":2,"type":"channel","channel_id":"a","run_id":"b"}',
        '{"v":1,"type":"dance","channel_id":"a"}',
        '{"v":1,"type":"video","channel_id":"a","run_id":"b"}',
        "[]",
    ],
)
def test_a_message_of_unknown_version_type_or_shape_is_set_aside(few, body):
    assert few.deliver(Sent(QUEUE, "odd", body)) == []

    (dead,) = few.queue.dead()
    assert dead.body == body
    assert dead.attributes["reason"]


def test_only_the_failing_message_of_a_batch_is_delivered_again(few):
    _, (good, failing, *_) = begin_run(few)
    call = f"gemini {video_of(few, failing)['youtube_video_id']}"

    def before(_step: int, name: str) -> None:
        if name == call:
            few.world.answer_next("gemini", gemini_answers.overloaded())

    with stepped_worker(few, Steps(before)) as worker:
        failed = few.deliver(good, failing, Sent(QUEUE, "odd", "not json"), worker=worker)

    assert failed == [failing.message_id]
    assert [dead.body for dead in few.queue.dead()] == ["not json"]
    assert video_of(few, good)["analysis_status"] == "completed"
    assert video_of(few, failing)["analysis_status"] == "pending"
    assert few.deliver(failing, receive_count=2) == []
    assert video_of(few, failing)["analysis_status"] == "completed"
