"""Which stacks an environment gets, and which checks they must pass."""

from collections.abc import Sequence
from pkgutil import resolve_name

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from cdk_app.constructs.budget import tag_for_the_bill
from cdk_app.environments import Environment, UnsafeEnvironment
from cdk_app.services.registry import SERVICES
from cdk_app.services.service import Service


def add_stacks(app: App, environment: Environment, services: Sequence[Service] = SERVICES) -> None:
    """Some services, all unless told, in one environment, two stacks each: one that keeps and one that runs.

    `cdk deploy -c environment=dev 'dev-<service>*'` deploys one service, `--all` all of them. Raises UnsafeEnvironment
    when the environment closes a service that there is not, or has keys or client ids for one: the one that was meant
    would stay open, be asked for a key, or let nobody sign in.
    """
    known = {service.name for service in (*SERVICES, *services)}
    for field, named in (
        ("maintenance", environment.maintenance),
        ("media_public_keys", environment.media_public_keys),
        ("google_client_ids", environment.google_client_ids),
    ):
        if unknown := named.keys() - known:
            raise UnsafeEnvironment(f"{environment.name}: `{field}` names {', '.join(sorted(unknown))}, no service")
    for service in services:
        data_stack, app_stack = resolve_name(service.data_stack), resolve_name(service.app_stack)
        data_name, app_name = service.stack_names(environment.name)
        data = data_stack(app, data_name, environment=environment)
        running = app_stack(app, app_name, environment=environment, data=data)
        for stack in (data, running):
            tag_for_the_bill(stack, service=service.name, environment=environment.name)


def check_policies(app: App) -> None:
    """Let cdk-nag look at every resource at synthesis; a finding nobody acknowledged stops it."""
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
