"""A task that a worker function is given at a fixed rate."""

from collections.abc import Mapping
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
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
        acknowledge(self.rule, "Serverless-EventBusDLQ", THE_NEXT_ONE)

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
                metric=self._metric("Invocations", period),
                periods=MISSED_CALLS,
                meaning=f"{self.node.id} has made no call for {MISSED_CALLS * period.to_minutes():.0f} minutes",
                runbook=SCHEDULE,
            )
        alarms.watch(
            self,
            "Failed",
            metric=self._metric("FailedInvocations", PERIOD),
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

    def _metric(self, name: str, period: Duration) -> cloudwatch.Metric:
        """EventBridge sends these only when they are not zero: no call is no data.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
        """
        return cloudwatch.Metric(
            namespace="AWS/Events",
            metric_name=name,
            dimensions_map={"RuleName": self.rule.rule_name},
            statistic="Sum",
            period=period,
        )
