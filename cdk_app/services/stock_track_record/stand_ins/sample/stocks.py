"""The securities of the sample world. Names and exchanges are real, every price is invented."""

from datetime import date, timedelta

from cdk_app.services.stock_track_record.stand_ins.models import Stock

# ticker, name, Yahoo's exchange code, typical price in USD
SHARES: tuple[tuple[str, str, str, float], ...] = (
    ("AAPL", "Apple Inc.", "NMS", 230.0),
    ("ACHR", "Archer Aviation Inc.", "NYQ", 9.0),
    ("AMD", "Advanced Micro Devices, Inc.", "NMS", 160.0),
    ("AMZN", "Amazon.com, Inc.", "NMS", 215.0),
    ("ASML", "ASML Holding N.V.", "NMS", 780.0),
    ("AVGO", "Broadcom Inc.", "NMS", 260.0),
    ("BA", "The Boeing Company", "NYQ", 190.0),
    ("BRK.B", "Berkshire Hathaway Inc.", "NYQ", 470.0),
    ("CAT", "Caterpillar Inc.", "NYQ", 390.0),
    ("COST", "Costco Wholesale Corporation", "NMS", 940.0),
    ("CRWD", "CrowdStrike Holdings, Inc.", "NMS", 420.0),
    ("DIS", "The Walt Disney Company", "NYQ", 110.0),
    ("F", "Ford Motor Company", "NYQ", 11.0),
    ("GOOGL", "Alphabet Inc.", "NMS", 185.0),
    ("HOOD", "Robinhood Markets, Inc.", "NMS", 85.0),
    ("IONQ", "IonQ, Inc.", "NYQ", 38.0),
    ("JNJ", "Johnson & Johnson", "NYQ", 165.0),
    ("JPM", "JPMorgan Chase & Co.", "NYQ", 280.0),
    ("KO", "The Coca-Cola Company", "NYQ", 69.0),
    ("KTOS", "Kratos Defense & Security Solutions, Inc.", "NMS", 48.0),
    ("LLY", "Eli Lilly and Company", "NYQ", 790.0),
    ("LUNR", "Intuitive Machines, Inc.", "NGM", 11.0),
    ("META", "Meta Platforms, Inc.", "NMS", 680.0),
    ("MSFT", "Microsoft Corporation", "NMS", 470.0),
    ("NFLX", "Netflix, Inc.", "NMS", 1150.0),
    ("NVDA", "NVIDIA Corporation", "NMS", 150.0),
    ("O", "Realty Income Corporation", "NYQ", 57.0),
    ("OKLO", "Oklo Inc.", "NYQ", 55.0),
    ("PG", "The Procter & Gamble Company", "NYQ", 162.0),
    ("PLTR", "Palantir Technologies Inc.", "NMS", 130.0),
    ("RGTI", "Rigetti Computing, Inc.", "NCM", 13.0),
    ("RKLB", "Rocket Lab Corporation", "NCM", 38.0),
    ("SOFI", "SoFi Technologies, Inc.", "NMS", 18.0),
    ("TSLA", "Tesla, Inc.", "NMS", 310.0),
    ("TSM", "Taiwan Semiconductor Manufacturing Company Limited", "NYQ", 210.0),
    ("UBER", "Uber Technologies, Inc.", "NYQ", 88.0),
    ("UUUU", "Energy Fuels Inc.", "ASE", 8.0),
    ("V", "Visa Inc.", "NYQ", 350.0),
    ("XOM", "Exxon Mobil Corporation", "NYQ", 110.0),
)

HAS_GAPS = frozenset({"UUUU"})

# Known to Yahoo, but no share of a New York exchange: a fund each, two foreign listings, one traded over the counter.
OTHERS = (
    Stock(ticker="SPY", name="SPDR S&P 500 ETF", exchange_code="PCX", instrument_type="ETF", typical_price=600.0),
    Stock(ticker="SCHG", name="Schwab US Large-Cap Growth ETF", exchange_code="PCX", instrument_type="ETF"),
    Stock(ticker="HO.PA", name="Thales S.A.", exchange_code="PAR", currency="EUR", timezone="Europe/Paris"),
    Stock(ticker="SHEL.L", name="Shell plc", exchange_code="LSE", currency="GBp", timezone="Europe/London"),
    Stock(ticker="TCEHY", name="Tencent Holdings Limited", exchange_code="PNK", typical_price=62.0),
)

DELISTED = Stock(ticker="TWTR", name="Twitter, Inc.", exchange_code="NYQ", delisted_on=date(2022, 11, 8))
NEWLY_LISTED_TICKER = "LNCH"
UNKNOWN_TICKER = "XYZQ"  # no service knows it


def newly_listed(today: date) -> Stock:
    """A share that began to trade about two months ago: an older mention of it can never be priced."""
    two_months_ago = (today - timedelta(days=60)).replace(day=1)
    return Stock(
        ticker=NEWLY_LISTED_TICKER, name="Launchpad Robotics, Inc.", listed_on=two_months_ago, typical_price=21.0
    )


def sample_stocks(today: date) -> tuple[Stock, ...]:
    shares = tuple(
        Stock(ticker=ticker, name=name, exchange_code=exchange, typical_price=price, has_gaps=ticker in HAS_GAPS)
        for ticker, name, exchange, price in SHARES
    )
    return (*shares, *OTHERS, DELISTED, newly_listed(today))
