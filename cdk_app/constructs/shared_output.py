"""A value of one stack that another one reads when it is deployed, without either holding the other back."""

from typing import Any

from aws_cdk import CfnOutput, Stack
from constructs import Construct


def shared_output(scope: Construct, name: str, value: str) -> dict[str, Any]:
    """Make an output of the stack, and return what stands for its value in a template of another stack.

    As the CDK refers to other stacks here, but by an output with a name for people. Unlike an export it may change
    while somebody reads it.
    """
    stack = Stack.of(scope)
    CfnOutput(stack, name, value=value)
    return {"Fn::GetStackOutput": {"StackName": stack.stack_name, "Region": {"Ref": "AWS::Region"}, "OutputName": name}}
