"""Rules about how a new version takes over: alias, deployment group, alarms, and the way back."""

from collections.abc import Iterator

from cdk_app.environments import Environment
from tests.infra.gates.http import answering_functions
from tests.infra.gates.identity import allowed_to
from tests.infra.gates.metrics import ALARM, metrics_of
from tests.infra.gates.model import Complaints, Deployment, Json, Resource, rule
from tests.infra.gates.references import ALIAS, VERSION, references, target, text

GROUP = "AWS::CodeDeploy::DeploymentGroup"
CONFIG = "AWS::CodeDeploy::DeploymentConfig"
GOES_BACK_ON = {"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"}
# https://docs.aws.amazon.com/codedeploy/latest/userguide/getting-started-create-service-role.html
SHIFTS = {"lambda:GetAlias", "lambda:UpdateAlias", "cloudwatch:DescribeAlarms"}
AT_ONCE = "all_at_once"


def serving_aliases(deployment: Deployment) -> Iterator[tuple[Resource, Resource]]:
    """(alias, function) for each alias that an API calls."""
    for integration, function in answering_functions(deployment):
        alias = target(deployment, integration.stack, integration.properties["IntegrationUri"])
        if alias is not None and alias.type == ALIAS:
            yield alias, function


def group_of(deployment: Deployment, alias: Resource) -> Resource | None:
    update = alias.body.get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate", {})
    group = target(deployment, alias.stack, update.get("DeploymentGroupName"))
    return group if group is not None and group.type == GROUP else None


def groups(deployment: Deployment) -> Iterator[tuple[Resource, Resource, Resource]]:
    """(group, alias, function) for each API function whose traffic is shifted."""
    for alias, function in serving_aliases(deployment):
        group = group_of(deployment, alias)
        if group is not None:
            yield group, alias, function


def alarms_of(deployment: Deployment, group: Resource) -> list[Resource]:
    """The alarms of ours that a deployment listens to."""
    config = group.properties.get("AlarmConfiguration", {})
    if not config.get("Enabled", bool(config)):
        return []
    found = (target(deployment, group.stack, alarm.get("Name")) for alarm in config.get("Alarms", []))
    return [alarm for alarm in found if alarm is not None and alarm.type == ALARM]


@rule("aliases-point-to-versions", "An alias of $LATEST changes with every upload, and has nothing to go back to")
def aliases_point_to_versions(deployment: Deployment) -> Complaints:
    for alias in deployment.of_type(ALIAS):
        version = target(deployment, alias.stack, alias.properties.get("FunctionVersion"))
        if version is None or version.type != VERSION:
            yield alias, f"points to {text(alias.properties.get('FunctionVersion'))}"


@rule("traffic-is-shifted", "Where the environment asks for it, a bad version should meet a few requests, not all")
def traffic_is_shifted(deployment: Deployment) -> Complaints:
    for alias, _ in serving_aliases(deployment):
        if deployment.environment.rollout != AT_ONCE and group_of(deployment, alias) is None:
            yield alias, f"changes all at once, the environment says {deployment.environment.rollout}"


@rule("traffic-is-shifted-as-asked", "A group that switches at once is a canary in name only")
def traffic_is_shifted_as_asked(deployment: Deployment) -> Complaints:
    for group, _, _ in groups(deployment):
        wanted = _wanted_shift(deployment.environment)
        config = target(deployment, group.stack, group.properties.get("DeploymentConfigName"))
        found = config.properties.get("TrafficRoutingConfig") if config is not None and config.type == CONFIG else None
        if found != wanted:
            yield group, f"shifts by {found or 'a rule of its own'}, the environment says {wanted}"


def _wanted_shift(environment: Environment) -> Json:
    """The steps of an environment in CloudFormation's words.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-codedeploy-deploymentconfig-trafficroutingconfig.html
    """
    kind, step = environment.rollout.title(), environment.traffic_step
    steps = {f"{kind}Interval": step.minutes, f"{kind}Percentage": step.percentage}
    return {"Type": f"TimeBased{kind}", f"TimeBased{kind}": steps}


@rule("deployments-listen-to-alarms", "A canary that nobody watches is only a slower deployment")
def deployments_listen_to_alarms(deployment: Deployment) -> Complaints:
    for group, alias, function in groups(deployment):
        alarms = alarms_of(deployment, group)
        watched = {logical_id for alarm in alarms for logical_id, _ in references(alarm.properties)}
        if not alarms:
            yield group, "stops on no alarm"
        elif not watched & {alias.logical_id, function.logical_id}:
            yield group, f"none of its alarms watches {function.logical_id}"


@rule("deployments-see-the-new-version", "Among all calls the errors of a tenth are easily lost")
def deployments_see_the_new_version(deployment: Deployment) -> Complaints:
    for group, _, _ in groups(deployment):
        if "ExecutedVersion" not in str([alarm.properties for alarm in alarms_of(deployment, group)]):
            yield group, "none of its alarms looks at the new version alone"


@rule("deployments-may-shift", "A deployment that may not move the alias, or not see the alarms, stops half way")
def deployments_may_shift(deployment: Deployment) -> Complaints:
    for group, _, _ in groups(deployment):
        role = target(deployment, group.stack, group.properties.get("ServiceRoleArn"))
        held = {action for action, _ in allowed_to(deployment, role)}
        if SHIFTS - held:
            yield group, f"its role lacks {', '.join(sorted(SHIFTS - held))}"


@rule("deployments-hear-errors", "Of all signals of a bad version its errors are the first")
def deployments_hear_errors(deployment: Deployment) -> Complaints:
    for group, _, _ in groups(deployment):
        heard = {metric["MetricName"] for alarm in alarms_of(deployment, group) for metric in metrics_of(alarm)}
        if "Errors" not in heard:
            yield group, f"listens to {sorted(heard)} and not to errors"


@rule("bad-deployments-go-back", "Whoever is asleep cannot roll back")
def bad_deployments_go_back(deployment: Deployment) -> Complaints:
    for group, _, _ in groups(deployment):
        config = group.properties.get("AutoRollbackConfiguration", {})
        missing = GOES_BACK_ON - set(config.get("Events", []))
        if not config.get("Enabled") or missing:
            yield group, f"does not go back on {', '.join(sorted(missing or GOES_BACK_ON))}"
