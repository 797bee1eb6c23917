"""What is read of usage: counters, logs and days, whatever of it has expired."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from lambda_src.errors import InvalidCursor
from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.usage.repository import UsageLogRepository

ANN = 12345
DAY = "20251008"


@pytest.fixture
def judge(new_judge):
    return new_judge()


@pytest.fixture
def usage(judge):
    return UsageLogRepository(judge.store, judge.clock)


def test_an_action_is_counted_whatever_its_limit(judge, usage):
    with judge.counted() as calls:
        log = usage.log_usage(ANN, "hint", "baekjoon#1000", {"hint_type": "problem"})

    assert calls == {"TransactWriteItems": 1}
    assert (log.user_id, log.date, log.problem_id) == (ANN, DAY, "baekjoon#1000")
    assert usage.get_usage_logs(ANN, DAY).items == [log]
    with judge.counted() as calls:
        assert usage.get_daily_usage_count(ANN, "hint", DAY) == 1
        assert usage.get_daily_usage_count(ANN, "hint", "20251007") == 0
    assert calls == {"GetItem": 2}


def test_the_logs_of_a_day_come_newest_first_and_page_by_page(judge, usage):
    for _ in range(5):
        usage.consume(ANN, "hint", 5, idempotency_key=f"k{judge.clock().second}")
        judge.clock.forward(seconds=1)

    with judge.counted() as calls:
        first = usage.get_usage_logs(ANN, DAY, 2)
        second = usage.get_usage_logs(ANN, DAY, 2, first.next_cursor)
        third = usage.get_usage_logs(ANN, DAY, 2, second.next_cursor)

    assert calls == {"Query": 3}
    times = [log.created_at for page in (first, second, third) for log in page.items]
    assert times == sorted(times, reverse=True)
    assert len(times) == 5
    assert third.next_cursor is None
    for user_id, date in ((ANN, "20251007"), (ANN + 1, DAY)):
        with pytest.raises(InvalidCursor):
            usage.get_usage_logs(user_id, date, 2, first.next_cursor)


def test_what_has_expired_is_not_there_though_it_is_still_stored(judge, usage):
    for _ in range(3):
        usage.consume(ANN, "hint", 5)
    judge.clock.forward(hours=1)
    usage.consume(ANN, "hint", 5)
    judge.clock.forward(days=90, hours=-1, milliseconds=-1)
    assert len(usage.get_usage_logs(ANN, DAY).items) == 4

    judge.clock.forward(milliseconds=1)

    for limit in (1, 2, 20):
        page = usage.get_usage_logs(ANN, DAY, limit)
        assert [log.created_at for log in page.items] == [1_759_928_400_000]
        assert (page.next_cursor is None) is (limit > 1), "behind what has expired nothing follows"
    rest = usage.get_usage_logs(ANN, DAY, 1, usage.get_usage_logs(ANN, DAY, 1).next_cursor)
    assert (rest.items, rest.next_cursor) == ([], None)
    judge.clock.forward(hours=1)
    assert usage.get_usage_logs(ANN, DAY).items == []
    assert usage.get_daily_usage_count(ANN, "hint", DAY) == 0


def test_a_preview_admits_nothing(judge, usage):
    assert usage.check_rate_limit(ANN, "hint", 2) == (True, 0, "2025-10-09T00:00:00Z")
    for _ in range(2):
        usage.consume(ANN, "hint", 2)

    with judge.counted() as calls:
        assert usage.check_rate_limit(ANN, "hint", 2) == (False, 2, "2025-10-09T00:00:00Z")
        assert usage.check_rate_limit(ANN, "hint", -1)[0] is True
        assert usage.check_rate_limit(ANN, "execution", 0)[0] is False
    assert calls == {"GetItem": 3}


def test_a_summary_has_every_day_oldest_first_and_today_last(judge, usage):
    for days, hints, executions in ((0, 1, 0), (1, 0, 2), (1, 2, 1)):
        judge.clock.forward(days=days)
        for action, count in (("hint", hints), ("execution", executions)):
            for _ in range(count):
                usage.consume(ANN, action, -1)

    with judge.counted() as calls:
        summary = usage.get_usage_summary(ANN, 7)

    assert calls == {"BatchGetItem": 1}
    assert summary.date_range == ("20251004", "20251010")
    assert [(day.date, dict(day.counts)) for day in summary.days[-3:]] == [
        ("20251008", {"hint": 1, "execution": 0}),
        ("20251009", {"hint": 0, "execution": 2}),
        ("20251010", {"hint": 2, "execution": 1}),
    ]
    assert (summary.total("hint"), summary.daily_avg("hint")) == (3, 0.43)
    assert (summary.total("execution"), summary.daily_avg("execution")) == (3, 0.43)
    assert [day.date for day in usage.get_usage_summary(ANN, 1).days] == ["20251010"]


@pytest.mark.parametrize(("days", "requests"), [(50, 1), (51, 2), (90, 2)])
def test_a_summary_reads_fifty_days_at_once(judge, usage, days, requests):
    with judge.counted() as calls:
        assert len(usage.get_usage_summary(ANN, days).days) == days
    assert calls == {"BatchGetItem": requests}


@pytest.mark.parametrize("days", [0, 91, -1])
def test_a_summary_is_of_one_to_ninety_days(usage, days):
    with pytest.raises(ValueError, match="1 to 90"):
        usage.get_usage_summary(ANN, days)


def test_an_audit_tells_a_counter_that_is_wrong(judge, usage):
    for _ in range(3):
        usage.consume(ANN, "hint", 5)
    given = usage.consume(ANN, "hint", 5)
    usage.consume(ANN, "execution", 5)
    usage.reverse_usage(given.log_pk, given.log_sk)

    with judge.counted() as calls:
        assert usage.audit_day(ANN, "hint", DAY) == (3, 3)
    assert calls == {"GetItem": 1, "Query": 1}

    key = items.USAGE_COUNTER.key(user_id=ANN, date=DAY, action="hint")
    judge.put_items({**judge.item(key), "val": 7})
    assert usage.audit_day(ANN, "hint", DAY) == (7, 3)


def test_the_usage_of_days_before_a_day_is_removed_and_that_of_others_stays(judge, usage):
    usage.consume(ANN + 1, "hint", -1)
    for days in (0, 92, 1):
        judge.clock.forward(days=days)
        for number in range(30):
            usage.consume(ANN, "hint", -1, idempotency_key=f"k{number}" if number < 3 else None)

    with judge.counted() as calls:
        assert usage.delete_logs_before_date(ANN, "20260109") == 60

    assert calls == {"Query": 93, "BatchWriteItem": 4}
    assert {item["PK"] for item in judge.items() if "#ULOG#" in item["PK"]} == {
        f"USR#{ANN}#ULOG#20260109",
        f"USR#{ANN + 1}#ULOG#{DAY}",
    }
    assert usage.delete_logs_before_date(ANN, "20260109") == 0


# ---- days ------------------------------------------------------------------------------------------------------------


def test_a_day_is_that_of_utc():
    tokyo = timezone(timedelta(hours=9))
    assert UsageLogRepository.format_date(datetime(2025, 10, 9, 8, 59, tzinfo=tokyo)) == "20251008"
    assert UsageLogRepository.format_date(datetime(2025, 10, 9, 9, 0, tzinfo=tokyo)) == "20251009"
    assert UsageLogRepository.parse_date("20251009") == datetime(2025, 10, 9, tzinfo=UTC)
    with pytest.raises(ValueError, match="not a moment"):
        UsageLogRepository.format_date(datetime(2025, 10, 9))  # noqa: DTZ001 -- the case


def test_limits_begin_anew_at_midnight(usage):
    assert usage._get_reset_time() == "2025-10-09T00:00:00Z"
    assert usage._get_reset_time("20251231") == "2026-01-01T00:00:00Z"


NO_DAYS = [
    "",
    "2025108",
    "2025-10-08",
    "20251308",
    "20250229",
    "00000101",
    "20251008\n",
    "\uff120251008",
    " 20251008",
]


@pytest.mark.parametrize("text", NO_DAYS, ids=[f"case {number}" for number in range(len(NO_DAYS))])
def test_what_is_no_day_is_refused_before_any_request(judge, usage, text):
    with judge.counted() as calls:
        for ask in (
            lambda: usage.get_daily_usage_count(ANN, "hint", text),
            lambda: usage.get_usage_logs(ANN, text),
            lambda: usage.audit_day(ANN, "hint", text),
            lambda: usage.delete_logs_before_date(ANN, text),
            lambda: usage.parse_date(text),
        ):
            with pytest.raises(ValueError, match=r"written YYYYMMDD|out of range|must be in|Invalid isoformat"):
                ask()
    assert calls == {}
