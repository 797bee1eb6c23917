"""The CDK app: the stacks of one environment, `-c environment=<name>`, or of `dev` when none is named.

`-c port_offset=<number>` moves the addresses of a local cloud, which `make run PORT_OFFSET=<number>` needs. Services
have flags of their own, `-c <flag>=<value>`.
"""

import sys

from aws_cdk import App

from cdk_app.constructs.bundling import WrongPython
from cdk_app.constructs.wheelhouse import WheelhouseMissing
from cdk_app.environments import DEV, UnknownEnvironment, UnsafeEnvironment, beside, environment_named
from cdk_app.services.flags import FlagRefused, with_flags
from cdk_app.services.registry import SERVICES
from cdk_app.stacks import add_stacks, check_policies

app = App()
try:
    environment = environment_named(app.node.try_get_context("environment") or DEV.name)
    if port_offset := int(app.node.try_get_context("port_offset") or 0):
        environment = beside(environment, port_offset=port_offset)
    flags = [flag for service in SERVICES for flag in service.flags]
    environment = with_flags(environment, flags, app.node.try_get_context)
    add_stacks(app, environment)
except (FlagRefused, UnknownEnvironment, UnsafeEnvironment, WheelhouseMissing, WrongPython) as error:
    sys.exit(str(error))
check_policies(app)
app.synth()
