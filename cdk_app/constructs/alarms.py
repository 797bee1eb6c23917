"""One alarm topic and one dashboard per service; every alarm goes to the topic and onto the dashboard."""

from collections.abc import Sequence
from typing import Final

from aws_cdk import Aws, CfnCondition, CfnParameter, Duration, Fn
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from cdk_app.constructs.acknowledge import acknowledge

PERIOD: Final = Duration.minutes(5)
DASHBOARD_COLUMNS: Final = 24
WIDGETS_PER_ROW: Final = 4


class ServiceAlarms(Construct):
    """The alarm topic and dashboard of one service.

    Who receives the alarms is the stack parameter `AlarmEmail`, so that no address stands in the repository. Left
    empty, alarms still change state and are seen on the dashboard.
    """

    def __init__(self, scope: Construct, construct_id: str, *, title: str) -> None:
        super().__init__(scope, construct_id)
        self._title = title
        self.topic = sns.Topic(self, "Topic", display_name=f"{title} alarms", enforce_ssl=True)
        self.dashboard = cloudwatch.Dashboard(self, "Dashboard", default_interval=Duration.hours(24))
        self._let_alarms_publish()
        self._subscribe_by_parameter()

    def watch(
        self,
        scope: Construct,
        name: str,
        *,
        metric: cloudwatch.IMetric,
        at_least: float,
        meaning: str,
        periods: int = 1,
    ) -> cloudwatch.Alarm:
        """Alarm when a metric is at or above a value in each of some 5-minute periods; no data is no alarm.

        scope: the construct that is watched, which also becomes part of the alarm's id. meaning: what the person who
        is woken up should know.
        """
        alarm = cloudwatch.Alarm(
            scope,
            f"{name}Alarm",
            metric=metric,
            threshold=at_least,
            evaluation_periods=periods,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=f"{self._title}: {meaning}",
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        return alarm

    def show(self, title: str, alarms: Sequence[cloudwatch.Alarm]) -> None:
        """Add a section to the dashboard: each alarm as a graph of its metric with its threshold."""
        self.dashboard.add_widgets(cloudwatch.TextWidget(markdown=f"## {title}", width=DASHBOARD_COLUMNS, height=1))
        width = DASHBOARD_COLUMNS // WIDGETS_PER_ROW
        graphs = [cloudwatch.AlarmWidget(alarm=alarm, title=alarm.node.id, width=width) for alarm in alarms]
        for start in range(0, len(graphs), WIDGETS_PER_ROW):
            self.dashboard.add_widgets(*graphs[start : start + WIDGETS_PER_ROW])

    def _let_alarms_publish(self) -> None:
        """Say what the default policy would: `enforce_ssl` writes a policy, and a written policy replaces that one."""
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
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
