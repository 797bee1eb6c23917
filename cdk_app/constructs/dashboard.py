"""The dashboard of a service: is something wrong, what do users see, and then layer by layer down to what it costs.

alarm states
API         requests and errors | latency p50 p95 p99
functions   calls, errors, throttles | duration | at once               one row each
queues      waiting, in work, delayed | age of the oldest | dead letters   one row each
streams     how far behind | dead letters                               one row each
tables      consumed reads | consumed writes | throttles, by index      one row each
buckets     size | objects, once a day                                  one row each
what happened in the service's own words | how long outside services took | schedules and events
estimated cost per hour
recent errors, cold starts                                              from the logs
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk_app.constructs.alarms import PERIOD, ServiceAlarms
from cdk_app.constructs.api_function import ApiFunction
from cdk_app.constructs.cost import cost_widgets
from cdk_app.constructs.event_route import EventRoute
from cdk_app.constructs.queries import COLD_STARTS, RECENT_ERRORS, SavedQuery
from cdk_app.constructs.queue_worker import WorkQueue
from cdk_app.constructs.schedule import Schedule
from cdk_app.constructs.service_bucket import ServiceBucket
from cdk_app.constructs.service_function import ServiceFunction
from cdk_app.constructs.service_table import ServiceTables
from cdk_app.constructs.stream_consumer import StreamConsumer
from lambda_src.dynamo.schema import Table

COLUMNS: Final = 24
GRAPH_HEIGHT: Final = 6
LOG_HEIGHT: Final = 8
ALARMS_PER_ROW: Final = 4
ALARM_ROW_HEIGHT: Final = 1
LATENCIES: Final = ("p50", "p95", "p99")
RED: Final = cloudwatch.Color.RED
ORANGE: Final = cloudwatch.Color.ORANGE


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceParts:
    """What there is to show of a service. Functions by the name of their role in it; the API's function is one.

    counts: the service's own metrics, of what happened in its words. waits: how long others took to answer it, ms.
    """

    api: ApiFunction
    functions: Mapping[str, ServiceFunction]
    queues: Sequence[WorkQueue]
    tables: ServiceTables
    schedules: Sequence[Schedule] = ()
    buckets: Sequence[ServiceBucket] = ()
    routes: Sequence[EventRoute] = ()
    consumers: Sequence[StreamConsumer] = ()
    counts: Sequence[cloudwatch.IMetric] = ()
    waits: Sequence[cloudwatch.IMetric] = ()

    @property
    def log_groups(self) -> list[logs.LogGroup]:
        """Where the functions write."""
        return [function.log_group for function in self.functions.values()]


class ServiceDashboard(Construct):
    """One page about one service, in the console under the name of its stack."""

    def __init__(
        self, scope: Construct, construct_id: str, *, title: str, parts: ServiceParts, alarms: ServiceAlarms
    ) -> None:
        super().__init__(scope, construct_id)
        dashboard = cloudwatch.Dashboard(self, "Dashboard", default_interval=Duration.hours(24))
        for row in _rows(title, parts, alarms):
            dashboard.add_widgets(*row)


def _rows(title: str, parts: ServiceParts, alarms: ServiceAlarms) -> Iterator[list[cloudwatch.IWidget]]:
    yield [_heading(f"# {title}")]
    yield [_alarm_states(alarms)]
    yield [_heading("## API")]
    yield _api(parts.api)
    yield [_heading("## Functions")]
    for name, function in parts.functions.items():
        yield _function(name, function)
    yield [_heading("## Queues")]
    for queue in parts.queues:
        yield _queue(queue)
    if parts.consumers:
        yield [_heading("## Streams")]
    for consumer in parts.consumers:
        yield _consumer(consumer)
    yield [_heading("## Tables")]
    for table in parts.tables.tables:
        yield _table(parts.tables, table)
    if parts.buckets:
        yield [_heading("## Buckets")]
    for bucket in parts.buckets:
        yield _bucket(bucket)
    yield [_heading("## What happened")]
    yield _events(parts)
    yield [_heading("## Estimated cost, at list prices and without what is paid by the month")]
    yield cost_widgets(
        api=parts.api,
        functions=list(parts.functions.values()),
        queues=parts.queues,
        tables=parts.tables,
    )
    yield [_heading("## From the logs")]
    yield [_log("Recent errors", RECENT_ERRORS, parts.log_groups)]
    yield [_log("Cold starts by hour", COLD_STARTS, parts.log_groups)]


def _heading(markdown: str) -> cloudwatch.TextWidget:
    return cloudwatch.TextWidget(
        markdown=markdown, width=COLUMNS, height=1, background=cloudwatch.TextWidgetBackground.TRANSPARENT
    )


def _alarm_states(alarms: ServiceAlarms) -> cloudwatch.AlarmStatusWidget:
    rows = -(-len(alarms.all) // ALARMS_PER_ROW)
    return cloudwatch.AlarmStatusWidget(
        title="Alarms",
        alarms=list(alarms.all),
        sort_by=cloudwatch.AlarmStatusWidgetSortBy.STATE_UPDATED_TIMESTAMP,
        width=COLUMNS,
        height=1 + rows * ALARM_ROW_HEIGHT,
    )


def _graph(
    title: str, metrics: Sequence[cloudwatch.IMetric], *, columns: int, unit: str = "", stacked: bool = False
) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title,
        left=list(metrics),
        left_y_axis=cloudwatch.YAxisProps(min=0, label=unit, show_units=False),
        stacked=stacked,
        width=COLUMNS // columns,
        height=GRAPH_HEIGHT,
    )


def _api(api: ApiFunction) -> list[cloudwatch.IWidget]:
    http = api.api
    requests = [
        http.metric_count(period=PERIOD, statistic="Sum", label="requests"),
        http.metric_client_error(period=PERIOD, statistic="Sum", label="4xx", color=ORANGE),
        http.metric_server_error(period=PERIOD, statistic="Sum", label="5xx", color=RED),
    ]
    latencies = [http.metric_latency(period=PERIOD, statistic=which, label=which) for which in LATENCIES]
    return [
        _graph("Requests in 5 minutes", requests, columns=2),
        _graph("Latency", latencies, columns=2, unit="ms"),
    ]


def _function(name: str, function: ServiceFunction) -> list[cloudwatch.IWidget]:
    called = function.function
    outcomes = [
        called.metric_invocations(period=PERIOD, statistic="Sum", label="calls"),
        called.metric_errors(period=PERIOD, statistic="Sum", label="errors", color=RED),
        called.metric_throttles(period=PERIOD, statistic="Sum", label="refused", color=ORANGE),
    ]
    durations = [called.metric_duration(period=PERIOD, statistic=which, label=which) for which in LATENCIES]
    at_once = called.metric("ConcurrentExecutions", period=PERIOD, statistic="Maximum", label="at once")
    return [
        _graph(f"{name}: calls in 5 minutes", outcomes, columns=3),
        _graph(f"{name}: duration", durations, columns=3, unit="ms"),
        _graph(f"{name}: calls at once", [at_once], columns=3),
    ]


def _queue(queue: WorkQueue) -> list[cloudwatch.IWidget]:
    name = queue.node.id
    work = queue.queue
    depth = [
        work.metric_approximate_number_of_messages_visible(period=PERIOD, statistic="Maximum", label="waiting"),
        work.metric_approximate_number_of_messages_not_visible(period=PERIOD, statistic="Maximum", label="in work"),
        work.metric_approximate_number_of_messages_delayed(period=PERIOD, statistic="Maximum", label="delayed"),
    ]
    age = work.metric_approximate_age_of_oldest_message(period=PERIOD, statistic="Maximum", label="oldest message")
    return [
        _graph(f"{name}: messages", depth, columns=3),
        _graph(f"{name}: age", [age], columns=3, unit="s"),
        _dead_letters(name, queue.dead_letters, columns=3),
    ]


def _consumer(consumer: StreamConsumer) -> list[cloudwatch.IWidget]:
    name = consumer.node.id
    age = consumer.metric_age().with_(label="last record of a batch")
    return [
        _graph(f"{name}: behind the table", [age], columns=2, unit="ms"),
        _dead_letters(name, consumer.dead_letters, columns=2),
    ]


def _dead_letters(name: str, dead: sqs.IQueue, *, columns: int) -> cloudwatch.IWidget:
    given_up = dead.metric_approximate_number_of_messages_visible(
        period=PERIOD, statistic="Maximum", label="dead letters", color=RED
    )
    return _graph(f"{name}: dead letters", [given_up], columns=columns)


def _table(tables: ServiceTables, table: Table) -> list[cloudwatch.IWidget]:
    name = tables.names[table.name]
    places = {"table": None, **{index.name: index for index in table.indexes}}
    reads, writes = (
        [tables.metric(f"Consumed{kind}CapacityUnits", table, at).with_(label=place) for place, at in places.items()]
        for kind in ("Read", "Write")
    )
    throttles = [
        tables.metric(f"{kind}ThrottleEvents", table, at).with_(label=f"{kind.lower()}s of {place}")
        for kind in ("Read", "Write")
        for place, at in places.items()
    ]
    return [
        _graph(f"{name}: read units in 5 minutes", reads, columns=3, stacked=True),
        _graph(f"{name}: write units in 5 minutes", writes, columns=3, stacked=True),
        _graph(f"{name}: throttled in 5 minutes", throttles, columns=3),
    ]


def _bucket(bucket: ServiceBucket) -> list[cloudwatch.IWidget]:
    name = bucket.node.id
    return [
        _graph(f"{name}: size", [bucket.metric("BucketSizeBytes", "StandardStorage")], columns=2, unit="bytes"),
        _graph(
            f"{name}: objects, old versions included", [bucket.metric("NumberOfObjects", "AllStorageTypes")], columns=2
        ),
    ]


def _events(parts: ServiceParts) -> list[cloudwatch.IWidget]:
    calls = [
        schedule.metric(name, PERIOD).with_(label=label)
        for schedule in parts.schedules
        for name, label in (("Invocations", "calls"), ("FailedInvocations", "failed calls"))
    ]
    events = [
        route.metric(name).with_(label=f"{label} {route.node.id}")
        for route in parts.routes
        for name, label in (("Invocations", "came:"), ("FailedInvocations", "lost:"))
    ]
    graphs: list[tuple[str, Sequence[cloudwatch.IMetric], str]] = [
        ("Service, in 5 minutes", parts.counts, ""),
        ("Outside services, p95 of their answers", parts.waits, "ms"),
        ("Schedule, in 5 minutes", calls, ""),
        ("Events, in 5 minutes", events, ""),
    ]
    shown = [graph for graph in graphs if graph[1]]
    return [_graph(title, metrics, columns=len(shown), unit=unit) for title, metrics, unit in shown]


def _log(title: str, query: SavedQuery, groups: Sequence[logs.ILogGroup]) -> cloudwatch.LogQueryWidget:
    return cloudwatch.LogQueryWidget(
        title=title,
        log_group_names=[group.log_group_name for group in groups],
        query_lines=query.lines,
        view=cloudwatch.LogQueryVisualizationType.TABLE,
        width=COLUMNS,
        height=LOG_HEIGHT,
    )
