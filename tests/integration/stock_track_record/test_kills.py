"""Workers are killed with kill -9, in the middle of a call to Gemini and anywhere else; nothing is lost or doubled.

Real processes, SQS of the emulator, DynamoDB Local; the stand-ins answer from the test process. Times are those of
production divided by about 60: a lease ends, then the message of its dead holder is shown again. Next to the product
a naive worker goes through the same, so that a trial which cannot find a fault is found out itself.
"""

import os
import platform
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import pytest

from cdk_app.local.layout import ROOT
from cdk_app.local.ministack import QUICK, MiniStack
from cdk_app.services.registry import VIDEOS_AND_PRICES
from cdk_app.services.stock_track_record.stand_ins.app import standins_app
from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.dynamo.store import Store
from lambda_src.runtime.clock import utc_now
from lambda_src.runtime.queue import QueueClient
from lambda_src.services.stock_track_record.models import Channel, ChannelId, Video, VideoId, timestamp
from lambda_src.services.stock_track_record.tables import CHANNEL, PURGE_PAGE, TABLES, VIDEO
from tests.support.http_server import ThreadedServer
from tests.support.kill_scene import Facts, Queues, Scene, Size, read_facts
from tests.support.killing import MAX_KILLS_PER_VIDEO, Observed, Trial, messages_left
from tests.support.stock_track_record import Applications

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

FIGURES: Final = ROOT / "docs" / "benchmarks" / "soak.md"
WRITE_FIGURES: Final = "WRITE_FIGURES"  # environment variable: set to write them
LISTING_SECONDS: Final = 30.0
NAIVE_RUN: Final = "run"

SMALL: Final = Size(
    videos=16, once=3, twice=1, at_random=2, budget_seconds=4, margin_seconds=1, processes=3, timeout_seconds=60
)
LARGE: Final = Size(
    videos=400, once=40, twice=10, at_random=40, budget_seconds=6, margin_seconds=2, processes=6, timeout_seconds=400
)


# ---- fixtures and parts --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sqs(cloud: MiniStack) -> "Iterator[SQSClient]":
    client = cloud.session.client("sqs", endpoint_url=cloud.url, config=QUICK)
    yield client
    client.close()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one kind of worker made of it."""

    facts: Facts
    expected: set[tuple[str, str]]
    observed: Observed
    dead_letters: int
    gemini_calls: int
    seconds: float

    @property
    def faults(self) -> list[str]:
        return self.facts.faults(self.expected)


@dataclass(frozen=True, slots=True)
class Contest:
    """Product and control, under the same fire at the same time."""

    product: Outcome
    naive: Outcome


@pytest.fixture
def contest(new_app, make_tables, dynamodb_client, dynamodb_endpoint, sqs, tmp_path):
    """`contest(size)` lets both run to their end, at the same time."""

    def run(size: Size) -> Contest:
        started = time.monotonic()
        ours, theirs = Scene(size), Scene(size)
        queues, their_queues = (Queues.make(sqs, visibility_seconds=size.hidden_seconds + 1) for _ in range(2))
        app = new_app(world=ours.world, clock=utc_now, **size.settings)
        channel_id, naive_id = app.add(time_range_months=12), str(uuid4())
        names = make_tables(TABLES)
        settings = app.worker_settings.model_copy(update={"dynamodb_endpoint": dynamodb_endpoint, **queues.settings})
        seed_naive_channel(Store(Boto3Client(dynamodb_client), names), naive_id, theirs)

        def outcome(trial: Trial, scene: Scene, used: Queues, table_name: str, its_id: str) -> Outcome:
            trial.wait_until_all_is_quiet(sqs, used.work, timeout_seconds=size.timeout_seconds)
            return Outcome(
                facts=read_facts(dynamodb_client, table_name),
                expected=scene.expected_in(its_id),
                observed=trial.observed,
                dead_letters=messages_left(sqs, used.dead),
                gemini_calls=len(scene.world.calls("gemini")),
                seconds=time.monotonic() - started,
            )

        with ExitStack() as stack:
            server = stack.enter_context(ThreadedServer(standins_app(theirs.world)))
            their_settings = settings.model_copy(
                update={
                    **their_queues.settings,
                    **{name.lower(): url for name, url in VIDEOS_AND_PRICES.variables(server.url).items()},
                    "dynamodb_table_name": names["main"],
                    "dynamodb_stocks_table_name": names["stocks"],
                }
            )
            # Both are told everything twice.
            sender = QueueClient(lambda: sqs)
            sender.send_batch(their_queues.work, theirs.messages(naive_id, NAIVE_RUN) * 2)
            sender.send_batch(queues.work, [sent.body for sent in app.queue.take()] * 2)
            trial = stack.enter_context(ours.trial("product", settings, sqs, channel_id, tmp_path / "product.log"))
            naive = stack.enter_context(theirs.trial("naive", their_settings, sqs, naive_id, tmp_path / "naive.log"))
            sender.send_batch(queues.work, ours.messages(channel_id, run_that_is_listed(app)))
            return Contest(
                outcome(trial, ours, queues, app.api_settings.dynamodb_table_name, channel_id),
                outcome(naive, theirs, their_queues, names["main"], naive_id),
            )

    return run


def run_that_is_listed(app: Applications) -> str:
    """The id of the run, as soon as its lister has queued or is queueing its videos."""
    ends_at = time.monotonic() + LISTING_SECONDS
    while time.monotonic() < ends_at:
        [channel] = app.items_of("Channel")
        if channel.get("listed"):
            return str(channel["run_id"])
        time.sleep(0.1)
    raise AssertionError(f"the channel was not listed within {LISTING_SECONDS:.0f} s")


def seed_naive_channel(store: Store, channel_id: str, scene: Scene) -> None:
    """What the naive worker finds: a channel with its videos listed."""
    ids = scene.video_ids(channel_id)
    written = timestamp(utc_now())
    channel = Channel(
        id=ChannelId(channel_id),
        youtube_channel_id=scene.channel.id,
        name="Naive",
        url="https://www.youtube.com/@TestChannel",
        status="processing",
        time_range_months=12,
        created_at=written,
        updated_at=written,
        video_count=len(ids),
    )
    videos = [Video(VideoId(ids[name]), channel.id, name, name, written[:10], written) for name in ids]
    store.batch_write(PURGE_PAGE, puts=[CHANNEL.item(channel), *map(VIDEO.item, videos)])


def check(contest: Contest, size: Size) -> None:
    product, naive = contest.product, contest.naive
    assert not product.faults
    assert product.facts.copies == product.facts.mentions
    assert product.facts.video_count == size.videos
    assert product.dead_letters == 0
    assert product.observed.kill_count == size.kills
    assert max(product.observed.kills.values()) <= MAX_KILLS_PER_VIDEO
    assert product.observed.deliveries.total() > 2 * size.videos, "the duplicates never came"
    assert naive.observed.kill_count == size.kills
    assert any("are counted" in fault for fault in naive.faults), naive.faults
    assert any("too many" in fault for fault in naive.faults), naive.faults


# ---- the trials ----------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_seven_killed_workers_cost_neither_a_count_nor_a_mention(contest):
    check(contest(SMALL), SMALL)


@pytest.mark.soak
def test_a_hundred_killed_workers_cost_neither_a_count_nor_a_mention(contest):
    result = contest(LARGE)
    check(result, LARGE)
    if os.environ.get(WRITE_FIGURES):
        write_figures(result, LARGE)


# ---- figures -------------------------------------------------------------------------------------------------------


def write_figures(contest: Contest, size: Size) -> None:
    revision = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    rows = [
        ("kill -9 of workers", lambda it: it.observed.kill_count),
        ("most kills of one video", lambda it: max(count for name, count in it.observed.kills.items() if name)),
        ("deliveries of messages", lambda it: it.observed.deliveries.total()),
        ("calls to Gemini", lambda it: it.gemini_calls),
        ("videos counted", lambda it: f"{it.facts.processed} of {it.facts.video_count}"),
        ("completions of the run", lambda it: it.facts.completions),
        ("mentions expected", lambda it: len(it.expected)),
        ("mentions stored", lambda it: it.facts.mentions.total()),
        ("dead letters", lambda it: it.dead_letters),
        ("seconds until all was quiet", lambda it: round(it.seconds)),
    ]
    table = [f"| {name} | {read(contest.product)} | {read(contest.naive)} |" for name, read in rows]
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    made = (
        f"`WRITE_FIGURES=1 make soak`, {datetime.now(UTC):%Y-%m-%d}, commit {revision or 'none yet'}, "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, {memory_gib:.0f} GiB, "
        f"Python {platform.python_version()}."
    )
    trial = (
        f"{size.videos} videos, {size.processes} worker processes each, every message sent twice, one in ten shown to "
        "a second worker while it is handled, one in ten not deleted when it is done. Leases of "
        f"{size.budget_seconds} s, messages hidden for {size.hidden_seconds} s. The naive worker marks nothing, counts "
        "by reading and writing back, and stores mentions under random ids."
    )
    head = ("| | Product | Naive worker |", "|---|--:|--:|")
    lines = ["# Soak: workers killed during a run", "", made, "", trial, "", *head, *table, ""]
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    FIGURES.write_text("\n".join(lines), encoding="utf-8")
