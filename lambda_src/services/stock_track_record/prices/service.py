"""Prices as the API answers for them: one stock's price now, and requests that the worker carries out."""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import batched
from typing import Final, Literal

from lambda_src.dynamo.store import Attr, Condition, Store
from lambda_src.runtime.clock import Clock
from lambda_src.runtime.deadline import Deadline
from lambda_src.services.stock_track_record import models, tables
from lambda_src.services.stock_track_record.channels.service import ChannelService, valid_channel_id
from lambda_src.services.stock_track_record.errors import ChannelNotFound
from lambda_src.services.stock_track_record.legacy import LegacyReader
from lambda_src.services.stock_track_record.market.service import Market, Shares
from lambda_src.services.stock_track_record.messages import BackfillMessage, PricesMessage, Queues
from lambda_src.services.stock_track_record.prices.repository import PriceRepository

TICKERS_PER_MESSAGE: Final = 25
_RECHECK_AFTER: Final = timedelta(hours=20)  # a mention without a price is asked about once a day
_STALE_AFTER: Final = timedelta(hours=1)
_MEMORY_SECONDS: Final = 300
_MEMORY_SIZE: Final = 1_000
_SLOT_WAIT_SECONDS: Final = 5.0  # paces a client that asks for one ticker after another
_ASKING_SECONDS: Final = 20.0  # the gateway gives up after 30


@dataclass(frozen=True, slots=True)
class PriceAnswer:
    """A price with the time it is of, or why there is none."""

    ticker: str
    price: Decimal | None = None
    updated_at: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Refresh:
    """The prices at hand, and how many tickers were queued to be fetched."""

    prices: dict[str, Decimal]
    updated_at: str
    queued: int


@dataclass(frozen=True, slots=True)
class Backfill:
    """What became of a request to price a channel's mentions."""

    status: Literal["no_videos", "complete", "started"]
    missing: int = 0


@dataclass(frozen=True, slots=True)
class PriceService:
    store: Store
    repository: PriceRepository
    channels: ChannelService
    shares: Shares
    market: Market
    legacy: LegacyReader
    queues: Queues
    clock: Clock
    _memory: dict[str, tuple[PriceAnswer, Deadline]] = field(default_factory=dict)

    def current_price(self, ticker: str) -> PriceAnswer:
        """The best price to be had within about 20 s; problems are values in the answer, never errors.

        Order: memory of this process (5 min), stored price (1 h), Finnhub, Yahoo, stored price of any age. That there
        is no price is remembered too; that nobody could be asked is not.
        0-1 GetItem; at most 2 provider calls with 1-2 slot writes each; 1 UpdateItem for a fetched price.
        """
        normal = models.normalise_ticker(ticker)
        if not models.is_valid_ticker(normal, frozenset()):
            return PriceAnswer(normal[:20], error="This is no valid ticker")
        remembered = self._memory.get(normal)
        if remembered is not None and remembered[1].remaining_seconds() > 0:
            return remembered[0]
        stock = self.shares.stock_by_ticker(normal)
        if stock is not None and self._is_younger(stock, _STALE_AFTER):
            return self._remember(PriceAnswer(normal, stock.last_price, stock.price_updated_at))
        deadline = Deadline.after(_ASKING_SECONDS)
        answered, price = self.market.current_price(normal, wait_seconds=_SLOT_WAIT_SECONDS, deadline=deadline)
        if price is not None:
            now = models.timestamp(self.clock())
            if stock is not None:
                self.repository.record_price(normal, price, now)
            return self._remember(PriceAnswer(normal, price, now))
        answer = _without_new_price(normal, stock, answered=answered)
        return self._remember(answer) if answered else answer

    def refresh_prices(self, channel_id: str) -> Refresh:
        """Stored prices of the channel's stocks; missing and old ones are queued. No provider is asked here.

        Within 10 minutes nothing is sent again: what is counted then waits already. Raises ChannelNotFound.
        1 BatchGetItem, 1 per 100 stocks; with something to do 1 UpdateItem and 1 SendMessageBatch per 250 queued.
        """
        channel, tickers = self._tickers_of_channel(valid_channel_id(channel_id))
        stocks = self.shares.stocks_by_tickers(sorted(tickers))
        wanted = sorted(
            ticker for ticker in tickers if ticker not in stocks or not self._is_younger(stocks[ticker], _STALE_AFTER)
        )
        if wanted and self.channels.may_ask_worker(channel.id, "prices"):
            groups = batched(wanted, TICKERS_PER_MESSAGE, strict=False)
            self.queues.prices.send_all([PricesMessage(channel_id=channel.id, tickers=group) for group in groups])
        prices = {ticker: stock.last_price for ticker, stock in stocks.items() if stock.last_price is not None}
        return Refresh(dict(sorted(prices.items())), models.timestamp(self.clock()), len(wanted))

    def request_backfill(self, channel_id: str, *, force: bool) -> Backfill:
        """Queue the pricing of the channel's mentions, at most once in 10 minutes.

        Raises ChannelNotFound. 1 GetItem and 1 Query; with something to do 1 UpdateItem and 1 message.
        """
        channel = self.channels.channel(channel_id)
        if channel.layout is None:
            self.legacy.request_upgrade(channel)
        missing = self.store.count(tables.COUNT_UNPRICED, channel_id=channel.id, where=due_for_pricing(self.clock))
        if missing == 0 and not self.store.items(tables.HAS_VIDEOS, channel_id=channel.id, stop_after=1):
            return Backfill("no_videos")
        if missing == 0 and not force:
            return Backfill("complete")
        if self.channels.may_ask_worker(channel.id, "backfill"):
            self.queues.prices.send(BackfillMessage(channel_id=channel.id, force=force))
        return Backfill("started", missing)

    def _tickers_of_channel(self, channel_id: models.ChannelId) -> tuple[models.Channel, frozenset[str]]:
        """The channel and every ticker it ever mentioned. 1 request, 0.5 RRU and 0.5 per 4 KB of tickers."""
        keys = [tables.CHANNEL.key(id=channel_id), tables.CHANNEL_INDEX.key(channel_id=channel_id)]
        found = self.store.batch_get(tables.TICKERS_OF_CHANNEL, keys)
        channel = next((each for each in found if isinstance(each, models.Channel)), None)
        if channel is None or channel.deleting:
            raise ChannelNotFound
        if channel.layout is None:
            return channel, frozenset(mention.ticker for mention in self.legacy.mentions(channel))
        return channel, next((each.tickers for each in found if isinstance(each, models.ChannelIndex)), frozenset())

    def _is_younger(self, stock: models.Stock, age: timedelta) -> bool:
        if stock.last_price is None or stock.price_updated_at is None:
            return False
        return stock.price_updated_at > models.timestamp(self.clock() - age)

    def _remember(self, answer: PriceAnswer) -> PriceAnswer:
        if len(self._memory) >= _MEMORY_SIZE:
            self._memory.clear()  # rare, and cheaper than keeping an order
        self._memory[answer.ticker] = (answer, Deadline.after(_MEMORY_SECONDS))
        return answer


def due_for_pricing(clock: Clock) -> Condition:
    """Of mentions that owe a price: those that the providers were not asked about today."""
    checked_at = Attr("price_checked_at")
    return checked_at.not_exists() | checked_at.lt(models.timestamp(clock() - _RECHECK_AFTER))


def _without_new_price(ticker: str, stock: models.Stock | None, *, answered: bool) -> PriceAnswer:
    """What is answered when no provider has a price (answered), or none could be asked for it."""
    if stock is not None and stock.last_price is not None:
        return PriceAnswer(ticker, stock.last_price, stock.price_updated_at)
    if answered:
        return PriceAnswer(ticker, error=f"No price is available for {ticker}")
    return PriceAnswer(ticker, error="The price services are busy or do not answer; try again in a minute")
