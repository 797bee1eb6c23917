"""Rows of Stock Track Record's MySQL: one at a time for a test, or as many as asked.

A value is what MySQL gives and takes: a number, or text in MySQL's own spelling.
"""

import random
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import product
from string import ascii_uppercase

from lambda_src.migration.mapping import Row, Scalar

TABLES = ("channels", "stocks", "videos", "stock_mentions", "processing_logs")  # parents before their children

_TICKERS = tuple("Z" + "".join(letters) for letters in product(ascii_uppercase, repeat=2))
_FIRST_DAY = datetime(2019, 1, 1)  # noqa: DTZ001 -- MySQL's times carry no zone
_AWKWARD_SHARE = 0.03
FIRST = 1_000_000  # of many rows: below are those of single tests


def id_of(kind: str, number: int) -> str:
    """A UUID that tells what it is of. kind: one letter out of `a` to `f`."""
    return f"{number:08x}-0000-4000-8000-{kind * 12}"


def channel_row(number: int, **changes: Scalar) -> dict[str, Scalar]:
    return {
        "id": id_of("c", number),
        "youtube_channel_id": f"UC{number:022d}",
        "name": f"Channel {number}",
        "url": f"https://www.youtube.com/@channel{number}",
        "thumbnail_url": f"https://yt3.ggpht.com/{number}",
        "status": "completed",
        "video_count": 3,
        "processed_video_count": 3,
        "time_range_months": 12,
        "created_at": "2024-01-15 08:30:00",
        "updated_at": "2024-02-01 10:00:00",
        **changes,
    }


def stock_row(ticker: str, **changes: Scalar) -> dict[str, Scalar]:
    return {
        "ticker": ticker,
        "name": f"{ticker} Corporation",
        "exchange": "NASDAQ",
        "last_price": "195.2500",
        "price_updated_at": "2024-02-01 10:00:00",
        **changes,
    }


def video_row(number: int, channel: int = 1, **changes: Scalar) -> dict[str, Scalar]:
    youtube_video_id = str(changes.get("youtube_video_id", f"video-{number:05d}"))
    return {
        "id": id_of("d", number),
        "channel_id": id_of("c", channel),
        "youtube_video_id": youtube_video_id,
        "title": f"Video {number}",
        "url": f"https://www.youtube.com/watch?v={youtube_video_id}",
        "published_at": "2024-01-10",
        "transcript_status": "fetched",
        "analysis_status": "completed",
        "created_at": "2024-01-15 08:31:00",
        **changes,
    }


def mention_row(number: int, video: int = 1, ticker: str = "AAPL", **changes: Scalar) -> dict[str, Scalar]:
    return {
        "id": id_of("e", number),
        "video_id": id_of("d", video),
        "ticker": ticker,
        "sentiment": "buy",
        "price_at_mention": "185.5000",
        "confidence_score": "0.80",
        "context_snippet": f"Buys {ticker}.",
        "created_at": "2024-01-15 08:32:00",
        **changes,
    }


def log_row(number: int, channel: int = 1, **changes: Scalar) -> dict[str, Scalar]:
    return {
        "id": number,
        "channel_id": id_of("c", channel),
        "log_level": "info",
        "message": f"Line {number}",
        "created_at": "2024-01-15 08:33:00",
        **changes,
    }


def rows_by_table(rows: Iterable[tuple[str, Row]]) -> dict[str, list[Row]]:
    """The rows in lists, in the order of `TABLES`."""
    found: dict[str, list[Row]] = {table: [] for table in TABLES}
    for table, row in rows:
        found[table].append(row)
    return found


# ---- many of them --------------------------------------------------------------------------------------------------


def many_rows(count: int, seed: int = 1) -> Iterator[tuple[str, Row]]:
    """Exactly `count` rows (50 or more), parents before their children, 3 % of them awkward; always the same ones.

    They fit into MySQL's usual schema once `sql_mode` is empty and foreign keys are off, beside all awkward rows. Each
    is made when it is asked for: a million takes no memory.
    """
    chance = random.Random(seed)
    channels, videos, mentions = max(1, count // 2_000), count // 6, count // 2
    stocks = min(len(_TICKERS), count // 10)
    for number in range(channels):
        yield "channels", _perhaps(chance, channel_row(FIRST + number), _odd_channel(chance))
    for number in range(stocks):
        yield "stocks", _perhaps(chance, stock_row(_TICKERS[number]), _odd_stock(chance))
    for number in range(videos):
        published_at = f"{_FIRST_DAY + timedelta(days=number // channels % 2_000):%Y-%m-%d}"
        row = video_row(FIRST + number, FIRST + number % channels, published_at=published_at, title=f"Nº {number} 📈")
        yield "videos", _perhaps(chance, row, _odd_video(chance))
    for number in range(mentions):
        video, place = number % videos, number // videos  # another share in each place of a video
        ticker = _TICKERS[(video * 7 + place) % stocks]
        price = f"{chance.randrange(1, 9_999_999) / 10_000:.4f}"
        row = mention_row(FIRST + number, FIRST + video, ticker, price_at_mention=price)
        yield "stock_mentions", _perhaps(chance, row, _odd_mention(chance, number))
    for number in range(count - channels - stocks - videos - mentions):
        written_at = _FIRST_DAY + timedelta(seconds=number // 3)  # several lines in one second
        row = log_row(FIRST + number, FIRST + number % channels, created_at=f"{written_at:%Y-%m-%d %H:%M:%S}")
        yield "processing_logs", _perhaps(chance, row, _odd_log(chance))


def _perhaps(chance: random.Random, row: dict[str, Scalar], odd: dict[str, Scalar]) -> dict[str, Scalar]:
    return row | odd if chance.random() < _AWKWARD_SHARE else row


def _odd_channel(chance: random.Random) -> dict[str, Scalar]:
    return chance.choice(
        [
            {"status": None, "created_at": None, "updated_at": None},
            {"status": "processing", "video_count": 2, "processed_video_count": 9},
            {"status": "", "time_range_months": 99},
            {"youtube_channel_id": f"handle:Name{chance.random()}", "name": ""},
        ]
    )


def _odd_stock(chance: random.Random) -> dict[str, Scalar]:
    return chance.choice(
        [
            {"last_price": None, "price_updated_at": None, "name": None},
            {"last_price": "0.0000", "price_updated_at": "0000-00-00 00:00:00"},
            {"exchange": ""},
        ]
    )


def _odd_video(chance: random.Random) -> dict[str, Scalar]:
    return chance.choice(
        [
            {"published_at": "0000-00-00"},  # rejected, with its mentions
            {"transcript_status": None, "analysis_status": None, "created_at": None},
            {"title": "", "url": ""},
            {"analysis_status": "", "created_at": "0000-00-00 00:00:00"},
            {"channel_id": id_of("c", 0xFFFFFFFF)},  # an orphan
        ]
    )


def _odd_mention(chance: random.Random, number: int) -> dict[str, Scalar]:
    return chance.choice(
        [
            {"price_at_mention": None},
            {"price_at_mention": "-1.0000", "confidence_score": "9.99"},
            {"sentiment": "", "confidence_score": None},
            {"context_snippet": "Sehr lang. " * 300},
            {"context_snippet": "", "created_at": None},
            {"ticker": str(number)},  # no US share
        ]
    )


def _odd_log(chance: random.Random) -> dict[str, Scalar]:
    return chance.choice(
        [
            {"log_level": None},
            {"log_level": "", "message": ""},
            {"message": "x" * 3_000},
            {"created_at": None},
        ]
    )
