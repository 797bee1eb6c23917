"""Log lines and metrics as CloudWatch receives them."""

import asyncio
import io
import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from lambda_src.runtime.correlation import correlated, correlation_id
from lambda_src.runtime.observability import EmfMetrics, configure_logging

ROOT = Path(__file__).parents[3]


@pytest.fixture
def lines():
    """What was logged during the test, one parsed object per line; logging is as before afterwards."""
    root, product = logging.getLogger(), logging.getLogger("lambda_src")
    before = (list(root.handlers), root.level, product.level)
    stream = io.StringIO()
    configure_logging(service="sample", level="INFO", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    product.setLevel(before[2])


def test_a_lower_layer_that_knows_nothing_of_this_logs_json(lines):
    logging.getLogger("lambda_src.dynamo.store").info("page read", extra={"pattern": "videos", "item_count": 3})
    (line,) = lines()
    assert (line["message"], line["level"], line["service"]) == ("page read", "INFO", "sample")
    assert (line["pattern"], line["item_count"]) == ("videos", 3)
    assert line["timestamp"].endswith("+00:00")


def test_the_correlation_id_stands_on_each_line_while_it_holds(lines):
    logger = logging.getLogger("lambda_src.anything")
    with correlated("request-1"):
        logger.info("inside")
        with correlated("message-2"):
            logger.info("further inside")
        logger.info("inside again")
    logger.info("outside")
    assert [line.get("correlation_id") for line in lines()] == ["request-1", "message-2", "request-1", None]


def test_the_correlation_id_returns_after_an_exception():
    with pytest.raises(ZeroDivisionError), correlated("request-1"):
        raise ZeroDivisionError
    assert correlation_id() is None


def test_a_line_from_a_coroutine_does_not_name_its_task(lines):
    async def work() -> None:
        logging.getLogger("lambda_src.x").info("inside")

    asyncio.run(work())
    (line,) = lines()
    assert "taskName" not in line


def test_libraries_are_heard_from_warnings_on(lines):
    for name in ("httpx", "botocore.credentials", "mangum.http"):
        logging.getLogger(name).info("GET https://example.com/?apikey=hunter2")
        logging.getLogger(name).warning("something is wrong")
    assert [line["message"] for line in lines()] == ["something is wrong"] * 3


def test_a_stack_stays_on_one_line(lines):
    try:
        int("two\nlines")
    except ValueError:
        logging.getLogger("lambda_src.x").exception("it failed")
    (line,) = lines()
    assert line["exception_name"] == "ValueError"
    assert line["stack_trace"]["frames"]


def test_no_text_can_keep_a_line_from_being_written(lines):
    logging.getLogger("lambda_src.x").info("odd text", extra={"text": "\ud800\n\x00é", "thing": object()})
    (line,) = lines()
    assert line["text"] == "\ud800\n\x00é"


def test_configuring_again_replaces_and_does_not_double(lines):
    stream = io.StringIO()
    configure_logging(service="other", level="WARNING", stream=stream)
    logging.getLogger("lambda_src.x").info("not heard")
    logging.getLogger("lambda_src.x").warning("heard once")
    assert lines() == []
    assert [json.loads(line)["service"] for line in stream.getvalue().splitlines()] == ["other"]


def test_metrics_are_one_line_in_the_embedded_format(capsys):
    metrics = EmfMetrics(namespace="StockTrackRecord", service="worker")
    metrics.count("VideoAnalysed")
    metrics.count("VideoAnalysed", 2)
    metrics.milliseconds("UpstreamLatency", 12.5)
    metrics.flush()
    metrics.flush()
    (line,) = capsys.readouterr().out.splitlines()
    written = json.loads(line)
    (group,) = written["_aws"]["CloudWatchMetrics"]
    assert group["Namespace"] == "StockTrackRecord"
    assert {metric["Name"]: metric["Unit"] for metric in group["Metrics"]} == {
        "VideoAnalysed": "Count",
        "UpstreamLatency": "Milliseconds",
    }
    assert (written["VideoAnalysed"], written["UpstreamLatency"]) == ([1.0, 2.0], [12.5])
    assert written["service"] == "worker"


def published(line):
    """(name, dimensions, values) of all that CloudWatch makes of a line."""
    written = json.loads(line)
    (group,) = written["_aws"]["CloudWatchMetrics"]
    return [
        (metric["Name"], {name: written[name] for name in dimensions}, written[metric["Name"]])
        for metric in group["Metrics"]
        for dimensions in group["Dimensions"]
    ]


def test_a_count_that_is_divided_is_also_counted_whole(capsys):
    metrics = EmfMetrics(namespace="Sample", service="api")
    for reason in ("refused", "late", "refused"):
        metrics.count("Failed", reason=reason)
    metrics.count("Opened")
    metrics.flush()
    found = [entry for line in capsys.readouterr().out.splitlines() for entry in published(line)]
    assert found == [
        ("Failed", {"service": "api"}, [1.0, 1.0]),
        ("Failed", {"service": "api", "reason": "refused"}, [1.0, 1.0]),
        ("Failed", {"service": "api"}, [1.0]),
        ("Failed", {"service": "api", "reason": "late"}, [1.0]),
        ("Opened", {"service": "api"}, [1.0]),
    ]


def test_durations_of_different_things_stay_apart(capsys):
    metrics = EmfMetrics(namespace="Sample", service="api")
    for upstream, milliseconds in (("a", 10), ("b", 900), ("a", 20)):
        metrics.milliseconds("Latency", milliseconds, upstream=upstream)
    metrics.flush()
    found = [entry for line in capsys.readouterr().out.splitlines() for entry in published(line)]
    assert found == [
        ("Latency", {"service": "api", "upstream": "a"}, [10.0, 20.0]),
        ("Latency", {"service": "api", "upstream": "b"}, [900.0]),
    ]


def test_what_divided_one_invocation_does_not_divide_the_next(capsys):
    metrics = EmfMetrics(namespace="Sample", service="api")
    metrics.count("Failed", reason="late")
    metrics.flush()
    metrics.count("Failed")
    metrics.flush()
    _, second = capsys.readouterr().out.splitlines()
    assert published(second) == [("Failed", {"service": "api"}, [1.0])]


def test_two_metrics_do_not_share_what_they_collect(capsys):
    first, second = (EmfMetrics(namespace="Sample", service=name) for name in ("first", "second"))
    first.count("Happened")
    second.flush()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        ("api_function", "httpx aws_lambda_powertools.utilities.parameters"),
        ("worker_function", "httpx fastapi mangum starlette aws_lambda_powertools.utilities.parameters"),
        ("settings observability secrets queue", "boto3 httpx fastapi"),
    ],
)
def test_an_entry_point_imports_only_what_it_needs(modules, absent):
    imports = "; ".join(f"import lambda_src.runtime.{name}" for name in modules.split())
    check = f"import sys; {imports}; print([name for name in {absent.split()!r} if name in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.strip() == "[]"
