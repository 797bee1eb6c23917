"""The two channels of the sample world: which videos they have, derived from the calendar."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from cdk_app.services.stand_ins.answers import Answer
from cdk_app.services.stock_track_record.stand_ins.chance import number, youtube_video_id
from cdk_app.services.stock_track_record.stand_ins.models import Channel, Video
from cdk_app.services.stock_track_record.stand_ins.sample.episodes import Episode, episode, garden_episode

# A video every five days for a good 13 months: about 80 listed, 73 of them in a run of twelve months, 67 in eleven.
DAYS_BETWEEN_VIDEOS = 5
DAYS_LISTED = 400
DAYS_BETWEEN_GARDEN_VIDEOS = 30

RICH_CHANNEL = Channel(
    id="UCSampleStocks0000000001",
    title="Sample Stocks",
    handle="@SampleStocks",
    old_handles=("@SampleStocksTV",),
    usernames=("samplestocksofficial",),
)
SMALL_CHANNEL = Channel(id="UCDividendGarden00000002", title="Dividend Garden", handle="@DividendGarden")


@dataclass(frozen=True, slots=True)
class _Aired:
    """An episode and when it went on air; its place in the playlist goes by that, hidden or not."""

    at: datetime
    video_id: str
    episode: Episode

    @property
    def video(self) -> Video:
        return Video(
            id=self.video_id,
            title=self.episode.title,
            published_at=None if self.episode.is_hidden else self.at,
            duration_seconds=self.episode.duration_seconds,
        )


def sample_channels(now: datetime) -> tuple[Channel, ...]:
    """Both channels as they stand at `now`."""
    live = Video(
        id=youtube_video_id("live"),
        title="Market open LIVE: charts all day",
        published_at=datetime.combine(now.date().replace(day=1), time(), UTC),
        broadcast="live",
    )
    rich = _with_videos(RICH_CHANNEL, (live, *_nearly_newest_first(_rich_aired(now))))
    small = _with_videos(SMALL_CHANNEL, [aired.video for aired in _garden_aired(now)])
    return (rich, small)


def sample_answers(now: datetime) -> Mapping[str, Sequence[Answer]]:
    """What the video model says about each video of both channels."""
    return {aired.video_id: aired.episode.answers for aired in (*_rich_aired(now), *_garden_aired(now))}


def _with_videos(channel: Channel, videos: Sequence[Video]) -> Channel:
    return Channel(
        id=channel.id,
        title=channel.title,
        handle=channel.handle,
        old_handles=channel.old_handles,
        usernames=channel.usernames,
        videos=tuple(videos),
    )


def _rich_aired(now: datetime) -> list[_Aired]:
    return [
        _Aired(at, youtube_video_id(f"rich/{day}"), episode(slot))
        for slot, day, at in _slots(now, every_days=DAYS_BETWEEN_VIDEOS)
    ]


def _garden_aired(now: datetime) -> list[_Aired]:
    return [
        _Aired(at, youtube_video_id(f"garden/{day}"), garden_episode(slot))
        for slot, day, at in _slots(now, every_days=DAYS_BETWEEN_GARDEN_VIDEOS)
    ]


def _slots(now: datetime, *, every_days: int) -> Iterator[tuple[int, date, datetime]]:
    """Slot number, day and time on air, newest first. A slot number belongs to its day for ever."""
    today = now.date().toordinal()
    for slot in range(today // every_days, (today - DAYS_LISTED) // every_days, -1):
        day = date.fromordinal(slot * every_days)
        minutes = 12 * 60 + number(f"aired/{day}", 10 * 60)  # between noon and 22:00 UTC
        at = datetime.combine(day, time(), UTC) + timedelta(minutes=minutes, seconds=number(f"second/{day}", 60))
        if at <= now:
            yield slot, day, at


def _nearly_newest_first(aired: Sequence[_Aired]) -> list[Video]:
    """Every ninth pair stands the wrong way round, as premieres and scheduled videos do in real playlists."""
    videos = [each.video for each in aired]
    for index in range(3, len(videos) - 1, 9):
        videos[index], videos[index + 1] = videos[index + 1], videos[index]
    return videos
