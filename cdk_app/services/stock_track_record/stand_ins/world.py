"""The world that the stand-ins speak of: frozen facts, scripted faults, and a ledger of what was asked."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Self

from cdk_app.services.stand_ins.answers import Answer
from cdk_app.services.stock_track_record.stand_ins import gemini_answers
from cdk_app.services.stock_track_record.stand_ins.ledger import Call, Ledger
from cdk_app.services.stock_track_record.stand_ins.models import Channel, Service, Stock, Video
from cdk_app.services.stock_track_record.stand_ins.prices import DailyPrice, daily_prices
from cdk_app.services.stock_track_record.stand_ins.quotas import FREE_PLANS, Quota, QuotaMeter, Standing
from cdk_app.services.stock_track_record.stand_ins.sample.channels import sample_answers, sample_channels
from cdk_app.services.stock_track_record.stand_ins.sample.stocks import sample_stocks

type Clock = Callable[[], datetime]
type Script = Mapping[str, Sequence[Answer]]

SAMPLE_GEMINI_DELAY_SECONDS = 0.3  # long enough to watch a run progress, short enough to wait for it


def utc_now() -> datetime:
    return datetime.now(UTC)


class World:
    """Facts, faults and ledger behind the five stand-ins. Safe to program and to read from any thread."""

    def __init__(
        self,
        *,
        channels: Sequence[Channel],
        answers: Script,
        stocks: Iterable[Stock],
        clock: Clock,
        quotas: Mapping[Service, Sequence[Quota]],
    ) -> None:
        self.channels = tuple(channels)
        self.clock = clock
        self.ledger = Ledger()
        self.before_answer: Callable[[Call], None] | None = None
        self._videos = {video.id: video for channel in channels for video in channel.videos}
        self._answers = answers
        self._stocks = {stock.ticker: stock for stock in stocks}
        self._by_yahoo_symbol = {stock.yahoo_symbol: stock for stock in self._stocks.values()}
        self._meter = QuotaMeter(quotas)
        self._lock = Lock()
        self._delays: dict[Service, float] = {}
        self._faults: dict[Service, deque[Answer]] = {}

    @classmethod
    def sample(cls, clock: Clock = utc_now, *, gemini_delay_seconds: float = SAMPLE_GEMINI_DELAY_SECONDS) -> Self:
        """The world of a local run: a rich channel `@SampleStocks`, a small one `@DividendGarden`, 46 securities.

        Everything derives from calendar dates, so that a restart tells the same story; as days pass, new videos
        appear and old ones leave. Rate limits are those of the free plans.
        """
        now = clock()
        world = cls(
            channels=sample_channels(now),
            answers=sample_answers(now),
            stocks=sample_stocks(now.date()),
            clock=clock,
            quotas=FREE_PLANS,
        )
        world.set_delay("gemini", gemini_delay_seconds)
        return world

    @classmethod
    def custom(
        cls,
        *,
        channels: Sequence[Channel] = (),
        answers: Script | None = None,
        stocks: Iterable[Stock] | None = None,
        clock: Clock = utc_now,
        quotas: Mapping[Service, Sequence[Quota]] = FREE_PLANS,
    ) -> Self:
        """A world made to measure.

        answers: per video id what the video model says, one after another; the last repeats, and a listed video
        without any has no stocks. stocks: the sample's when left out. quotas: {} lifts every rate limit.
        """
        listed = sample_stocks(clock().date()) if stocks is None else stocks
        return cls(channels=channels, answers=answers or {}, stocks=listed, clock=clock, quotas=quotas)

    # -- programming ---------------------------------------------------------------------------------------------

    def set_delay(self, service: Service, seconds: float) -> None:
        """Every answer of the service waits this long, on top of a delay of its own."""
        with self._lock:
            self._delays[service] = seconds

    def fail_next(
        self,
        service: Service,
        status: int,
        body: str = "",
        times: int = 1,
        *,
        headers: Mapping[str, str] | None = None,
        delay_seconds: float = 0.0,
    ) -> None:
        """The next `times` calls of the service get this answer, whatever they ask; calls in a row queue up."""
        self.answer_next(
            service, Answer(status=status, body=body, headers=headers or {}, delay_seconds=delay_seconds), times
        )

    def answer_next(self, service: Service, answer: Answer, times: int = 1) -> None:
        """As fail_next, with an answer made by hand or by `gemini_answers`."""
        with self._lock:
            self._faults.setdefault(service, deque()).extend([answer] * times)

    # -- the ledger ----------------------------------------------------------------------------------------------

    def calls(self, service: Service) -> tuple[Call, ...]:
        """Every call of the service, oldest first, the ones under way included."""
        return self.ledger.calls(service)

    def calls_for_video(self, video_id: str) -> tuple[Call, ...]:
        """What the video model was asked about this video."""
        return tuple(call for call in self.calls("gemini") if call.subject == video_id)

    def in_flight(self, video_id: str) -> int:
        return self.ledger.in_flight("gemini", video_id)

    def max_in_flight(self, video_id: str) -> int:
        """The most calls to the video model for this video that were ever under way at once."""
        return self.ledger.most_in_flight("gemini", video_id)

    # -- what the stand-ins ask ----------------------------------------------------------------------------------

    def channel_named(self, *, handle: str | None = None, username: str | None = None) -> Channel | None:
        """By handle, old handles included, with or without its `@`; or by legacy user name. Case is ignored."""
        for channel in self.channels:
            if handle is not None and _bare(handle) in {_bare(name) for name in (channel.handle, *channel.old_handles)}:
                return channel
            if username is not None and username.casefold() in {name.casefold() for name in channel.usernames}:
                return channel
        return None

    def video(self, video_id: str) -> Video | None:
        return self._videos.get(video_id)

    def stock(self, ticker: str) -> Stock | None:
        """By its canonical ticker, `BRK.B`; None for one that is unknown or no longer listed."""
        return self._listed(self._stocks.get(ticker.upper()))

    def stock_at_yahoo(self, symbol: str) -> Stock | None:
        """By the spelling of Yahoo and Alpha Vantage, `BRK-B`."""
        return self._listed(self._by_yahoo_symbol.get(symbol.upper()))

    def _listed(self, stock: Stock | None) -> Stock | None:
        if stock is None or (stock.delisted_on is not None and stock.delisted_on <= self.clock().date()):
            return None
        return stock

    def prices(self, stock: Stock, *, days: int) -> tuple[DailyPrice, ...]:
        """The trading days among the last `days` calendar days, oldest first; one in progress is the last."""
        now = self.clock()
        return daily_prices(stock, now=now, since=now.date() - timedelta(days=days))

    def take_quota(self, service: Service) -> Standing | None:
        return self._meter.take(service, self.clock())

    def take_fault(self, service: Service) -> Answer | None:
        with self._lock:
            faults = self._faults.get(service)
            return faults.popleft() if faults else None

    def next_video_answer(self, video_id: str) -> Answer | None:
        """The next scripted answer about a video, or "no stocks" for a listed one; None for an unknown video."""
        script = self._answers.get(video_id, ())
        if script:
            turn = self.ledger.take_turn("gemini", video_id)
            return script[min(turn, len(script) - 1)]
        return gemini_answers.stocks() if video_id in self._videos else None

    def delayed(self, service: Service, answer: Answer) -> Answer:
        with self._lock:
            return replace(answer, delay_seconds=answer.delay_seconds + self._delays.get(service, 0.0))


def _bare(handle: str) -> str:
    return handle.removeprefix("@").casefold()
