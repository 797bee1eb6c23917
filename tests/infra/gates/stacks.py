"""Rules about stacks as a whole: what stands in which, and what waits for what."""

import json
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from tests.infra.gates.data import STATEFUL, settings_of
from tests.infra.gates.model import Complaints, Deployment, Resource, Stack, rule
from tests.infra.gates.references import FUNCTION, as_list, references

RUNS = (FUNCTION, "AWS::ApiGatewayV2::Api", "AWS::ApiGateway::RestApi", "AWS::SQS::Queue", "AWS::Events::Rule")
# What MiniStack rejects, and the whole stack with it.
NOT_IN_THE_LOCAL_CLOUD = (
    "AWS::CodeDeploy::", "AWS::CloudWatch::CompositeAlarm", "AWS::Budgets::", "AWS::XRay::Group",
    "AWS::CloudFront::",
)  # fmt: skip

# Types here that CloudFormation cannot tag: settings and links of resources that are tagged themselves.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
WITHOUT_TAGS = {
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::CloudFront::KeyGroup",
    "AWS::CloudFront::OriginAccessControl",
    "AWS::CloudFront::PublicKey",
    "AWS::CodeDeploy::DeploymentConfig",
    "AWS::IAM::Policy",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Version",
    "AWS::Logs::QueryDefinition",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
}


def weak_references(value: Any) -> Iterator[dict[str, Any]]:
    """Every reference to an output of another stack that is resolved at deployment, not locked by an export."""
    if isinstance(value, dict):
        if "Fn::GetStackOutput" in value:
            yield value["Fn::GetStackOutput"]
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from weak_references(part)


@rule(
    "references-resolve", "CloudFormation refuses a template that refers to what is not there, but only at deployment"
)
def references_resolve(deployment: Deployment) -> Complaints:
    for stack in deployment.stacks.values():
        known = stack.resources.keys() | stack.body.get("Parameters", {}).keys()
        for resource in stack.resources.values():
            for missing in sorted(_waits_for(resource) - known):
                if not missing.startswith("AWS::"):
                    yield resource, f"refers to {missing}, which is not in the template"


@rule("stack-outputs-exist", "Linters see one template at a time: a wrong output of another stack passes all of them")
def stack_outputs_exist(deployment: Deployment) -> Complaints:
    for stack in deployment.stacks.values():
        for resource in stack.resources.values():
            for wanted in weak_references(resource.properties):
                other = deployment.stack_of_full_name(wanted["StackName"])
                if other is None or wanted["OutputName"] not in other.body.get("Outputs", {}):
                    yield resource, f"reads output {wanted['OutputName']} of {wanted['StackName']}, which is not there"


@rule("no-cycles", "What waits for each other can never be created; synthesis does not notice")
def no_cycles(deployment: Deployment) -> Complaints:
    for stack in deployment.stacks.values():
        resources = stack.resources
        cycle = _cycle({name: _waits_for(resource) & resources.keys() for name, resource in resources.items()})
        if cycle:
            yield stack, f"cycle: {cycle}"
    reads = {
        stack.full_name: {wanted["StackName"] for wanted in weak_references(stack.body["Resources"])}
        for stack in deployment.stacks.values()
    }
    cycle = _cycle(reads)
    if cycle:
        yield next(iter(deployment.stacks.values())), f"cycle of stacks: {cycle}"


def _waits_for(resource: Resource) -> set[str]:
    """What CloudFormation makes before it; also what its update policy names, as CodeDeploy must be there by then."""
    refers = references([resource.properties, resource.body.get("UpdatePolicy", {})])
    return {logical_id for logical_id, _ in refers} | set(as_list(resource.body.get("DependsOn")))


def _cycle(waits_for: Mapping[str, set[str]]) -> str | None:
    try:
        TopologicalSorter(waits_for).prepare()
    except CycleError as error:
        return " -> ".join(reversed(error.args[1]))
    return None


@rule("no-exports", "An export that is in use cannot change: a table could not be exchanged while the app is deployed")
def no_exports(deployment: Deployment) -> Complaints:
    for stack in deployment.stacks.values():
        if "Fn::ImportValue" in json.dumps(stack.body):
            yield stack, "imports a value; refer to an output weakly, or build the ARN from the fixed name"
        for name, output in stack.body.get("Outputs", {}).items():
            if "Export" in output:
                yield stack, f"exports {name}"


@rule("data-waits-for-nobody", "If data waited for an app that waits for data, neither could be deployed again")
def data_waits_for_nobody(deployment: Deployment) -> Complaints:
    for stack in _stacks_with(deployment, STATEFUL):
        for resource in stack.resources.values():
            for wanted in weak_references(resource.properties):
                yield resource, f"reads output {wanted['OutputName']} of {wanted['StackName']}"


@rule("data-stands-apart", "An app stack can be destroyed at any time; whatever keeps data must not go with it")
def data_stands_apart(deployment: Deployment) -> Complaints:
    for stack in _stacks_with(deployment, RUNS):
        running = [resource.logical_id for resource in stack.resources.values() if resource.type in RUNS]
        for resource in stack.resources.values():
            if resource.type in STATEFUL:
                yield resource, f"keeps data beside {running[0]}"


@rule("data-stacks-are-protected", "`cdk destroy` and the console delete an unprotected stack at one confirmation")
def data_stacks_are_protected(deployment: Deployment) -> Complaints:
    for stack in _stacks_with(deployment, STATEFUL):
        if deployment.environment.retain_data and not stack.is_protected:
            yield stack, "keeps data and has no termination protection"


@rule("local-cloud-takes-it", "The emulator rejects a whole stack for one type it does not know")
def local_cloud_takes_it(deployment: Deployment) -> Complaints:
    if deployment.environment.on_this_machine:
        for stack in deployment.stacks.values():
            for resource in stack.resources.values():
                if resource.type.startswith(NOT_IN_THE_LOCAL_CLOUD):
                    yield resource, f"{resource.type} cannot be deployed into the local cloud"


@rule("apps-can-be-made-anew", "Whoever must destroy an app stack in an emergency should not have to unlock it first")
def apps_can_be_made_anew(deployment: Deployment) -> Complaints:
    for stack in _stacks_with(deployment, RUNS):
        if stack.is_protected:
            yield stack, "has termination protection"


@rule("what-is-billed-carries-tags", "A bill can only be split by tags that are on what is billed")
def what_is_billed_carries_tags(deployment: Deployment) -> Complaints:
    environment = deployment.environment.name
    for stack in deployment.stacks.values():
        service = deployment.service_of(stack)
        name = service.name if service else ""
        wanted = {"service": name, "environment": environment, "deployment": f"{name}-{environment}"}
        for resource in stack.resources.values():
            for settings in settings_of(resource) if resource.type not in WITHOUT_TAGS else ():
                tags = settings.get("Tags") or settings.get("ResourceTags") or {}
                by_key = tags if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}
                if by_key != wanted:
                    yield resource, f"its tags are {by_key}"


def _stacks_with(deployment: Deployment, types: tuple[str, ...]) -> Iterator[Stack]:
    for stack in deployment.stacks.values():
        if any(resource.type in types for resource in stack.resources.values()):
            yield stack
