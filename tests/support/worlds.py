"""Channels, answers and shares by the hundred, for worlds that a test makes to measure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import product
from string import ascii_uppercase

from cdk_app.services.stand_ins.answers import Answer
from cdk_app.services.stock_track_record.stand_ins import gemini_answers
from cdk_app.services.stock_track_record.stand_ins.models import Channel, Pick, Stock, Video


def channel_with(
    count: int, *, newest: datetime, every: timedelta = timedelta(hours=12), handle: str = "@TestChannel"
) -> Channel:
    """A channel with `count` public videos `video00000`, `video00001`, ..., newest first."""
    name = handle.removeprefix("@")
    videos = tuple(
        Video(id=f"video{index:05}", title=f"{name} episode {index}", published_at=newest - index * every)
        for index in range(count)
    )
    return Channel(id=f"UC{name:_<22.22}", title=name, handle=handle, videos=videos)


def numbered_stocks(count: int) -> tuple[Stock, ...]:
    """Shares with valid tickers: QAA, QAB, QAC, ... (at most 676)."""
    tickers = ["Q" + "".join(letters) for letters in product(ascii_uppercase, repeat=2)][:count]
    return tuple(Stock(ticker=ticker, name=f"{ticker} Corporation") for ticker in tickers)


def spread_mentions(channel: Channel, stocks: Sequence[Stock], mentions: int) -> dict[str, list[Answer]]:
    """Answers that hold exactly `mentions` picks in all, spread evenly and none twice in a video."""
    count = len(channel.videos)
    answers: dict[str, list[Answer]] = {}
    position = 0
    for index, video in enumerate(channel.videos):
        share = mentions // count + (index < mentions % count)
        chosen = [stocks[(position + step) % len(stocks)] for step in range(share)]
        position += share
        answers[video.id] = [
            gemini_answers.stocks(*(Pick(stock.ticker, "buy", f"Likes {stock.name}.") for stock in chosen))
        ]
    return answers
