"""A channel that the reference wrote, brought to today's layout."""

from typing import Literal

from lambda_src.runtime.deadline import Deadline
from lambda_src.services.stock_track_record.models import Channel, Mention
from lambda_src.services.stock_track_record.repository import Repository

type Upgraded = Literal["done", "late", "gone", "double"]


def upgrade_channel(repository: Repository, channel: Channel, deadline: Deadline) -> Upgraded:
    """Add what a channel without `layout` lacks, video by video; may be repeated after any interruption.

    Returns "late" when time ran out, "gone" when the channel is going away, "double" when another channel holds its
    identity: it has its copies then, but stays without `layout`. 1 Query for the videos, then per video 1 Query and 1
    transaction per 48 mentions.
    """
    for video in repository.videos.videos_of_channel(channel.id):
        if deadline.remaining_seconds() <= 0:
            return "late"
        homes = repository.mentions.mentions_of_video(video.id)
        if not repository.upgrades.upgrade_video(video, [Mention.of_video(video, home) for home in homes]):
            return "gone"
    return "done" if repository.upgrades.upgrade_channel(channel) else "double"
