from decimal import Decimal

import pytest

from lambda_src.services.stock_track_record.videos.rules import ExtractedStock, extracted_stocks, one_per_ticker


def only(entry: dict[str, object]) -> ExtractedStock:
    (stock,) = extracted_stocks({"stocks": [{"ticker": "NVDA", "sentiment": "buy"} | entry]})
    return stock


def test_an_answer_is_read():
    answer = {
        "stocks": [{"ticker": "KTOS", "sentiment": "buy", "context": " Owns it. ", "confidence": Decimal("0.915")}]
    }
    assert extracted_stocks(answer) == (ExtractedStock("KTOS", "buy", "Owns it.", Decimal("0.92")),)


def test_a_bare_list_is_read_as_well():
    assert extracted_stocks([{"ticker": "KTOS", "sentiment": "sell"}]) == (ExtractedStock("KTOS", "sell"),)


def test_no_stocks_is_an_answer():
    assert extracted_stocks({"stocks": []}) == ()


@pytest.mark.parametrize(
    "wrapped",
    [
        {"result": {"stocks": [{"ticker": "KTOS"}]}},
        {"model": "flash", "data": {"answer": {"stocks": [{"ticker": "KTOS"}]}}},
        {"stocks": {"stocks": [{"ticker": "KTOS"}]}},
        [{"stocks": [{"ticker": "KTOS"}]}],
        [{"stocks": []}, {"stocks": [{"ticker": "KTOS"}]}],
    ],
)
def test_an_answer_inside_another_object_or_a_list_is_read(wrapped):
    assert extracted_stocks(wrapped) == (ExtractedStock("KTOS", "mentioned"),)


@pytest.mark.parametrize(
    "answer",
    [
        {"picks": [{"ticker": "KTOS"}]},
        {"draft": {"stocks": [{"ticker": "KTOS"}]}, "final": {"stocks": []}},  # which of the two?
        {"a": {"b": {"c": {"d": {"e": {"stocks": [{"ticker": "KTOS"}]}}}}}},
    ],
)
def test_what_only_may_be_meant_is_refused(answer):
    with pytest.raises(ValueError, match="list of stocks"):
        extracted_stocks(answer)


@pytest.mark.parametrize("answer", [None, "NVDA", 7, {}, {"stocks": None}, {"stocks": {"ticker": "NVDA"}}])
def test_any_other_shape_is_refused(answer):
    with pytest.raises(ValueError, match="list of stocks"):
        extracted_stocks(answer)


@pytest.mark.parametrize("entry", ["NVDA", None, 7, [], {}, {"ticker": None}, {"ticker": 7}, {"ticker": "  "}])
def test_entries_without_a_ticker_are_dropped(entry):
    assert extracted_stocks([entry, {"ticker": "NVDA", "sentiment": "hold"}]) == (ExtractedStock("NVDA", "hold"),)


@pytest.mark.parametrize(
    ("entry", "sentiment"),
    [
        ({"sentiment": "Sell "}, "sell"),
        ({"sentiment": "strong buy"}, "mentioned"),
        ({"sentiment": 5}, "mentioned"),
        ({"sentiment": None}, "mentioned"),
        ({"sentiment": None, "recommendation": "hold"}, "hold"),
        ({"sentiment": "buy", "recommendation": "hold"}, "buy"),
    ],
)
def test_an_unknown_sentiment_counts_as_a_mention(entry, sentiment):
    assert only(entry).sentiment == sentiment


def test_the_recommendation_stands_in_for_a_missing_sentiment():
    (stock,) = extracted_stocks([{"ticker": "NVDA", "recommendation": "sell"}])
    assert stock.sentiment == "sell"


@pytest.mark.parametrize(
    ("confidence", "expected"),
    [
        (Decimal("0.5"), "0.50"),
        (1, "1.00"),
        (7, "1.00"),
        (-1, "0.00"),
        (0.1 + 0.2, "0.30"),
        (Decimal("1E+400"), "1.00"),
        (Decimal("1E-400"), "0.00"),
        (float("inf"), "1.00"),
        (Decimal("0.125"), "0.12"),
    ],
)
def test_confidence_is_clamped_and_has_two_decimals(confidence, expected):
    assert str(only({"confidence": confidence}).confidence) == expected


@pytest.mark.parametrize("confidence", [None, "high", "0.5", True, float("nan"), [], {}])
def test_a_confidence_that_is_no_number_is_left_out(confidence):
    assert only({"confidence": confidence}).confidence is None


@pytest.mark.parametrize("context", ["", "  \n ", None, 7])
def test_a_context_that_says_nothing_is_left_out(context):
    assert only({"context": context}).context is None


def test_a_long_context_is_cut():
    assert only({"context": "x" * 201}).context == "x" * 200


def test_text_that_cannot_be_stored_is_made_fit():
    assert only({"context": "bad\ud800half\x00and\nline"}).context == "bad\ufffdhalf and line"


def test_an_opinion_wins_over_a_mention_and_the_first_opinion_over_later_ones():
    stocks = [
        ExtractedStock("NVDA", "mentioned"),
        ExtractedStock("AAPL", "hold"),
        ExtractedStock("NVDA", "buy", "first"),
        ExtractedStock("NVDA", "sell", "second"),
        ExtractedStock("AAPL", "mentioned"),
        ExtractedStock("MSFT", "mentioned", "first"),
        ExtractedStock("MSFT", "mentioned", "second"),
    ]
    assert one_per_ticker(stocks) == (
        ExtractedStock("NVDA", "buy", "first"),
        ExtractedStock("AAPL", "hold"),
        ExtractedStock("MSFT", "mentioned", "first"),
    )
