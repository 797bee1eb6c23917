from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from cdk_app.services.stock_track_record.stand_ins.models import Service, Stock
from cdk_app.services.stock_track_record.stand_ins.world import World

NOW = datetime(2025, 1, 15, 8, 30, 0, 123_000, tzinfo=UTC)  # a Wednesday, before the opening in New York
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"}
TOKEN = {"X-Finnhub-Token": "sample"}
AAPL = Stock(
    ticker="AAPL",
    name="Apple Inc.",
    closes={date(2024, 1, 12): 185.92, date(2024, 1, 16): 183.63, date(2025, 1, 13): None, date(2025, 1, 14): 195.5},
)
BRK_B = Stock(ticker="BRK.B", name="Berkshire Hathaway Inc.", exchange_code="NYQ")
SPY = Stock(ticker="SPY", name="SPDR S&P 500 ETF", exchange_code="PCX", instrument_type="ETF")
LNCH = Stock(ticker="LNCH", name="Launchpad Robotics, Inc.", listed_on=date(2025, 1, 2))
GONE = Stock(ticker="GONE", name="Gone, Inc.", delisted_on=date(2024, 6, 1))
STOCKS = (AAPL, BRK_B, SPY, LNCH, GONE)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def client(serve, clock):
    return serve(World.custom(stocks=STOCKS, clock=clock))


def seconds(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def quote(client: httpx.Client, symbol: str, headers: Mapping[str, str] = TOKEN) -> httpx.Response:
    return client.get("/finnhub/api/v1/quote", params={"symbol": symbol}, headers=headers)


def chart(client: httpx.Client, symbol: str, headers: Mapping[str, str] = BROWSER, **params: Any) -> httpx.Response:
    return client.get(f"/yahoo/v8/finance/chart/{symbol}", params={"interval": "1d", **params}, headers=headers)


def daily(client: httpx.Client, symbol: str, **params: str) -> dict[str, Any]:
    query = {"function": "TIME_SERIES_DAILY", "symbol": symbol, "outputsize": "compact", "apikey": "sample", **params}
    response = client.get("/alpha-vantage/query", params=query)
    assert response.status_code == 200
    answer: dict[str, Any] = response.json()
    return answer


# -- Finnhub


def test_finnhub_quotes_the_last_close(client):
    answer = quote(client, "AAPL")
    assert answer.json()["c"] == 195.5
    assert (answer.headers["X-Ratelimit-Limit"], answer.headers["X-Ratelimit-Remaining"]) == ("60", "59")
    assert set(quote(client, "BRK.B").json()) == {"c", "d", "dp", "h", "l", "o", "pc", "t"}


@pytest.mark.parametrize("symbol", ["XYZQ", "GONE", "BRK-B"])
def test_finnhub_answers_an_unknown_symbol_with_zeros_and_nulls(client, symbol):
    answer = quote(client, symbol)
    assert (answer.status_code, answer.json()["c"], answer.json()["d"]) == (200, 0, None)


@pytest.mark.parametrize("headers", [{}, {"X-Finnhub-Token": "bad-token"}])
def test_finnhub_refuses_a_missing_and_a_bad_key(client, headers):
    answer = quote(client, "AAPL", headers)
    assert answer.status_code == 401
    assert "error" in answer.json()


def test_finnhub_refuses_the_sixty_first_call_of_a_minute_until_its_reset(client, clock):
    statuses = []
    for call in range(61):
        clock.now = NOW.replace(second=call * 59 // 61)
        last = quote(client, "AAPL")
        statuses.append(last.status_code)
    assert statuses == [200] * 60 + [429]
    assert "API limit reached" in last.json()["error"]
    assert last.headers["X-Ratelimit-Limit"] == "60"
    assert last.headers["X-Ratelimit-Remaining"] == "0"
    clock.now = datetime.fromtimestamp(int(last.headers["X-Ratelimit-Reset"]), UTC)
    assert quote(client, "AAPL").status_code == 200


def test_finnhub_refuses_the_thirty_first_call_of_a_second(client):
    assert [quote(client, "AAPL").status_code for _ in range(31)] == [200] * 30 + [429]


# -- Yahoo


def test_yahoo_tells_what_a_symbol_is(client):
    answer = chart(client, "BRK-B", range="5d").json()
    meta = answer["chart"]["result"][0]["meta"]
    assert answer["chart"]["error"] is None
    assert meta["symbol"] == "BRK-B"
    assert (meta["currency"], meta["exchangeName"], meta["instrumentType"]) == ("USD", "NYQ", "EQUITY")
    assert (meta["longName"], meta["exchangeTimezoneName"]) == ("Berkshire Hathaway Inc.", "America/New_York")
    assert len(answer["chart"]["result"][0]["timestamp"]) == 5
    assert chart(client, "SPY", range="5d").json()["chart"]["result"][0]["meta"]["instrumentType"] == "ETF"


def test_yahoo_gives_the_last_close_as_the_price_of_the_market(client):
    meta = chart(client, "AAPL", range="5d").json()["chart"]["result"][0]["meta"]
    assert meta["regularMarketPrice"] == 195.5
    assert meta["regularMarketTime"] == int(datetime(2025, 1, 14, 21, tzinfo=UTC).timestamp())


def test_yahoo_history_leaves_out_weekends_and_holidays_and_may_hold_nulls(client):
    period: dict[str, Any] = {"period1": seconds("2024-01-11"), "period2": seconds("2024-01-18"), "events": "history"}
    [result] = chart(client, "AAPL", **period).json()["chart"]["result"]
    zone = ZoneInfo(result["meta"]["exchangeTimezoneName"])
    days = [datetime.fromtimestamp(stamp, zone).date().isoformat() for stamp in result["timestamp"]]
    assert days == ["2024-01-11", "2024-01-12", "2024-01-16", "2024-01-17"]  # the 15th was a holiday
    [columns] = result["indicators"]["quote"]
    assert columns["close"][1:3] == [185.92, 183.63]
    recent = chart(client, "AAPL", range="5d").json()["chart"]["result"][0]["indicators"]["quote"][0]
    assert (recent["close"][-2:], recent["open"][-2]) == ([None, 195.5], None)


def test_yahoo_leaves_out_the_timestamps_of_a_range_without_rows(client):
    period: dict[str, Any] = {"period1": seconds("2025-01-11"), "period2": seconds("2025-01-12")}
    [result] = chart(client, "AAPL", **period).json()["chart"]["result"]
    assert "timestamp" not in result
    assert result["indicators"]["quote"] == [{}]


@pytest.mark.parametrize("symbol", ["XYZQ", "GONE", "BRK.B"])
def test_yahoo_does_not_find_an_unknown_or_delisted_symbol_or_a_dotted_share_class(client, symbol):
    answer = chart(client, symbol, range="5d")
    assert answer.status_code == 404
    assert answer.json()["chart"]["result"] is None
    assert answer.json()["chart"]["error"]["code"] == "Not Found"


def test_yahoo_has_no_data_from_before_a_listing(client):
    answer = chart(client, "LNCH", period1=seconds("2024-06-01"), period2=seconds("2024-06-10"))
    assert answer.status_code == 400
    assert answer.json()["chart"]["error"]["description"].startswith("Data doesn't exist for startDate")


@pytest.mark.parametrize(
    "params",
    [
        {"interval": "7m", "range": "5d"},
        {"range": "2w"},
        {"period1": "now", "period2": "3"},
        {"period1": 3},
        {"period1": 9, "period2": 3},
    ],
)
def test_yahoo_refuses_parameters_it_does_not_know(client, params):
    answer = chart(client, "AAPL", **params)
    assert (answer.status_code, answer.json()["chart"]["error"]["code"]) == (400, "Bad Request")


def test_yahoo_turns_away_callers_that_are_no_browser_in_plain_text(client):
    answer = chart(client, "AAPL", headers={"User-Agent": "python-httpx/0.28"}, range="5d")
    assert answer.status_code == 429
    assert answer.headers["Content-Type"].startswith("text/plain")


# -- Alpha Vantage


def test_alpha_vantage_gives_a_hundred_days_newest_first_as_texts(client):
    series = daily(client, "BRK-B")["Time Series (Daily)"]
    days = list(series)
    assert len(days) == 100
    assert days == sorted(days, reverse=True)
    assert days[0] == "2025-01-14"
    assert daily(client, "AAPL")["Time Series (Daily)"]["2025-01-14"]["4. close"] == "195.5000"


def test_alpha_vantage_leaves_out_a_day_in_progress(client, clock):
    clock.now = datetime(2025, 1, 15, 20, 0, tzinfo=UTC)
    assert next(iter(daily(client, "AAPL")["Time Series (Daily)"])) == "2025-01-14"
    clock.now = datetime(2025, 1, 15, 21, 0, tzinfo=UTC)
    assert next(iter(daily(client, "AAPL")["Time Series (Daily)"])) == "2025-01-15"


@pytest.mark.parametrize(
    "params", [{"symbol": "XYZQ"}, {"function": "QUOTES"}, {"apikey": ""}, {"apikey": "bad"}, {"symbol": "BRK.B"}]
)
def test_alpha_vantage_tells_an_error_with_status_200(client, params):
    assert list(daily(client, **({"symbol": "AAPL"} | params))) == ["Error Message"]


def test_alpha_vantage_tells_the_limits_of_a_minute_and_of_a_day(client, clock):
    told = []
    for call in range(32):
        clock.now = NOW + timedelta(minutes=call // 6)
        told.append(next(iter(daily(client, "AAPL"))))
    assert told[:6] == ["Meta Data"] * 5 + ["Note"]
    assert told.count("Meta Data") == 25
    assert told[-2:] == ["Information"] * 2
    clock.now = NOW + timedelta(days=1)
    assert "Meta Data" in daily(client, "AAPL")


# -- faults and the ledger, the same for all


@pytest.mark.parametrize("service", ["finnhub", "yahoo", "alpha_vantage"])
def test_a_scripted_fault_answers_the_next_calls_of_its_service_alone(serve, clock, service: Service):
    world = World.custom(stocks=STOCKS, clock=clock)
    client = serve(world)
    world.fail_next(service, 500, "<html>oops</html>", times=1, headers={"X-Fault": "1"})
    calls: dict[Service, Callable[[], httpx.Response]] = {
        "finnhub": lambda: quote(client, "AAPL"),
        "yahoo": lambda: chart(client, "AAPL", range="5d"),
        "alpha_vantage": lambda: client.get(
            "/alpha-vantage/query", params={"function": "TIME_SERIES_DAILY", "symbol": "AAPL", "apikey": "secret"}
        ),
    }
    statuses = {name: call().status_code for name, call in calls.items()}
    assert statuses == {name: 500 if name == service else 200 for name in calls}
    assert calls[service]().status_code == 200
    for name in calls:
        recorded = world.calls(name)
        assert {call.subject for call in recorded} == {"AAPL"}
        assert {call.at for call in recorded} == {NOW}
        assert "secret" not in repr(recorded)


def test_quotas_can_be_lifted(serve, clock):
    client = serve(World.custom(stocks=STOCKS, clock=clock, quotas={}))
    assert {quote(client, "AAPL").status_code for _ in range(70)} == {200}


def test_the_custom_world_lists_the_shares_of_the_sample_unless_told_otherwise(serve):
    client = serve(World.custom())
    assert quote(client, "NVDA").json()["c"] > 0
