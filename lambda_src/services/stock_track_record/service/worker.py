"""Which use case a message belongs to, how long it may take, and what happens when its attempts run out."""

import math
from dataclasses import dataclass

from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.delivery import Delivery
from lambda_src.services.stock_track_record.errors import LeaseHeld
from lambda_src.services.stock_track_record.messages import (
    BackfillMessage,
    ChannelMessage,
    Message,
    PricesMessage,
    PurgeMessage,
    UpgradeMessage,
    VideoMessage,
)
from lambda_src.services.stock_track_record.models import ChannelId
from lambda_src.services.stock_track_record.service.analysis import AnalysisService
from lambda_src.services.stock_track_record.service.listing import ListingService
from lambda_src.services.stock_track_record.service.maintenance import MaintenanceService
from lambda_src.services.stock_track_record.service.parts import WorkerParts
from lambda_src.services.stock_track_record.service.price_work import PriceWork
from lambda_src.services.stock_track_record.settings import WorkerSettings


@dataclass(frozen=True, slots=True)
class WorkerService:
    """Everything the worker function does."""

    parts: WorkerParts
    listing: ListingService
    analysis: AnalysisService
    prices: PriceWork
    maintenance: MaintenanceService
    settings: WorkerSettings

    def handle(self, message: Message, delivery: Delivery, deadline: Deadline) -> None:
        """Do what the message asks for. Raises a retryable AppError to have it delivered again."""
        match message:
            case ChannelMessage():
                self.listing.list_channel(message, delivery)
            case VideoMessage():
                self.analysis.analyse_video(message, delivery, deadline)
            case BackfillMessage():
                self.prices.backfill(message, delivery, deadline)
            case PricesMessage():
                self.prices.refresh(message, deadline)
            case PurgeMessage():
                self.maintenance.purge(message, deadline)
            case UpgradeMessage():
                self.maintenance.upgrade(message, deadline)

    def budget_seconds(self, message: Message) -> float:
        """The longest time one delivery of the message may take."""
        match message:
            case ChannelMessage():
                return self.settings.channel_budget_seconds
            case VideoMessage():
                return self.settings.video_budget_seconds
            case PricesMessage():
                return self.settings.prices_budget_seconds
            case _:
                return self.settings.maintenance_budget_seconds

    def exhausted(self, message: Message, _delivery: Delivery, error: Exception) -> bool:
        """The last attempt failed. True when that is settled here; else the message goes to the dead-letter queue.

        A run whose channel cannot be listed fails. Prices are asked for again with the next visit. A video's attempts
        are counted on its item, so its message runs out only when the store or the provider was away all the time:
        the sweep sends it again with the run. A message of a run that met its own other deliveries until the end is
        sent anew, for a time when no lease of theirs can hold any more: they may all have died. Prices that somebody
        else is fetching need no second message.
        """
        if isinstance(error, LeaseHeld):
            if isinstance(message, ChannelMessage | VideoMessage):
                self.parts.queues.send(message, delay_seconds=math.ceil(self.budget_seconds(message)) + 1)
            return True
        match message:
            case ChannelMessage():
                self.listing.give_up(message)
                return True
            case BackfillMessage():
                line = "Prices could not be fetched after several attempts"
                self.parts.log(ChannelId(message.channel_id), "warning", line)
                return True
            case PricesMessage():
                self.parts.count("PriceRefreshDropped")
                return True
            case _:
                return False
