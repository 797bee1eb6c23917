"""DynamoDB access of Stock Track Record: one repository per group of access patterns, joined by `Repository`."""

from dataclasses import dataclass

from lambda_src.services.stock_track_record.repository.base import Context
from lambda_src.services.stock_track_record.repository.channels import ChannelRepository
from lambda_src.services.stock_track_record.repository.logs import LogRepository
from lambda_src.services.stock_track_record.repository.mentions import MentionRepository
from lambda_src.services.stock_track_record.repository.purges import PurgeRepository
from lambda_src.services.stock_track_record.repository.runs import RunRepository
from lambda_src.services.stock_track_record.repository.stocks import SlotRepository, StockRepository
from lambda_src.services.stock_track_record.repository.upgrades import UpgradeRepository
from lambda_src.services.stock_track_record.repository.videos import VideoRepository
from lambda_src.services.stock_track_record.repository.work import WorkRepository


@dataclass(frozen=True, slots=True)
class Repository:
    """All access patterns of the service."""

    channels: ChannelRepository
    runs: RunRepository
    work: WorkRepository
    videos: VideoRepository
    mentions: MentionRepository
    logs: LogRepository
    purges: PurgeRepository
    stocks: StockRepository
    slots: SlotRepository
    upgrades: UpgradeRepository

    @classmethod
    def over(cls, context: Context) -> "Repository":
        """All repositories over one store, clock and log writer."""
        return cls(
            channels=ChannelRepository(context),
            runs=RunRepository(context),
            work=WorkRepository(context),
            videos=VideoRepository(context),
            mentions=MentionRepository(context),
            logs=LogRepository(context),
            purges=PurgeRepository(context),
            stocks=StockRepository(context),
            slots=SlotRepository(context),
            upgrades=UpgradeRepository(context),
        )
