"""What a service costs by the hour, computed by CloudWatch from what it counts and from list prices.

An estimate for noticing change: prices of us-east-1, without free tier, storage, logs, traces, traffic to the internet
and what is paid by the month. The bill and the budget have the truth, a day later.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from cdk_app import prices
from cdk_app.constructs.api_function import ApiFunction
from cdk_app.constructs.queue_worker import WorkQueue
from cdk_app.constructs.service_function import ServiceFunction
from cdk_app.constructs.service_table import ServiceTables

HOUR: Final = Duration.hours(1)
HOURS_PER_MONTH: Final = prices.SECONDS_PER_MONTH // 3600
GRAPH_COLUMNS: Final = 18
FIGURE_COLUMNS: Final = 6
HEIGHT: Final = 6
MB_PER_GB: Final = 1024
MILLISECONDS_PER_SECOND: Final = 1000
# Each is a request that SQS bills; deletes are those of received messages.
BILLED_SQS: Final = (
    "NumberOfMessagesSent",
    "NumberOfMessagesReceived",
    "NumberOfMessagesDeleted",
    "NumberOfEmptyReceives",
)

# A metric, and what one of it costs in US dollars.
type Term = tuple[cloudwatch.IMetric, Decimal]


def cost_widgets(
    *, api: ApiFunction, functions: Sequence[ServiceFunction], queues: Sequence[WorkQueue], tables: ServiceTables
) -> list[cloudwatch.IWidget]:
    """A graph of US dollars per hour, one area per AWS service, and what the last hour would be over a month."""
    requests = api.api.metric_count(period=HOUR, statistic="Sum")
    parts = {
        "api": _cost("API Gateway", [(requests, prices.HTTP_API_REQUEST.each)]),
        "lambda": _cost("Lambda", [term for function in functions for term in _function_terms(function)]),
        "dynamodb": _cost("DynamoDB", list(_table_terms(tables))),
        "sqs": _cost("SQS", [term for queue in queues for term in _queue_terms(queue)]),
    }
    month = cloudwatch.MathExpression(
        expression=f"{HOURS_PER_MONTH} * ({' + '.join(parts)})",
        using_metrics=dict(parts),
        period=HOUR,
        label="USD a month at this rate",
    )
    graph = cloudwatch.GraphWidget(
        title="US dollars per hour",
        left=list(parts.values()),
        left_y_axis=cloudwatch.YAxisProps(min=0, label="USD", show_units=False),
        stacked=True,
        width=GRAPH_COLUMNS,
        height=HEIGHT,
    )
    figure = cloudwatch.SingleValueWidget(
        title="The last hour over a month", metrics=[month], width=FIGURE_COLUMNS, height=HEIGHT
    )
    return [graph, figure]


def _cost(label: str, terms: Sequence[Term]) -> cloudwatch.MathExpression:
    """The sum of metrics times prices. Where nothing was counted CloudWatch has no data, which is 0 here."""
    ids = [f"{label.lower().replace(' ', '_')}_{number}" for number in range(len(terms))]
    return cloudwatch.MathExpression(
        expression=" + ".join(f"FILL({id_}, 0) * {usd:f}" for id_, (_, usd) in zip(ids, terms, strict=True)),
        using_metrics={id_: metric for id_, (metric, _) in zip(ids, terms, strict=True)},
        period=HOUR,
        label=label,
    )


def _function_terms(function: ServiceFunction) -> Iterator[Term]:
    """Calls, and their duration times memory."""
    gigabytes = Decimal(function.size.memory_mb) / MB_PER_GB
    yield function.function.metric_invocations(period=HOUR, statistic="Sum"), prices.LAMBDA_REQUEST.each
    yield (
        function.function.metric_duration(period=HOUR, statistic="Sum"),
        gigabytes * prices.LAMBDA_ARM_DURATION.each / MILLISECONDS_PER_SECOND,
    )


def _table_terms(tables: ServiceTables) -> Iterator[Term]:
    """Consumed units of each table and each of its indexes."""
    for table in tables.tables:
        for place in (None, *table.indexes):
            for kind, price in (("Read", prices.DYNAMODB_READ_UNIT), ("Write", prices.DYNAMODB_WRITE_UNIT)):
                metric = tables.metric(f"Consumed{kind}CapacityUnits", table, place)
                yield metric.with_(period=HOUR), price.each


def _queue_terms(queue: WorkQueue) -> Iterator[Term]:
    for name in BILLED_SQS:
        yield queue.queue.metric(name, period=HOUR, statistic="Sum"), prices.SQS_REQUEST.each
