"""What a deployment made, read from CloudFormation: the API, functions, queues, tables and secrets of a service."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cdk_app.local.layout import LocalCloudError
from cdk_app.local.ministack import QUICK, MiniStack
from cdk_app.local.running import DeployedFunction, DeployedQueue, RunningService
from cdk_app.local.secret_values import first_accounts

if TYPE_CHECKING:
    from mypy_boto3_lambda.type_defs import FunctionConfigurationResponseTypeDef

TABLE_TYPES: Final = frozenset({"AWS::DynamoDB::GlobalTable", "AWS::DynamoDB::Table"})
RETURN_ORIGINS: Final = "FRONTEND_ORIGINS"  # the variable of an API that sends browsers back after a sign-in


@dataclass(frozen=True, slots=True)
class Inventory:
    """The physical names of one service's resources, by CloudFormation type and in the order of their logical ids."""

    stack_names: tuple[str, ...]
    by_type: Mapping[str, tuple[str, ...]]

    def of(self, *types: str) -> tuple[str, ...]:
        """Physical names of all resources of these types."""
        return tuple(name for wanted in types for name in self.by_type.get(wanted, ()))

    @property
    def api_id(self) -> str:
        """The one HTTP API. Raises LocalCloudError when the service has none or several."""
        ids = self.of("AWS::ApiGatewayV2::Api")
        if len(ids) != 1:
            raise LocalCloudError(f"{', '.join(self.stack_names)} should hold one HTTP API and holds {len(ids)}")
        return ids[0]


def read_inventory(emulator: MiniStack, stack_names: Iterable[str]) -> Inventory:
    """All resources of some stacks. One request per stack and page of 100."""
    names = tuple(stack_names)
    stacks = emulator.session.client("cloudformation", endpoint_url=emulator.url, config=QUICK)
    pages = stacks.get_paginator("list_stack_resources")
    found: dict[str, list[str]] = {}
    listed = [
        resource
        for name in names
        for page in pages.paginate(StackName=name)
        for resource in page["StackResourceSummaries"]
    ]
    for resource in sorted(listed, key=lambda listed: listed["LogicalResourceId"]):
        found.setdefault(resource["ResourceType"], []).append(resource["PhysicalResourceId"])
    return Inventory(names, {kind: tuple(physical) for kind, physical in found.items()})


def running_service(emulator: MiniStack, inventory: Inventory, *, name: str, title: str, url: str) -> RunningService:
    """A deployed service as the console shows it. One request per function, queue and secret."""
    settings = [_settings(emulator, function) for function in inventory.of("AWS::Lambda::Function")]
    return RunningService(
        name=name,
        title=title,
        url=url,
        signs_in=any(RETURN_ORIGINS in each.get("Environment", {}).get("Variables", {}) for each in settings),
        accounts=tuple(first_accounts(emulator, inventory.of("AWS::SecretsManager::Secret"))),
        functions=tuple(_function(each) for each in settings),
        queues=tuple(_queues(emulator, inventory.of("AWS::SQS::Queue"))),
        table_names=inventory.of(*sorted(TABLE_TYPES)),
    )


def _settings(emulator: MiniStack, name: str) -> "FunctionConfigurationResponseTypeDef":
    functions = emulator.session.client("lambda", endpoint_url=emulator.url, config=QUICK)
    return functions.get_function_configuration(FunctionName=name)


def _function(settings: "FunctionConfigurationResponseTypeDef") -> DeployedFunction:
    name = settings["FunctionName"]
    return DeployedFunction(
        name=name, log_group=settings.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{name}"
    )


def _queues(emulator: MiniStack, urls: Iterable[str]) -> Iterator[DeployedQueue]:
    """Queues with the URL of their dead-letter queue; a dead-letter queue is no entry of its own."""
    queues = emulator.session.client("sqs", endpoint_url=emulator.url, config=QUICK)
    attributes = {
        url: queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn", "RedrivePolicy"])["Attributes"]
        for url in urls
    }
    url_of_arn = {found["QueueArn"]: url for url, found in attributes.items()}
    target_of = {
        url: url_of_arn.get(json.loads(found["RedrivePolicy"])["deadLetterTargetArn"])
        for url, found in attributes.items()
        if "RedrivePolicy" in found
    }
    dead_letters = set(target_of.values())
    for url in (url for url in attributes if url not in dead_letters):
        yield DeployedQueue(name=url.rpartition("/")[2], url=url, dead_letter_url=target_of.get(url))
