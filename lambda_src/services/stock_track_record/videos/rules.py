"""What an answer about a video says: the stocks named in it, with a sentiment each."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from lambda_src.runtime.providers.decoded import clean_text, list_at
from lambda_src.services.stock_track_record.models import Sentiment

_SENTIMENTS: Final[dict[str, Sentiment]] = {"buy": "buy", "hold": "hold", "sell": "sell", "mentioned": "mentioned"}
_TICKER_LIMIT: Final = 40  # longer than any ticker with its exchange in front
_CONTEXT_LIMIT: Final = 200
_MAX_WRAPPERS: Final = 3
_TWO_PLACES: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class ExtractedStock:
    """One stock as the answer names it.

    ticker: as written, 1-40 characters, maybe no ticker at all. context: 1-200 characters. confidence: 0.00-1.00.
    """

    ticker: str
    sentiment: Sentiment
    context: str | None = None
    confidence: Decimal | None = None

    @property
    def kept(self) -> dict[str, object]:
        """How a video keeps it until its mentions are written: the arguments that make it again."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def extracted_stocks(answer: object) -> tuple[ExtractedStock, ...]:
    """The stocks of a decoded answer, `{"stocks": [...]}` or a bare list. Raises ValueError for any other shape.

    The object may be a member of another, or one of a list. Entries that are no objects or name no ticker are dropped,
    an unknown sentiment counts as `mentioned`.
    """
    entries = _entries(answer, _MAX_WRAPPERS)
    if entries is None:
        raise ValueError("The answer holds no list of stocks")
    stocks = (_stock(entry) for entry in entries if isinstance(entry, dict))
    return tuple(stock for stock in stocks if stock is not None)


def _entries(answer: object, wrappers: int) -> list[object] | None:
    if isinstance(answer, list):
        return [entry for part in answer for entry in (list_at(part, "stocks") or [part])]
    if not isinstance(answer, dict) or wrappers < 0:
        return None
    if isinstance(answer.get("stocks"), list):
        return _entries(answer["stocks"], wrappers - 1)
    members = (_entries(member, wrappers - 1) for member in answer.values() if isinstance(member, dict))
    found = [entries for entries in members if entries is not None]
    return found[0] if len(found) == 1 else None


def one_per_ticker(stocks: Iterable[ExtractedStock]) -> tuple[ExtractedStock, ...]:
    """One stock per ticker, in the order in which they were first named; an opinion wins over a mere mention.

    The stocks carry canonical tickers. Of several opinions on a ticker the first one counts.
    """
    chosen: dict[str, ExtractedStock] = {}
    for stock in stocks:
        known = chosen.setdefault(stock.ticker, stock)
        if known.sentiment == "mentioned" != stock.sentiment:
            chosen[stock.ticker] = stock
    return tuple(chosen.values())


def _stock(entry: dict[object, object]) -> ExtractedStock | None:
    ticker = _text(entry.get("ticker"), _TICKER_LIMIT)
    if ticker is None:
        return None
    sentiment = entry.get("sentiment")
    return ExtractedStock(
        ticker=ticker,
        sentiment=_sentiment(entry.get("recommendation") if sentiment is None else sentiment),
        context=_text(entry.get("context"), _CONTEXT_LIMIT),
        confidence=confidence(entry.get("confidence")),
    )


def _text(value: object, limit: int) -> str | None:
    return (clean_text(value, limit) or None) if isinstance(value, str) else None


def _sentiment(value: object) -> Sentiment:
    return _SENTIMENTS.get(value.strip().lower(), "mentioned") if isinstance(value, str) else "mentioned"


def confidence(value: object) -> Decimal | None:
    """A number as a confidence of 0.00 to 1.00, rounded half-even; None for what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    number = Decimal(str(value))
    if number.is_nan():
        return None
    return min(max(number, Decimal(0)), Decimal(1)).quantize(_TWO_PLACES, rounding=ROUND_HALF_EVEN)
