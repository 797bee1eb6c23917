import io
import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lambda_src.runtime
from cdk_app.local.console.log_lines import PHRASES, LogLine, parse_line
from lambda_src.runtime.correlation import correlated
from lambda_src.runtime.observability import configure_logging

RECEIVED_AT = datetime(2026, 11, 21, 4, 30, tzinfo=UTC)
REQUEST = {
    "method": "GET",
    "route": "/api/channels/{channel_id}",
    "status": 200,
    "milliseconds": 12.5,
    "dynamodb_requests": 2,
    "read_units": 1.5,
    "write_units": 0,
}


def parsed(**fields: object) -> LogLine:
    return parse_line(json.dumps(fields), received_at=RECEIVED_AT)


@pytest.fixture
def written():
    """Lines as a function writes them; afterwards logging is as it was."""
    root, product = logging.getLogger(), logging.getLogger("lambda_src")
    before = (root.handlers, root.level, product.level)
    stream = io.StringIO()
    configure_logging(service="stock_track_record", stream=stream)
    yield lambda: stream.getvalue().splitlines()
    root.handlers = before[0]
    root.setLevel(before[1])
    product.setLevel(before[2])


def test_a_request_as_the_runtime_writes_it_is_read_with_all_its_figures(written):
    with correlated("request-1"):
        logging.getLogger("lambda_src.runtime.middleware").info("request served", extra=REQUEST)
    (text,) = written()
    line = parse_line(text, received_at=RECEIVED_AT)
    assert (line.kind, line.text, line.outcome) == ("request", "GET /api/channels/{channel_id}", "200")
    assert (line.milliseconds, line.dynamodb_requests, line.read_units, line.write_units) == (12.5, 2, 1.5, 0)
    assert line.correlation_id == "request-1"
    assert line.at != RECEIVED_AT  # the line's own time
    assert line.detail == ""
    assert line.is_good
    assert not line.is_trouble


def test_an_exception_as_the_runtime_writes_it_keeps_its_traceback(written):
    try:
        int("no number")
    except ValueError:
        logging.getLogger("lambda_src.runtime.worker").exception("message failed", extra={"attempt": 2})
    line = parse_line(written()[0], received_at=RECEIVED_AT)
    assert (line.kind, line.text, line.level, line.detail) == ("line", "message failed", "ERROR", "attempt=2")
    assert "ValueError: invalid literal" in line.stack
    assert line.is_trouble


@pytest.mark.parametrize("phrase", PHRASES)
def test_every_phrase_with_a_meaning_here_is_one_that_the_runtime_writes(phrase):
    folder = Path(lambda_src.runtime.__file__).parent
    assert any(f'"{phrase}"' in module.read_text("utf-8") for module in folder.glob("*.py"))


@pytest.mark.parametrize(
    ("outcome", "is_good", "is_trouble"),
    [
        ("done", True, False),
        ("declined", False, False),
        ("ignored", False, False),
        ("retry", False, True),
        ("refused", False, True),
    ],
)
@pytest.mark.parametrize("message", ["message handled", "record handled", "batch handled"])
def test_the_outcome_of_a_message_says_whether_to_look_twice(message, outcome, is_good, is_trouble):
    line = parsed(message=message, kind="video", outcome=outcome, milliseconds=3.0)
    assert (line.kind, line.text, line.outcome) == ("message", "video", outcome)
    assert (line.is_good, line.is_trouble, line.is_work) == (is_good, is_trouble, True)


@pytest.mark.parametrize(
    ("status", "is_good", "is_trouble"), [(204, True, False), (404, False, False), (503, False, True)]
)
def test_the_status_of_a_request_says_whether_to_look_twice(status, is_good, is_trouble):
    line = parsed(message="request served", method="GET", route="/", status=status)
    assert (line.is_good, line.is_trouble) == (is_good, is_trouble)


def test_a_first_delivery_goes_without_saying_and_a_later_one_is_shown():
    assert parsed(message="message handled", kind="video", outcome="done", receive_count=1).detail == ""
    again = parsed(message="message handled", kind="video", outcome="done", receive_count=3)
    assert again.detail == "receive_count=3"


def test_further_fields_of_other_lines_are_shown_as_they_are():
    line = parsed(message="page read", level="info", pattern="videos", kind="x", counts=[1, 2], none=None, service="s")
    assert line.detail == "pattern=videos  kind=x  counts=[1, 2]"
    assert not line.is_work


def test_a_platform_line_is_shown_plain():
    line = parse_line("START RequestId: 6b39 Version: $LATEST\n", received_at=RECEIVED_AT)
    assert (line.kind, line.text, line.at) == ("platform", "START RequestId: 6b39 Version: $LATEST", RECEIVED_AT)


def test_metrics_are_no_message_and_stay_in_the_background():
    line = parsed(_aws={"CloudWatchMetrics": []}, VideoAnalysed=[1.0])
    assert line.kind == "platform"
    assert not line.is_work


def test_a_time_without_a_zone_is_utc_and_a_broken_one_is_replaced():
    assert parsed(message="x", timestamp="2026-11-21T05:00:00.250").at == datetime(2026, 11, 21, 5, 0, 0, 250_000, UTC)
    assert parsed(message="x", timestamp="yesterday").at == RECEIVED_AT
    assert parsed(message="x", timestamp=12).at == RECEIVED_AT
    assert parsed(message="x", timestamp="0001-01-01T00:00:00+05:00").at == RECEIVED_AT


def test_figures_that_are_none_are_left_out():
    line = parsed(message="request served", milliseconds="soon", read_units=True, dynamodb_requests=10**400)
    assert (line.milliseconds, line.read_units, line.dynamodb_requests) == (None, None, None)


json_values = st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists, max_leaves=5)


@given(
    st.text()
    | st.dictionaries(st.sampled_from([*REQUEST, "message", "timestamp", "level", "kind", "x"]), json_values).map(
        json.dumps
    )
)
def test_no_line_is_too_strange_to_be_shown(text):
    line = parse_line(text, received_at=RECEIVED_AT)
    assert line.at.tzinfo is not None
