"""The `video` message: lease the video, ask Gemini once, verify the tickers, write the outcome, close the run.

What a crash leaves behind, by the step it follows:

    lease            the lease passes before the message is visible again; the attempt is counted
    Gemini           asked again: the answer was not stored yet
    extraction       not asked again
    outcome (T4)     a repeat is refused by T4's first condition, and still tries to close the run
    run closed       a repeat of the same message asks for the prices, which nobody did yet
    backfill sent    a repeat sends one more, which finds nothing to do

The run is completed by the backfill, when it is known of every mention what it costs, or after two minutes without.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from lambda_src.dynamo.leases import Lease
from lambda_src.errors import AppError
from lambda_src.runtime.clock import Clock
from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.delivery import Delivery
from lambda_src.runtime.providers.errors import ProviderDisabled, ProviderThrottled
from lambda_src.services.stock_track_record import models
from lambda_src.services.stock_track_record.errors import VideoUnreadable
from lambda_src.services.stock_track_record.market.service import ShareVerifier
from lambda_src.services.stock_track_record.messages import Queues, VideoMessage
from lambda_src.services.stock_track_record.models import valid_ticker
from lambda_src.services.stock_track_record.processing_log import Line, ProcessingLog
from lambda_src.services.stock_track_record.runs.service import Runs, check_not_mine
from lambda_src.services.stock_track_record.settings import WorkerSettings
from lambda_src.services.stock_track_record.videos.clients import VideoAnalyst
from lambda_src.services.stock_track_record.videos.repository import VideoOutcome, VideoRepository
from lambda_src.services.stock_track_record.videos.rules import ExtractedStock, one_per_ticker

logger = logging.getLogger(__name__)

_MAX_ATTEMPTS: Final = 4
_MAX_THROTTLES: Final = 40
_MAX_DELAY_SECONDS: Final = 900  # what SQS allows
_THROTTLE_BASE_SECONDS: Final = 15
_HANDED_OVER_SECONDS: Final = 300  # a throttled video is kept that long after its message becomes visible
_MAX_MENTIONS: Final = 100


@dataclass(frozen=True, slots=True)
class AnalysisService:
    repository: VideoRepository
    runs: Runs
    log: ProcessingLog
    queues: Queues
    analyst: VideoAnalyst
    verifier: ShareVerifier
    clock: Clock
    settings: WorkerSettings

    def analyse_video(self, message: VideoMessage, delivery: Delivery, deadline: Deadline) -> None:
        """Bring one video of a run to its outcome. Raises LeaseHeld and ProviderUnavailable to be tried again."""
        channel_id, run_id = models.ChannelId(message.channel_id), models.RunId(message.run_id)
        channel, video = self.runs.channel_and_video(channel_id, models.VideoId(message.video_id))
        if channel is None or video is None or not channel.is_in_run(run_id):
            return
        if video.analysis_status == "pending" and video.run_id == run_id:
            lease = Lease(delivery.message_id, delivery.receive_count)
            attempt = self.repository.lease_video(video, lease, seconds=self.settings.video_budget_seconds)
            if attempt is None:
                _, current = self.runs.channel_and_video(channel_id, video.id)
                check_not_mine(lease, None if current is None else current.lease_by)
                return
            try:
                if not self._attempt(video, attempt, lease, deadline):
                    return
            except AppError:
                self.repository.release_video(video, lease)
                raise
        self.runs.close_if_counted(channel_id, run_id, delivery.message_id)

    def _attempt(self, video: models.Video, attempt: int, lease: Lease, deadline: Deadline) -> bool:
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
            return self._fail(video, exc.detail, transcript_failed=exc.transcript_failed)
        except ProviderDisabled as exc:
            self.runs.fail_run(video.channel_id, video.run_id, exc.detail)
            return False
        self._store(video, extraction, deadline)
        return True

    def _ask(self, video: models.Video, attempt: int, deadline: Deadline) -> Sequence[Mapping[str, Any]]:
        """Gemini's answer, kept before anything else is done with it: it was paid for."""
        again = f" (attempt {attempt})" if attempt > 1 else ""
        self.log.append_log(video.channel_id, "info", f"Analysing {video.title[:50]}{again}")
        stocks = self.analyst.stocks_in_video(
            video.youtube_video_id, video.duration_seconds, deadline.remaining_seconds
        )
        extraction = [stock.kept for stock in stocks]
        self.repository.save_extraction(video, extraction)
        return extraction

    def _postpone(self, video: models.Video, lease: Lease, throttled: ProviderThrottled) -> bool:
        """Send the same message again, later; the attempt does not count. Always False: there is no outcome yet."""
        backoff = min(_MAX_DELAY_SECONDS, _THROTTLE_BASE_SECONDS * 2 ** (video.throttles + 1))
        delay = min(_MAX_DELAY_SECONDS, max(round(throttled.retry_after_seconds or 0), backoff))
        message = VideoMessage(channel_id=video.channel_id, run_id=video.run_id, video_id=video.id)
        message_id = self.queues.runs.send(message, delay_seconds=delay)
        self.repository.hand_over_video(video, lease, message_id, seconds=delay + _HANDED_OVER_SECONDS)
        self.repository.mark_touched(video.channel_id, video.run_id)
        if video.throttles == 0:
            line = f"Rate limit reached for {video.title[:40]}, trying again in {delay} seconds"
            self.log.append_log(video.channel_id, "warning", line)
        return False

    def _fail(self, video: models.Video, reason: str, *, transcript_failed: bool) -> bool:
        outcome = VideoOutcome(
            analysis_status="failed",
            transcript_status="failed" if transcript_failed else video.transcript_status,
            failure_reason=reason,
        )
        line = Line("warning", f"Video {video.title[:40]} failed: {reason}")
        self.repository.finish_video(video, outcome, line)
        return True

    def _store(self, video: models.Video, extraction: Sequence[Mapping[str, Any]], deadline: Deadline) -> None:
        stocks, dropped = self._accepted([ExtractedStock(**kept) for kept in extraction], deadline)
        if dropped:
            reasons = "; ".join(f"{ticker} ({reason})" for ticker, reason in dropped)
            self.log.append_log(video.channel_id, "warning", f"Dropped from {video.title[:40]}: {reasons}")
        now = models.timestamp(self.clock())
        mentions = tuple(_mention(video, stock, now) for stock in stocks[:_MAX_MENTIONS])
        found = f"{len(mentions)} mentions" if mentions else "No mentions"
        outcome = VideoOutcome("completed", "fetched", mentions)
        line = Line("info", f"{found} in {video.title[:40]}")
        result = self.repository.finish_video(video, outcome, line)
        logger.info(
            "video analysed",
            extra={"channel_id": video.channel_id, "video_id": video.id, "mentions": len(mentions), "result": result},
        )

    def _accepted(
        self, stocks: Iterable[ExtractedStock], deadline: Deadline
    ) -> tuple[list[ExtractedStock], list[tuple[str, str]]]:
        """The accepted stocks under their canonical tickers, one per ticker, and what was dropped with its reason."""
        dropped: list[tuple[str, str]] = []
        named: list[ExtractedStock] = []
        excluded = self.settings.excluded
        for stock in stocks:
            ticker = valid_ticker(stock.ticker, excluded)
            if ticker is None:
                dropped.append((stock.ticker[:20], "no US share"))
            else:
                named.append(replace(stock, ticker=ticker))
        unique = one_per_ticker(named)
        shares = self.verifier.verified([stock.ticker for stock in unique], deadline)
        accepted = []
        for stock in unique:
            share = shares[stock.ticker]
            if share.listing == "rejected":
                dropped.append((share.ticker, share.rejected_reason or "no US share"))
            else:
                accepted.append(stock)
        return accepted, dropped


def _mention(video: models.Video, stock: ExtractedStock, now: str) -> models.Mention:
    """The ticker is a canonical one here."""
    home = models.StockMention(
        id=models.mention_id(video.id, stock.ticker),
        video_id=video.id,
        ticker=stock.ticker,
        sentiment=stock.sentiment,
        created_at=now,
        confidence_score=stock.confidence,
        context_snippet=stock.context,
    )
    return models.Mention.of_video(video, home)
