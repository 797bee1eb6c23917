"""What a migration needs beside the table: secrets, and where they and the bucket are.

A variable of the environment names each, else it is looked up in the data stack.
"""

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from lambda_src.migration.errors import BadUsage, MigrationError
from lambda_src.runtime.aws_calls import client_config, reason_of

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

SECRET_BYTES: Final = 65_536  # https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html

_READ_TIMEOUT_SECONDS: Final = 10.0
_STACK: Final = "YotoSmartStreamData"


@dataclass(frozen=True, slots=True)
class Part:
    """Something of the data stack. construct: how its logical id begins."""

    construct: str
    type: str
    variable: str


BOOTSTRAP_ADMIN: Final = Part("BootstrapAdmin", "AWS::SecretsManager::Secret", "BOOTSTRAP_ADMIN_SECRET_ARN")
YOTO_OAUTH: Final = Part("YotoOAuth", "AWS::SecretsManager::Secret", "YOTO_OAUTH_SECRET_ARN")
AUDIO_BUCKET: Final = Part("Audio", "AWS::S3::Bucket", "S3_AUDIO_BUCKET")


def physical_id(part: Part, environment: str) -> str:
    """ARN of a secret, name of a bucket. 1 request per 100 resources of the stack, none where a variable says it.

    Raises BadUsage when there is none, MigrationError when CloudFormation does not answer.
    """
    if named := os.environ.get(part.variable):
        return named
    stack = f"{environment}-{_STACK}"
    otherwise = f"export {part.variable}=..., or deploy the data stack"
    try:
        pages = _client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
        for page in pages:
            for found in page["StackResourceSummaries"]:
                if found["ResourceType"] == part.type and found["LogicalResourceId"].startswith(part.construct):
                    return str(found["PhysicalResourceId"])
    except (BotoCoreError, ClientError) as exc:
        raise MigrationError(f"{stack} cannot be looked into ({reason_of(exc)}): {otherwise}") from exc
    raise BadUsage(f"{stack} has no {part.construct}: {otherwise}")


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that holds a JSON object. Its values are in no message."""

    name: str
    members: dict[str, Any] = field(repr=False)

    @classmethod
    def read(cls, part: Part, environment: str) -> "Secret":
        """Raises MigrationError, BadUsage. 1 request, and what `physical_id` takes."""
        name = physical_id(part, environment)
        try:
            text = _secrets().get_secret_value(SecretId=name).get("SecretString", "")
        except (BotoCoreError, ClientError) as exc:
            raise MigrationError(f"Secret {part.construct} cannot be read: {reason_of(exc)}") from exc
        try:
            members = json.loads(text)
        except ValueError:
            members = None  # the parser's error holds the text it could not parse
        if not isinstance(members, dict):
            raise MigrationError(f"Secret {part.construct} is no JSON object: mend it first")
        return cls(name, members)

    def write(self) -> None:
        """Write the members as they are now. Raises MigrationError. 1 request."""
        try:
            _secrets().put_secret_value(SecretId=self.name, SecretString=self.text)
        except (BotoCoreError, ClientError) as exc:
            raise MigrationError(f"The secret cannot be written: {reason_of(exc)}") from exc

    @property
    def text(self) -> str:
        return json.dumps(self.members, separators=(",", ":"), sort_keys=True)


def _secrets() -> "SecretsManagerClient":
    client: SecretsManagerClient = _client("secretsmanager")
    return client


def _client(service: Any) -> Any:
    import boto3  # noqa: PLC0415 -- phases that ask nothing of it do not pay for it

    return boto3.client(service, config=client_config(_READ_TIMEOUT_SECONDS))
