"""A task that a worker function is given at a fixed rate."""

import hashlib
import re
from collections.abc import Mapping
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk.aws_lambda import CfnPermission
from constructs import Construct

from cdk_app.constructs.acknowledge import acknowledge
from cdk_app.constructs.alarms import PERIOD, ServiceAlarms
from cdk_app.constructs.runbooks import SCHEDULE
from cdk_app.constructs.service_function import THE_NEXT_ONE, ServiceFunction

MISSED_CALLS: Final = 3  # in a row; one may fall to the edge of a period
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html: what an alarm looks back
LONGEST_LOOK: Final = Duration.days(7)
LONGEST_EVENT_AGE: Final = Duration.days(1)  # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html


class Schedule(Construct):
    """Call a function with the same event at a fixed rate. Attributes for others: rule.

    A failed call is not repeated: the next one comes on its own and finds the same work.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: ServiceFunction,
        every: Duration,
        event: Mapping[str, str],
    ) -> None:
        super().__init__(scope, construct_id)
        self._function = function
        self._every = every
        function.call_once()
        self.rule = events.Rule(self, "Rule", schedule=events.Schedule.rate(every))
        self.rule.add_target(
            targets.LambdaFunction(
                function.function,
                event=events.RuleTargetInput.from_object(dict(event)),
                retry_attempts=0,
                max_event_age=Duration.seconds(min(every.to_seconds(), LONGEST_EVENT_AGE.to_seconds())),
            )
        )
        self._keep_the_name_of_the_right_to_call()
        acknowledge(self.rule, "Serverless-EventBusDLQ", THE_NEXT_ONE)

    def _keep_the_name_of_the_right_to_call(self) -> None:
        """The CDK names it after the function's path, in which environment and stack were two steps once.

        With another logical id the next deployment would replace it.
        """
        [permission] = [child for child in self.rule.node.children if isinstance(child, CfnPermission)]
        then = f"AllowEventRule{_unique_id(self._function.function.node.path.replace('-', '/', 1))}"
        permission.override_logical_id(_unique_id(f"{self.rule.node.path.partition('/')[2]}/{then}"))

    def watch(self, alarms: ServiceAlarms) -> None:
        """Alarm when the schedule has fallen silent, and when one of its calls was lost.

        A call that reaches the function and fails there is an error of the function, which has its own alarm. No alarm
        looks back far enough to hear the silence of a weekly call.
        """
        period = Duration.seconds(max(self._every.to_seconds(), PERIOD.to_seconds()))
        if MISSED_CALLS * period.to_seconds() <= LONGEST_LOOK.to_seconds():
            alarms.watch_silence(
                self,
                "Silent",
                metric=self.metric("Invocations", period),
                periods=MISSED_CALLS,
                meaning=f"{self.node.id} has made no call for {MISSED_CALLS * period.to_minutes():.0f} minutes",
                runbook=SCHEDULE,
            )
        alarms.watch(
            self,
            "Failed",
            metric=self.metric("FailedInvocations", PERIOD),
            at_least=1,
            meaning=f"{self.node.id} could not call the function",
            runbook=SCHEDULE,
        )
        alarms.watch(
            self,
            "Dropped",
            metric=self._function.function.metric("AsyncEventsDropped", statistic="Sum", period=PERIOD),
            at_least=1,
            meaning=f"a call of {self.node.id} was given up: it failed, or waited too long for its turn",
            runbook=SCHEDULE,
        )

    def metric(self, name: str, period: Duration) -> cloudwatch.Metric:
        """The sum of something that EventBridge counts of the rule; it sends nothing when there was nothing.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
        """
        return cloudwatch.Metric(
            namespace="AWS/Events",
            metric_name=name,
            dimensions_map={"RuleName": self.rule.rule_name},
            statistic="Sum",
            period=period,
        )


def schedules(scope: Construct, tasks: Mapping[str, int], *, function: ServiceFunction) -> list[Schedule]:
    """One for each task of a worker. tasks: minutes between two calls, by what the function is asked for."""
    return [
        Schedule(scope, task.title(), function=function, every=Duration.minutes(minutes), event={"task": task})
        for task, minutes in tasks.items()
    ]


def _unique_id(path: str) -> str:
    """As the CDK makes a name of a path: its words, and the digest of the whole.

    https://github.com/aws/aws-cdk/blob/main/packages/aws-cdk-lib/core/lib/private/uniqueid.ts
    """
    words = re.sub(r"[^A-Za-z0-9]", "", "".join(part for part in path.split("/") if part != "Resource"))
    return words + hashlib.md5(path.encode(), usedforsecurity=False).hexdigest()[:8].upper()
