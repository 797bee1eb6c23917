from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_src.errors import InvalidInput
from lambda_src.services.stock_track_record.channels.rules import parse_since
from lambda_src.services.stock_track_record.models import parse_timestamp, timestamp
from lambda_src.services.stock_track_record.runs.service import months_before


def test_a_timestamp_has_24_characters_and_is_floored_to_the_millisecond():
    moment = datetime(2025, 1, 15, 8, 30, 0, 123_999, UTC)
    assert timestamp(moment) == "2025-01-15T08:30:00.123Z"
    assert timestamp(moment.replace(microsecond=0)) == "2025-01-15T08:30:00.000Z"


def test_a_timestamp_is_in_utc_whatever_zone_it_came_in():
    moment = datetime(2025, 1, 15, 1, 0, tzinfo=timezone(timedelta(hours=2)))
    assert timestamp(moment) == "2025-01-14T23:00:00.000Z"


def test_a_time_without_a_zone_is_not_written():
    with pytest.raises(ValueError, match="zone"):
        timestamp(datetime(2025, 1, 15))  # noqa: DTZ001 -- what is refused


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_timestamp_reads_back_as_the_same_millisecond(moment):
    text = timestamp(moment)
    assert len(text) == 24
    assert timestamp(parse_timestamp(text)) == text
    assert timedelta(0) <= moment - parse_timestamp(text) < timedelta(milliseconds=1)


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_text_order_is_time_order(one, other):
    if one <= other:
        assert timestamp(one) <= timestamp(other)


def test_a_stored_time_without_a_zone_is_utc():
    assert parse_timestamp("2024-05-01T10:00:00.123456") == datetime(2024, 5, 1, 10, 0, 0, 123_456, UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-01-15T08:30:00Z", "2025-01-15T08:30:00.000Z"),
        ("2025-01-15T08:30:00.000Z", "2025-01-15T08:30:00.000Z"),
        ("2025-01-15T08:30:00.123999Z", "2025-01-15T08:30:00.123Z"),
        ("2025-01-15T08:30:00.1Z", "2025-01-15T08:30:00.100Z"),
        ("2025-01-15T08:30:00.123456789Z", "2025-01-15T08:30:00.123Z"),
        ("2025-01-15t08:30:00z", "2025-01-15T08:30:00.000Z"),
        ("2025-01-15T08:30:00", "2025-01-15T08:30:00.000Z"),
        ("2025-01-15T08:30", "2025-01-15T08:30:00.000Z"),
        ("2025-01-15 08:30", "2025-01-15T08:30:00.000Z"),
        ("2025-01-15T08:30:00+02:00", "2025-01-15T06:30:00.000Z"),
        ("2025-01-15T08:30:00 02:00", "2025-01-15T06:30:00.000Z"),
        ("2025-01-15T08:30:00.5 0200", "2025-01-15T06:30:00.500Z"),
        ("2025-01-15T08:30:00-05:30", "2025-01-15T14:00:00.000Z"),
        ("2025-01-15T08:30:00+02", "2025-01-15T06:30:00.000Z"),
        (" 2025-01-15T08:30:00Z ", "2025-01-15T08:30:00.000Z"),
        ("2025-01-15", "2025-01-15T00:00:00.000Z"),
        (" 2099-01-01", "2099-01-01T00:00:00.000Z"),
    ],
)
def test_since_is_read_generously(text, expected):
    assert parse_since(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "",
        "2025-01",
        "2025-02-29",
        "20250115",
        "1736929800",
        "2025-02-30T00:00:00Z",
        "2025-01-15T25:00:00Z",
        "2025-01-15T08:30:60Z",
        "2025-01-15T08:30:00+25:00",
        "2025-01-15T08:30:00Zjunk",
        "2025-01-15T08:30:00Z\nLOG#",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:00",
        "9999-12-31T23:59:59-23:00",
        "٢٠٢٥-01-15T08:30:00Z",
        "2025-W03-3T08:30:00Z",
        "2025-01-15T08:30:00." + "1" * 5000 + "Z",
    ],
)
def test_a_since_that_names_no_moment_is_refused(text):
    with pytest.raises(InvalidInput):
        parse_since(text)


@pytest.mark.parametrize(
    ("moment", "months", "cutoff"),
    [
        ("2025-01-15T08:30:00Z", 12, "2024-01-15"),
        ("2025-01-15T08:30:00Z", 1, "2024-12-15"),
        ("2025-03-31T23:59:00Z", 1, "2025-02-28"),
        ("2024-03-31T00:00:00Z", 1, "2024-02-29"),
        ("2024-02-29T00:00:00Z", 12, "2023-02-28"),
        ("2025-01-15T08:30:00Z", 36, "2022-01-15"),
        ("2025-12-31T00:00:00Z", 6, "2025-06-30"),
        ("2025-01-15T01:00:00+02:00", 1, "2024-12-14"),
    ],
)
def test_months_are_calendar_months_with_the_day_clamped(moment, months, cutoff):
    expected = datetime.fromisoformat(f"{cutoff}T00:00:00+00:00")
    assert months_before(datetime.fromisoformat(moment), months) == expected
