"""The `prices` and `backfill` messages: current prices of shares, closing prices of mentions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Final

from lambda_src.dynamo.leases import Lease
from lambda_src.dynamo.store import Store
from lambda_src.runtime.clock import Clock
from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.delivery import Delivery
from lambda_src.services.stock_track_record import tables
from lambda_src.services.stock_track_record.errors import LeaseHeld
from lambda_src.services.stock_track_record.market.clients import YahooChart
from lambda_src.services.stock_track_record.market.rules import close_on, history_period, is_closed
from lambda_src.services.stock_track_record.market.service import Market, Shares, us_exchange
from lambda_src.services.stock_track_record.messages import BackfillMessage, PricesMessage, Queues
from lambda_src.services.stock_track_record.models import ChannelId, Mention, timestamp
from lambda_src.services.stock_track_record.prices.repository import FoundPrice, PriceRepository
from lambda_src.services.stock_track_record.prices.service import due_for_pricing
from lambda_src.services.stock_track_record.processing_log import ProcessingLog
from lambda_src.services.stock_track_record.settings import WorkerSettings

_FRESH: Final = timedelta(minutes=15)
_SLOT_WAIT_SECONDS: Final = 60.0
_HANDING_OVER_SECONDS: Final = 60.0  # time kept to pass the rest of a backfill on
_ALPHA_VANTAGE_DAYS: Final = 135  # its free answer holds 100 trading days


@dataclass(frozen=True, slots=True)
class PriceWork:
    store: Store
    repository: PriceRepository
    log: ProcessingLog
    shares: Shares
    market: Market
    queues: Queues
    clock: Clock
    settings: WorkerSettings

    def refresh(self, message: PricesMessage, deadline: Deadline) -> None:
        """Fetch the prices of up to 25 known shares, but those that were asked for within 15 minutes.

        1 BatchGetItem; per share 1-2 provider calls with their slots and 1 UpdateItem.
        """
        fresh_since = timestamp(self.clock() - _FRESH)
        for ticker, stock in sorted(self.shares.stocks_by_tickers(message.tickers).items()):
            asked_at = max(stock.price_updated_at or "", stock.price_checked_at or "")
            if stock.listing == "rejected" or asked_at > fresh_since:
                continue
            wait_seconds = min(_SLOT_WAIT_SECONDS, deadline.remaining_seconds())
            answered, price = self.market.current_price(ticker, wait_seconds=wait_seconds, deadline=deadline)
            if answered:
                self.repository.record_price(ticker, price, timestamp(self.clock()))

    def backfill(self, message: BackfillMessage, delivery: Delivery, deadline: Deadline) -> bool:
        """Price the mentions of a channel that owe one, ticker by ticker; passes the rest on when time runs out.

        Returns whether everything is known now: prices, or that there are none. Raises LeaseHeld while another worker
        does the same. Per ticker 1 historical call with its slot (2 where Yahoo has nothing), 1 transaction per 50
        mentions.
        """
        channel_id = ChannelId(message.channel_id)
        channel = self.store.get(tables.CHANNEL_BY_ID, id=channel_id)
        if channel is None or channel.deleting:
            return False
        lease, seconds = Lease(delivery.message_id, delivery.receive_count), self.settings.maintenance_budget_seconds
        if not self.repository.lock_backfill(channel_id, lease, seconds=seconds):
            raise LeaseHeld
        try:
            rest, unanswered = self._price_all(message, deadline.minus(_HANDING_OVER_SECONDS))
            if rest is not None:
                message_id = self.queues.prices.send(rest)
                self.repository.hand_over_backfill(channel_id, lease, message_id, seconds=seconds)
            return rest is None and not unanswered
        finally:
            self.repository.unlock_backfill(channel_id, lease)  # does nothing once the lock was handed over

    def _price_all(self, message: BackfillMessage, deadline: Deadline) -> tuple[BackfillMessage | None, list[str]]:
        """Price what is wanted; returns the message that goes on when time ran out, and tickers without an answer."""
        channel_id = ChannelId(message.channel_id)
        wanted = self._wanted(channel_id, message)
        if not wanted:
            return None, []
        self.log.append_log(channel_id, "info", f"Fetching prices of {len(wanted)} mentions")
        priced = 0
        unanswered: list[str] = []
        for ticker, group in groupby(wanted, key=attrgetter("ticker")):
            if deadline.remaining_seconds() <= 0:
                self._report(channel_id, priced, len(wanted), unanswered)
                return message.model_copy(update={"part": message.part + 1, "from_ticker": ticker}), unanswered
            written = self._price_ticker(ticker, list(group), force=message.force, deadline=deadline)
            if written is None:
                unanswered.append(ticker)
            priced += written or 0
        self._report(channel_id, priced, len(wanted), unanswered)
        return None, unanswered

    def _wanted(self, channel_id: ChannelId, message: BackfillMessage) -> list[Mention]:
        if message.force:
            every = self.store.items(tables.MENTIONS_OF_CHANNEL, channel_id=channel_id)
            return [mention for mention in every if mention.ticker >= message.from_ticker]
        owing = self.store.items(tables.UNPRICED_MENTIONS, channel_id=channel_id, where=due_for_pricing(self.clock))
        return sorted(owing, key=attrgetter("ticker", "published_at", "video_id"))

    def _report(self, channel_id: ChannelId, priced: int, wanted: int, unanswered: Sequence[str]) -> None:
        self.log.append_log(channel_id, "info", f"{priced} of {wanted} prices found")
        if unanswered:
            tickers = ", ".join(unanswered)
            self.log.append_log(channel_id, "warning", f"The providers gave no answer for {tickers}")

    def _price_ticker(self, ticker: str, mentions: Sequence[Mention], *, force: bool, deadline: Deadline) -> int | None:
        """How many mentions were priced; None when no provider gave an answer, which counts as no attempt."""
        now = self.clock()
        usable = [mention for mention in mentions if is_closed(_date(mention), now)]
        if not usable:
            return 0
        period1, period2 = history_period(map(_date, usable))
        wait_seconds = min(_SLOT_WAIT_SECONDS, deadline.remaining_seconds())
        answered, chart = self.market.history(ticker, period1, period2, wait_seconds=wait_seconds)
        if chart is not None:
            self._learn(ticker, chart)
        found = _found(usable, chart.closes if chart is not None else {})
        missing = [mention for mention in usable if mention.id not in {price.mention.id for price in found}]
        recent = [mention for mention in missing if now.date() - _date(mention) <= timedelta(_ALPHA_VANTAGE_DAYS)]
        if recent and self.market.alpha_vantage.has_key:
            also_answered, closes = self.market.daily_closes(ticker, wait_seconds=wait_seconds)
            answered = answered or (also_answered and len(recent) == len(missing))
            found += _found(recent, closes or {})
        if not answered and not found:
            return None
        written = self.repository.price_mentions(found, force=force)
        priced = {price.mention.id for price in found}
        if answered:
            for mention in usable:
                if mention.id not in priced and mention.price_at_mention is None:
                    self.repository.record_no_price(mention)
        return written

    def _learn(self, ticker: str, chart: YahooChart) -> None:
        """The same answer also tells name and exchange of a share that was never verified."""
        stock = self.shares.stock_by_ticker(ticker)
        if stock is not None and stock.listing == "unverified":
            self.repository.fill_stock(stock, name=chart.long_name, exchange=us_exchange(chart))


def _date(mention: Mention) -> date:
    return date.fromisoformat(mention.published_at)


def _found(mentions: Sequence[Mention], closes: Mapping[date, Decimal]) -> list[FoundPrice]:
    return [
        FoundPrice(mention, close.price, close.trading_date.isoformat())
        for mention in mentions
        if (close := close_on(closes, _date(mention))) is not None
    ]
