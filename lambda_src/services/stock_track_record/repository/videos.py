"""Videos of a channel: registered once, leased to one worker at a time, finished exactly once (T4, T4u, T10)."""

from collections.abc import Sequence
from typing import Final, Literal

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

from lambda_src.dynamo.errors import TransactionCancelled
from lambda_src.dynamo.store import Action, Change, Check, Put
from lambda_src.dynamo.updates import Update
from lambda_src.services.stock_track_record.models import (
    Channel,
    ChannelId,
    Item,
    Mention,
    RunId,
    Video,
    VideoId,
    VideoOutcome,
)
from lambda_src.services.stock_track_record.repository import leases
from lambda_src.services.stock_track_record.repository.base import (
    ABSENT,
    ALIVE,
    EXISTS,
    Context,
    Line,
    in_run,
    index_attributes,
    sort_prefix,
)
from lambda_src.services.stock_track_record.repository.channels import channel_key
from lambda_src.services.stock_track_record.repository.leases import Lease
from lambda_src.services.stock_track_record.repository.mentions import mention_puts, tickers_change
from lambda_src.services.stock_track_record.tables import GSI3, MAIN, VIDEO, VIDEO_CLAIM

Finish = Literal["counted", "stored", "already", "gone"]

VIDEOS_PER_TRANSACTION: Final = 49  # a claim and a video each, and one condition check: 99 of 100 actions
_MENTIONS_WITH_OUTCOME: Final = 48  # video, channel, log line and index, then two puts each: 100 actions
_MENTIONS_ALONE: Final = 49  # condition check and index, then two puts each: 100 actions


class VideoRepository:
    """Access patterns of videos."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    # ---- reads -----------------------------------------------------------------------------------------------------

    def videos_of_channel(self, channel_id: ChannelId, *, consistent: bool = True) -> list[Video]:
        """Every known video, in no useful order. 1 request per MB; 0.15 RRU per video of 0.6 KB."""
        items = self._store.query_items(MAIN, _videos_key(channel_id), consistent=consistent)
        return [Video.from_item(item) for item in items]

    def has_videos(self, channel_id: ChannelId) -> bool:
        """Whether the channel has any video. 1 request."""
        return bool(self._store.query_items(MAIN, _videos_key(channel_id), limit=1, stop_after=1))

    def channel_and_video(self, channel_id: ChannelId, video_id: VideoId) -> tuple[Channel | None, Video | None]:
        """Both as they are this instant. 1 request, 2 RRU (strongly consistent)."""
        keys = [(MAIN, channel_key(channel_id)), (MAIN, video_key(channel_id, video_id))]
        channel: Channel | None = None
        video: Video | None = None
        for item in self._store.batch_get(keys, consistent=True):
            if item["SK"] == keys[0][1]["SK"]:
                channel = Channel.from_item(item)
            else:
                video = Video.from_item(item)
        return channel, video

    def videos_by_youtube_id(self, youtube_video_id: str) -> list[Video]:
        """Support: every channel's item of this YouTube video. 2 requests; GSI3 lags by up to about a second."""
        key = Key("GSI3PK").eq(VIDEO.index_keys["GSI3PK"].build(youtube_video_id=youtube_video_id))
        found = self._store.query_items(MAIN, key, index=GSI3)
        keys = [(MAIN, {"PK": item["PK"], "SK": item["SK"]}) for item in found]
        return [Video.from_item(item) for item in self._store.batch_get(keys)] if keys else []

    # ---- listing ---------------------------------------------------------------------------------------------------

    def register_videos(self, channel_id: ChannelId, run_id: RunId, videos: Sequence[Video]) -> bool:
        """T10: add up to 49 new videos and their claims to the run while it is being listed.

        False when one of them is known already, or the run is over: read again what is known. 1 request.
        """
        actions: list[Action] = [
            Check(MAIN, channel_key(channel_id), in_run(run_id) & Attr("listed").eq(False)),
        ]
        for video in videos:
            actions += [Put(MAIN, item(video), condition=ABSENT) for item in (video_claim_item, video_item)]
        try:
            self._store.transact(actions)
        except TransactionCancelled:
            return False
        return True

    def requeue_video(self, video: Video, run_id: RunId) -> bool:
        """Put a failed or left-over video into the run. False when it was analysed meanwhile. 1 request."""
        update = leases.release(Update().set(run_id=run_id, analysis_status="pending", attempts=0, throttles=0))
        other_run = Attr("run_id").not_exists() | Attr("run_id").ne(run_id)
        condition = EXISTS & Attr("analysis_status").ne("completed") & other_run
        return self._update(video.channel_id, video.id, update, condition)

    # ---- analysis --------------------------------------------------------------------------------------------------

    def lease_video(self, video: Video, lease: Lease, *, seconds: float) -> int | None:
        """Take the right to analyse the video and count the attempt.

        Returns the number of this attempt, or None when the video is finished, in another run or somebody else's.
        1 request.
        """
        now_ms = self._context.now_ms()
        update = leases.take(Update().add(attempts=1), lease, until_ms=now_ms + int(seconds * 1000))
        condition = _pending_in(video.run_id) & leases.can_take(lease, now_ms=now_ms)
        attempt = 0

        def write() -> None:
            nonlocal attempt
            changed = self._store.update(
                MAIN, video_key(video.channel_id, video.id), update, condition=condition, returning="UPDATED_NEW"
            )
            attempt = changed["attempts"]

        return attempt if self._context.applied(write) else None

    def release_video(self, video: Video, lease: Lease) -> bool:
        """Give the right back after a failure, so that the next delivery may go on at once. 1 request."""
        return self._update(video.channel_id, video.id, leases.release(Update()), leases.is_held(lease))

    def hand_over_video(self, video: Video, lease: Lease, message_id: str, *, seconds: float) -> bool:
        """Keep the video for a message that was sent with a delay; the attempt did not count. 1 request."""
        until_ms = self._context.now_ms() + int(seconds * 1000)
        update = leases.hand_over(Update().add(attempts=-1, throttles=1), message_id, until_ms=until_ms)
        return self._update(video.channel_id, video.id, update, _pending_in(video.run_id) & leases.is_held(lease))

    def save_extraction(self, video: Video, extraction: Sequence[Item]) -> bool:
        """Keep the paid answer. False when the video is finished or another answer is there already. 1 request."""
        update = Update().set(extraction=list(extraction), transcript_status="fetched")
        condition = _pending_in(video.run_id) & Attr("extraction").not_exists()
        return self._update(video.channel_id, video.id, update, condition)

    def finish_video(self, video: Video, outcome: VideoOutcome, line: Line) -> Finish:
        """T4: write the outcome and the mentions and count the video, once.

        Returns "counted"; "stored" when the run is over but the channel lives (T4u: the paid result is kept without
        counting it); "already" when the video was finished before; "gone" when the channel is.
        1 request up to 48 mentions, one more per further 49; one more each for T4u and the question why.
        """
        mentions = outcome.mentions
        while len(mentions) > _MENTIONS_WITH_OUTCOME:
            if not self._write_mentions_ahead(video, mentions[:_MENTIONS_ALONE]):
                return "gone"
            mentions = mentions[_MENTIONS_ALONE:]
        rest = self._mention_actions(video, mentions)
        finish = self._finish_action(video, outcome)
        count = self._count_action(video, failed=outcome.analysis_status == "failed")
        try:
            self._context.transact([finish, count, *rest], video.channel_id, line)
        except TransactionCancelled as exc:
            if exc.failed(0):
                return "already"
        else:
            return "counted"
        try:
            self._store.transact([finish, Check(MAIN, channel_key(video.channel_id), ALIVE), *rest])
        except TransactionCancelled as exc:
            return "already" if exc.failed(0) else "gone"
        return "stored"

    def _write_mentions_ahead(self, video: Video, mentions: Sequence[Mention]) -> bool:
        check = Check(MAIN, channel_key(video.channel_id), ALIVE)
        try:
            self._store.transact([check, *self._mention_actions(video, mentions)])
        except TransactionCancelled:
            return False
        return True

    def _mention_actions(self, video: Video, mentions: Sequence[Mention]) -> list[Action]:
        if not mentions:
            return []
        puts = (put for mention in mentions for put in mention_puts(mention))
        return [tickers_change(video.channel_id, {mention.ticker for mention in mentions}), *puts]

    def _finish_action(self, video: Video, outcome: VideoOutcome) -> Change:
        update = leases.release(
            Update().set(analysis_status=outcome.analysis_status, transcript_status=outcome.transcript_status)
        ).remove("extraction")
        if outcome.failure_reason:
            update = update.set(failure_reason=outcome.failure_reason[:300])
        else:
            update = update.remove("failure_reason")
        return Change(MAIN, video_key(video.channel_id, video.id), update, condition=_pending_in(video.run_id))

    def _count_action(self, video: Video, *, failed: bool) -> Change:
        update = Update().set(updated_at=self._context.now()).add(processed_video_count=1)
        return Change(
            MAIN,
            channel_key(video.channel_id),
            update.add(failed_video_count=1) if failed else update,
            condition=in_run(video.run_id) & Attr("processed_video_count").lt(Attr("video_count")),
        )

    def _update(self, channel_id: ChannelId, video_id: VideoId, update: Update, condition: ConditionBase) -> bool:
        key = video_key(channel_id, video_id)
        return self._context.applied(lambda: self._store.update(MAIN, key, update, condition=condition))


def _pending_in(run_id: str) -> ConditionBase:
    return Attr("analysis_status").eq("pending") & Attr("run_id").eq(run_id)


def _videos_key(channel_id: ChannelId) -> ConditionBase:
    partition = VIDEO.partition.build(channel_id=channel_id)
    return Key("PK").eq(partition) & Key("SK").begins_with(sort_prefix(VIDEO))


def video_key(channel_id: ChannelId, video_id: VideoId) -> dict[str, str]:
    return MAIN.key(VIDEO, channel_id=channel_id, video_id=video_id)


def video_item(video: Video) -> dict[str, object]:
    """The stored form of a new video."""
    return {
        **video_key(video.channel_id, video.id),
        **index_attributes(VIDEO, youtube_video_id=video.youtube_video_id),
        "entity_type": VIDEO.name,
        "id": video.id,
        "channel_id": video.channel_id,
        "youtube_video_id": video.youtube_video_id,
        "title": video.title,
        "url": video.url,
        "published_at": video.published_at,
        "created_at": video.created_at,
        "transcript_status": video.transcript_status,
        "analysis_status": video.analysis_status,
        "run_id": video.run_id,
        "attempts": video.attempts,
        "throttles": video.throttles,
        "duration_seconds": video.duration_seconds,
    }


def video_claim_item(video: Video) -> dict[str, object]:
    """The sentinel item: the channel has this YouTube video."""
    return {
        **MAIN.key(VIDEO_CLAIM, channel_id=video.channel_id, youtube_video_id=video.youtube_video_id),
        "entity_type": VIDEO_CLAIM.name,
        "video_id": video.id,
        "created_at": video.created_at,
    }
