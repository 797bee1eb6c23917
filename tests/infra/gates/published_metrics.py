"""Metrics that AWS publishes, each with the sets of dimensions under which it can be found.

CloudWatch accepts an alarm on anything; one on a metric or a set of dimensions that does not exist never fires and
looks healthy. Taken from the services' own pages, named above each list, as read in November 2026. Complete for what a
service here could use; a namespace that is missing is added with its page.
"""

from collections.abc import Iterable, Mapping
from typing import Final

type Dimensions = frozenset[str]

NONE: Final[Dimensions] = frozenset()


def _all(names: Iterable[str], *dimensions: Iterable[str]) -> dict[str, frozenset[Dimensions]]:
    return dict.fromkeys(names, frozenset(map(frozenset, dimensions)))


# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-view.html (dimensions)
_OF_A_FUNCTION = (NONE, {"FunctionName"}, {"FunctionName", "Resource"}, {"FunctionName", "Resource", "ExecutedVersion"})
LAMBDA: Final = {
    **_all(
        (
            "Invocations",
            "Errors",
            "DeadLetterErrors",
            "DestinationDeliveryFailures",
            "Throttles",
            "OversizedRecordCount",
            "ProvisionedConcurrencyInvocations",
            "ProvisionedConcurrencySpilloverInvocations",
            "RecursiveInvocationsDropped",
            "Duration",
            "PostRuntimeExtensionsDuration",
            "IteratorAge",
            "ConcurrentExecutions",
            "ProvisionedConcurrentExecutions",
            "ProvisionedConcurrencyUtilization",
            "AsyncEventsReceived",
            "AsyncEventAge",
            "AsyncEventsDropped",
        ),
        *_OF_A_FUNCTION,
    ),
    **_all(("UnreservedConcurrentExecutions", "ClaimedAccountConcurrency"), NONE),
}

# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
# The sets with a route only exist where the stage has detailed metrics switched on.
HTTP_API: Final = _all(
    ("4xx", "5xx", "Count", "IntegrationLatency", "Latency", "DataProcessed"),
    {"ApiId"},
    {"ApiId", "Stage"},
    {"ApiId", "Stage", "Route"},
    {"ApiId", "Stage", "Method", "Resource"},
)

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
SQS: Final = _all(
    (
        "ApproximateAgeOfOldestMessage",
        "ApproximateNumberOfGroupsWithInflightMessages",
        "ApproximateNumberOfMessagesDelayed",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesVisible",
        "NumberOfDeduplicatedSentMessages",
        "NumberOfEmptyReceives",
        "NumberOfMessagesDeleted",
        "NumberOfMessagesReceived",
        "NumberOfMessagesSent",
        "SentMessageSize",
    ),
    {"QueueName"},
)

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TroubleshootingThrottling-cloudwatch.html
_TABLE_OR_INDEX = ({"TableName"}, {"TableName", "GlobalSecondaryIndexName"})
DYNAMODB: Final = {
    **_all(
        (
            "ConsumedReadCapacityUnits",
            "ConsumedWriteCapacityUnits",
            "ReadThrottleEvents",
            "WriteThrottleEvents",
            "ReadAccountLimitThrottleEvents",
            "WriteAccountLimitThrottleEvents",
            "ReadKeyRangeThroughputThrottleEvents",
            "WriteKeyRangeThroughputThrottleEvents",
            "ReadMaxOnDemandThroughputThrottleEvents",
            "WriteMaxOnDemandThroughputThrottleEvents",
        ),
        *_TABLE_OR_INDEX,
    ),
    **_all(("ConditionalCheckFailedRequests", "TimeToLiveDeletedItemCount", "TransactionConflict"), {"TableName"}),
    **_all(
        ("ThrottledRequests", "SystemErrors", "ReturnedItemCount", "SuccessfulRequestLatency"),
        {"TableName", "Operation"},
    ),
    **_all(
        ("ReturnedBytes", "ReturnedRecordsCount"),
        {"TableName", "Operation", "StreamLabel"},
    ),
    **_all(
        ("OnlineIndexConsumedWriteCapacity", "OnlineIndexPercentageProgress", "OnlineIndexThrottleEvents"),
        {"TableName", "GlobalSecondaryIndexName"},
    ),
    **_all(("UserErrors", "AccountMaxTableLevelReads", "AccountMaxTableLevelWrites"), NONE),
}

# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
EVENTS: Final = {
    **_all(
        (
            "DeadLetterInvocations",
            "FailedInvocations",
            "Invocations",
            "InvocationAttempts",
            "InvocationsFailedToBeSentToDlq",
            "InvocationsSentToDlq",
            "MatchedEvents",
            "RetryInvocationAttempts",
            "SuccessfulInvocationAttempts",
            "ThrottledRules",
            "TriggeredRules",
        ),
        {"RuleName"},
        {"EventBusName", "RuleName"},
    ),
}

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html, those that S3 sends unasked
S3: Final = _all(("BucketSizeBytes", "NumberOfObjects"), {"BucketName", "StorageType"})

# https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html
SNS: Final = _all(
    (
        "NumberOfMessagesPublished",
        "NumberOfNotificationsDelivered",
        "NumberOfNotificationsFailed",
        "NumberOfNotificationsRedrivenToDlq",
        "NumberOfNotificationsFailedToRedriveToDlq",
        "PublishSize",
    ),
    {"TopicName"},
)

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/monitor_estimated_charges_with_cloudwatch.html
BILLING: Final = _all(("EstimatedCharges",), {"Currency"}, {"Currency", "ServiceName"})

PUBLISHED: Final[Mapping[str, Mapping[str, frozenset[Dimensions]]]] = {
    "AWS/ApiGateway": HTTP_API,
    "AWS/Billing": BILLING,
    "AWS/DynamoDB": DYNAMODB,
    "AWS/Events": EVENTS,
    "AWS/Lambda": LAMBDA,
    "AWS/S3": S3,
    "AWS/SNS": SNS,
    "AWS/SQS": SQS,
}


def unknown(namespace: str, name: str, dimensions: Iterable[str]) -> str | None:
    """What is wrong with a metric of AWS; None when it is published, or in a namespace of our own."""
    if not namespace.startswith("AWS/"):
        return None
    published = PUBLISHED.get(namespace, {})
    if name not in published:
        return f"{namespace} has no metric {name}"
    if frozenset(dimensions) not in published[name]:
        return f"{name} cannot be found by {sorted(dimensions)}"
    return None
