"""Which use case a message belongs to, how long it may take, and what happens when its attempts run out."""

import math
from dataclasses import dataclass

from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.delivery import Delivery
from lambda_src.runtime.metrics import Metrics
from lambda_src.services.stock_track_record import messages
from lambda_src.services.stock_track_record.errors import LeaseHeld
from lambda_src.services.stock_track_record.models import ChannelId, RunId
from lambda_src.services.stock_track_record.prices.backfill import PriceWork
from lambda_src.services.stock_track_record.processing_log import ProcessingLog
from lambda_src.services.stock_track_record.runs.service import ListingService, Runs
from lambda_src.services.stock_track_record.settings import WorkerSettings
from lambda_src.services.stock_track_record.upkeep import UpkeepService
from lambda_src.services.stock_track_record.videos.service import AnalysisService


@dataclass(frozen=True, slots=True)
class Dispatcher:
    runs: Runs
    listing: ListingService
    analysis: AnalysisService
    prices: PriceWork
    upkeep: UpkeepService
    log: ProcessingLog
    queues: messages.Queues
    metrics: Metrics
    settings: WorkerSettings

    def handle(self, message: messages.Message, delivery: Delivery, deadline: Deadline) -> None:
        """Do what the message asks for. Raises a retryable AppError to have it delivered again."""
        match message:
            case messages.ChannelMessage():
                self.listing.list_channel(message, delivery)
            case messages.VideoMessage():
                self.analysis.analyse_video(message, delivery, deadline)
            case messages.BackfillMessage():
                if self.prices.backfill(message, delivery, deadline) and message.run_id is not None:
                    self.runs.complete_priced(ChannelId(message.channel_id), RunId(message.run_id))
            case messages.PricesMessage():
                self.prices.refresh(message, deadline)
            case messages.PurgeMessage():
                self.upkeep.purge(message, deadline)
            case messages.UpgradeMessage():
                self.upkeep.upgrade(message, deadline)

    def budget_seconds(self, message: messages.Message) -> float:
        """The longest time one delivery of the message may take."""
        match message:
            case messages.ChannelMessage():
                return self.settings.channel_budget_seconds
            case messages.VideoMessage():
                return self.settings.video_budget_seconds
            case messages.PricesMessage():
                return self.settings.prices_budget_seconds
            case _:
                return self.settings.maintenance_budget_seconds

    def exhausted(self, message: messages.Message, _delivery: Delivery, error: Exception) -> bool:
        """The last attempt failed. True when that is settled here; else the message goes to the dead-letter queue.

        A run whose channel cannot be listed fails. Prices are asked for again with the next visit. A video's attempts
        are counted on its item, so its message runs out only when the store or the provider was away all the time:
        the sweep sends it again with the run. A message of a run that met its own other deliveries until the end is
        sent anew, for a time when no lease of theirs can hold any more: they may all have died. Prices that somebody
        else is fetching need no second message.
        """
        if isinstance(error, LeaseHeld):
            if isinstance(message, messages.ChannelMessage | messages.VideoMessage):
                self.queues.runs.send(message, delay_seconds=math.ceil(self.budget_seconds(message)) + 1)
            return True
        match message:
            case messages.ChannelMessage():
                self.listing.give_up(message)
                return True
            case messages.BackfillMessage():
                line = "Prices could not be fetched after several attempts"
                self.log.append_log(ChannelId(message.channel_id), "warning", line)
                return True
            case messages.PricesMessage():
                self.metrics.count("PriceRefreshDropped")
                return True
            case _:
                return False
