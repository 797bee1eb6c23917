"""The sweep: runs whose message was lost or whose worker died go on, purges come due, leftovers are forgotten."""

from typing import Any

import pytest

from cdk_app.services.stock_track_record.stand_ins.world import World
from lambda_src.services.stock_track_record.errors import NotFinished
from lambda_src.services.stock_track_record.models import ActiveRun, ChannelId, RunId, timestamp
from lambda_src.services.stock_track_record.tables import ACTIVE_RUN, CHANNEL
from lambda_src.services.stock_track_record.videos.repository import VideoRepository
from tests.support.stock_track_record import NOON, Applications, Invocation, TestClock
from tests.support.track_record_items import channel_named, store
from tests.support.worlds import channel_with

VIDEOS = 3


@pytest.fixture
def app(new_app) -> Applications:
    """`@TestChannel` has three videos."""
    clock = TestClock()
    world = World.custom(channels=[channel_with(VIDEOS, newest=NOON)], clock=clock, quotas={})
    applications: Applications = new_app(world=world, clock=clock)
    return applications


def lose_messages(app: Applications) -> None:
    app.queue.take()


def start_run(app: Applications) -> str:
    """A run that is processing; the messages of its videos are lost."""
    channel_id = app.add()
    [message] = app.queue.take()
    assert app.deliver(message) == []
    lose_messages(app)
    assert app.channel(channel_id)["status"] == "processing"
    return channel_id


def active_run(app: Applications, channel_id: str) -> dict[str, Any] | None:
    return app.item(ACTIVE_RUN.key(channel_id=channel_id))


def change_channel(app: Applications, channel_id: str, **attributes: str) -> None:
    """Behind the service's back."""
    item = app.item(CHANNEL.key(id=channel_id))
    assert item is not None
    app.put_items(item | attributes)


def sweep_after(app: Applications, **time: float) -> int:
    """How many messages a sweep sends that runs after this time."""
    app.forward(**time)
    before = len(app.queue.every)
    app.sweep()
    return len(app.queue.every) - before


# ---- runs that wait for their lister -------------------------------------------------------------------------------


def test_a_channel_added_while_the_queue_was_down_starts_with_a_sweep_after_two_minutes(app):
    app.queue.is_down = True
    channel_id = app.add()
    app.queue.is_down = False
    assert app.channel(channel_id)["status"] == "pending"

    assert sweep_after(app, seconds=119) == 0
    assert sweep_after(app, seconds=1) == 1
    app.drain()

    channel = app.channel(channel_id)
    assert (channel["status"], channel["processed_video_count"]) == ("completed", VIDEOS)


def test_a_restart_whose_message_was_lost_is_sent_again(app):
    channel_id = app.add()
    app.drain()
    app.api.post(f"/api/channels/{channel_id}/process")
    lose_messages(app)

    assert sweep_after(app, minutes=3) == 1
    app.drain()

    assert app.channel(channel_id)["status"] == "completed"


# ---- runs that went silent -----------------------------------------------------------------------------------------


def test_a_run_that_was_silent_for_half_an_hour_goes_on(app):
    channel_id = start_run(app)

    assert sweep_after(app, minutes=29, seconds=59) == 0
    assert sweep_after(app, seconds=1) == 1
    app.drain()

    channel = app.channel(channel_id)
    assert (channel["status"], channel["processed_video_count"]) == ("completed", VIDEOS)
    assert sum("started" in text for text in app.messages(channel_id)) == 1


def test_a_run_that_waits_for_a_provider_is_not_silent(app):
    channel_id = start_run(app)
    run = active_run(app, channel_id)
    assert run is not None

    app.forward(minutes=29)
    VideoRepository(app.store, app.log, app.clock).mark_touched(ChannelId(channel_id), run["run_id"])

    assert sweep_after(app, minutes=29) == 0
    assert sweep_after(app, minutes=1) == 1


def test_a_message_is_sent_again_at_most_once_in_a_quarter_of_an_hour(app):
    channel_id = start_run(app)

    sent = [sweep_after(app, minutes=30), *(sweep_after(app, minutes=5) for _ in range(6))]

    assert sent == [1, 0, 0, 1, 0, 0, 1]
    run = active_run(app, channel_id)
    assert run is not None
    assert run["resends"] == 3


def test_a_run_that_five_messages_could_not_move_fails(app):
    channel_id = start_run(app)
    for _ in range(5):
        assert sweep_after(app, minutes=30) == 1
        lose_messages(app)
    assert app.channel(channel_id)["status"] == "processing"

    assert sweep_after(app, minutes=30) == 0

    failed = app.channel(channel_id)
    assert (failed["status"], failed["failure"]) == ("failed", app.messages(channel_id)[-1])
    assert "no progress" in failed["failure"]
    assert active_run(app, channel_id) is None


def test_a_run_that_moves_again_after_a_message_is_left_alone(app):
    channel_id = start_run(app)
    sweep_after(app, minutes=30)
    [message] = app.queue.take()
    app.deliver(message)
    first, *_ = app.queue.take()  # the other videos' messages are lost
    app.deliver(first)

    assert sweep_after(app, minutes=29) == 0
    assert app.channel(channel_id)["processed_video_count"] == 1


# ---- leftovers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_an_active_run_of_a_channel_that_is_over_is_forgotten(app, status):
    channel_id = start_run(app)
    change_channel(app, channel_id, status=status)

    assert sweep_after(app, minutes=1) == 0

    assert active_run(app, channel_id) is None
    assert app.channel(channel_id)["status"] == status


def test_an_active_run_of_a_channel_that_is_gone_is_forgotten(app):
    app.put_items(ACTIVE_RUN.item(ActiveRun(ChannelId("gone"), RunId("run-1"), timestamp(NOON))))

    assert sweep_after(app, minutes=1) == 0

    assert active_run(app, "gone") is None


def test_an_active_run_of_an_earlier_run_is_forgotten(app):
    channel_id = start_run(app)
    change_channel(app, channel_id, run_id="a-later-run")

    sweep_after(app, minutes=1)

    assert active_run(app, channel_id) is None


def test_a_sweep_of_idle_channels_costs_one_request(app):
    store(app, channel_named("idle"))

    with app.counted() as requests:
        app.sweep()

    assert requests == {"Query": 1}


def test_a_sweep_reads_all_channels_under_way_in_one_request(app):
    for number in range(4):
        app.add(f"https://www.youtube.com/@channel{number}")

    with app.counted() as requests:
        app.sweep()

    assert requests == {"Query": 1, "BatchGetItem": 1}


# ---- purges --------------------------------------------------------------------------------------------------------


def delete(app: Applications, channel_id: str) -> None:
    assert app.api.delete(f"/api/channels/{channel_id}").status_code == 204


def test_a_purge_whose_message_was_lost_is_sent_by_the_next_sweep(app):
    channel_id = app.add()
    app.drain()
    delete(app, channel_id)
    lose_messages(app)

    assert sweep_after(app, seconds=1) == 1

    assert [sent.content["pass"] for sent in app.queue.take()] == [1]
    assert active_run(app, channel_id) is None


def test_a_purge_is_sent_again_at_most_once_in_a_quarter_of_an_hour(app):
    channel_id = app.add()
    delete(app, channel_id)
    lose_messages(app)

    assert [sweep_after(app, minutes=5) for _ in range(7)] == [1, 0, 0, 1, 0, 0, 1]


def test_the_second_pass_of_a_purge_is_not_due_before_its_time(app):
    channel_id = app.add()
    delete(app, channel_id)
    [_, purge] = app.queue.take()
    app.deliver(purge)
    [second] = app.queue.take()  # and it is lost
    assert (second.content["pass"], second.delay_seconds) == (2, 900)

    assert sweep_after(app, minutes=14) == 0
    assert sweep_after(app, minutes=1) == 1
    app.drain()

    assert app.items_of("PendingPurge") == []
    assert app.items_of("Channel") == []
    assert sweep_after(app, minutes=30) == 0


def test_a_sweep_that_runs_out_of_time_leaves_the_rest_to_the_next_one(app):
    for number in range(3):
        app.add(f"https://www.youtube.com/@channel{number}")
    lose_messages(app)
    app.forward(minutes=3)

    with pytest.raises(NotFinished):
        app.worker({"task": "sweep"}, Invocation(milliseconds=1))
    assert len(app.queue.waiting) == 0
    app.sweep()

    assert len(app.queue.waiting) == 3
