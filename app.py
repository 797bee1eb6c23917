"""The CDK app: the stage of one environment, `-c environment=<name>`, or of `dev` when none is named."""

from aws_cdk import App

from cdk_app.environments import DEV, environment_named
from cdk_app.stages import EnvironmentStage, check_policies

app = App()
EnvironmentStage(app, environment_named(app.node.try_get_context("environment") or DEV.name))
check_policies(app)
app.synth()
