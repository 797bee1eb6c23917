"""A run ends when its prices are there, are known to be missing, or two minutes have passed since its last video."""

import logging
from typing import Any

import pytest

from cdk_app.services.stock_track_record.stand_ins import gemini_answers
from cdk_app.services.stock_track_record.stand_ins.models import Pick
from lambda_src.services.stock_track_record.messages import BackfillMessage
from tests.support.invariants import assert_invariants
from tests.support.price_calls import message
from tests.support.runs import begin_run, completion_lines, error_lines, make_world
from tests.support.steps import Killed, Steps, act_before_step, kill_before, stepped_worker
from tests.support.stock_track_record import Applications, Sent, TestClock

TODAY = "2025-01-15"


@pytest.fixture
def app(new_app):
    """`@TestChannel` with 4 videos; whatever a test does, the items agree at its end."""
    clock = TestClock()
    made: Applications = new_app(world=make_world(clock, videos=4), clock=clock)
    yield made
    assert_invariants(made)


def analysed(app: Applications) -> tuple[str, Sent, Sent]:
    """A channel whose videos are all counted, the backfill of its run and the message for when that takes too long."""
    channel_id, messages = begin_run(app)
    for sent in messages:
        assert app.deliver(sent) == []
    backfill, later = app.queue.take()
    assert (backfill.content["type"], later.content["type"]) == ("backfill", "channel")
    return channel_id, backfill, later


def status(app: Applications, channel_id: str) -> object:
    return app.channel(channel_id)["status"]


def first_prices(app: Applications, channel_id: str) -> dict[str, Any]:
    """By the date of the first mention."""
    stocks = app.api.get(f"/api/channels/{channel_id}/stocks").json()["stocks"]
    return {stock["first_mention_date"]: stock["price_at_first_mention"] for stock in stocks}


def test_a_completed_run_has_its_first_prices_but_that_of_a_day_that_is_not_over(app):
    channel_id, backfill, later = analysed(app)
    channel = app.channel(channel_id)
    assert (channel["status"], channel["processed_video_count"]) == ("processing", 4)
    assert not any(first_prices(app, channel_id).values())

    assert app.deliver(backfill) == []

    assert status(app, channel_id) == "completed"
    prices = first_prices(app, channel_id)
    assert prices.pop(TODAY) is None
    assert prices
    assert all(prices.values())
    app.clock.forward(seconds=later.delay_seconds)
    assert app.deliver(later) == []
    assert completion_lines(app, channel_id) == 1
    assert app.queue.take() == []


def test_a_run_does_not_wait_for_prices_that_are_known_to_be_missing(app):
    app.world.answer_next("gemini", gemini_answers.stocks(Pick("QAA", "buy")), times=4)
    channel_id, backfill, _ = analysed(app)
    app.world.fail_next("yahoo", 404, '{"chart":{"result":null,"error":{"code":"Not Found","description":""}}}')
    app.world.fail_next("alpha_vantage", 200, '{"Error Message":"Invalid API call."}')

    assert app.deliver(backfill) == []

    assert status(app, channel_id) == "completed"
    assert set(first_prices(app, channel_id).values()) == {None}


def test_a_run_without_mentions_ends_with_an_empty_backfill(app):
    app.world.answer_next("gemini", gemini_answers.stocks(), times=4)
    channel_id, backfill, _ = analysed(app)
    assert app.deliver(backfill) == []
    assert status(app, channel_id) == "completed"


def test_a_run_whose_providers_give_no_answer_ends_two_minutes_after_its_last_video(app):
    channel_id, backfill, later = analysed(app)
    for service in ("yahoo", "alpha_vantage"):
        app.world.fail_next(service, 503, times=20)

    assert app.deliver(backfill) == []
    assert status(app, channel_id) == "processing"
    app.clock.forward(seconds=119)
    assert app.deliver(later) == []
    assert status(app, channel_id) == "processing", "too early"

    app.clock.forward(seconds=later.delay_seconds - 119)
    assert app.deliver(later) == []
    assert status(app, channel_id) == "completed"
    assert app.queue.take() == []


def test_a_backfill_that_comes_too_late_still_brings_the_prices(app):
    channel_id, backfill, later = analysed(app)
    app.clock.forward(seconds=later.delay_seconds)
    assert app.deliver(later) == []
    assert status(app, channel_id) == "completed"

    assert app.deliver(backfill) == []
    assert any(first_prices(app, channel_id).values())
    assert completion_lines(app, channel_id) == 1


def test_a_counted_run_whose_messages_are_lost_ends_with_a_sweep(app):
    channel_id, *_ = analysed(app)
    app.clock.forward(minutes=30)
    app.sweep()
    app.drain()
    assert status(app, channel_id) == "completed"


def test_a_counted_run_never_fails_because_its_end_could_not_be_written(app):
    channel_id, backfill, later = analysed(app)
    app.clock.forward(seconds=later.delay_seconds)

    def fail(_step: int, name: str) -> None:
        if name == "TransactWriteItems":
            raise RuntimeError

    with stepped_worker(app, Steps(fail)) as worker:
        assert app.deliver(later, receive_count=5, worker=worker) == []
    assert status(app, channel_id) == "processing"
    assert error_lines(app, channel_id) == []
    assert app.deliver(backfill) == []
    assert status(app, channel_id) == "completed"


# ---- workers that meet -----------------------------------------------------------------------------------------------


def test_of_three_workers_that_see_the_last_video_counted_one_asks_for_prices(app, caplog):
    caplog.set_level(logging.INFO, "lambda_src")
    app.world.answer_next("gemini", gemini_answers.stocks(), times=4)
    channel_id, (first, second, third, fourth) = begin_run(app)
    app.deliver(first)

    def deliver(sent: Sent, *others: Sent) -> None:
        """The others do their work between this one's and its question whether all videos are counted."""

        def before(_step: int, name: str) -> None:
            if name == "GetItem" and others:
                deliver(*others)

        with stepped_worker(app, Steps(before)) as worker:
            assert app.deliver(sent, worker=worker) == []

    deliver(second, third, fourth)

    assert [sent.content["type"] for sent in app.queue.take()] == ["backfill", "channel"]
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert status(app, channel_id) == "processing"


def test_a_worker_that_died_before_it_asked_is_made_good_by_its_message(app):
    _, messages = begin_run(app)
    for sent in messages[:-1]:
        app.deliver(sent)
    with stepped_worker(app, Steps(kill_before("send backfill"))) as worker, pytest.raises(Killed):
        app.deliver(messages[-1], worker=worker)
    assert app.deliver(messages[0], receive_count=2) == []
    assert app.queue.take() == [], "not theirs to ask"

    assert app.deliver(messages[-1], receive_count=2) == []
    assert [sent.content["type"] for sent in app.queue.take()] == ["backfill", "channel"]


def test_a_backfill_that_meets_another_waits_without_a_warning(app, caplog):
    channel_id, backfill, _ = analysed(app)
    caplog.set_level(logging.INFO, "lambda_src")
    caplog.clear()

    def meanwhile() -> None:
        assert app.deliver(backfill) == [backfill.message_id]

    with stepped_worker(app, Steps(act_before_step(3, meanwhile))) as worker:
        assert app.deliver(message(BackfillMessage(channel_id=channel_id)), worker=worker) == []

    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert "message has to wait" in caplog.messages
    assert status(app, channel_id) == "processing", "the other backfill is not of the run"
    assert app.deliver(backfill, receive_count=2) == []
    assert status(app, channel_id) == "completed"
