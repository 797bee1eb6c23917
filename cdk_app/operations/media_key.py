"""`python -m cdk_app.operations.media_key ENVIRONMENT`: the key that signs addresses of files behind a distribution.

Makes a pair once, puts the private half into the secret `MediaKey` of the service's data stack, where the API reads
it, and prints the public half, which belongs into `media_public_keys` of environments.py. Asked again it prints the
same; with --replace it makes another pair. The private half is written nowhere else. Exit code 1 without that secret.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-trusted-signers.html
"""

import json
from typing import TYPE_CHECKING, Annotated, Final

import boto3
import typer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from cdk_app.environments import ENVIRONMENTS
from cdk_app.services.registry import SERVICES

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

CONFIG: Final = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "max_attempts": 4})
SECRET: Final = "MediaKey"  # noqa: S105 -- the name of its construct
FIELD: Final = "private_key"
FLAG: Final = "enable_cloudfront"
BITS: Final = 2048  # CloudFront takes no other size of RSA
SIGNING: Final = {service.name: service for service in SERVICES if SECRET in service.secrets.values()}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class NoSecret(Exception):
    """The stack, or the secret in it, is not there; the message says how it comes to be."""


@app.command()
def media_key(
    environment: Annotated[str, typer.Argument(help="dev, staging or prod.")],
    service: Annotated[str, typer.Option(help=f"One of: {', '.join(SIGNING)}.")] = next(iter(SIGNING)),
    *,
    replace: Annotated[bool, typer.Option("--replace", help="Make another pair in place of the one there is.")] = False,
) -> None:
    """Make the key pair if there is none, and print its public half."""
    if environment not in ENVIRONMENTS or ENVIRONMENTS[environment].on_this_machine:
        raise typer.BadParameter(f"{environment!r} has no distribution")
    if service not in SIGNING:
        raise typer.BadParameter(f"{service!r} is none of: {', '.join(SIGNING)}")
    data_stack, _ = SIGNING[service].stack_names(environment)
    try:
        secret = secret_of(boto3.client("cloudformation", config=CONFIG), data_stack)
        public, is_new = kept_key(boto3.client("secretsmanager", config=CONFIG), secret, replace=replace)
    except (BotoCoreError, ClientError, NoSecret) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(
        f"{'A new key' if is_new else 'The key that is'} in {SECRET} of {data_stack}. Its public half:", err=True
    )
    typer.echo(public, nl=False)
    typer.echo(f'Put it first into media_public_keys["{service}"] of {environment}, and deploy.', err=True)


def secret_of(stacks: "CloudFormationClient", data_stack: str) -> str:
    """ARN of the secret of a data stack. One request. Raises NoSecret."""
    hint = f"deploy it first: cdk deploy {data_stack} -c environment={data_stack.partition('-')[0]} -c {FLAG}=true"
    try:
        resources = stacks.describe_stack_resources(StackName=data_stack)["StackResources"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            raise NoSecret(f"There is no stack {data_stack} here; {hint}") from error
        raise
    for resource in resources:
        is_meant = resource["LogicalResourceId"].startswith(SECRET)
        if is_meant and resource["ResourceType"] == "AWS::SecretsManager::Secret":
            return resource["PhysicalResourceId"]
    raise NoSecret(f"{data_stack} has no secret {SECRET}; {hint}")


def kept_key(secrets: "SecretsManagerClient", secret: str, *, replace: bool) -> tuple[str, bool]:
    """(public half as PEM, whether it is new) of the key in a secret, made where there is none. 1 or 2 requests."""
    value = json.loads(secrets.get_secret_value(SecretId=secret)["SecretString"])
    if value.get(FIELD) and not replace:
        key = serialization.load_pem_private_key(value[FIELD].encode(), password=None)
        return _public(key.public_key()), False
    made = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    private = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    secrets.put_secret_value(SecretId=secret, SecretString=json.dumps({**value, FIELD: private.decode()}))
    return _public(made.public_key()), True


def _public(key: object) -> str:
    assert isinstance(key, rsa.RSAPublicKey)
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


if __name__ == "__main__":
    app()
