"""The role under which data are moved into the tables of a service: while an environment names who may take it."""

from typing import Final

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk_app.constructs.acknowledge import acknowledge
from cdk_app.environments import OPERATOR_ARN

# What `lambda_src.migration` does to a table, all phases together. The only role that may Scan.
MIGRATION_ACTIONS: Final = (
    "BatchWriteItem",
    "DeleteItem",
    "DescribeContinuousBackups",
    "DescribeTable",
    "GetItem",
    "PutItem",
    "Scan",
    "UpdateItem",
)


def migration_operator(scope: Construct, *, who: str) -> iam.Role:
    """A role that one identity may take, its ARN an output of the stack. who: ARN of a user or role.

    One identity rather than the account, which would let everybody in who may take roles at all. A user has to show a
    second factor. A role cannot: the sign-in before it asked for that, and IAM tells nothing of it in a chain of roles.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """
    principal: iam.PrincipalBase = iam.ArnPrincipal(who)
    found = OPERATOR_ARN.fullmatch(who)
    if found is not None and found["kind"] == "user":
        principal = principal.with_conditions({"Bool": {"aws:MultiFactorAuthPresent": "true"}})
    role = iam.Role(
        scope,
        "MigrationOperator",
        assumed_by=principal,
        description="Moves data from SQL into these tables; goes with the end of the migration",
    )
    CfnOutput(Stack.of(scope), "MigrationOperatorRole", value=role.role_arn)
    return role


def grant_look_up(operator: iam.Role) -> None:
    """Allow to ask how what its own stack made is called: secrets and buckets are named by CloudFormation.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/control-access-with-iam.html
    """
    stack = Stack.of(operator)
    arn = stack.format_arn(service="cloudformation", resource="stack", resource_name=f"{stack.stack_name}/*")
    operator.add_to_principal_policy(
        iam.PolicyStatement(actions=["cloudformation:ListStackResources"], resources=[arn])
    )
    acknowledge(
        operator,
        f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:cloudformation:<AWS::Region>:<AWS::AccountId>:stack/{stack.stack_name}/*]",
        "What follows the name of a stack is an id that each one gets when it is made",
    )
