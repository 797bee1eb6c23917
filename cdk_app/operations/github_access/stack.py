"""How GitHub Actions gets into an AWS account: short-lived tokens for three small roles an environment, and no keys.

    job                    subject of its token              role     what the role may do
    deploy                 repo:R:environment:<environment>  Deploy   become the CDK's bootstrap roles
    diff of pull requests  repo:R:pull_request               Diff     read the templates of <environment>-*
    nightly drift check    repo:R:ref:refs/heads/main        Drift    detect drift there, describe resources

Anyone who may push a branch can change the workflow that a pull request runs, so Diff does not get the lookup role of
the bootstrap stack: that role has ReadOnlyAccess, and with it every item of every table.
"""

import re
from collections.abc import Sequence
from typing import Final

from aws_cdk import Aws, CfnOutput, DefaultStackSynthesizer, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk_app.constructs.acknowledge import acknowledge
from cdk_app.operations.github_access.drift_reads import actions

ISSUER: Final = "token.actions.githubusercontent.com"
AUDIENCE: Final = "sts.amazonaws.com"
BRANCH: Final = "main"

# `owner/name`, or `owner@id/name@id` where GitHub puts immutable ids into the subject, as it does for repositories
# made or renamed since 2026-07-15.
# https://github.blog/changelog/2026-04-23-immutable-subject-claims-for-github-actions-oidc-tokens/
REPOSITORY: Final = re.compile(r"[A-Za-z0-9-]+(/[A-Za-z0-9._-]+|@\d+/[A-Za-z0-9._-]+@\d+)")


class InvalidAccess(ValueError):
    """Who gets access is missing, or is more than one repository."""


def repository_named(value: object) -> str:
    """The repository as token subjects spell it. Raises InvalidAccess: a wildcard would let other repositories in."""
    if not isinstance(value, str) or not REPOSITORY.fullmatch(value):
        raise InvalidAccess(f"repository is {value!r}, should be owner/name or owner@id/name@id; see docs/ci.md")
    return value


class GitHubAccess(Stack):
    """The identity provider of an account, and the roles of the environments that live there."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        repository: object,
        environments: Sequence[str],
        has_provider: bool,
    ) -> None:
        """has_provider: the account knows GitHub already; it accepts one provider an address."""
        super().__init__(scope, construct_id, description="Lets GitHub Actions deploy and check, without keys")
        self._repository = repository_named(repository)
        self._provider_arn = self._provider(has_provider=has_provider)
        for environment in environments:
            self._deploy_role(environment)
            self._diff_role(environment)
            self._drift_role(environment)

    def _provider(self, *, has_provider: bool) -> str:
        if has_provider:
            return f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:oidc-provider/{ISSUER}"
        provider = iam.OidcProviderNative(self, "Provider", url=f"https://{ISSUER}", client_ids=[AUDIENCE])
        return provider.oidc_provider_arn

    def _deploy_role(self, environment: str) -> None:
        role = self._role(environment, "Deploy", subject=f"environment:{environment}")
        role.add_to_policy(iam.PolicyStatement(actions=["sts:AssumeRole"], resources=bootstrap_roles(self)))

    def _diff_role(self, environment: str) -> None:
        role = self._role(environment, "Diff", subject="pull_request")
        reads = ["cloudformation:DescribeStacks", "cloudformation:GetTemplate"]
        role.add_to_policy(iam.PolicyStatement(actions=reads, resources=[self._stacks(environment)]))
        _acknowledge_stacks(role, environment)

    def _drift_role(self, environment: str) -> None:
        role = self._role(environment, "Drift", subject=f"ref:refs/heads/{BRANCH}")
        stacks = [  # the rights that the page named in drift_reads.py asks for
            "cloudformation:DescribeStackResourceDrifts",
            "cloudformation:DetectStackDrift",
            "cloudformation:DetectStackResourceDrift",
        ]
        role.add_to_policy(iam.PolicyStatement(actions=stacks, resources=[self._stacks(environment)]))
        # The state of a detection is asked for by the id of the detection, which no resource of a policy matches.
        anywhere = ["cloudformation:DescribeStackDriftDetectionStatus", *actions()]
        role.add_to_policy(iam.PolicyStatement(actions=anywhere, resources=["*"]))
        _acknowledge_stacks(role, environment)
        reason = "describes resources whose names CloudFormation makes, and reads no contents"
        acknowledge(role, "AwsSolutions-IAM5[Resource::*]", reason)

    def _role(self, environment: str, purpose: str, *, subject: str) -> iam.Role:
        """A role that only one kind of job of one repository can take on, for an hour."""
        claims = {f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": f"repo:{self._repository}:{subject}"}
        role = iam.Role(
            self,
            f"{environment.capitalize()}{purpose}",
            assumed_by=iam.WebIdentityPrincipal(self._provider_arn, {"StringEquals": claims}),
            description=f"GitHub Actions, {environment}: {purpose.lower()}",
        )
        CfnOutput(self, f"{environment.capitalize()}{purpose}Role", value=role.role_arn)
        return role

    def _stacks(self, environment: str) -> str:
        return f"arn:{Aws.PARTITION}:cloudformation:{Aws.REGION}:{Aws.ACCOUNT_ID}:stack/{environment}-*/*"


def _acknowledge_stacks(role: iam.Role, environment: str) -> None:
    stacks = f"arn:<AWS::Partition>:cloudformation:<AWS::Region>:<AWS::AccountId>:stack/{environment}-*/*"
    reason = "the stacks of one environment: CloudFormation puts an id of its own behind each name"
    acknowledge(role, f"AwsSolutions-IAM5[Resource::{stacks}]", reason)


def bootstrap_roles(stack: Stack) -> list[str]:
    """ARNs of the roles of `cdk bootstrap` that a deployment takes on: for the stacks, for assets, for look-ups.

    Their names hold the qualifier of the bootstrap stack, which this stack has from where those of the services do:
    `@aws-cdk/core:bootstrapQualifier` in the context.
    """
    qualifier = stack.synthesizer.bootstrap_qualifier or DefaultStackSynthesizer.DEFAULT_QUALIFIER
    return [
        arn.replace("${Qualifier}", qualifier)
        .replace("${AWS::Partition}", Aws.PARTITION)
        .replace("${AWS::AccountId}", Aws.ACCOUNT_ID)
        .replace("${AWS::Region}", Aws.REGION)
        for arn in (
            DefaultStackSynthesizer.DEFAULT_DEPLOY_ROLE_ARN,
            DefaultStackSynthesizer.DEFAULT_FILE_ASSET_PUBLISHING_ROLE_ARN,
            DefaultStackSynthesizer.DEFAULT_LOOKUP_ROLE_ARN,
        )
    ]
