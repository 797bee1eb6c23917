"""Which stacks an environment gets, and which checks they must pass."""

from pkgutil import resolve_name

from aws_cdk import App, Stage, Validations
from cdk_nag import AwsSolutionsChecks, ServerlessChecks
from constructs import Construct

from cdk_app.constructs.budget import tag_for_the_bill
from cdk_app.environments import Environment
from cdk_app.services.registry import SERVICES


class EnvironmentStage(Stage):
    """All services in one environment, two stacks each: one that keeps and one that runs.

    `cdk deploy -c environment=dev 'dev/<service>*'` deploys one service, `'dev/*'` all.
    """

    def __init__(self, scope: Construct, environment: Environment) -> None:
        super().__init__(scope, environment.name)
        for service in SERVICES:
            data_stack, app_stack = resolve_name(service.data_stack), resolve_name(service.app_stack)
            data = data_stack(self, f"{service.name}Data", environment=environment)
            app = app_stack(self, f"{service.name}App", environment=environment, data=data)
            for stack in (data, app):
                tag_for_the_bill(stack, service=service.name, environment=environment.name)


def check_policies(app: App) -> None:
    """Let cdk-nag look at every resource at synthesis; a finding nobody acknowledged stops it."""
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
