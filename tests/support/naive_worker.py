"""The control of the kill test: a worker as one writes it without thinking of repeats, the way the reference did.

It marks nothing as done, counts by reading and writing back, and stores mentions under random ids. A trial that does
not find fault with it would not find fault with anything.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from uuid import uuid4

from lambda_src.dynamo.store import Store
from lambda_src.runtime.clock import utc_now
from lambda_src.services.stock_track_record.bootstrap.common import Outside
from lambda_src.services.stock_track_record.clients.gemini import GeminiClient
from lambda_src.services.stock_track_record.models import Channel, ChannelId, VideoId
from lambda_src.services.stock_track_record.repository.channels import channel_key
from lambda_src.services.stock_track_record.repository.videos import video_key
from lambda_src.services.stock_track_record.rules.dates import timestamp
from lambda_src.services.stock_track_record.settings import WorkerSettings
from lambda_src.services.stock_track_record.tables import MAIN, PROCESSING_LOG, STOCK_MENTION
from tests.support.stock_track_record import Invocation

COMPLETED: Final = "Analysis completed"


class NaiveWorker:
    """A handler of `video` messages."""

    def __init__(self, settings: WorkerSettings, outside: Outside) -> None:
        self._store = Store(outside.client, {MAIN.name: settings.dynamodb_table_name})
        self._gemini = GeminiClient(
            outside.http,
            base_url=settings.gemini_api_base_url,
            keys=outside.keys,
            model=settings.gemini_model,
            timeout_seconds=settings.gemini_timeout_seconds,
        )
        self._budget_seconds = settings.video_budget_seconds

    def __call__(self, event: Mapping[str, Any], _context: Invocation) -> Mapping[str, Any]:
        for record in event["Records"]:
            message = json.loads(record["body"])
            self._analyse(ChannelId(message["channel_id"]), VideoId(message["video_id"]))
        return {"batchItemFailures": []}

    def _analyse(self, channel_id: ChannelId, video_id: VideoId) -> None:
        video = self._store.get(MAIN, video_key(channel_id, video_id)) or {}
        stocks = self._gemini.stocks_in_video(video["youtube_video_id"], None, lambda: self._budget_seconds)
        for stock in stocks:
            key = MAIN.key(STOCK_MENTION, video_id=video_id, mention_id=str(uuid4()))
            mention = {"entity_type": STOCK_MENTION.name, "video_id": video_id, "ticker": stock.ticker_text}
            self._store.put(MAIN, {**key, **mention})
        self._count(channel_id)

    def _count(self, channel_id: ChannelId) -> None:
        item = self._store.get(MAIN, channel_key(channel_id)) or {}
        channel = Channel.from_item(item)
        channel = replace(channel, processed_video_count=channel.processed_video_count + 1)
        if channel.processed_video_count >= channel.video_count:
            channel = replace(channel, status="completed")
            self._log(channel_id, COMPLETED)
        counted = {"processed_video_count": channel.processed_video_count, "status": channel.status}
        self._store.put(MAIN, {**item, **counted})

    def _log(self, channel_id: ChannelId, text: str) -> None:
        key = MAIN.key(PROCESSING_LOG, channel_id=channel_id, created_at=timestamp(utc_now()), suffix=str(uuid4()))
        self._store.put(MAIN, {**key, "entity_type": PROCESSING_LOG.name, "message": text})
