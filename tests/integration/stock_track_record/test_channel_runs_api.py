"""Reading a channel, running it again, cancelling it."""

import pytest

from cdk_app.services.stock_track_record.stand_ins.world import World
from tests.support.api_calls import CHANNEL_ROUTES, URL, at_the_same_time, completed, refused_with
from tests.support.stock_track_record import NOON, TestClock
from tests.support.worlds import channel_with


@pytest.mark.parametrize(("method", "path"), CHANNEL_ROUTES)
def test_an_unknown_channel_is_not_found(new_app, method, path):
    app = new_app()

    answer = app.api.request(method, f"/api/channels/new-channel-id{path}")

    assert refused_with(answer, 404, "channel_not_found")
    assert app.items() == []
    assert app.queue.every == []


def test_a_channel_that_is_processing_cannot_be_processed(new_app):
    clock = TestClock()
    app = new_app(world=World.custom(channels=[channel_with(3, newest=NOON)], clock=clock), clock=clock)
    channel_id = app.add(URL)
    app.deliver(*app.queue.take())
    assert app.channel(channel_id)["status"] == "processing"
    before = app.items()

    refusal = app.api.post(f"/api/channels/{channel_id}/process")

    assert refused_with(refusal, 400, "already_processing")
    assert refusal.json()["detail"] == "Channel is already processing"
    assert app.items() == before


def test_two_process_calls_at_once_lead_to_one_run(new_app):
    app, channel_id = completed(new_app, TestClock())
    gemini_calls = len(app.world.calls("gemini"))
    process = f"/api/channels/{channel_id}/process"

    answers = at_the_same_time([lambda: app.api.post(process)] * 2)

    accepted = [answer for answer in answers if answer.status_code == 200]
    assert accepted
    assert all(refused_with(answer, 400, "already_processing") for answer in answers if answer.status_code != 200)
    app.drain()
    channel = app.channel(channel_id)
    assert (channel["status"], channel["processed_video_count"], channel["video_count"]) == ("completed", 3, 3)
    texts = app.messages(channel_id)
    assert sum("completed" in text for text in texts) == 2, "one line of the first run, one of the second"
    assert sum("started" in text for text in texts) == 2
    assert len(app.world.calls("gemini")) == gemini_calls, "its videos were analysed before"
    assert app.items_of("ActiveRun") == []


def test_the_message_of_an_overtaken_run_is_stale(new_app):
    app, channel_id = completed(new_app, TestClock())
    process = f"/api/channels/{channel_id}/process"
    first, second = app.api.post(process), app.api.post(process)
    assert first.json()["status"] == second.json()["status"] == "pending"
    stale, current = app.queue.take()

    assert app.deliver(stale) == []
    assert app.channel(channel_id)["status"] == "pending"

    assert app.deliver(current) == []
    app.drain()
    assert app.channel(channel_id)["status"] == "completed"
    assert sum("started" in text for text in app.messages(channel_id)) == 2


def test_a_new_run_keeps_the_counts_until_its_own_listing(new_app):
    app, channel_id = completed(new_app, TestClock())

    answer = app.api.post(f"/api/channels/{channel_id}/process").json()

    assert (answer["status"], answer["video_count"], answer["processed_video_count"]) == ("pending", 3, 3)
    assert answer["updated_at"] > answer["created_at"]


def test_only_a_channel_that_is_processing_can_be_cancelled(new_app):
    app, channel_id = completed(new_app, TestClock())
    before = app.items()

    refusal = app.api.post(f"/api/channels/{channel_id}/cancel")

    assert refused_with(refusal, 400, "not_processing")
    assert app.items() == before


def test_a_cancelled_channel_can_be_processed_again(new_app):
    clock = TestClock()
    app = new_app(world=World.custom(channels=[channel_with(3, newest=NOON)], clock=clock), clock=clock)
    channel_id = app.add(URL)
    app.deliver(*app.queue.take())

    simple = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
    assert refused_with(app.api.post(f"/api/channels/{channel_id}/cancel", headers=simple), 403, "foreign_origin")
    cancelled = app.api.post(f"/api/channels/{channel_id}/cancel")
    app.drain()

    assert cancelled.json()["status"] == app.channel(channel_id)["status"] == "cancelled"
    assert app.world.calls("gemini") == ()
    assert app.api.post(f"/api/channels/{channel_id}/process").json()["status"] == "pending"
    app.drain()
    assert app.channel(channel_id)["status"] == "completed"


def test_a_failed_channel_says_why_until_it_runs_again(new_app):
    clock = TestClock()
    app = new_app(world=World.custom(channels=[], clock=clock), clock=clock)
    channel_id = app.add(URL)
    app.drain()

    failed = app.channel(channel_id)
    assert failed["failure"] == app.messages(channel_id)[-1] == "Analysis failed: YouTube knows no channel TestChannel"
    assert (failed["status"], failed["duplicate_of"]) == ("failed", None)
    assert app.api.get("/api/channels").json()["items"] == [failed]
    again = app.api.post(f"/api/channels/{channel_id}/process").json()
    assert again.keys() == failed.keys() - {"failure", "duplicate_of"}
    assert all("failure" not in item for item in app.items())


def test_a_channel_that_failed_before_reasons_were_kept_has_none(new_app):
    app, channel_id = completed(new_app, TestClock())
    app.put_items({**app.items_of("Channel")[0], "status": "failed"})
    assert (app.channel(channel_id)["status"], app.channel(channel_id)["failure"]) == ("failed", None)
