"""Many workers on one run: repeated deliveries in any order, and a user who cancels while they work."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from cdk_app.services.stock_track_record.stand_ins.ledger import Call
from cdk_app.services.stock_track_record.stand_ins.world import World
from tests.support.invariants import assert_invariants
from tests.support.runs import begin_run, completion_lines, make_world
from tests.support.steps import Steps, act_before_step, stepped_worker
from tests.support.stock_track_record import NOON, Applications, Sent, TestClock
from tests.support.worlds import channel_with

WORKERS = 10
COPIES = 3
MAX_RECEIVES = 5


@pytest.fixture
def app(new_app) -> Iterator[Applications]:
    clock = TestClock()
    application = new_app(world=make_world(clock, videos=65), clock=clock)
    yield application
    assert_invariants(application)


def total_mentions(app: Applications, channel_id: str) -> int:
    return sum(stock["total_mentions"] for stock in app.api.get(f"/api/channels/{channel_id}/stocks").json()["stocks"])


def cancel_lines(app: Applications, channel_id: str) -> int:
    return sum("cancelled by the user" in text for text in app.messages(channel_id))


def cancel(app: Applications, channel_id: str) -> int:
    return app.api.post(f"/api/channels/{channel_id}/cancel").status_code


# ---- every message more than once ----------------------------------------------------------------------------------


def deliver_all_in_parallel(app: Applications, *, random: Random) -> None:
    """Everything that waits, and all that comes of it: three times each, in random order, by ten workers at once."""
    while messages := app.queue.take():
        deliveries = [(sent, receive_count) for sent in messages for receive_count in range(1, COPIES + 1)]
        random.shuffle(deliveries)
        waiting = deque(deliveries)

        def work(waiting: deque[tuple[Sent, int]] = waiting) -> None:
            while True:
                try:
                    sent, receive_count = waiting.popleft()
                except IndexError:
                    return
                if app.deliver(sent, receive_count=receive_count) and receive_count < MAX_RECEIVES:
                    waiting.append((sent, receive_count + 1))

        with ThreadPoolExecutor(WORKERS) as pool:
            for done in [pool.submit(work) for _ in range(WORKERS)]:
                done.result()


def facts(app: Applications) -> Counter[tuple[object, ...]]:
    """What the items say of the run, without ids that differ from run to run. Log lines are compared apart."""
    names = [
        *("entity_type", "youtube_video_id", "ticker", "sentiment", "analysis_status", "transcript_status", "status"),
        *("video_count", "processed_video_count", "failed_video_count", "value"),
    ]
    return Counter(
        tuple(map(item.get, names)) for item in app.items() if item["entity_type"] not in ("ProcessingLog", "RateSlot")
    )


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 33))])
def test_messages_delivered_three_times_in_any_order_have_the_effect_of_one_delivery(new_app, seed):
    def run(deliver: Callable[[Applications], object]) -> Applications:
        clock = TestClock()
        world = make_world(clock, videos=24)
        world.set_delay("gemini", 0.01)
        app: Applications = new_app(world=world, clock=clock, keys={"youtube_api_key": "y", "gemini_api_key": "g"})
        app.add()
        deliver(app)
        return app

    once = run(lambda app: app.drain())
    often = run(lambda app: deliver_all_in_parallel(app, random=Random(seed)))

    (channel,) = often.items_of("Channel")
    assert (channel["status"], channel["video_count"], channel["processed_video_count"]) == ("completed", 24, 24)
    assert facts(often) == facts(once)
    assert completion_lines(often, channel["id"]) == 1
    videos = [video["youtube_video_id"] for video in often.items_of("Video")]
    assert {often.world.max_in_flight(video) for video in videos} == {1}
    assert {len(often.world.calls_for_video(video)) for video in videos} == {1}
    assert not often.queue.dead()
    assert_invariants(often)


# ---- cancel --------------------------------------------------------------------------------------------------------


class Gate:
    """Holds back the answers of Gemini until it is opened."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._open = threading.Event()
        world.before_answer = self._wait

    def _wait(self, call: Call) -> None:
        if call.service == "gemini":
            assert self._open.wait(30)

    def wait_until_asked(self, count: int) -> None:
        """Returns when so many calls are under way."""
        deadline = time.monotonic() + 20
        while sum(call.status is None for call in self._world.calls("gemini")) < count:
            assert time.monotonic() < deadline, "the workers never asked"
            time.sleep(0.005)

    def open(self) -> None:
        self._open.set()


def test_a_run_cancelled_midway_keeps_what_was_paid_for_and_asks_for_nothing_more(app):
    channel_id, messages = begin_run(app, analysed=3)
    finished, in_flight, waiting = messages[:20], messages[20:30], messages[30:]
    for sent in finished:
        app.deliver(sent)
    gate = Gate(app.world)

    with ThreadPoolExecutor(len(in_flight)) as pool:
        deliveries = [pool.submit(app.deliver, sent) for sent in in_flight]
        gate.wait_until_asked(len(in_flight))
        cancelled = app.api.post(f"/api/channels/{channel_id}/cancel")
        gate.open()
        assert [delivery.result() for delivery in deliveries] == [[]] * 10
    asked = len(app.world.calls("gemini"))
    for sent in waiting:
        assert app.deliver(sent) == []

    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert len(app.world.calls("gemini")) == asked == 3 + 20 + 10
    channel = app.channel(channel_id)
    assert (channel["status"], channel["video_count"], channel["processed_video_count"]) == ("cancelled", 65, 23)
    assert total_mentions(app, channel_id) == 3 + 20 + 10
    assert cancel_lines(app, channel_id) == 1
    again = app.api.post(f"/api/channels/{channel_id}/cancel")
    assert (again.status_code, again.json()["code"]) == (400, "not_processing")
    assert_invariants(app)

    assert app.api.post(f"/api/channels/{channel_id}/process").status_code == 200
    assert app.deliver(*app.queue.take()) == []
    rest = app.queue.take()
    restarted = app.channel(channel_id)
    assert (restarted["video_count"], restarted["processed_video_count"], len(rest)) == (65, 33, 32)
    for sent in [*waiting, *rest]:  # the messages of the old run are stale
        assert app.deliver(sent) == []
    app.drain()

    done = app.channel(channel_id)
    assert (done["status"], done["video_count"], done["processed_video_count"]) == ("completed", 65, 65)
    assert len(app.world.calls("gemini")) == 65
    assert total_mentions(app, channel_id) == 65


@pytest.fixture
def short(new_app) -> Iterator[Applications]:
    """18 channels with one video each."""
    clock = TestClock()
    channels = [channel_with(1, newest=NOON, handle=f"@Race{number}") for number in range(18)]
    application = new_app(world=World.custom(channels=channels, clock=clock), clock=clock)
    yield application
    assert_invariants(application)


def assert_one_of_them_won(app: Applications, channel_id: str, cancel_status: int) -> None:
    """Never `completed` after a cancel that was answered with 200, and never both lines."""
    status = app.channel(channel_id)["status"]
    assert (status, cancel_status) in {("cancelled", 200), ("completed", 400)}
    assert cancel_lines(app, channel_id) == (status == "cancelled")
    assert completion_lines(app, channel_id) == (status == "completed")


def test_either_the_cancel_or_the_completion_wins_at_every_step_from_the_last_video_on(short):
    statuses: list[int] = []

    for number in range(1, 19):
        channel_id, (sent,) = begin_run(short, handle=f"@Race{number - 1}")

        def act(channel_id: str = channel_id) -> None:
            statuses.append(cancel(short, channel_id))

        steps = Steps(act_before_step(number, act))
        with stepped_worker(short, steps) as worker:
            assert short.deliver(sent, worker=worker) == []
            for following in short.queue.take():  # the backfill, which completes the run, and who would if it did not
                assert short.deliver(following, worker=worker) == []
        if len(statuses) < number:  # the delivery was over before that step
            statuses.append(cancel(short, channel_id))
        assert_one_of_them_won(short, channel_id, statuses[-1])

    # a cancel before the 17th step, the completion, always wins; one behind it never does
    assert statuses == [200] * 17 + [400]


def test_either_the_cancel_or_the_completion_wins_when_both_happen_at_once(short):
    runs = []
    for number in range(10):
        channel_id, (sent,) = begin_run(short, handle=f"@Race{number}")
        short.deliver(sent)
        runs.append((channel_id, next(each for each in short.queue.take() if each.content["type"] == "backfill")))
    start = threading.Barrier(2)

    def deliver(sent: Sent) -> object:
        start.wait(10)
        return short.deliver(sent)

    def click(channel_id: str, pause_seconds: float) -> int:
        start.wait(10)
        time.sleep(pause_seconds)
        return cancel(short, channel_id)

    with ThreadPoolExecutor(2) as pool:
        for number, (channel_id, backfill) in enumerate(runs):
            delivery = pool.submit(deliver, backfill)
            answer = pool.submit(click, channel_id, number * 0.004)
            assert delivery.result() == []
            assert_one_of_them_won(short, channel_id, answer.result())
