"""One alarm topic per service, which every alarm of the service tells.

Each alarm speaks for itself; no composite alarm stands above them. A composite would turn five e-mails of one incident
into one, but it is silent about anything that begins while it is on, and a dead letter may keep it on for days: the
outage of the API after that would wake nobody. Alarms are few instead, and watch what users or operators notice.
"""

from typing import Final

from aws_cdk import Aws, CfnCondition, CfnParameter, Duration, Fn
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from cdk_app.constructs.acknowledge import acknowledge
from cdk_app.constructs.runbooks import Runbook

PERIOD: Final = Duration.minutes(5)
# Who may tell the topic something: alarms, and the budget.
PUBLISHERS: Final = ("cloudwatch.amazonaws.com", "budgets.amazonaws.com")


class ServiceAlarms(Construct):
    """The alarm topic of one service, and its alarms in the order they were made. Attributes for others: topic, all.

    Who receives the alarms is the stack parameter `AlarmEmail`, so that no address stands in the repository. Left
    empty, alarms still change state and are seen on the dashboard.
    """

    def __init__(self, scope: Construct, construct_id: str, *, title: str) -> None:
        super().__init__(scope, construct_id)
        self._title = title
        self.topic = sns.Topic(self, "Topic", display_name=f"{title} alarms", enforce_ssl=True)
        self.all: list[cloudwatch.Alarm] = []
        self._let_publish()
        self._subscribe_by_parameter()

    def watch(
        self,
        scope: Construct,
        name: str,
        *,
        metric: cloudwatch.IMetric,
        at_least: float,
        meaning: str,
        runbook: Runbook,
        periods: int = 1,
    ) -> cloudwatch.Alarm:
        """Alarm when a metric is at or above a value in each of some periods of its own; no data is no alarm.

        scope: the construct that is watched, which also becomes part of the alarm's id. meaning: what is wrong, in the
        words of the person who is woken up.
        """
        return self._add(
            cloudwatch.Alarm(
                scope,
                f"{name}Alarm",
                metric=metric,
                threshold=at_least,
                evaluation_periods=periods,
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
                alarm_description=self._description(meaning, runbook),
            ),
            runbook,
        )

    def watch_silence(
        self, scope: Construct, name: str, *, metric: cloudwatch.IMetric, meaning: str, runbook: Runbook, periods: int
    ) -> cloudwatch.Alarm:
        """Alarm when nothing at all was counted in some periods in a row: what should go on has stopped."""
        return self._add(
            cloudwatch.Alarm(
                scope,
                f"{name}Alarm",
                metric=metric,
                threshold=1,
                evaluation_periods=periods,
                comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
                treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
                alarm_description=self._description(meaning, runbook),
            ),
            runbook,
        )

    def _add(self, alarm: cloudwatch.Alarm, runbook: Runbook) -> cloudwatch.Alarm:
        tell = actions.SnsAction(self.topic)
        alarm.add_alarm_action(tell)
        if runbook.tells_when_over:
            alarm.add_ok_action(tell)
        self.all.append(alarm)
        return alarm

    def _description(self, meaning: str, runbook: Runbook) -> str:
        return f"{self._title}: {meaning}. First: {runbook.first}. Runbook: {runbook.link}"

    def _let_publish(self) -> None:
        """Say what the default policy would: `enforce_ssl` writes a policy, and a written policy replaces that one."""
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(service) for service in PUBLISHERS],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )

    def _subscribe_by_parameter(self) -> None:
        address = CfnParameter(
            self, "Email", default="", description="Where alarms are sent; empty for nowhere. AWS asks it to confirm."
        )
        address.override_logical_id("AlarmEmail")
        given = CfnCondition(self, "EmailGiven", expression=Fn.condition_not(Fn.condition_equals(address, "")))
        subscription = sns.CfnSubscription(
            self,
            "EmailSubscription",
            topic_arn=self.topic.topic_arn,
            protocol="email",
            endpoint=address.value_as_string,
        )
        subscription.cfn_options.condition = given
        acknowledge(
            subscription, "Serverless-SNSRedrivePolicy", "An undelivered e-mail is still an alarm on the dashboard"
        )
