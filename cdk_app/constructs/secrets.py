"""Secrets of a service: made by the stack, filled by the operator or by Secrets Manager, never part of a template."""

import json
from collections.abc import Sequence
from typing import Final

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from cdk_app.constructs.acknowledge import acknowledge
from cdk_app.environments import Environment

GENERATED_LENGTH: Final = 64
ROTATION_RULE: Final = "AwsSolutions-SMG4"


def provider_keys(
    scope: Construct, construct_id: str, *, fields: Sequence[str], environment: Environment
) -> secretsmanager.Secret:
    """A JSON secret whose fields start empty and are filled by the operator; a later deployment leaves them alone.

    Secrets Manager insists on generating one value; it goes into the field `unused`.
    """
    secret = _secret(
        scope, construct_id, template=dict.fromkeys(fields, ""), generated="unused", environment=environment
    )
    acknowledge(secret, ROTATION_RULE, "Keys of outside services are issued, and changed, by those services")
    return secret


def signing_key(
    scope: Construct, construct_id: str, *, environment: Environment, fields: Sequence[str] = ()
) -> secretsmanager.Secret:
    """A generated key, `{"current": ...}`; a `previous` one may be added beside it while changing keys by hand.

    fields: for the operator, as `provider_keys` has them.
    """
    secret = _secret(
        scope, construct_id, template=dict.fromkeys(fields, ""), generated="current", environment=environment
    )
    acknowledge(secret, ROTATION_RULE, "Signs what expires by itself; changed by hand, old ones accepted for a while")
    return secret


def generated_password(
    scope: Construct, construct_id: str, *, username: str, environment: Environment
) -> secretsmanager.Secret:
    """Name and generated password of somebody who exists from the start, `{"username": ..., "password": ...}`."""
    secret = _secret(
        scope, construct_id, template={"username": username}, generated="password", length=24, environment=environment
    )
    acknowledge(secret, ROTATION_RULE, "Good for one sign-in, which asks for a password of one's own")
    return secret


def grant_read(grantee: iam.IGrantable, secret: secretsmanager.ISecret) -> None:
    """Allow to read the value of exactly this secret."""
    grantee.grant_principal.add_to_principal_policy(
        iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[secret.secret_arn])
    )


def grant_write(grantee: iam.IGrantable, secret: secretsmanager.ISecret) -> None:
    """Allow to give exactly this secret another value."""
    grantee.grant_principal.add_to_principal_policy(
        iam.PolicyStatement(actions=["secretsmanager:PutSecretValue"], resources=[secret.secret_arn])
    )


def _secret(
    scope: Construct,
    construct_id: str,
    *,
    template: dict[str, str],
    generated: str,
    environment: Environment,
    length: int = GENERATED_LENGTH,
) -> secretsmanager.Secret:
    return secretsmanager.Secret(
        scope,
        construct_id,
        generate_secret_string=secretsmanager.SecretStringGenerator(
            secret_string_template=json.dumps(template),
            generate_string_key=generated,
            password_length=length,
            exclude_punctuation=True,
        ),
        removal_policy=RemovalPolicy.RETAIN if environment.retain_data else RemovalPolicy.DESTROY,
    )
