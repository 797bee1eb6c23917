"""The two stacks of every service: one that keeps, one that runs.

`<Service>Data` outlives deployments and is protected in production; `<Service>App` can be destroyed and deployed again
at any time.
"""

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from cdk_app.constructs.alarms import PERIOD, ServiceAlarms
from cdk_app.constructs.api_function import ApiFunction, Limits, Tolerance
from cdk_app.constructs.budget import ServiceBudget, deployment_name
from cdk_app.constructs.bundling import Handler
from cdk_app.constructs.dashboard import ServiceDashboard, ServiceParts
from cdk_app.constructs.queries import SavedQueries
from cdk_app.constructs.service_function import ServiceFunction
from cdk_app.environments import Environment, FunctionSize
from lambda_src.runtime.cors import CorsRules
from lambda_src.runtime.settings import ServiceSettings


class DataStack(Stack):
    """Tables, secrets, buckets."""

    def __init__(self, scope: Construct, construct_id: str, *, title: str, environment: Environment) -> None:
        super().__init__(
            scope,
            construct_id,
            description=f"{title}: tables and secrets ({environment.name})",
            termination_protection=environment.retain_data,
        )


class AppStack(Stack):
    """API, worker, queues, and everything an operator gets with them, the same for every service."""

    def __init__(
        self, scope: Construct, construct_id: str, *, title: str, environment: Environment, data: DataStack
    ) -> None:
        super().__init__(
            scope, construct_id, description=f"{title}: API, worker, queues and alarms ({environment.name})"
        )
        self.add_stack_dependency(data, "functions expect their tables")
        self._title = title
        self._environment = environment

    def add_api_function(self, handler: Handler, *, size: FunctionSize, settings: ServiceSettings) -> ServiceFunction:
        """The function that answers, from a snapshot where the environment says so."""
        return ServiceFunction(
            self,
            "ApiFunction",
            handler=handler,
            size=size,
            settings=settings,
            environment=self._environment,
            snap_start=self._environment.snap_start,
        )

    def add_worker(self, handler: Handler, *, size: FunctionSize, settings: ServiceSettings) -> ServiceFunction:
        """The function that works. It may send itself what is left of a task more often than Lambda expects."""
        worker = ServiceFunction(
            self, "Worker", handler=handler, size=size, settings=settings, environment=self._environment
        )
        worker.allow_sending_to_itself()
        return worker

    def add_api(
        self, function: ServiceFunction, *, cors: CorsRules, limits: Limits, tolerance: Tolerance
    ) -> ApiFunction:
        """The API in front of the function that answers."""
        return ApiFunction(
            self,
            "Api",
            function=function,
            environment=self._environment,
            cors=cors,
            limits=limits,
            tolerance=tolerance,
        )

    def watch_parts(self, parts: ServiceParts) -> ServiceAlarms:
        """The alarms of all parts. A service adds its own before `show_parts`."""
        alarms = ServiceAlarms(self, "Alarms", title=self._title)
        parts.api.watch(alarms)  # with its function, since both decide a roll-out
        for function in parts.functions.values():
            if function is not parts.api.function:
                function.watch(alarms)
        for queue in parts.queues:
            queue.watch(alarms)
        for schedule in parts.schedules:
            schedule.watch(alarms)
        for route in parts.routes:
            route.watch(alarms)
        for consumer in parts.consumers:
            consumer.watch(alarms)
        if not self._environment.on_this_machine:  # its engine never throttles, and its alarms know no metric math
            parts.tables.watch(self, alarms)
        return alarms

    def show_parts(self, parts: ServiceParts, alarms: ServiceAlarms, *, service: str) -> None:
        """The dashboard with all alarms there are by now; on AWS also the saved queries and the budget."""
        ServiceDashboard(self, "Dashboard", title=self._title, parts=parts, alarms=alarms)
        if self._environment.on_this_machine:  # it costs nothing, and its emulator refuses both
            return
        deployment = deployment_name(service, self._environment.name)
        SavedQueries(self, "Queries", folder=deployment, groups=[*parts.log_groups, parts.api.access_log])
        ServiceBudget(
            self,
            "Budget",
            deployment=deployment,
            monthly_limit_usd=self._environment.monthly_budget_usd,
            topic=alarms.topic,
        )

    def add_outputs(self, parts: ServiceParts) -> None:
        """Outputs: what scripts, runbooks and the local run need to find again."""
        self._output("ApiId", parts.api.api.api_id)
        self._output("ApiUrl", parts.api.api.api_endpoint)
        self._output("ApiAccessLogGroup", parts.api.access_log.log_group_name)
        for role, function in parts.functions.items():
            self._output(f"{role.title()}FunctionName", function.function.function_name)
            self._output(f"{role.title()}LogGroup", function.log_group.log_group_name)
        for queue in parts.queues:
            self._output(f"{queue.node.id}QueueUrl", queue.queue.queue_url)
            self._output(f"{queue.node.id}DeadLetterQueueUrl", queue.dead_letters.queue_url)
        for consumer in parts.consumers:
            self._output(f"{consumer.node.id}DeadLetterQueueUrl", consumer.dead_letters.queue_url)
        for schedule in parts.schedules:
            self._output(f"{schedule.node.id}RuleName", schedule.rule.rule_name)
        for (
            route
        ) in parts.routes:  # not by the ending of schedules, which may rest: what a resting route misses is lost
            self._output(f"{route.node.id}RouteName", route.rule.ref)

    def _output(self, name: str, value: str) -> None:
        CfnOutput(self, name, value=value)


def count_of(name: str, *, namespace: str, service: str) -> cloudwatch.Metric:
    """Something a function of a service counts, in five minutes. service: as its metrics name it."""
    return cloudwatch.Metric(
        namespace=namespace, metric_name=name, dimensions_map={"service": service}, statistic="Sum", period=PERIOD
    )


def each_of(name: str, *, by: str, namespace: str, statistic: str = "Sum") -> cloudwatch.SearchExpression:
    """A line of a graph for each value of a dimension under which a service has written a metric lately.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
    """
    return cloudwatch.SearchExpression(
        expression=f"""SEARCH('{{{namespace},service,{by}}} MetricName="{name}"', '{statistic}')""",
        label=f"{name}: ${{PROP('Dim.{by}')}}",
        period=PERIOD,
    )
