"""The control of the kill test: a worker as one writes it without thinking of repeats.

It marks nothing as done, counts by reading and writing back, and stores mentions under random ids. A trial that does
not find fault with it would not find fault with anything.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from uuid import uuid4

from lambda_src.dynamo.store import Put
from lambda_src.runtime.clock import utc_now
from lambda_src.runtime.providers.gemini import GeminiClient
from lambda_src.runtime.providers.provider import Access
from lambda_src.runtime.resources import Resources
from lambda_src.services.stock_track_record.models import ChannelId, LogLine, StockMention, Video, VideoId, timestamp
from lambda_src.services.stock_track_record.settings import WorkerSettings
from lambda_src.services.stock_track_record.tables import (
    APPEND_LOG,
    CHANNEL,
    CHANNEL_AND_VIDEO,
    CHANNEL_BY_ID,
    CREATE_CHANNEL,
    FINISH_VIDEO,
    PROCESSING_LOG,
    STOCK_MENTION,
    TABLES,
    VIDEO,
)
from lambda_src.services.stock_track_record.videos.clients import VideoAnalyst
from tests.support.played import Invocation

COMPLETED: Final = "Analysis completed"


class NaiveWorker:
    """A handler of `video` messages."""

    def __init__(self, settings: WorkerSettings, resources: Resources) -> None:
        self._store = resources.store(TABLES, settings)
        gemini = GeminiClient(
            Access(resources.http(), resources.secret(settings.api_keys_secret_id)),
            base_url=settings.gemini_api_base_url,
            model=settings.gemini_model,
            timeout_seconds=settings.gemini_timeout_seconds,
        )
        self._analyst = VideoAnalyst(gemini)
        self._budget_seconds = settings.video_budget_seconds

    def __call__(self, event: Mapping[str, Any], _context: Invocation) -> Mapping[str, Any]:
        for record in event["Records"]:
            message = json.loads(record["body"])
            self._analyse(ChannelId(message["channel_id"]), VideoId(message["video_id"]))
        return {"batchItemFailures": []}

    def _analyse(self, channel_id: ChannelId, video_id: VideoId) -> None:
        [video] = self._store.batch_get(CHANNEL_AND_VIDEO, [VIDEO.key(channel_id=channel_id, id=video_id)])
        assert isinstance(video, Video)
        stocks = self._analyst.stocks_in_video(video.youtube_video_id, None, lambda: self._budget_seconds)
        for stock in stocks:
            mention = StockMention(id=str(uuid4()), video_id=video_id, ticker=stock.ticker)
            self._store.put(FINISH_VIDEO, Put(STOCK_MENTION, mention))
        self._count(channel_id)

    def _count(self, channel_id: ChannelId) -> None:
        channel = self._store.get(CHANNEL_BY_ID, id=channel_id)
        assert channel is not None
        channel = replace(channel, processed_video_count=channel.processed_video_count + 1)
        if channel.processed_video_count >= channel.video_count:
            channel = replace(channel, status="completed")
            self._log(channel_id, COMPLETED)
        self._store.put(CREATE_CHANNEL, Put(CHANNEL, channel))

    def _log(self, channel_id: ChannelId, text: str) -> None:
        line = LogLine(0, channel_id, "info", text, timestamp(utc_now()), id=str(uuid4()))
        self._store.put(APPEND_LOG, Put(PROCESSING_LOG, line))
