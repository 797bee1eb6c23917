"""How callers move from one version of an API function to the next: in steps, watched, and back by itself.

    deploy ──▶ new version ──▶ 10 % of the calls ──▶ watched for 15 minutes ──▶ all calls, the stack is updated
                                                          │ an alarm fires
                                                          ▼
                                        alias on the old version, the stack is rolled back

CloudFormation hands the change of the alias to CodeDeploy and waits for it; the first deployment makes the alias at
once, as there is nothing to move from. A worker has no such steps and changes with the deployment, for two reasons. A
message that a bad version fails comes back and is kept in the end, where a failed request is lost. And half a worker
would be worse than a bad one: its messages would reach the other half, and a version that does not know them gives
them up.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-updatepolicy.html
"""

from collections.abc import Sequence
from typing import Final

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from cdk_app.constructs.alarms import ServiceAlarms
from cdk_app.constructs.runbooks import NEW_VERSION
from cdk_app.environments import Environment, RolloutStyle, TrafficStep

# A tenth of the calls is watched for minutes only, so its alarms look at single ones.
VERSION_PERIOD: Final = Duration.minutes(1)
SLOW_VERSION_P95_MILLISECONDS: Final = 3000
SLOW_VERSION_PERIODS: Final = 3


class Rollout(Construct):
    """Moves an alias in the steps of the environment. Attributes for others: alarms (the two it adds), group.

    watched: alarms of the API and its function. They see all calls together, where a tenth is easily lost, so two more
    see the new version alone. Throttles need no third: nobody calls the function but through the alias. An alarm that
    is on when a deployment begins stops it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        alias: lambda_.Alias,
        watched: Sequence[cloudwatch.Alarm],
        alarms: ServiceAlarms,
        environment: Environment,
    ) -> None:
        super().__init__(scope, construct_id)
        self.alarms = self._alarms(alias, alarms)
        deciding = [*watched, *self.alarms]
        role, rights = self._role(alias, deciding)
        self.group = codedeploy.LambdaDeploymentGroup(
            self,
            "Group",
            application=codedeploy.LambdaApplication(self, "Application"),
            alias=alias,
            deployment_config=codedeploy.LambdaDeploymentConfig(
                self, "Steps", traffic_routing=_routing(environment.rollout, environment.traffic_step)
            ),
            alarms=deciding,
            auto_rollback=codedeploy.AutoRollbackConfig(
                failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True
            ),
            role=role.without_policy_updates(),  # keeps away a managed policy that holds every function and bucket
        )
        self.group.node.add_dependency(rights)

    def _alarms(self, alias: lambda_.Alias, alarms: ServiceAlarms) -> list[cloudwatch.Alarm]:
        """Alarms on the version that is being rolled out; later, on the one that serves.

        They are changed to the new version before the alias moves.
        https://github.com/aws/serverless-application-model/blob/develop/docs/safe_lambda_deployments.rst
        """
        return [
            alarms.watch(
                self,
                "NewVersionErrors",
                metric=_version_metric(alias, "Errors", "Sum"),
                at_least=1,
                meaning="the newest version of the API function raised an error; a roll-out under way is taken back",
                runbook=NEW_VERSION,
            ),
            alarms.watch(
                self,
                "NewVersionDuration",
                metric=_version_metric(alias, "Duration", "p95"),
                at_least=SLOW_VERSION_P95_MILLISECONDS,
                periods=SLOW_VERSION_PERIODS,
                meaning=(
                    f"one call in twenty of the newest version takes longer than {SLOW_VERSION_P95_MILLISECONDS} ms; "
                    "a roll-out under way is taken back"
                ),
                runbook=NEW_VERSION,
            ),
        ]

    def _role(self, alias: lambda_.Alias, deciding: Sequence[cloudwatch.Alarm]) -> tuple[iam.Role, Construct]:
        """A role that may move this one alias and look at these alarms; and its policy, which must be there in time.

        It is AWS's own policy without what is not used here, hooks and deployments from S3, and with exact resources.
        https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSCodeDeployRoleForLambdaLimited.html
        The condition keeps other accounts from borrowing the role through CodeDeploy.
        https://docs.aws.amazon.com/codedeploy/latest/userguide/security_confused_deputy.html
        """
        # Spelt rather than asked of the alias: that names the group, the group its role, and the circle would close.
        function_arn = alias.lambda_.function_arn
        alias_arn = f"{function_arn}:{alias.alias_name}"
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "codedeploy.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
            ),
        )
        policy = iam.Policy(
            self,
            "Rights",
            roles=[role],
            statements=[
                iam.PolicyStatement(actions=["lambda:GetAlias", "lambda:UpdateAlias"], resources=[function_arn]),
                iam.PolicyStatement(
                    actions=["lambda:GetProvisionedConcurrencyConfig"],
                    resources=[alias_arn],
                ),
                iam.PolicyStatement(
                    actions=["cloudwatch:DescribeAlarms"], resources=[alarm.alarm_arn for alarm in deciding]
                ),
            ],
        )
        return role, policy


def _version_metric(alias: lambda_.Alias, name: str, statistic: str) -> cloudwatch.Metric:
    function_name = alias.lambda_.function_name
    return cloudwatch.Metric(
        namespace="AWS/Lambda",
        metric_name=name,
        dimensions_map={
            "FunctionName": function_name,
            "Resource": f"{function_name}:{alias.alias_name}",
            "ExecutedVersion": alias.version.version,
        },
        statistic=statistic,
        period=VERSION_PERIOD,
    )


def _routing(rollout: RolloutStyle, step: TrafficStep) -> codedeploy.TrafficRouting:
    make = (
        codedeploy.TrafficRouting.time_based_linear
        if rollout == "linear"
        else codedeploy.TrafficRouting.time_based_canary
    )
    return make(interval=Duration.minutes(step.minutes), percentage=step.percentage)
