"""What a valid ticker is. The same rules serve extraction, paths, price jobs and migration."""

import re
from typing import Final

DEFAULT_EXCLUDED: Final[frozenset[str]] = frozenset(
    (  # noqa: SIM905 -- 31 lines as a list
        "SPY VOO IVV VTI VT QQQ QQQM DIA IWM ARKK SCHD VYM VUG VGT XLK XLF XLE XLV SMH SOXL TQQQ SQQQ JEPI GLD SLV "
        "TLT IBIT BTC ETH XRP DOGE"
    ).split()
)
"""Funds and coins that videos often name beside shares."""

_EXCHANGE_PREFIXES: Final = ("NYSE:", "NASDAQ:", "NYSEAMERICAN:")
_CLASS_LETTER: Final = re.compile(r"([A-Z]+)[-/ ]([A-Z])")
_VALID: Final = re.compile(r"[A-Z]{1,5}|[A-Z]{1,4}\.[A-Z]")

# str.upper() would turn letters of other scripts into ASCII ones, and "ß" into the valid ticker "SS".
_ASCII_UPPER: Final = {ord(small): ord(small) - 32 for small in "abcdefghijklmnopqrstuvwxyz"}


def normalise_ticker(text: str) -> str:
    """The canonical spelling of a ticker as somebody wrote it: `brk-b`, `$BRK/B` and `NYSE:BRK.B` are `BRK.B`.

    Text that is no ticker comes back trimmed, its ASCII letters in upper case; `is_valid_ticker` tells.
    """
    ticker = text.strip().translate(_ASCII_UPPER).removeprefix("$").lstrip()
    for prefix in _EXCHANGE_PREFIXES:
        if ticker.startswith(prefix):
            ticker = ticker.removeprefix(prefix).lstrip()
            break
    with_class = _CLASS_LETTER.fullmatch(ticker)
    return f"{with_class[1]}.{with_class[2]}" if with_class else ticker


def excluded_in(text: str) -> frozenset[str]:
    """The tickers of a list, with blanks or commas between them."""
    return frozenset(text.replace(",", " ").upper().split())


def is_valid_ticker(ticker: str, excluded: frozenset[str] = DEFAULT_EXCLUDED) -> bool:
    """Whether a normalised ticker has the shape of a US share's and is not excluded."""
    return _VALID.fullmatch(ticker) is not None and ticker not in excluded


def valid_ticker(text: str, excluded: frozenset[str] = DEFAULT_EXCLUDED) -> str | None:
    """The canonical ticker that the text stands for, None when it stands for none that we keep."""
    ticker = normalise_ticker(text)
    return ticker if is_valid_ticker(ticker, excluded) else None


def yahoo_symbol(ticker: str) -> str:
    """How Yahoo and Alpha Vantage spell a canonical ticker: `BRK.B` is `BRK-B` there."""
    return ticker.replace(".", "-")
