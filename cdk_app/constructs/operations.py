"""Everything an operator gets with a service: alarms, dashboard, saved queries, budget; the same for every service."""

from constructs import Construct

from cdk_app.constructs.alarms import ServiceAlarms
from cdk_app.constructs.budget import ServiceBudget, deployment_name
from cdk_app.constructs.dashboard import ServiceDashboard, ServiceParts
from cdk_app.constructs.queries import SavedQueries
from cdk_app.environments import Environment


def watch_parts(stack: Construct, parts: ServiceParts, *, title: str, environment: Environment) -> ServiceAlarms:
    """The alarms of all parts of a service. A service adds its own before `show_parts`."""
    alarms = ServiceAlarms(stack, "Alarms", title=title)
    parts.api.watch(alarms)  # with its function, since both decide a roll-out
    for function in parts.functions.values():
        if function is not parts.api.function:
            function.watch(alarms)
    for queue in parts.queues:
        queue.watch(alarms)
    for schedule in parts.schedules:
        schedule.watch(alarms)
    if not environment.on_this_machine:  # its engine never throttles, and its alarms know no metric math
        parts.tables.watch(stack, alarms)
    return alarms


def show_parts(
    stack: Construct, parts: ServiceParts, alarms: ServiceAlarms, *, service: str, title: str, environment: Environment
) -> None:
    """The dashboard with all alarms there are by now; on AWS also the saved queries and the budget."""
    ServiceDashboard(stack, "Dashboard", title=title, parts=parts, alarms=alarms)
    if environment.on_this_machine:  # it costs nothing, and its emulator refuses both
        return
    deployment = deployment_name(service, environment.name)
    SavedQueries(stack, "Queries", folder=deployment, groups=[*parts.log_groups, parts.api.access_log])
    ServiceBudget(
        stack,
        "Budget",
        deployment=deployment,
        monthly_limit_usd=environment.monthly_budget_usd,
        topic=alarms.topic,
    )
