"""The `video` message: lease the video, ask Gemini once, verify the tickers, write the outcome, complete the run.

What a crash leaves behind, by the step it follows:

    lease            the lease passes before the message is visible again; the attempt is counted
    Gemini           asked again: the answer was not stored yet
    extraction       not asked again
    outcome (T4)     a repeat is refused by T4's first condition, and still tries to complete the run
    backfill sent    a repeat sends one more, which finds nothing to do
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lambda_src.errors import AppError
from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.delivery import Delivery
from lambda_src.services.stock_track_record.clients.gemini import GeminiClient
from lambda_src.services.stock_track_record.errors import ProviderDisabled, ProviderThrottled, VideoUnreadable
from lambda_src.services.stock_track_record.messages import VideoMessage
from lambda_src.services.stock_track_record.models import (
    ChannelId,
    Item,
    Mention,
    RunId,
    Video,
    VideoId,
    VideoOutcome,
)
from lambda_src.services.stock_track_record.repository.base import Line
from lambda_src.services.stock_track_record.repository.leases import Lease
from lambda_src.services.stock_track_record.rules.dates import timestamp
from lambda_src.services.stock_track_record.rules.extraction import ExtractedStock
from lambda_src.services.stock_track_record.rules.ids import mention_id
from lambda_src.services.stock_track_record.service.parts import WorkerParts, check_not_mine, lease_of
from lambda_src.services.stock_track_record.service.verification import TickerVerifier

logger = logging.getLogger(__name__)

_MAX_ATTEMPTS: Final = 4
_MAX_THROTTLES: Final = 40
_MAX_DELAY_SECONDS: Final = 900  # what SQS allows
_THROTTLE_BASE_SECONDS: Final = 15
_HANDED_OVER_SECONDS: Final = 300  # a throttled video is kept that long after its message becomes visible
_MAX_MENTIONS: Final = 100


@dataclass(frozen=True, slots=True)
class AnalysisService:
    """Use cases of the `video` message."""

    parts: WorkerParts
    gemini: GeminiClient
    verifier: TickerVerifier
    lease_seconds: float

    def analyse_video(self, message: VideoMessage, delivery: Delivery, deadline: Deadline) -> None:
        """Bring one video of a run to its outcome. Raises LeaseHeld and ProviderUnavailable to be tried again."""
        channel_id, run_id = ChannelId(message.channel_id), RunId(message.run_id)
        videos = self.parts.repository.videos
        channel, video = videos.channel_and_video(channel_id, VideoId(message.video_id))
        if channel is None or video is None or not channel.is_in_run(run_id):
            return
        if video.analysis_status == "pending" and video.run_id == run_id:
            lease = lease_of(delivery)
            attempt = videos.lease_video(video, lease, seconds=self.lease_seconds)
            if attempt is None:
                self._yield_to_holder(video, lease)
                return
            try:
                if not self._attempt(video, attempt, lease, deadline):
                    return
            except AppError:
                videos.release_video(video, lease)
                raise
        self.parts.complete_if_finished(channel_id, run_id)

    def _yield_to_holder(self, video: Video, lease: Lease) -> None:
        _, current = self.parts.repository.videos.channel_and_video(video.channel_id, video.id)
        check_not_mine(lease, None if current is None else current.lease_by)

    # ---- steps -----------------------------------------------------------------------------------------------------

    def _attempt(self, video: Video, attempt: int, lease: Lease, deadline: Deadline) -> bool:
        """Whether the video has its outcome now; False when it waits for the provider or the run failed."""
        if attempt > _MAX_ATTEMPTS:
            return self._fail(video, f"given up after {_MAX_ATTEMPTS} attempts", transcript_failed=False)
        try:
            kept = video.extraction
            extraction = self._ask(video, attempt, deadline) if kept is None else kept
        except ProviderThrottled as exc:
            if video.throttles + 1 > _MAX_THROTTLES:
                return self._fail(video, "the provider's limit was reached too often", transcript_failed=False)
            return self._postpone(video, lease, exc)
        except VideoUnreadable as exc:
            return self._fail(video, exc.reason, transcript_failed=exc.transcript_failed)
        except ProviderDisabled as exc:
            self.parts.fail_run(video.channel_id, video.run_id, exc.reason)
            return False
        self._store(video, extraction, deadline)
        return True

    def _ask(self, video: Video, attempt: int, deadline: Deadline) -> Sequence[Item]:
        """Gemini's answer, kept before anything else is done with it: it was paid for."""
        again = f" (attempt {attempt})" if attempt > 1 else ""
        self.parts.log(video.channel_id, "info", f"Analysing {video.title[:50]}{again}")
        stocks = self.gemini.stocks_in_video(video.youtube_video_id, video.duration_seconds, deadline.remaining_seconds)
        extraction = [_to_item(stock) for stock in stocks]
        self.parts.repository.videos.save_extraction(video, extraction)
        return extraction

    def _postpone(self, video: Video, lease: Lease, throttled: ProviderThrottled) -> bool:
        """Send the same message again, later; the attempt does not count. Always False: there is no outcome yet."""
        backoff = min(_MAX_DELAY_SECONDS, _THROTTLE_BASE_SECONDS * 2 ** (video.throttles + 1))
        delay = min(_MAX_DELAY_SECONDS, max(round(throttled.retry_after_seconds or 0), backoff))
        message = VideoMessage(channel_id=video.channel_id, run_id=video.run_id, video_id=video.id)
        message_id = self.parts.queues.send(message, delay_seconds=delay)
        self.parts.repository.videos.hand_over_video(video, lease, message_id, seconds=delay + _HANDED_OVER_SECONDS)
        self.parts.repository.work.mark_touched(video.channel_id, video.run_id)
        if video.throttles == 0:
            line = f"Rate limit reached for {video.title[:40]}, trying again in {delay} seconds"
            self.parts.log(video.channel_id, "warning", line)
        return False

    def _fail(self, video: Video, reason: str, *, transcript_failed: bool) -> bool:
        outcome = VideoOutcome(
            analysis_status="failed",
            transcript_status="failed" if transcript_failed else video.transcript_status,
            failure_reason=reason,
        )
        line = Line("warning", f"Video {video.title[:40]} failed: {reason}")
        self.parts.repository.videos.finish_video(video, outcome, line)
        return True

    def _store(self, video: Video, extraction: Sequence[Item], deadline: Deadline) -> None:
        stocks, dropped = self.verifier.accepted([_from_item(item) for item in extraction], deadline)
        if dropped:
            reasons = "; ".join(f"{ticker} ({reason})" for ticker, reason in dropped)
            self.parts.log(video.channel_id, "warning", f"Dropped from {video.title[:40]}: {reasons}")
        now = timestamp(self.parts.clock())
        mentions = tuple(_mention(video, stock, now) for stock in stocks[:_MAX_MENTIONS])
        found = f"{len(mentions)} mentions" if mentions else "No mentions"
        outcome = VideoOutcome("completed", "fetched", mentions)
        line = Line("info", f"{found} in {video.title[:40]}")
        result = self.parts.repository.videos.finish_video(video, outcome, line)
        logger.info(
            "video analysed",
            extra={"channel_id": video.channel_id, "video_id": video.id, "mentions": len(mentions), "result": result},
        )


def _to_item(stock: ExtractedStock) -> dict[str, object]:
    values = {
        "ticker": stock.ticker_text,
        "sentiment": stock.sentiment,
        "context": stock.context,
        "confidence": stock.confidence,
    }
    return {name: value for name, value in values.items() if value is not None}


def _from_item(item: Item) -> ExtractedStock:
    return ExtractedStock(
        ticker_text=item["ticker"],
        sentiment=item["sentiment"],
        context=item.get("context"),
        confidence=item.get("confidence"),
    )


def _mention(video: Video, stock: ExtractedStock, now: str) -> Mention:
    """ticker_text is a canonical ticker here."""
    return Mention(
        id=mention_id(video.id, stock.ticker_text),
        channel_id=video.channel_id,
        video_id=video.id,
        ticker=stock.ticker_text,
        sentiment=stock.sentiment,
        published_at=video.published_at,
        created_at=now,
        youtube_video_id=video.youtube_video_id,
        video_title=video.title,
        video_created_at=video.created_at,
        confidence_score=stock.confidence,
        context_snippet=stock.context,
    )
