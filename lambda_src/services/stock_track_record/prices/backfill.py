"""The `prices` and `backfill` messages: current prices of shares, closing prices of mentions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
from lambda_src.services.stock_track_record.market.rules import (
    close_on,
    history_period,
    is_before_split,
    is_closed,
    may_be_split,
)
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

        1 BatchGetItem; per share 1-2 provider calls with their slots and 1 UpdateItem; 1 message if one of them may
        have been split, for the backfill that finds out.
        """
        has_doubt = False
        fresh_since = timestamp(self.clock() - _FRESH)
        try:
            for ticker, stock in sorted(self.shares.stocks_by_tickers(message.tickers).items()):
                asked_at = max(stock.price_updated_at or "", stock.price_checked_at or "")
                if stock.listing == "rejected" or asked_at > fresh_since:
                    continue
                wait_seconds = min(_SLOT_WAIT_SECONDS, deadline.remaining_seconds())
                answered, price = self.market.current_price(ticker, wait_seconds=wait_seconds, deadline=deadline)
                if answered:
                    self.repository.record_price(ticker, price, timestamp(self.clock()))
                jumped = price is not None and stock.last_price is not None and may_be_split(stock.last_price, price)
                has_doubt |= jumped
        finally:  # the price that gave rise to doubt is overwritten: the next try of this message sees none
            if has_doubt:
                self.queues.prices.send(BackfillMessage(channel_id=message.channel_id))

    def backfill(self, message: BackfillMessage, delivery: Delivery, deadline: Deadline) -> bool:
        """Price the mentions of a channel that owe one, ticker by ticker; passes the rest on when time runs out.

        The same history shows which prices are of before a split; they are replaced. Shares whose price is far from
        that of a mention are looked at for this alone. Returns whether everything is known now: prices, or that there
        are none. Raises LeaseHeld while another worker does the same. 1 Query per MB of mentions, 1 BatchGetItem per
        100 shares; per ticker 1 historical call with its slot (2 where Yahoo has nothing), 1 transaction per 50
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
        owed = sum(_is_owed(mention, message) for mention in wanted)
        if owed:
            self.log.append_log(channel_id, "info", f"Fetching prices of {owed} mentions")
        outcome = _Outcome(owed)
        for ticker, mentions in groupby(wanted, key=attrgetter("ticker")):
            group = list(mentions)
            if deadline.remaining_seconds() <= 0:
                self._report(channel_id, outcome)
                is_owed = any(_is_owed(mention, message) for mention in group)  # it is found again, wherever it stands
                go_on = ticker if message.force or not is_owed else message.from_ticker
                rest = message.model_copy(update={"part": message.part + 1, "from_ticker": go_on})
                return rest, outcome.unanswered
            self._price_ticker(ticker, group, message, outcome, deadline)
        self._report(channel_id, outcome)
        return None, outcome.unanswered

    def _wanted(self, channel_id: ChannelId, message: BackfillMessage) -> list[Mention]:
        if message.force:
            every = self.store.items(tables.MENTIONS_OF_CHANNEL, channel_id=channel_id)
            return [mention for mention in every if mention.ticker >= message.from_ticker]
        owing = self.store.items(tables.UNPRICED_MENTIONS, channel_id=channel_id, where=due_for_pricing(self.clock))
        every = self.store.items(tables.MENTIONS_OF_CHANNEL, channel_id=channel_id)
        priced = [mention for mention in every if mention.price_at_mention and mention.ticker >= message.from_ticker]
        tickers = {mention.ticker for mention in owing} | self._doubtful(priced)
        owed = {mention.id for mention in owing}
        checked = [mention for mention in priced if mention.ticker in tickers and mention.id not in owed]
        waited_for = {mention.ticker for mention in owing}  # by a run, for two minutes at most: these come first
        wanted = sorted([*owing, *checked], key=attrgetter("ticker", "published_at", "video_id"))
        return sorted(wanted, key=lambda mention: mention.ticker not in waited_for)

    def _doubtful(self, priced: Sequence[Mention]) -> set[str]:
        """Tickers whose price is so far from that of a mention that a split may lie between them."""
        stocks = self.shares.stocks_by_tickers(sorted({mention.ticker for mention in priced}))
        prices = {ticker: stock.last_price for ticker, stock in stocks.items()}
        return {
            mention.ticker
            for mention in priced
            if (now := prices.get(mention.ticker)) and may_be_split(mention.price_at_mention or now, now)
        }

    def _report(self, channel_id: ChannelId, outcome: "_Outcome") -> None:
        if outcome.owed:
            self.log.append_log(channel_id, "info", f"{outcome.priced} of {outcome.owed} prices found")
        if outcome.mended:
            tickers = ", ".join(sorted(outcome.mended))
            self.log.append_log(channel_id, "info", f"Prices of before a split were replaced: {tickers}")
        if outcome.unanswered:
            tickers = ", ".join(outcome.unanswered)
            self.log.append_log(channel_id, "warning", f"The providers gave no answer for {tickers}")

    def _price_ticker(
        self,
        ticker: str,
        mentions: Sequence[Mention],
        message: BackfillMessage,
        outcome: "_Outcome",
        deadline: Deadline,
    ) -> None:
        """Price what is owed and replace what is of before a split; that no provider answers counts as no attempt."""
        now = self.clock()
        usable = [mention for mention in mentions if is_closed(_date(mention), now)]
        if not usable:
            return
        period1, period2 = history_period(map(_date, usable))
        wait_seconds = min(_SLOT_WAIT_SECONDS, deadline.remaining_seconds())
        answered, chart = self.market.history(ticker, period1, period2, wait_seconds=wait_seconds)
        owed = [mention for mention in usable if _is_owed(mention, message)]
        if chart is not None:
            self._learn(ticker, chart, is_compared=len(owed) < len(usable))
        closes = chart.closes if chart is not None else {}
        found = _found(owed, closes)
        missing = [mention for mention in owed if mention.id not in {price.mention.id for price in found}]
        recent = [mention for mention in missing if now.date() - _date(mention) <= timedelta(_ALPHA_VANTAGE_DAYS)]
        if recent and self.market.alpha_vantage.has_key:
            also_answered, more = self.market.daily_closes(ticker, wait_seconds=wait_seconds)
            answered = answered or (also_answered and len(recent) == len(missing))
            found += _found(recent, more or {})
        if owed and not answered and not found:
            outcome.unanswered.append(ticker)
            return
        outcome.priced += self.repository.price_mentions(found, force=message.force)
        stale = [
            price
            for price in _found([mention for mention in usable if not _is_owed(mention, message)], closes)
            if price.mention.price_at_mention and is_before_split(price.mention.price_at_mention, price.price)
        ]
        if self.repository.price_mentions(stale, force=True):
            outcome.mended.add(ticker)
        priced = {price.mention.id for price in found}
        if answered:
            for mention in owed:
                if mention.id not in priced and mention.price_at_mention is None:
                    self.repository.record_no_price(mention)

    def _learn(self, ticker: str, chart: YahooChart, *, is_compared: bool) -> None:
        """The same answer also tells name and exchange of a share that was never verified.

        is_compared: with stored prices of mentions. Then it also replaces a last price of before a split.
        """
        stock, now = self.shares.stock_by_ticker(ticker), chart.market_price
        if stock is None:
            return
        if stock.listing == "unverified":
            self.repository.fill_stock(stock, name=chart.long_name, exchange=us_exchange(chart))
        if is_compared and stock.last_price and now and may_be_split(stock.last_price, now):
            self.repository.record_price(ticker, now, timestamp(self.clock()))


@dataclass(slots=True)
class _Outcome:
    """What came of a backfill so far. owed: prices that were wanted. The others: tickers."""

    owed: int
    priced: int = 0
    mended: set[str] = field(default_factory=set)
    unanswered: list[str] = field(default_factory=list)


def _is_owed(mention: Mention, message: BackfillMessage) -> bool:
    return message.force or mention.price_at_mention is None


def _date(mention: Mention) -> date:
    return date.fromisoformat(mention.published_at)


def _found(mentions: Sequence[Mention], closes: Mapping[date, Decimal]) -> list[FoundPrice]:
    return [
        FoundPrice(mention, close.price, close.trading_date.isoformat())
        for mention in mentions
        if (close := close_on(closes, _date(mention))) is not None
    ]
