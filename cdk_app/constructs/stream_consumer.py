"""What makes a function hear of a table's changes, with the place of records that cannot be handled, and its alarms."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk_app.constructs.acknowledge import acknowledge
from cdk_app.constructs.alarms import PERIOD, ServiceAlarms
from cdk_app.constructs.queue_worker import DEAD_LETTER_RETENTION, allow
from cdk_app.constructs.runbooks import DEAD_RECORDS, STREAM_AGE
from cdk_app.constructs.service_function import ServiceFunction

# A record is retried until it is as old as a stream keeps it; both have an end, by default neither has.
# https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
MOST_RETRIES: Final = 10_000
OLDEST_RECORD: Final = Duration.days(1)
LONGEST_LAG: Final = Duration.hours(1)
LARGEST_DEAD_LETTER_BYTES: Final = 1_048_576  # of SQS; a record with both images hardly ever has more
READ: Final = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
FIND: Final = "dynamodb:ListStreams"  # knows no resource


class StreamConsumer(Construct):
    """One reader of a table's stream. Attributes for others: dead_letters; function, once it is fed.

    stream_arn: of the table, from `ServiceTables.stream_arn`. A stream serves two readers well, and throttles more.

    What the function cannot handle it puts into the dead-letter queue itself, whole; Lambda puts there the positions of
    batches that failed for a day.
    """

    def __init__(self, scope: Construct, construct_id: str, *, stream_arn: str) -> None:
        super().__init__(scope, construct_id)
        self._stream_arn = stream_arn
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=DEAD_LETTER_RETENTION,
            max_message_size_bytes=LARGEST_DEAD_LETTER_BYTES,
            redrive_allow_policy=sqs.RedriveAllowPolicy(redrive_permission=sqs.RedrivePermission.DENY_ALL),
        )
        acknowledge(self.dead_letters, "AwsSolutions-SQS3", "It is a dead-letter queue")
        acknowledge(self.dead_letters, "Serverless-SQSRedrivePolicy", "It is a dead-letter queue")

    def feed(
        self,
        function: ServiceFunction,
        *,
        filters: Sequence[Mapping[str, Any]],
        batch_size: int,
        window: Duration,
        at_once: int = 1,
    ) -> None:
        """Let a function take records that match one of some filters, from the oldest that the stream still has.

        filters: of which Lambda takes five; attributes of images by their type, `{"NewImage": {"tp": {"S": ["log"]}}}`.
        batch_size: records of an invocation, up to 10,000. window: how long a batch is gathered, up to 5 minutes.
        at_once: batches of one shard that are worked on together, 1-10; records of one item stay in their order.
        """
        self.function = function
        role = function.role
        role.add_to_principal_policy(iam.PolicyStatement(actions=list(READ), resources=[self._stream_arn]))
        role.add_to_principal_policy(iam.PolicyStatement(actions=[FIND], resources=["*"]))
        acknowledge(role, "AwsSolutions-IAM5[Resource::*]", f"{FIND} knows no resource")
        allow(role, ("sqs:SendMessage",), self.dead_letters)
        mapping = lambda_.CfnEventSourceMapping(
            self,
            "Feed",
            function_name=function.function.function_name,
            event_source_arn=self._stream_arn,
            starting_position="TRIM_HORIZON",  # what was written before it exists is not passed over
            batch_size=batch_size,
            maximum_batching_window_in_seconds=window.to_seconds(),
            parallelization_factor=at_once,
            bisect_batch_on_function_error=True,
            function_response_types=["ReportBatchItemFailures"],
            maximum_retry_attempts=MOST_RETRIES,
            maximum_record_age_in_seconds=OLDEST_RECORD.to_seconds(),
            destination_config=lambda_.CfnEventSourceMapping.DestinationConfigProperty(
                on_failure=lambda_.CfnEventSourceMapping.OnFailureProperty(destination=self.dead_letters.queue_arn)
            ),
            filter_criteria=lambda_.CfnEventSourceMapping.FilterCriteriaProperty(
                filters=[
                    lambda_.CfnEventSourceMapping.FilterProperty(pattern=json.dumps(each, sort_keys=True))
                    for each in filters
                ]
            ),
        )
        mapping.node.add_dependency(role)  # Lambda looks whether the role may read, and refuses the mapping otherwise

    def watch(self, alarms: ServiceAlarms) -> None:
        """Alarm when records wait for long, and when one was given up."""
        name = self.node.id
        alarms.watch(
            self,
            "Age",
            metric=self.metric_age(),
            at_least=LONGEST_LAG.to_milliseconds(),
            meaning=f"{name} has fallen {LONGEST_LAG.to_minutes():.0f} minutes behind the table's changes",
            runbook=STREAM_AGE,
        )
        alarms.watch(
            self,
            "DeadLetters",
            metric=self.dead_letters.metric_approximate_number_of_messages_visible(period=PERIOD, statistic="Maximum"),
            at_least=1,
            meaning=f"changes that {name} should have handled were given up",
            runbook=DEAD_RECORDS,
        )

    def metric_age(self) -> cloudwatch.Metric:
        """How old the last record of a batch was when the function got it, in milliseconds."""
        return self.function.function.metric("IteratorAge", period=PERIOD, statistic="Maximum")
