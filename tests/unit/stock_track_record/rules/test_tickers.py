import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_src.services.stock_track_record.models import (
    DEFAULT_EXCLUDED,
    is_valid_ticker,
    normalise_ticker,
    valid_ticker,
    yahoo_symbol,
)


@pytest.mark.parametrize(
    ("text", "ticker"),
    [
        (" $nvda ", "NVDA"),
        ("brk-b", "BRK.B"),
        ("BRK/B", "BRK.B"),
        ("BRK B", "BRK.B"),
        ("BRK.B", "BRK.B"),
        ("NASDAQ:MSFT", "MSFT"),
        ("nyse:brk-b", "BRK.B"),
        ("NYSEAMERICAN:UAMY", "UAMY"),
        ("NYSE: T", "T"),
        ("$ASTS\n", "ASTS"),
        ("F", "F"),
        ("BRKA.B", "BRKA.B"),
    ],
)
def test_spellings_of_a_us_share_become_its_ticker(text, ticker):
    assert valid_ticker(text) == ticker


@pytest.mark.parametrize(
    "text",
    [
        "HO.PA",
        "GOOGLE",
        "7203",
        "BTC-USD",
        "ABCDE.A",
        "ABCDE-A",
        "",
        "   ",
        "$",
        "NYSE:",
        "$$NVDA",
        "NYSE:NASDAQ:MSFT",
        "BRK  B",
        "BRK.BB",
        "BRK.",
        ".B",
        "NVDA\nX",
        "NVDA,AAPL",
        "T#1",
    ],
)
def test_anything_else_is_no_ticker(text):
    assert valid_ticker(text) is None


@pytest.mark.parametrize(
    "text", ["ß", "maß", "\u0131", "\ufb01", "\uff21\uff30", "\u0410APL", "A\u0663", "BRK\u00a0B", "\u212a"]
)
def test_letters_of_other_scripts_never_turn_into_a_ticker(text):
    assert valid_ticker(text) is None


@pytest.mark.parametrize("ticker", sorted(DEFAULT_EXCLUDED))
def test_funds_and_coins_are_excluded_by_default(ticker):
    assert valid_ticker(ticker.lower()) is None
    assert is_valid_ticker(ticker, frozenset())


def test_the_default_list_is_the_published_one():
    assert len(DEFAULT_EXCLUDED) == 31
    assert {"SPY", "DOGE", "JEPI", "VT"} < DEFAULT_EXCLUDED


def test_what_is_excluded_can_be_chosen():
    assert valid_ticker("SPY", frozenset({"NVDA"})) == "SPY"
    assert valid_ticker("NVDA", frozenset({"NVDA"})) is None


def test_an_invalid_ticker_still_comes_back_in_upper_case():
    assert normalise_ticker(" google ") == "GOOGLE"


@pytest.mark.parametrize(("ticker", "symbol"), [("BRK.B", "BRK-B"), ("AAPL", "AAPL")])
def test_yahoo_writes_the_class_with_a_dash(ticker, symbol):
    assert yahoo_symbol(ticker) == symbol


@given(st.text(max_size=12))
def test_a_valid_ticker_is_its_own_normal_form_and_plain_ascii(text):
    ticker = valid_ticker(text, frozenset())
    if ticker is not None:
        assert ticker.isascii()
        assert normalise_ticker(ticker) == ticker
        assert valid_ticker(yahoo_symbol(ticker), frozenset()) == ticker
