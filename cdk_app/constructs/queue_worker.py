"""Queues that feed a worker function, each with its dead-letter queue and its alarms."""

from collections.abc import Sequence
from typing import Final

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk_app.constructs.acknowledge import acknowledge
from cdk_app.constructs.alarms import PERIOD, ServiceAlarms
from cdk_app.constructs.runbooks import DEAD_LETTERS, QUEUE_AGE
from cdk_app.constructs.service_function import ServiceFunction

# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html: at least six times the function's timeout
VISIBILITY_TIMEOUTS: Final = 6
MAX_RECEIVES: Final = 5
RETENTION: Final = Duration.days(4)
DEAD_LETTER_RETENTION: Final = Duration.days(
    14
)  # the longest there is; a dead letter's age counts from its first queue
LONGEST_WAIT: Final = Duration.hours(1)
CONSUME: Final = (
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ChangeMessageVisibility",
)


class WorkQueue(Construct):
    """An encrypted queue and its dead-letter queue. Attributes for others: queue, dead_letters.

    function_timeout_seconds: of the function that will be fed; a message stays hidden for six times as long.
    longest_wait: what a message may wait before somebody is told.

    The queue has a fixed name so that the dead-letter queue can say who may send to it: by reference each of the two
    would need the other to exist first.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        physical_name: str,
        function_timeout_seconds: int,
        longest_wait: Duration = LONGEST_WAIT,
    ) -> None:
        super().__init__(scope, construct_id)
        self._longest_wait = longest_wait
        source_arn = Stack.of(self).format_arn(service="sqs", resource=physical_name)
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=DEAD_LETTER_RETENTION,
        )
        acknowledge(self.dead_letters, "Serverless-SQSRedrivePolicy", "It is a dead-letter queue")
        only_source: sqs.CfnQueue = self.dead_letters.node.default_child  # type: ignore[assignment]
        only_source.redrive_allow_policy = {"redrivePermission": "byQueue", "sourceQueueArns": [source_arn]}
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=physical_name,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            visibility_timeout=Duration.seconds(VISIBILITY_TIMEOUTS * function_timeout_seconds),
            retention_period=RETENTION,
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=MAX_RECEIVES),
        )

    def feed(self, worker: ServiceFunction, *, max_concurrency: int, batch_size: int = 1) -> None:
        """Let a function take messages, each reported alone, so that one bad message never repeats another.

        max_concurrency: invocations at once, 2-1000, as many as what lies behind can take. batch_size: messages of an
        invocation, 1-10. The worker may also put a message it cannot read into the dead-letter queue, with its reason.
        """
        allow(worker.role, CONSUME, self.queue)
        allow(worker.role, ("sqs:SendMessage",), self.dead_letters)
        mapping = lambda_.EventSourceMapping(
            self,
            "Feed",
            target=worker.function,
            event_source_arn=self.queue.queue_arn,
            batch_size=batch_size,
            report_batch_item_failures=True,
            max_concurrency=max_concurrency,
        )
        acknowledge(
            mapping,
            "Serverless-LambdaEventSourceMappingDestination",
            "Destinations are for streams; SQS gives up through the queue's redrive policy",
        )

    def take_from(self, rule_arn: str) -> None:
        """Let one rule of EventBridge put events onto the queue, and what it cannot deliver among the dead letters."""
        for queue in (self.queue, self.dead_letters):
            queue.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=[iam.ServicePrincipal("events.amazonaws.com")],
                    actions=["sqs:SendMessage"],
                    resources=[queue.queue_arn],
                    conditions={"ArnEquals": {"aws:SourceArn": rule_arn}},
                )
            )

    def grant_send(self, sender: iam.IGrantable) -> None:
        """Allow to put messages onto the queue."""
        allow(sender, ("sqs:SendMessage",), self.queue)

    def watch(self, alarms: ServiceAlarms) -> list[cloudwatch.Alarm]:
        """Alarm when a message was given up, and when one waits for too long."""
        name = self.node.id
        return [
            alarms.watch(
                self,
                "DeadLetters",
                metric=self.dead_letters.metric_approximate_number_of_messages_visible(
                    period=PERIOD, statistic="Maximum"
                ),
                at_least=1,
                meaning=f"messages of queue {name} were given up",
                runbook=DEAD_LETTERS,
            ),
            alarms.watch(
                self,
                "Age",
                metric=self.queue.metric_approximate_age_of_oldest_message(period=PERIOD, statistic="Maximum"),
                at_least=self._longest_wait.to_seconds(),
                meaning=f"a message of queue {name} has been waiting for {self._longest_wait.to_minutes():.0f} minutes",
                runbook=QUEUE_AGE,
            ),
        ]


def allow(grantee: iam.IGrantable, actions: Sequence[str], queue: sqs.IQueue) -> None:
    """Allow exactly some actions on exactly one queue; the ready-made grants of queues hold more than is called."""
    grantee.grant_principal.add_to_principal_policy(
        iam.PolicyStatement(actions=list(actions), resources=[queue.queue_arn])
    )
