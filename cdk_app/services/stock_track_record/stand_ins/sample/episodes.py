"""What is said in each sample video, and what the video model makes of it.

An episode depends on its slot number alone. Sixty slots make a round in which every special case comes up once, so
any eleven months of the rich channel hold all of them.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cdk_app.services.stand_ins.answers import Answer
from cdk_app.services.stock_track_record.stand_ins import gemini_answers
from cdk_app.services.stock_track_record.stand_ins.chance import choose, number, shuffled
from cdk_app.services.stock_track_record.stand_ins.models import Pick, Sentiment
from cdk_app.services.stock_track_record.stand_ins.sample.stocks import (
    DELISTED,
    NEWLY_LISTED_TICKER,
    SHARES,
    UNKNOWN_TICKER,
)

ROUND = 60
GARDEN_TICKERS = ("BRK.B", "JNJ", "KO", "O", "PG", "V", "XOM")
TICKERS = tuple(ticker for ticker, *_ in SHARES)
SENTIMENTS: tuple[Sentiment, ...] = ("buy", "buy", "hold", "sell", "mentioned")

# What a title promises follows the opinion on the first share of the video.
TITLES: Mapping[Sentiment, tuple[str, ...]] = MappingProxyType(
    {
        "buy": (
            "Why I am buying {first} before earnings",
            "The market is sleeping on {first}",
            "{first} just dropped. I bought more",
            "My top stocks right now: {first}, {second} and more",
            "If I could own one stock only: {first}",
        ),
        "hold": (
            "Portfolio update: {first}, {second} and patience",
            "{first} after earnings: nothing to do",
            "Why I neither buy nor sell {first}",
        ),
        "sell": (
            "I was wrong about {first}",
            "I sold {first}. Here is why",
            "{first} is priced for perfection",
        ),
        "mentioned": (
            "{first} vs {second}: only one belongs in my portfolio",
            "What {first} tells us about {second}",
            "Market week: {first}, {second} and the Fed",
        ),
    }
)
CONTEXTS: Mapping[Sentiment, tuple[str, ...]] = MappingProxyType(
    {
        "buy": ("Added to the position this week and sees room to grow.", "Calls it the strongest balance sheet here."),
        "hold": ("Keeps the shares, waits for the next report.", "Likes the business, finds the price fair."),
        "sell": ("Sold half after the run and warns of the valuation.", "Expects margins to shrink and stays away."),
        "mentioned": ("Named as a competitor only.", "Comes up in a comparison of the sector."),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """is_hidden: private or deleted, its title says which."""

    title: str
    answers: tuple[Answer, ...]
    duration_seconds: int
    is_hidden: bool = False


type Special = Callable[[int], Episode]


def picks_of(slot: int, *, count: int | None = None) -> tuple[Pick, ...]:
    """The shares discussed in an ordinary video: two to six unless counted."""
    wanted = 2 + number(f"count/{slot}", 5) if count is None else count
    return tuple(_pick(slot, ticker) for ticker in shuffled(f"picks/{slot}", TICKERS)[:wanted])


def _pick(slot: int, ticker: str) -> Pick:
    seed = f"{slot}/{ticker}"
    sentiment = choose(f"sentiment/{seed}", SENTIMENTS)
    context = choose(f"context/{seed}", CONTEXTS[sentiment])
    return Pick(ticker, sentiment, context, round(0.5 + number(f"confidence/{seed}", 50) / 100, 2))


def _title(slot: int, picks: tuple[Pick, ...]) -> str:
    first, second = picks[:2]
    return choose(f"title/{slot}", TITLES[first.sentiment]).format(first=first.ticker, second=second.ticker)


def _minutes(slot: int) -> int:
    return 6 + number(f"minutes/{slot}", 24)


def _ordinary(slot: int) -> Episode:
    picks = picks_of(slot)
    return _told(slot, gemini_answers.stocks(*picks), title=_title(slot, picks))


def _told(slot: int, *answers: Answer, title: str | None = None, minutes: int | None = None) -> Episode:
    seconds = (_minutes(slot) if minutes is None else minutes) * 60 + number(f"seconds/{slot}", 60)
    return Episode(title=title or _title(slot, picks_of(slot)), answers=answers, duration_seconds=seconds)


def _hidden(title: str) -> Special:
    return lambda slot: Episode(title=title, answers=(), duration_seconds=_minutes(slot) * 60, is_hidden=True)


def _with_dropped_tickers(slot: int) -> Episode:
    """Shares among funds, foreign listings, a coin, an over-the-counter share and a symbol nobody knows."""
    dropped = ("SPY", "SCHG", "HO.PA", "SHEL.L", "BTC-USD", "TCEHY", UNKNOWN_TICKER, DELISTED.ticker)
    picks = (*picks_of(slot, count=2), *(_pick(slot, ticker) for ticker in dropped))
    return _told(slot, gemini_answers.stocks(*picks), title="Stocks, funds and coins: a look around the world")


def _oddly_spelt(slot: int) -> Episode:
    """Spellings that mean one share each; NVDA twice, the opinion second."""
    picks = (
        Pick("$nvda", "mentioned", "Sets the pace for the sector."),
        Pick("NVDA", "buy", "Buys more on every dip."),
        Pick("brk-b", "hold", "A place to wait."),
        Pick("NASDAQ:MSFT", "buy", "Cloud growth continues.", confidence=None),
    )
    return _told(slot, gemini_answers.stocks(*picks), title="Chips, clouds and an insurer")


def _fenced_list(slot: int) -> Episode:
    """A bare list inside a Markdown fence, in two parts, with `recommendation` in place of `sentiment`."""
    entries = [
        {"ticker": pick.ticker, "recommendation": pick.sentiment, "context": pick.context} for pick in picks_of(slot)
    ]
    text = f"```json\n{json.dumps(entries, indent=1)}\n```"
    return _told(slot, gemini_answers.text(text[:40], text[40:]))


def _malformed_once(slot: int) -> Episode:
    cut = gemini_answers.text('{"stocks":[{"ticker":"NVDA","sentiment":"bu', finish_reason="MAX_TOKENS")
    return _told(slot, cut, gemini_answers.stocks(*picks_of(slot)))


def _throttled_once(slot: int) -> Episode:
    return _told(slot, gemini_answers.rate_limited("2s"), gemini_answers.stocks(*picks_of(slot)))


def _newly_listed(slot: int) -> Episode:
    picks = (Pick(NEWLY_LISTED_TICKER, "buy", "Waits for the listing and wants to be first."), *picks_of(slot, count=2))
    return _told(slot, gemini_answers.stocks(*picks), title="The listing everybody waits for")


def _long(slot: int, minutes: int) -> Episode:
    return _told(
        slot, gemini_answers.stocks(*picks_of(slot, count=9)), title="Your questions, answered", minutes=minutes
    )


def _ranked(slot: int, count: int) -> Episode:
    answer = gemini_answers.stocks(*picks_of(slot, count=count))
    return _told(slot, answer, title=f"{count} stocks in {count} minutes", minutes=count)


SPECIALS: Mapping[int, Special] = MappingProxyType(
    {
        2: _with_dropped_tickers,
        4: lambda slot: _told(slot, gemini_answers.stocks(), title="A day in my life (no stocks today)"),
        7: _hidden("Private video"),
        10: _malformed_once,
        13: lambda slot: _told(slot, gemini_answers.invalid_argument(), title="Not for every audience"),
        16: _oddly_spelt,
        19: lambda slot: _told(slot, gemini_answers.blocked("SAFETY"), title="The collapse nobody talks about"),
        22: _fenced_list,
        25: lambda slot: _ranked(slot, count=18),
        28: _throttled_once,
        31: _hidden("Deleted video"),
        34: lambda slot: _told(slot, gemini_answers.empty(), title="Rain on a trading floor"),
        37: lambda slot: _long(slot, minutes=75),
        40: _newly_listed,
        43: lambda slot: _told(slot, gemini_answers.permission_denied(), title="Members only: my full portfolio"),
        46: lambda slot: _told(slot, gemini_answers.stocks(), title="My desk setup"),
        49: lambda slot: _told(slot, gemini_answers.stopped("RECITATION"), title="Reading the shareholder letter"),
        52: lambda slot: _long(slot, minutes=200),
        55: _with_dropped_tickers,
        58: lambda slot: _ranked(slot, count=12),
    }
)


def episode(slot: int) -> Episode:
    """The episode of the rich channel that belongs to a slot."""
    return SPECIALS.get(slot % ROUND, _ordinary)(slot)


def garden_episode(slot: int) -> Episode:
    """The episode of the small channel: three shares that pay dividends, nothing ever goes wrong."""
    picks = tuple(_pick(slot, ticker) for ticker in shuffled(f"garden/{slot}", GARDEN_TICKERS)[:3])
    title = f"What grew this month: {picks[0].ticker} and {picks[1].ticker}"
    return _told(slot, gemini_answers.stocks(*picks), title=title)
