"""`python -m cdk_app.operations.shift SERVICE ENVIRONMENT [PERCENT]`: how many calls the new version of an API answers.

Moves the weights of the alias `live` between the version before and the newest one; without PERCENT it only says where
they are. 5, 10, 25, 50, 100 is the usual ladder, 0 the way back from any step of it. More than now is refused while an
alarm of the service is on or CodeDeploy moves the same alias; less never is. Exit code 1 when nothing was changed.
https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Final

import boto3
import typer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cdk_app.environments import ENVIRONMENTS
from cdk_app.local.layout import Layout
from cdk_app.local.ministack import local_session
from cdk_app.services.registry import SERVICES

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

CONFIG: Final = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "max_attempts": 4})
ALIAS: Final = "live"
ALL: Final = 100
LADDER: Final = (5, 10, 25, 50, ALL)
UNDER_WAY: Final = ("Created", "Queued", "InProgress", "Baking", "Ready")
APPLICATION: Final = "AWS::CodeDeploy::Application"


class ShiftRefused(Exception):
    """Why no weight was moved."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Who answers: `new` so many percent of the calls, `before` the others; at 100 percent the way back.

    revision: the alias when it was read. versions: all that are published, oldest first.
    """

    before: int | None
    new: int
    percent: int
    revision: str
    versions: tuple[int, ...]

    def __str__(self) -> str:
        if self.percent == ALL:
            return f"version {self.new} answers every call"
        if not self.percent:
            return f"version {self.before} answers every call, version {self.new} none"
        return f"version {self.new} answers {self.percent} % of the calls, version {self.before} the others"


def weights_of(functions: "LambdaClient", function: str) -> Weights:
    """Where the alias of a function points. Two requests, and one more per 50 versions."""
    alias = functions.get_alias(FunctionName=function, Name=ALIAS)
    serving = int(alias["FunctionVersion"])
    shares = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    pages = functions.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    versions = sorted(int(each["Version"]) for page in pages for each in page["Versions"] if each["Version"].isdigit())
    new = max((int(version) for version in shares), default=versions[-1])
    is_whole = serving == new
    return Weights(
        before=max((each for each in versions if each < new), default=None) if is_whole else serving,
        new=new,
        percent=ALL if is_whole else round(ALL * shares.get(str(new), 0.0)),
        revision=alias["RevisionId"],
        versions=tuple(versions),
    )


def going_back_to(now: Weights, before: int) -> Weights:
    """The same, with another version to go back to. Raises ShiftRefused when that is not published."""
    if before not in now.versions or before == now.new:
        raise ShiftRefused(f"version {before} is none of {', '.join(map(str, now.versions))} but {now.new}")
    return replace(now, before=before)


def move(functions: "LambdaClient", function: str, now: Weights, percent: int) -> Weights:
    """Let the new version answer so many calls, from the next one on. One request.

    Raises ShiftRefused when there is no version before, or somebody else moved the alias since `now` was read.
    """
    if now.before is None:
        raise ShiftRefused(f"version {now.new} is the only one that is published")
    serving, shares = (
        (now.new, {}) if percent == ALL else (now.before, {str(now.new): percent / ALL} if percent else {})
    )
    try:
        alias = functions.update_alias(
            FunctionName=function,
            Name=ALIAS,
            FunctionVersion=str(serving),
            RoutingConfig={"AdditionalVersionWeights": shares},
            RevisionId=now.revision,
        )
    except functions.exceptions.PreconditionFailedException as error:
        raise ShiftRefused("somebody else moved the alias just now; look again") from error
    return replace(now, percent=percent, revision=alias["RevisionId"])


def refuse_more(client: Any, stack: str) -> None:
    """Raise ShiftRefused when the new version of a stack's API should get no more calls.

    client: makes a client of the AWS service of a name. One request per 100 alarms and resources, two per application.
    """
    against = list(_reasons(client, stack))
    if against:
        raise ShiftRefused("; ".join(against))


def _reasons(client: Any, stack: str) -> Iterator[str]:
    pages = (
        client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{stack}-", StateValue="ALARM")
    )
    yield from (f"alarm {alarm['AlarmName']} is on" for page in pages for alarm in page["MetricAlarms"])
    resources = client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    for page in resources:
        for each in page["StackResourceSummaries"]:
            if each["ResourceType"] == APPLICATION:
                yield from _deployments(client("codedeploy"), each["PhysicalResourceId"])


def _deployments(codedeploy: Any, application: str) -> Iterator[str]:
    groups = codedeploy.list_deployment_groups(applicationName=application)["deploymentGroups"]
    for group in groups:
        found = codedeploy.list_deployments(
            applicationName=application, deploymentGroupName=group, includeOnlyStatuses=list(UNDER_WAY)
        )
        yield from (f"CodeDeploy moves the same alias: {deployment}" for deployment in found["deployments"])


def function_of(client: Any, stack: str) -> str:
    """The API function of a stack. Raises ShiftRefused when it names none, ClientError when there is no stack."""
    [found] = client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    names = [each["OutputValue"] for each in found.get("Outputs", []) if each["OutputKey"] == "ApiFunctionName"]
    if not names:
        raise ShiftRefused(f"{stack} has no output ApiFunctionName")
    return str(names[0])


def main(
    service: Annotated[str, typer.Argument(help=f"one of: {', '.join(each.name for each in SERVICES)}")],
    environment: Annotated[str, typer.Argument(help=f"one of: {', '.join(ENVIRONMENTS)}")],
    percent: Annotated[int | None, typer.Argument(min=0, max=ALL, help="of the calls, for the newest version")] = None,
    *,
    before: Annotated[int | None, typer.Option(min=1, help="version to go back to, if not the one before")] = None,
    port_offset: Annotated[int, typer.Option(min=0, max=50_000, help="of the local cloud")] = 0,
) -> None:
    """Show or move the weights; see the module."""
    known = {each.name: each for each in SERVICES}
    if service not in known:
        raise typer.BadParameter(f"{service!r} is none of: {', '.join(known)}")
    if environment not in ENVIRONMENTS:
        raise typer.BadParameter(f"{environment!r} is none of: {', '.join(ENVIRONMENTS)}")
    _, stack = known[service].stack_names(environment)
    is_local = ENVIRONMENTS[environment].on_this_machine
    session = local_session() if is_local else boto3.Session()
    url = Layout(port_offset).emulator_url if is_local else None

    def client(name: Any) -> Any:
        return session.client(name, endpoint_url=url, config=CONFIG)

    try:
        function = function_of(client, stack)
        now = weights_of(client("lambda"), function)
        wished = now if before is None else going_back_to(now, before)
        is_other = wished.before != now.before and percent != ALL
        if percent is not None and (percent != now.percent or is_other):
            if percent > now.percent:
                refuse_more(client, stack)
            now = move(client("lambda"), function, wished, percent)
    except (ShiftRefused, BotoCoreError, ClientError) as error:
        typer.echo(f"{stack}: {str(error).rstrip('.')}. Nothing was changed")
        raise typer.Exit(1) from error
    command = f"make shift ENVIRONMENT={environment} SERVICE={service} PERCENT="
    typer.echo(f"{stack}: {now}")
    further = next((step for step in LADDER if step > now.percent), None)
    if further:
        typer.echo(f"further: {command}{further}")
    if now.percent and now.before is not None:
        typer.echo(f"back:    {command}0, to version {now.before}")


if __name__ == "__main__":
    typer.run(main)
