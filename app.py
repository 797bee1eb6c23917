"""The CDK app: the stage of one environment, `-c environment=<name>`, or of `dev` when none is named.

`-c port_offset=<number>` moves the addresses of a local cloud, which `make run PORT_OFFSET=<number>` needs.
"""

from aws_cdk import App

from cdk_app.environments import DEV, beside, environment_named
from cdk_app.stacks import EnvironmentStage, check_policies

app = App()
environment = environment_named(app.node.try_get_context("environment") or DEV.name)
if port_offset := int(app.node.try_get_context("port_offset") or 0):
    environment = beside(environment, port_offset=port_offset)
EnvironmentStage(app, environment)
check_policies(app)
app.synth()
