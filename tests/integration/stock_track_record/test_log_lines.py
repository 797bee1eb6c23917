"""What one request leaves in the logs of API and worker, over a real queue; and what the saved queries make of it."""

import asyncio
import io
import json
import logging
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from cdk_app.constructs.api_function import ACCESS_LOG
from cdk_app.constructs.queries import QUERIES, SavedQuery
from cdk_app.local.ministack import QUICK
from lambda_src.errors import StoreUnavailable
from lambda_src.runtime.lambda_http import lambda_handler
from lambda_src.runtime.observability import configure_logging
from lambda_src.runtime.problems import ErrorAnswers
from lambda_src.runtime.queue import QueueClient
from lambda_src.services.stock_track_record import wiring
from lambda_src.services.stock_track_record.tables import TABLES
from tests.support.stock_track_record import Applications, Invocation

EVENT = Path("tests/events/api_gateway_v2_post.json")
# https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html#platform-report
PLATFORM_REPORT = {"type", "record.status", "record.metrics.initDurationMs", "record.metrics.restoreDurationMs"}
# What the runtime writes about an exception that nobody caught: `log_error` and `make_error` in awslambdaric.bootstrap.
UNHANDLED = {"level", "errorType", "errorMessage"}
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
COMMANDS = {"fields", "filter", "stats", "sort", "limit", "by", "as", "in", "and", "or", "asc", "desc"}
FUNCTIONS = {"count", "sum", "max", "pct", "bin", "ispresent"}


class OnARealQueue(Applications):
    """The service with the queue client it has on Lambda."""

    sqs: Any = None

    def __init__(self, **options):
        super().__init__(queue=QueueClient(lambda: self.sqs), **options)


@pytest.fixture
def app(cloud, dynamodb_client, make_tables, monkeypatch):
    sqs = cloud.session.client("sqs", endpoint_url=cloud.url, config=QUICK)
    monkeypatch.setattr(OnARealQueue, "sqs", sqs)
    urls = {
        name: sqs.create_queue(QueueName=f"{name.replace('_', '-')}-{uuid4()}")["QueueUrl"]
        for name in ("sqs_queue_url", "price_queue_url", "sqs_dlq_url", "price_dlq_url")
    }
    application = OnARealQueue(client=dynamodb_client, names=make_tables(TABLES), **urls)
    yield application
    application.stop()


@pytest.fixture
def lines():
    """What was logged so far, one parsed object per line; logging is as before afterwards."""
    root, product = logging.getLogger(), logging.getLogger("lambda_src")
    before = (list(root.handlers), root.level, product.level)
    stream = io.StringIO()
    configure_logging(service="sample", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    product.setLevel(before[2])


def post_a_channel(app):
    """One request through API Gateway's event, as Lambda receives it."""
    event = json.loads(EVENT.read_text())
    try:
        answer = lambda_handler(wiring.api(app.api_settings, replace(app.resources, serves_many=False)))(event, None)
    finally:
        asyncio.get_event_loop_policy().get_event_loop().close()
        asyncio.set_event_loop(None)
    assert answer["statusCode"] == 201, answer
    return event["requestContext"]["requestId"]


def send_poison(app):
    """A message that no worker understands."""
    app.sqs.send_message(QueueUrl=app.worker_settings.sqs_queue_url, MessageBody="not json")


def deliver_what_waits(app):
    """What Lambda's poller does: one message from the queue, as a record, to the worker."""
    url = app.worker_settings.sqs_queue_url
    [message] = app.sqs.receive_message(
        QueueUrl=url, MessageAttributeNames=["All"], AttributeNames=["All"], WaitTimeSeconds=2
    )["Messages"]
    record = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {
            name: {"stringValue": value["StringValue"], "dataType": value["DataType"]}
            for name, value in message.get("MessageAttributes", {}).items()
        },
        "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{url.rsplit('/', 1)[-1]}",
    }
    assert app.worker({"Records": [record]}, Invocation()) == {"batchItemFailures": []}


def test_one_id_leads_from_the_request_through_the_queue_to_the_work_it_caused(app, lines):
    request_id = post_a_channel(app)
    deliver_what_waits(app)
    by_phrase = {line["message"]: line["correlation_id"] for line in lines()}
    assert by_phrase["request served"] == by_phrase["message handled"] == by_phrase["run failed"] == request_id


def fields_read_by(query: SavedQuery) -> set[str]:
    """Names in a query that are neither its words nor names it gives itself."""
    text = re.sub(r'"[^"]*"', "", query.text)
    given = set(re.findall(r"\bas (\w+)", text))
    return (
        {word for word in re.findall(r"(?<!\w)@?[A-Za-z_][\w.]*", text) if not word.startswith("@")}
        - COMMANDS
        - FUNCTIONS
        - given
    )


def names_in(value, prefix=""):
    """Names as Logs Insights knows them: nested ones joined by dots."""
    for name, inside in value.items():
        yield prefix + name
        if isinstance(inside, dict):
            yield from names_in(inside, f"{prefix}{name}.")


def test_saved_queries_read_only_fields_that_are_written(app, lines):
    post_a_channel(app)
    deliver_what_waits(app)
    send_poison(app)
    deliver_what_waits(app)
    ErrorAnswers()(StoreUnavailable())  # what a request meets when the database is away
    written = {name for line in lines() for name in names_in(line)} | PLATFORM_REPORT | UNHANDLED | ACCESS_LOG.keys()
    for query in QUERIES:
        read = fields_read_by(query)
        assert read, query.name
        assert read <= written, (query.name, read - written)


def test_saved_queries_look_for_phrases_and_outcomes_that_are_written(app, lines):
    """A query for a phrase nobody writes finds nothing, which looks like good news."""
    send_poison(app)
    deliver_what_waits(app)
    assert "refused" in {line.get("outcome") for line in lines()}
    sources = Path("lambda_src/runtime/worker.py").read_text()
    for phrase in ("message cannot succeed", "refused", "exhausted"):
        assert f'"{phrase}"' in sources
        assert any(f'"{phrase}"' in query.text for query in QUERIES)
