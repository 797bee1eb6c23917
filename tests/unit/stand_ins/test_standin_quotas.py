from datetime import UTC, datetime, timedelta

from cdk_app.services.stock_track_record.stand_ins.quotas import Quota, QuotaMeter, Standing

NOON = datetime(2025, 1, 15, 12, tzinfo=UTC)
MINUTE, DAY = Quota(2, 60), Quota(3, 86_400)


def test_a_quota_admits_its_limit_and_refuses_the_next_call_until_its_window_ends():
    meter = QuotaMeter({"finnhub": (MINUTE,)})
    reset = int(NOON.timestamp()) + 60
    assert [meter.take("finnhub", NOON) for _ in range(3)] == [
        Standing(None, 2, 1, reset),
        Standing(None, 2, 0, reset),
        Standing(MINUTE, 2, 0, reset),
    ]
    assert meter.take("finnhub", NOON + timedelta(seconds=60)) == Standing(None, 2, 1, reset + 60)


def test_a_call_refused_by_one_quota_is_not_counted_by_another():
    meter = QuotaMeter({"alpha_vantage": (MINUTE, DAY)})
    exceeded = []
    for minutes in (0, 0, 0, 1, 1):
        standing = meter.take("alpha_vantage", NOON + timedelta(minutes=minutes))
        assert standing is not None
        exceeded.append(standing.exceeded)
    assert exceeded == [None, None, MINUTE, None, DAY]


def test_a_service_without_quotas_is_never_refused():
    assert QuotaMeter({}).take("finnhub", NOON) is None
