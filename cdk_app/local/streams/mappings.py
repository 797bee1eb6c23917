"""Which functions read which tables' streams, as deployed: the event source mappings of stacks."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cdk_app.local.layout import LocalCloudError
from cdk_app.local.ministack import QUICK, MiniStack
from cdk_app.local.streams.filters import Filter, compile_filters

if TYPE_CHECKING:
    from mypy_boto3_lambda.type_defs import EventSourceMappingConfigurationResponseTypeDef

TYPE: Final = "AWS::Lambda::EventSourceMapping"
STREAM_ARN: Final = re.compile(r"arn:[^:]+:dynamodb:[^:]*:[^:]*:table/(?P<table>[^/]+)/stream/.+")
QUEUE_ARN: Final = re.compile(r"arn:[^:]+:sqs:[^:]*:[^:]*:[^:]+")
NO_LIMIT: Final = -1  # of attempts and age, as Lambda spells it


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamMapping:
    """One function that is given the changes of one table, in order per item.

    name: the same over deployments. source_arn: of the stream, as functions are told. matches: of a record, whether
    the function wants it. window_seconds: how long a batch may wait for more records. bisects: a batch that fails as a
    whole is halved. reports_failures: the function names the records that failed. max_retries and max_age_seconds:
    after which records are given up, -1 never. on_failure_arn: of the queue that is told.
    """

    name: str
    table_name: str
    source_arn: str
    function_arn: str
    matches: Filter
    batch_size: int
    window_seconds: int
    bisects: bool
    reports_failures: bool
    max_retries: int
    max_age_seconds: int
    on_failure_arn: str | None


def read_mappings(emulator: MiniStack, stack_names: Iterable[str]) -> Iterator[StreamMapping]:
    """All that are switched on and read a table's stream. A request per stack, and one per mapping.

    Raises LocalCloudError for one that cannot be carried out here.
    """
    stacks = emulator.session.client("cloudformation", endpoint_url=emulator.url, config=QUICK)
    functions = emulator.session.client("lambda", endpoint_url=emulator.url, config=QUICK)
    pages = stacks.get_paginator("list_stack_resources")
    for stack in stack_names:
        for resource in pages.paginate(StackName=stack).search(f"StackResourceSummaries[?ResourceType=='{TYPE}']"):
            found = functions.get_event_source_mapping(UUID=resource["PhysicalResourceId"])
            if ":sqs:" not in found["EventSourceArn"] and found["State"] != "Disabled":
                yield _mapping(f"{stack}/{resource['LogicalResourceId']}", found)


def _mapping(name: str, found: "EventSourceMappingConfigurationResponseTypeDef") -> StreamMapping:
    source = STREAM_ARN.fullmatch(found["EventSourceArn"])
    if source is None:
        raise LocalCloudError(f"{name} reads {found['EventSourceArn']!r}, which is no stream of a table")
    if found.get("StartingPosition") != "TRIM_HORIZON":
        raise LocalCloudError(
            f"{name} starts at {found.get('StartingPosition')}; the local cloud starts at TRIM_HORIZON only"
        )
    on_failure: Any = found.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    if on_failure is not None and not QUEUE_ARN.fullmatch(on_failure):
        raise LocalCloudError(f"{name} tells {on_failure!r} of its failures, which is no queue")
    return StreamMapping(
        name=name,
        table_name=source["table"],
        source_arn=source.group(),
        function_arn=found["FunctionArn"],
        matches=compile_filters(each["Pattern"] for each in found.get("FilterCriteria", {}).get("Filters", ())),
        batch_size=found["BatchSize"],
        window_seconds=found.get("MaximumBatchingWindowInSeconds", 0),
        bisects=found.get("BisectBatchOnFunctionError", False),
        reports_failures="ReportBatchItemFailures" in found.get("FunctionResponseTypes", ()),
        max_retries=found.get("MaximumRetryAttempts", NO_LIMIT),
        max_age_seconds=found.get("MaximumRecordAgeInSeconds", NO_LIMIT),
        on_failure_arn=on_failure,
    )
