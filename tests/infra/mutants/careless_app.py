"""A CDK app in which each resource has faults that cdk-nag must stop: `python careless_app.py`, run by a test.

cdk-nag looks at constructs while they are synthesised, so its mutants are written as constructs. One app holds all of
them, because starting the CDK takes longer than looking.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))  # the checkout at hand comes first

from aws_cdk import App, Stack
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from cdk_app.stacks import check_policies


def main() -> None:
    app = App()
    stack = Stack(app, "Careless")
    sqs.Queue(stack, "PlainQueue")
    sns.Topic(stack, "PlainTopic")
    s3.Bucket(stack, "PlainBucket")
    secretsmanager.Secret(stack, "UnchangingSecret")
    role = iam.Role(
        stack,
        "BroadRole",
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name("AWSLambdaExecute")],
    )
    role.add_to_policy(iam.PolicyStatement(actions=["sqs:*"], resources=["*"]))
    lambda_.Function(
        stack,
        "OldFunction",
        runtime=lambda_.Runtime.PYTHON_3_9,
        handler="index.handler",
        code=lambda_.Code.from_inline("def handler(event, context): ..."),
        role=role,
    )
    api = gateway.CfnApi(stack, "OpenApi", name="open", protocol_type="HTTP")
    gateway.CfnStage(stack, "SilentStage", api_id=api.ref, stage_name="$default")
    gateway.CfnRoute(stack, "OpenRoute", api_id=api.ref, route_key="$default")
    check_policies(app)
    app.synth()


if __name__ == "__main__":
    main()
