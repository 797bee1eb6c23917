"""Videos of a channel: leased to one worker at a time, finished exactly once (T4, T4u)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from lambda_src.dynamo import leases
from lambda_src.dynamo.errors import ConditionFailed, TransactionCancelled, applied
from lambda_src.dynamo.leases import Lease
from lambda_src.dynamo.schema import AccessPattern
from lambda_src.dynamo.store import Action, Attr, Check, Condition, Put, Store, Update, UpdateItem
from lambda_src.runtime.clock import Clock, epoch_ms
from lambda_src.services.stock_track_record import models, tables
from lambda_src.services.stock_track_record.processing_log import Line, ProcessingLog

Finish = Literal["counted", "stored", "already", "gone"]

_MENTIONS_WITH_OUTCOME: Final = 48  # video, channel, log line and index, then two puts each: 100 actions
_MENTIONS_ALONE: Final = 49  # condition check and index, then two puts each: 100 actions


@dataclass(frozen=True, slots=True)
class VideoOutcome:
    """How the analysis of a video ended."""

    analysis_status: models.AnalysisStatus
    transcript_status: models.TranscriptStatus
    mentions: tuple[models.Mention, ...] = ()
    failure_reason: str | None = None


@dataclass(frozen=True, slots=True)
class VideoRepository:
    store: Store
    log: ProcessingLog
    clock: Clock

    def lease_video(self, video: models.Video, lease: Lease, *, seconds: float) -> int | None:
        """Take the right to analyse the video and count the attempt.

        Returns the number of this attempt, or None when the video is finished, in another run or somebody else's.
        1 request.
        """
        now_ms = epoch_ms(self.clock())
        update = leases.take(Update().add(attempts=1), lease, until_ms=now_ms + int(seconds * 1000))
        condition = _pending_in(video.run_id) & leases.can_take(lease, now_ms=now_ms)
        change = UpdateItem(tables.VIDEO.key_of(video), update, condition)
        try:
            return int(self.store.update(tables.LEASE_VIDEO, change, returning="UPDATED_NEW")["attempts"])
        except ConditionFailed:
            return None

    def release_video(self, video: models.Video, lease: Lease) -> bool:
        """Give the right back after a failure, so that the next delivery may go on at once. 1 request."""
        return self._update(tables.RELEASE_VIDEO, video, leases.release(Update()), leases.is_held(lease))

    def hand_over_video(self, video: models.Video, lease: Lease, message_id: str, *, seconds: float) -> bool:
        """Keep the video for a message that was sent with a delay; the attempt did not count. 1 request."""
        until_ms = epoch_ms(self.clock()) + int(seconds * 1000)
        update = leases.hand_over(Update().add(attempts=-1, throttles=1), message_id, until_ms=until_ms)
        return self._update(tables.HAND_OVER_VIDEO, video, update, _pending_in(video.run_id) & leases.is_held(lease))

    def mark_touched(self, channel_id: models.ChannelId, run_id: models.RunId) -> bool:
        """The run is alive although nothing finishes: it waits for a provider. 1 request."""
        touched = Update().set(touched_at=models.timestamp(self.clock()))
        change = UpdateItem(tables.ACTIVE_RUN.key(channel_id=channel_id), touched, Attr("run_id").eq(run_id))
        return applied(self.store.update, tables.MARK_TOUCHED, change)

    def save_extraction(self, video: models.Video, extraction: Sequence[Mapping[str, object]]) -> bool:
        """Keep the paid answer. False when the video is finished or another answer is there already. 1 request."""
        update = Update().set(extraction=list(extraction), transcript_status="fetched")
        condition = _pending_in(video.run_id) & Attr("extraction").not_exists()
        return self._update(tables.SAVE_EXTRACTION, video, update, condition)

    def finish_video(self, video: models.Video, outcome: VideoOutcome, line: Line) -> Finish:
        """T4: write the outcome and the mentions and count the video, once.

        Returns "counted"; "stored" when the run is over but the channel lives (T4u: the paid result is kept without
        counting it); "already" when the video was finished before; "gone" when the channel is.
        1 request up to 48 mentions, one more per further 49; one more each for T4u and the question why.
        """
        alive = Check(tables.CHANNEL.key(id=video.channel_id), tables.ALIVE)
        mentions = outcome.mentions
        while len(mentions) > _MENTIONS_WITH_OUTCOME:
            ahead, mentions = mentions[:_MENTIONS_ALONE], mentions[_MENTIONS_ALONE:]
            if not applied(self.store.transact, tables.FINISH_VIDEO, [alive, *_mention_actions(video, ahead)]):
                return "gone"
        rest = _mention_actions(video, mentions)
        finish = _finish_action(video, outcome)
        count = self._count_action(video, failed=outcome.analysis_status == "failed")
        try:
            self.log.transact(tables.FINISH_VIDEO, [finish, count, *rest], video.channel_id, line)
        except TransactionCancelled as exc:
            if exc.failed(0):
                return "already"
        else:
            return "counted"
        try:
            self.store.transact(tables.FINISH_VIDEO, [finish, alive, *rest])
        except TransactionCancelled as exc:
            return "already" if exc.failed(0) else "gone"
        return "stored"

    def _count_action(self, video: models.Video, *, failed: bool) -> UpdateItem:
        update = Update().set(updated_at=models.timestamp(self.clock())).add(processed_video_count=1)
        return UpdateItem(
            tables.CHANNEL.key(id=video.channel_id),
            update.add(failed_video_count=1) if failed else update,
            tables.in_run(video.run_id) & Attr("processed_video_count").lt(Attr("video_count")),
        )

    def _update(self, pattern: AccessPattern[Any], video: models.Video, update: Update, condition: Condition) -> bool:
        return applied(self.store.update, pattern, UpdateItem(tables.VIDEO.key_of(video), update, condition))


def _mention_actions(video: models.Video, mentions: Sequence[models.Mention]) -> list[Action]:
    if not mentions:
        return []
    actions: list[Action] = [tables.index_tickers(video.channel_id, mentions)]
    for mention in mentions:
        actions += [Put(tables.STOCK_MENTION, mention), Put(tables.CHANNEL_MENTION, mention)]
    return actions


def _finish_action(video: models.Video, outcome: VideoOutcome) -> UpdateItem:
    statuses = Update().set(analysis_status=outcome.analysis_status, transcript_status=outcome.transcript_status)
    update = leases.release(statuses).remove("extraction")
    if outcome.failure_reason:
        update = update.set(failure_reason=outcome.failure_reason[:300])
    else:
        update = update.remove("failure_reason")
    return UpdateItem(tables.VIDEO.key_of(video), update, _pending_in(video.run_id))


def _pending_in(run_id: str) -> Condition:
    return Attr("analysis_status").eq("pending") & Attr("run_id").eq(run_id)
