"""Questions to the logs that an operator asks again and again, saved in CloudWatch Logs Insights.

They read the JSON fields that `lambda_src.runtime` writes, and formats of Lambda's own: `platform.report` after
each call, and the line of an exception that nobody caught. A test runs the code and compares the field names.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html#platform-report
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_logs as logs
from constructs import Construct


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """One question. name: where it is found, below service and environment. text: the query, a command to a line."""

    name: str
    text: str

    @property
    def lines(self) -> list[str]:
        """The commands without the pipes between them, as a widget takes them."""
        return self.text.split("\n| ")


RECENT_ERRORS: Final = SavedQuery(
    "recent errors",
    """\
fields @timestamp, service, message, code, exception_name, exception, errorType, errorMessage, correlation_id
| filter level in ["WARNING", "ERROR", "CRITICAL"] or record.status in ["error", "timeout"]
| sort @timestamp desc
| limit 100""",
)
ONE_REQUEST: Final = SavedQuery(
    "one request",
    """\
fields @timestamp, service, message, route, kind, outcome, status, milliseconds, exception
| filter correlation_id = "PUT THE ID HERE" or request_id = "PUT THE ID HERE"
| sort @timestamp asc
| limit 1000""",
)
SLOWEST: Final = SavedQuery(
    "slowest requests",
    """\
fields @timestamp, service, method, route, kind, outcome, status, milliseconds, dynamodb_requests, correlation_id
| filter ispresent(service) and ispresent(milliseconds)
| sort milliseconds desc
| limit 50""",
)
# A write unit costs five times a read unit; a test compares the five with `prices.py`.
MOST_EXPENSIVE: Final = SavedQuery(
    "most expensive requests",
    """\
filter ispresent(read_units)
| fields read_units + 5 * write_units as cost
| stats count(*) as calls, sum(read_units) as reads, sum(write_units) as writes, sum(cost) as total, max(cost) as top
    by service, method, route, kind
| sort total desc
| limit 50""",
)
COLD_STARTS: Final = SavedQuery(
    "cold starts",
    """\
filter type = "platform.report"
| stats count(*) as calls, count(record.metrics.initDurationMs) as inits,
    pct(record.metrics.initDurationMs, 95) as p95_init, count(record.metrics.restoreDurationMs) as restores,
    pct(record.metrics.restoreDurationMs, 95) as p95_restore by bin(1h)""",
)
GIVEN_UP: Final = SavedQuery(
    "messages given up",
    """\
fields @timestamp, queue, kind, outcome, receive_count, message, exception_name, exception, correlation_id
| filter outcome in ["refused", "exhausted"] or message = "message cannot succeed"
| sort @timestamp desc
| limit 100""",
)

QUERIES: Final = (RECENT_ERRORS, ONE_REQUEST, SLOWEST, MOST_EXPENSIVE, COLD_STARTS, GIVEN_UP)


class SavedQueries(Construct):
    """The queries, saved for the log groups of one service. They are found in the console under its name.

    folder: in front of their names, `<service>-<environment>`.
    """

    def __init__(self, scope: Construct, construct_id: str, *, folder: str, groups: Sequence[logs.ILogGroup]) -> None:
        super().__init__(scope, construct_id)
        for query in QUERIES:
            logs.CfnQueryDefinition(
                self,
                query.name.title().replace(" ", ""),
                name=f"{folder}/{query.name}",
                log_group_names=[group.log_group_name for group in groups],
                query_string=query.text,
            )
