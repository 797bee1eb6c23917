"""The `prices` and `backfill` messages: current prices of shares, closing prices of mentions."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Final

from lambda_src.runtime.deadline import Deadline
from lambda_src.runtime.delivery import Delivery
from lambda_src.services.stock_track_record.clients.yahoo import YahooChart
from lambda_src.services.stock_track_record.errors import LeaseHeld
from lambda_src.services.stock_track_record.messages import BackfillMessage, PricesMessage
from lambda_src.services.stock_track_record.models import ChannelId, Mention
from lambda_src.services.stock_track_record.repository.mentions import FoundPrice
from lambda_src.services.stock_track_record.rules.closes import close_on, history_period, is_closed
from lambda_src.services.stock_track_record.rules.dates import timestamp
from lambda_src.services.stock_track_record.service.market import Market
from lambda_src.services.stock_track_record.service.parts import WorkerParts, lease_of
from lambda_src.services.stock_track_record.service.prices import RECHECK_AFTER, fetch_current_price
from lambda_src.services.stock_track_record.service.verification import us_exchange

logger = logging.getLogger(__name__)

_FRESH: Final = timedelta(minutes=15)
_SLOT_WAIT_SECONDS: Final = 60.0
_HANDING_OVER_SECONDS: Final = 60.0  # time kept to pass the rest of a backfill on
_ALPHA_VANTAGE_DAYS: Final = 135  # its free answer holds 100 trading days


@dataclass(frozen=True, slots=True)
class PriceWork:
    """Use cases of price messages."""

    parts: WorkerParts
    market: Market
    has_key: Callable[[str], bool]
    lease_seconds: float

    def refresh(self, message: PricesMessage, deadline: Deadline) -> None:
        """Fetch the prices of up to 25 known shares, but those that were asked for within 15 minutes.

        1 BatchGetItem; per share 1-2 provider calls with their slots and 1 UpdateItem.
        """
        stocks = self.parts.repository.stocks
        fresh_since = timestamp(self.parts.clock() - _FRESH)
        for ticker, stock in sorted(stocks.stocks_by_tickers(message.tickers).items()):
            asked_at = max(stock.price_updated_at or "", stock.price_checked_at or "")
            if stock.listing == "rejected" or asked_at > fresh_since:
                continue
            answered, price = fetch_current_price(
                self.market,
                ticker,
                ask_finnhub=self.has_key("finnhub_api_key"),
                wait_seconds=min(_SLOT_WAIT_SECONDS, deadline.remaining_seconds()),
                deadline=deadline,
            )
            if answered:
                stocks.record_price(ticker, price, timestamp(self.parts.clock()))

    def backfill(self, message: BackfillMessage, delivery: Delivery, deadline: Deadline) -> None:
        """Price the mentions of a channel that owe one, ticker by ticker; passes the rest on when time runs out.

        Raises LeaseHeld while another worker does the same. Per ticker 1 historical call with its slot (2 where Yahoo
        has nothing), 1 transaction per 50 mentions.
        """
        channel_id = ChannelId(message.channel_id)
        channel = self.parts.repository.channels.channel_by_id(channel_id)
        if channel is None or channel.deleting:
            return
        lease = lease_of(delivery)
        work = self.parts.repository.work
        if not work.lock_backfill(channel_id, lease, seconds=self.lease_seconds):
            raise LeaseHeld
        try:
            rest = self._price_all(message, deadline.minus(_HANDING_OVER_SECONDS))
            if rest is not None:
                message_id = self.parts.queues.send(rest)
                work.hand_over_backfill(channel_id, lease, message_id, seconds=self.lease_seconds)
        finally:
            work.unlock_backfill(channel_id, lease)  # does nothing once the lock was handed over

    def _price_all(self, message: BackfillMessage, deadline: Deadline) -> BackfillMessage | None:
        """Price what is wanted; returns the message that goes on when time ran out."""
        channel_id = ChannelId(message.channel_id)
        wanted = self._wanted(channel_id, message)
        if not wanted:
            return None
        self.parts.log(channel_id, "info", f"Fetching prices of {len(wanted)} mentions")
        priced = 0
        unanswered: list[str] = []
        for ticker, group in groupby(wanted, key=attrgetter("ticker")):
            if deadline.remaining_seconds() <= 0:
                self._report(channel_id, priced, len(wanted), unanswered)
                return message.model_copy(update={"part": message.part + 1, "from_ticker": ticker})
            written = self._price_ticker(ticker, list(group), force=message.force, deadline=deadline)
            if written is None:
                unanswered.append(ticker)
            priced += written or 0
        self._report(channel_id, priced, len(wanted), unanswered)
        return None

    def _wanted(self, channel_id: ChannelId, message: BackfillMessage) -> list[Mention]:
        mentions = self.parts.repository.mentions
        if message.force:
            every = mentions.mentions_of_channel(channel_id, consistent=False)
            return [mention for mention in every if mention.ticker >= message.from_ticker]
        checked_before = timestamp(self.parts.clock() - RECHECK_AFTER)
        return sorted(
            mentions.unpriced_mentions(channel_id, checked_before=checked_before),
            key=attrgetter("ticker", "published_at", "video_id"),
        )

    def _report(self, channel_id: ChannelId, priced: int, wanted: int, unanswered: Sequence[str]) -> None:
        self.parts.log(channel_id, "info", f"{priced} of {wanted} prices found")
        if unanswered:
            tickers = ", ".join(unanswered)
            self.parts.log(channel_id, "warning", f"The providers gave no answer for {tickers}")

    def _price_ticker(self, ticker: str, mentions: Sequence[Mention], *, force: bool, deadline: Deadline) -> int | None:
        """How many mentions were priced; None when no provider gave an answer, which counts as no attempt."""
        now = self.parts.clock()
        usable = [mention for mention in mentions if is_closed(_date(mention), now)]
        if not usable:
            return 0
        dates = [_date(mention) for mention in usable]
        period1, period2 = history_period(dates)
        wait_seconds = min(_SLOT_WAIT_SECONDS, deadline.remaining_seconds())
        answered, chart = self.market.history(ticker, period1, period2, wait_seconds=wait_seconds)
        if chart is not None:
            self._learn(ticker, chart)
        found = _found(usable, chart.closes if chart is not None else {})
        missing = [mention for mention in usable if mention.id not in {price.mention.id for price in found}]
        recent = [mention for mention in missing if now.date() - _date(mention) <= timedelta(_ALPHA_VANTAGE_DAYS)]
        if recent and self.has_key("alpha_vantage_api_key"):
            also_answered, closes = self.market.daily_closes(ticker, wait_seconds=wait_seconds)
            answered = answered or (also_answered and len(recent) == len(missing))
            found += _found(recent, closes or {})
        if not answered and not found:
            return None
        written = self.parts.repository.mentions.price_mentions(found, force=force)
        priced = {price.mention.id for price in found}
        if answered:
            for mention in usable:
                if mention.id not in priced and mention.price_at_mention is None:
                    self.parts.repository.mentions.record_no_price(mention)
        return written

    def _learn(self, ticker: str, chart: YahooChart) -> None:
        """The same answer also tells name and exchange of a share that was never verified."""
        stock = self.parts.repository.stocks.stock_by_ticker(ticker)
        if stock is not None and stock.listing == "unverified":
            self.parts.repository.stocks.fill_stock(stock, name=chart.long_name, exchange=us_exchange(chart))


def _date(mention: Mention) -> date:
    return date.fromisoformat(mention.published_at)


def _found(mentions: Sequence[Mention], closes: Mapping[date, Decimal]) -> list[FoundPrice]:
    found = []
    for mention in mentions:
        close = close_on(closes, _date(mention))
        if close is not None:
            found.append(FoundPrice(mention, close.price, close.trading_date.isoformat()))
    return found
