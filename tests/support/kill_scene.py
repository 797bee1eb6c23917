"""What a kill test is about: a channel of many videos, its queues, who is to be killed, and what has to come of it."""

import json
import random
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import uuid4

from cdk_app.services.stock_track_record.stand_ins.world import World
from lambda_src.dynamo.values import from_item
from lambda_src.runtime.clock import utc_now
from lambda_src.runtime.worker import MAX_RECEIVES
from lambda_src.services.stock_track_record.messages import VideoMessage
from lambda_src.services.stock_track_record.models import video_id
from lambda_src.services.stock_track_record.settings import WorkerSettings
from tests.support.killing import Strikes, Trial
from tests.support.naive_worker import COMPLETED
from tests.support.worker_process import WorkerPlan
from tests.support.worlds import channel_with, numbered_stocks, spread_mentions

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_sqs.client import SQSClient

SEED: Final = 20250115
MENTIONS_PER_VIDEO: Final = 3
GEMINI_DELAY_SECONDS: Final = 0.15


@dataclass(frozen=True, slots=True)
class Size:
    """How much is tried. once, twice: videos whose first call, first two calls to Gemini are killed."""

    videos: int
    once: int
    twice: int
    at_random: int
    budget_seconds: int
    margin_seconds: int
    processes: int
    timeout_seconds: float

    @property
    def kills(self) -> int:
        return self.once + 2 * self.twice + self.at_random

    @property
    def hidden_seconds(self) -> int:
        return self.budget_seconds + self.margin_seconds

    @property
    def settings(self) -> dict[str, float]:
        """A lease is as long as its budget, and ends before its message is shown again."""
        return {
            "video_budget_seconds": self.budget_seconds,
            "channel_budget_seconds": 2 * self.budget_seconds,
            "visibility_margin_seconds": self.margin_seconds,
            "retry_base_seconds": 1,
            "gemini_timeout_seconds": self.budget_seconds - 1,
            "prices_wait_seconds": 1,  # nobody fetches any
        }


@dataclass(frozen=True, slots=True)
class Queues:
    """The queues of one trial."""

    work: str
    dead: str
    prices: str

    @classmethod
    def make(cls, sqs: "SQSClient", *, visibility_seconds: int) -> "Queues":
        name = f"trial-{uuid4()}"
        dead = sqs.create_queue(QueueName=f"{name}-dlq")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        work = sqs.create_queue(
            QueueName=name,
            Attributes={
                "VisibilityTimeout": str(visibility_seconds),
                "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVES}),
            },
        )["QueueUrl"]
        return cls(work, dead, sqs.create_queue(QueueName=f"{name}-prices")["QueueUrl"])

    @property
    def settings(self) -> dict[str, str]:
        return {
            "sqs_queue_url": self.work,
            "sqs_dlq_url": self.dead,
            "price_queue_url": self.prices,
            "price_dlq_url": self.dead,
        }


class Scene:
    """A channel of so many videos in a world of its own, and who is to be killed over it."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self.channel = channel_with(size.videos, newest=utc_now() - timedelta(days=1), every=timedelta(hours=4))
        stocks = numbered_stocks(40)
        answers = spread_mentions(self.channel, stocks, size.videos * MENTIONS_PER_VIDEO)
        self.world = World.custom(channels=[self.channel], answers=answers, stocks=stocks, quotas={})
        self.world.set_delay("gemini", GEMINI_DELAY_SECONDS)
        self.expected = {
            (video.id, pick["ticker"]) for video in self.channel.videos for pick in _picks(answers[video.id][0].body)
        }
        names = [video.id for video in self.channel.videos]
        random.Random(SEED).shuffle(names)
        tenth = size.videos // 10
        hit = size.once + size.twice
        self._during_call = {name: 1 + (number < size.twice) for number, name in enumerate(names[:hit])}
        self._shown_twice, self._kept = names[hit : hit + tenth], names[hit + tenth : hit + 2 * tenth]

    def video_ids(self, channel_id: str) -> dict[str, str]:
        return {video.id: video_id(channel_id, video.id) for video in self.channel.videos}

    def expected_in(self, channel_id: str) -> set[tuple[str, str]]:
        return {(video_id(channel_id, name), ticker) for name, ticker in self.expected}

    def messages(self, channel_id: str, run_id: str) -> list[str]:
        """One for every video."""
        ids = self.video_ids(channel_id).values()
        return [VideoMessage(channel_id=channel_id, run_id=run_id, video_id=each).text() for each in ids]

    def trial(
        self,
        kind: Literal["product", "naive"],
        settings: WorkerSettings,
        sqs: "SQSClient",
        channel_id: str,
        log_path: Path,
    ) -> Trial:
        ids = self.video_ids(channel_id)
        shown_twice = frozenset(ids[name] for name in self._shown_twice)
        plan = WorkerPlan(
            kind=kind,
            processes=self.size.processes,
            sqs_endpoint=sqs.meta.endpoint_url,
            settings=settings.model_dump(mode="json", exclude={"gemini_model"}),
            shown_twice=shown_twice,
            kept=frozenset(ids[name] for name in self._kept),
        )
        strikes = Strikes(self._during_call, self.size.at_random, gentle=shown_twice)
        return Trial(plan, strikes, world=self.world, video_ids=ids, log_path=log_path, seed=SEED)


def _picks(body: str) -> list[dict[str, Any]]:
    text = json.loads(body)["candidates"][0]["content"]["parts"][0]["text"]
    picks = json.loads(text)["stocks"]
    assert isinstance(picks, list)
    return picks


# ---- the verdict ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Facts:
    """What the main table says of its one channel. mentions: how often each ticker is stored for each video id."""

    status: str
    video_count: int
    processed: int
    failed: int
    completions: int
    mentions: Counter[tuple[str, str]]
    copies: Counter[tuple[str, str]]

    def faults(self, expected: Collection[tuple[str, str]]) -> list[str]:
        """Everything that is not as if every video had been analysed once, in words."""
        wanted = Counter(expected)
        claims = {
            f"the status is {self.status}": self.status == "completed",
            f"{self.processed} of {self.video_count} videos are counted": self.processed == self.video_count,
            f"{self.failed} videos failed": self.failed == 0,
            f"the run completed {self.completions} times": self.completions == 1,
            f"{(wanted - self.mentions).total()} mentions are lost": not wanted - self.mentions,
            f"{(self.mentions - wanted).total()} mentions are too many": not self.mentions - wanted,
        }
        return [fault for fault, is_well in claims.items() if not is_well]


def read_facts(client: "DynamoDBClient", table_name: str) -> Facts:
    """A strongly consistent Scan of the table."""
    pages = client.get_paginator("scan").paginate(TableName=table_name, ConsistentRead=True)
    items = [from_item(item) for page in pages for item in page["Items"]]

    def mentions(entity_type: str) -> Counter[tuple[str, str]]:
        return Counter((item["video_id"], item["ticker"]) for item in items if item["entity_type"] == entity_type)

    channel = next(item for item in items if item["entity_type"] == "Channel")
    lines = [item["message"] for item in items if item["entity_type"] == "ProcessingLog"]
    return Facts(
        status=channel["status"],
        video_count=channel["video_count"],
        processed=channel["processed_video_count"],
        failed=channel.get("failed_video_count", 0),
        completions=sum(line.startswith(COMPLETED) for line in lines),
        mentions=mentions("StockMention"),
        copies=mentions("ChannelMention"),
    )
