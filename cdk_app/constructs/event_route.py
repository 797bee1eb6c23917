"""Events of other services, brought to a queue: what a bucket or a job of AWS tells the worker."""

from collections.abc import Mapping
from typing import Any, Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from constructs import Construct

from cdk_app.constructs.alarms import PERIOD, ServiceAlarms
from cdk_app.constructs.queue_worker import WorkQueue
from cdk_app.constructs.runbooks import EVENTS

# Of a delivery. EventBridge would try for a day; who waits for an event should not learn of it tomorrow.
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
MOST_RETRIES: Final = 24
LONGEST_AGE: Final = Duration.hours(1)


class EventRoute(Construct):
    """Put events that match a pattern onto a queue of the same stack. Attributes for others: rule.

    pattern: source, detail-type and detail in the words of EventBridge, naming exactly what is waited for.

    What cannot be delivered within an hour lies with the dead letters of the queue, with EventBridge's reason in its
    attributes, and can be sent again from there like any other. Events may come twice, and in another order.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
    """

    def __init__(self, scope: Construct, construct_id: str, *, pattern: Mapping[str, Any], queue: WorkQueue) -> None:
        super().__init__(scope, construct_id)
        self.rule = events.CfnRule(
            self,
            "Rule",
            event_pattern=dict(pattern),
            state="ENABLED",
            targets=[
                events.CfnRule.TargetProperty(
                    id="Queue",
                    arn=queue.queue.queue_arn,
                    retry_policy=events.CfnRule.RetryPolicyProperty(
                        maximum_retry_attempts=MOST_RETRIES, maximum_event_age_in_seconds=LONGEST_AGE.to_seconds()
                    ),
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=queue.dead_letters.queue_arn),
                )
            ],
        )
        queue.take_from(self.rule.attr_arn)

    def watch(self, alarms: ServiceAlarms) -> None:
        """Alarm when an event was lost. One that went to the dead letters is not: these have an alarm of their own.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
        """
        for name, metric, meaning in (
            ("Failed", "FailedInvocations", "could not bring an event to its queue"),
            ("Lost", "InvocationsFailedToBeSentToDlq", "could bring an event neither to its queue nor to dead letters"),
        ):
            alarms.watch(
                self,
                name,
                metric=self.metric(metric),
                at_least=1,
                meaning=f"{self.node.id} {meaning}",
                runbook=EVENTS,
            )

    def metric(self, name: str) -> cloudwatch.Metric:
        """The sum of something that EventBridge counts of the rule; it sends nothing when there was nothing."""
        return cloudwatch.Metric(
            namespace="AWS/Events",
            metric_name=name,
            dimensions_map={"RuleName": self.rule.ref},
            statistic="Sum",
            period=PERIOD,
        )
