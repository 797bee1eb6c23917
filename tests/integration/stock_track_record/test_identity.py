"""Two handles of one YouTube channel: whoever resolves first holds the id, the other becomes a tombstone of it."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from cdk_app.services.stock_track_record.stand_ins.models import Channel
from cdk_app.services.stock_track_record.stand_ins.world import World
from lambda_src.services.stock_track_record.tables import CHANNELS_BY_IDENTITY, CLAIM_BY_IDENTITY
from tests.support.invariants import assert_invariants
from tests.support.runs import error_lines
from tests.support.steps import Steps, act_before_step, stepped_worker
from tests.support.stock_track_record import Applications, Sent, TestClock

REAL_ID = "UC" + "a" * 22
HANDLES = ("@foo", "@foo-old")
STEPS_OF_A_LISTER = (
    "GetItem",  # the channel
    "UpdateItem",  # lease
    "TransactWriteItems",  # the run begins
    "PutItem",  # line: identifier
    "PutItem",  # line: resolving
    "youtube",  # whose handle is it?
    "TransactWriteItems",  # T2: the id is claimed
    "PutItem",  # line: title
)


@pytest.fixture
def app(new_app) -> Iterator[Applications]:
    clock = TestClock()
    channel = Channel(id=REAL_ID, title="Foo Invests", handle="@foo", old_handles=("@foo-old",))
    application = new_app(world=World.custom(channels=[channel], clock=clock), clock=clock)
    yield application
    assert_invariants(application)


def add_both(app: Applications) -> tuple[list[str], list[Sent]]:
    ids = [app.add(f"https://www.youtube.com/{handle}") for handle in HANDLES]
    return ids, app.queue.take()


def ids_in_gsi2(app: Applications, identity: str) -> list[str]:
    return [channel.id for channel in app.store.items(CHANNELS_BY_IDENTITY, youtube_channel_id=identity)]


def owner_of(app: Applications, identity: str) -> str | None:
    claim = app.store.get(CLAIM_BY_IDENTITY, identity=identity)
    return None if claim is None else claim.channel_id


def assert_items_agree_with_their_index(app: Applications) -> None:
    """A channel is known in GSI2 by the identity it carries, or not at all when it is a tombstone."""
    for channel in app.items_of("Channel"):
        expected = None if "duplicate_of" in channel else f"YT#{channel['youtube_channel_id']}"
        assert channel.get("GSI2PK") == expected


def assert_merged(app: Applications, winner: str, loser: str) -> None:
    kept, tombstone = app.channel(winner), app.channel(loser)
    assert kept["youtube_channel_id"] == REAL_ID
    assert (tombstone["status"], kept["status"]) == ("failed", "completed")
    (error,) = error_lines(app, loser)
    assert kept["name"] in error
    assert winner in error
    assert (tombstone["failure"], tombstone["duplicate_of"]) == (error, winner)
    assert error_lines(app, winner) == []
    assert kept.keys().isdisjoint({"failure", "duplicate_of"})

    page = app.api.get("/api/channels").json()
    assert ([item["id"] for item in page["items"]], page["total"]) == ([winner], 1)

    identities = ("handle:foo", "handle:foo-old", REAL_ID)
    assert {identity: owner_of(app, identity) for identity in identities} == dict.fromkeys(identities, winner)
    assert ids_in_gsi2(app, REAL_ID) == [winner]
    assert ids_in_gsi2(app, "handle:foo") == ids_in_gsi2(app, "handle:foo-old") == []

    for name in (*HANDLES, f"channel/{REAL_ID}"):
        refused = app.api.post("/api/channels", json={"url": f"https://www.youtube.com/{name}"})
        assert (refused.status_code, refused.json()["code"]) == (400, "channel_exists")
    assert_invariants(app)


def test_the_handle_that_resolves_second_becomes_a_tombstone_of_the_first(app):
    (first, second), messages = add_both(app)
    for sent in messages:
        assert app.deliver(sent) == []

    assert_merged(app, winner=first, loser=second)


def test_a_lister_takes_these_steps_to_resolve_a_handle(app):
    _, (lister, _) = add_both(app)
    steps = Steps()
    with stepped_worker(app, steps) as worker:
        app.deliver(lister, worker=worker)
    assert tuple(steps.names[: len(STEPS_OF_A_LISTER)]) == STEPS_OF_A_LISTER


@pytest.mark.parametrize("number", range(1, len(STEPS_OF_A_LISTER) + 1))
def test_one_of_two_listers_wins_wherever_the_other_runs_in_between(app, number):
    (first, second), (lister, other) = add_both(app)

    def run_other(step: int, name: str) -> None:
        assert_items_agree_with_their_index(app)
        act_before_step(number, lambda: app.deliver(other))(step, name)

    with stepped_worker(app, Steps(run_other)) as worker:
        assert app.deliver(lister, worker=worker) == []

    claims_first = number > STEPS_OF_A_LISTER.index("youtube") + 2  # T2 of the first lies behind it
    winner, loser = (first, second) if claims_first else (second, first)
    assert_merged(app, winner=winner, loser=loser)


def test_one_of_two_listers_in_parallel_wins(app):
    ids, messages = add_both(app)
    start = threading.Barrier(2)

    def deliver(sent: Sent) -> object:
        with stepped_worker(app, Steps(lambda *_: assert_items_agree_with_their_index(app))) as worker:
            start.wait(10)
            return app.deliver(sent, worker=worker)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(deliver, messages)) == [[], []]

    winner = owner_of(app, REAL_ID)
    assert winner in ids
    (loser,) = set(ids) - {winner}
    assert_merged(app, winner=winner, loser=loser)


def test_a_tombstone_can_be_read_for_a_day_and_is_purged_then(app):
    (first, second), messages = add_both(app)
    for sent in messages:
        app.deliver(sent)

    app.clock.forward(hours=23, minutes=59)
    app.sweep()
    app.drain()
    assert app.channel(second)["status"] == "failed"

    app.clock.forward(minutes=2)
    app.sweep()
    app.drain()
    assert app.api.get(f"/api/channels/{second}").status_code == 404
    assert [item for item in app.items() if second in (item["PK"], item["SK"], item.get("channel_id"))] == []
    assert owner_of(app, "handle:foo-old") == first


def test_a_tombstone_cannot_be_analysed_again(app):
    (_, second), messages = add_both(app)
    for sent in messages:
        app.deliver(sent)

    refused = app.api.post(f"/api/channels/{second}/process")

    assert refused.status_code == 400
    assert app.channel(second)["status"] == "failed"


def test_deleting_a_tombstone_leaves_the_winner_its_identities(app):
    (first, second), messages = add_both(app)
    for sent in messages:
        app.deliver(sent)

    assert app.api.delete(f"/api/channels/{second}").status_code == 204

    assert_invariants(app)
    assert app.api.get("/api/channels").json()["total"] == 1
    assert owner_of(app, "handle:foo-old") == first


def test_deleting_the_winner_frees_every_identity_it_took_over(app):
    (first, _), messages = add_both(app)
    for sent in messages:
        app.deliver(sent)

    assert app.api.delete(f"/api/channels/{first}").status_code == 204

    assert [owner_of(app, identity) for identity in ("handle:foo", "handle:foo-old", REAL_ID)] == [None] * 3
    app.add("https://www.youtube.com/@foo-old")


def test_a_channel_whose_winner_is_being_deleted_takes_the_id_over_instead(app):
    (first, second), (lister, other) = add_both(app)
    app.deliver(lister)
    seen = 0

    def delete_winner(_step: int, name: str) -> None:
        nonlocal seen
        seen += name == "TransactWriteItems"
        if seen == 3 and name == "TransactWriteItems":  # the start, T2 and then T2m
            assert app.api.delete(f"/api/channels/{first}").status_code == 204

    with stepped_worker(app, Steps(delete_winner)) as worker:
        assert app.deliver(other, worker=worker) == [other.message_id]
    assert_invariants(app)

    assert app.deliver(other, receive_count=2) == []

    assert app.channel(second)["status"] == "completed"
    assert owner_of(app, REAL_ID) == second
    assert owner_of(app, "handle:foo-old") == second
    assert owner_of(app, "handle:foo") is None
