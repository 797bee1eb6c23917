"""The DynamoDB tables of a service, computed from their declaration, and access to them by access pattern."""

from collections.abc import Mapping, Sequence
from itertools import batched
from typing import Any, Final

from aws_cdk import CfnOutput, RemovalPolicy, Stack, Token
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk_app.constructs.alarms import PERIOD, ServiceAlarms
from cdk_app.constructs.migration_operator import MIGRATION_ACTIONS, migration_operator
from cdk_app.constructs.runbooks import TABLE_ERRORS, TABLE_THROTTLES
from cdk_app.constructs.shared_output import shared_output
from cdk_app.environments import Environment
from lambda_src.dynamo.render import grants_of
from lambda_src.dynamo.schema import Index, Table, patterns_of

MAIN: Final = "main"  # its outputs are `TableName` and `TableArn`, those of another are `<Name>TableName`
# Per 5 minutes: all are retried, and https://aws.amazon.com/dynamodb/sla/ allows some errors; a few are a hot moment.
THROTTLES_TOLERATED: Final = 6
SYSTEM_ERRORS_TOLERATED: Final = 6
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create-alarm-on-metric-math-expression.html
METRICS_PER_EXPRESSION: Final = 10


class ServiceTables(Construct):
    """All tables of one service. Attributes for others: tables; names, the physical name in use by declared name; and
    migration_operator, the role that moves data in, where the environment has one.

    Names are fixed, so other stacks build ARNs from them instead of importing values: functions, grants and alarms move
    to a restored table by its name (`Environment.table_names`). The table made here stays as it is meanwhile:
    CloudFormation would answer a change of name with an empty table, and fail, as the restored one has that name.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, tables: Sequence[Table], environment: Environment
    ) -> None:
        super().__init__(scope, construct_id)
        self.tables = tuple(tables)
        self._environment = environment
        self._streams: dict[str, dict[str, Any]] = {}  # by declared name, what stands for its ARN in another stack
        self.names: Mapping[str, str] = {
            table.name: environment.table_in_use(self._own_name(table)) for table in tables
        }
        for table in tables:
            made = _table(self, table, name=self._own_name(table), environment=environment)
            prefix = "" if table.name == MAIN else table.name.title()
            CfnOutput(Stack.of(self), f"{prefix}TableName", value=made.table_name)
            CfnOutput(Stack.of(self), f"{prefix}TableArn", value=made.table_arn)
            if table.stream and made.table_stream_arn:
                self._streams[table.name] = shared_output(self, f"{prefix}TableStreamArn", made.table_stream_arn)
        self.migration_operator = self._operator(environment.migration_operator)

    def grant_access(self, grantee: iam.IGrantable, *, asked_by: str) -> None:
        """Allow what a function's access patterns need: item actions on the table, Query on exactly their indexes."""
        for grant in grants_of(patterns_of(self.tables, asked_by)):
            item_actions = [f"dynamodb:{action}" for action in grant.actions]
            if item_actions:
                self._allow(grantee, item_actions, [self._arn(grantee, grant.table)])
            if grant.index_names:
                indexes = [f"{self._arn(grantee, grant.table)}/index/{name}" for name in grant.index_names]
                self._allow(grantee, ["dynamodb:Query"], indexes)

    def stream_arn(self, table: Table) -> str:
        """ARN of a table's stream, or of the stream of the restored table in its place, for another stack.

        It holds the time at which the stream was switched on, so that no name says it. Raises KeyError for a table
        that declares no stream, UnsafeEnvironment for a restored one whose stream nobody named.
        """
        own, in_use = self._streams[table.name], self._environment.stream_in_use(self._own_name(table))
        return in_use or Token.as_string(own)

    def _own_name(self, table: Table) -> str:
        return table.physical_name(self._environment.name)

    def _operator(self, who: str | None) -> iam.Role | None:
        if who is None:
            return None
        operator = migration_operator(self, who=who)
        for table in self.tables:
            self._allow(operator, [f"dynamodb:{action}" for action in MIGRATION_ACTIONS], [self._arn(operator, table)])
        return operator

    def watch(self, scope: Construct, alarms: ServiceAlarms) -> None:
        """Alarm on throttled requests and on failures of DynamoDB itself, per table, in the stack of `scope`."""
        for table in self.tables:
            self._watch_throttles(scope, alarms, table)
            self._watch_system_errors(scope, alarms, table)

    def metric(self, name: str, table: Table, index: Index | None = None) -> cloudwatch.Metric:
        """The sum of a metric that DynamoDB counts per table and per index. The table's does not hold its indexes'.

        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
        """
        of_index = {"GlobalSecondaryIndexName": index.name} if index else {}
        return _sum(name, {"TableName": self.names[table.name], **of_index})

    def _watch_throttles(self, scope: Construct, alarms: ServiceAlarms, table: Table) -> None:
        """The throttle events rather than `ThrottledRequests`, for two reasons.

        That one exists only per operation (an alarm on the table alone never fires), and it counts a request once
        however many of its writes were throttled.
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TroubleshootingThrottling-cloudwatch.html
        """
        places = [None, *table.indexes]
        metrics = [self.metric(f"{kind}ThrottleEvents", table, place) for kind in ("Read", "Write") for place in places]
        for number, part in enumerate(batched(metrics, METRICS_PER_EXPRESSION, strict=False)):
            alarms.watch(
                scope,
                f"{table.name.title()}TableThrottled{number or ''}",
                metric=_total(part, "throttled reads and writes"),
                at_least=THROTTLES_TOLERATED,
                meaning=f"table {self.names[table.name]} is throttled",
                runbook=TABLE_THROTTLES,
            )

    def _watch_system_errors(self, scope: Construct, alarms: ServiceAlarms, table: Table) -> None:
        """Answers of DynamoDB with status 500, which it counts per operation only."""
        metrics = [
            _sum("SystemErrors", {"TableName": self.names[table.name], "Operation": operation})
            for operation in _operations(table)
        ]
        alarms.watch(
            scope,
            f"{table.name.title()}TableErrors",
            metric=_total(metrics, "errors of DynamoDB"),
            at_least=SYSTEM_ERRORS_TOLERATED,
            meaning=f"DynamoDB answers requests to table {self.names[table.name]} with errors of its own",
            runbook=TABLE_ERRORS,
        )

    def _arn(self, grantee: iam.IGrantable, table: Table) -> str:
        stack = Stack.of(grantee.grant_principal)  # type: ignore[arg-type]  # a role is a construct
        return stack.format_arn(service="dynamodb", resource="table", resource_name=self.names[table.name])

    def _allow(self, grantee: iam.IGrantable, actions: list[str], resources: list[str]) -> None:
        grantee.grant_principal.add_to_principal_policy(iam.PolicyStatement(actions=actions, resources=resources))


def _table(scope: Construct, table: Table, *, name: str, environment: Environment) -> dynamodb.TableV2:
    return dynamodb.TableV2(
        scope,
        table.name.title(),
        table_name=name,
        partition_key=_text(table.partition),
        sort_key=_text(table.sort) if table.sort else None,
        billing=dynamodb.Billing.on_demand(),
        encryption=dynamodb.TableEncryptionV2.aws_managed_key(),
        global_secondary_indexes=[_index(index) for index in table.indexes],
        time_to_live_attribute=table.ttl,
        dynamo_stream=dynamodb.StreamViewType[table.stream] if table.stream else None,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=environment.point_in_time_recovery
        ),
        deletion_protection=environment.retain_data,
        removal_policy=RemovalPolicy.RETAIN if environment.retain_data else RemovalPolicy.DESTROY,
    )


def _index(index: Index) -> dynamodb.GlobalSecondaryIndexPropsV2:
    return dynamodb.GlobalSecondaryIndexPropsV2(
        index_name=index.name,
        partition_key=_text(index.partition),
        sort_key=_text(index.sort) if index.sort else None,
        projection_type=dynamodb.ProjectionType[index.projection],
        non_key_attributes=list(index.include) or None,
    )


def _text(attribute: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=attribute, type=dynamodb.AttributeType.STRING)


def _operations(table: Table) -> list[str]:
    """The operations, as requests name them, that the access patterns of a table make: nine at most."""
    asked: set[str] = set()
    for pattern in table.patterns:
        asked |= {"TransactWriteItems"} if pattern.transaction else set(pattern.operations)
    return sorted(asked)


def _sum(name: str, dimensions: dict[str, str]) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/DynamoDB", metric_name=name, dimensions_map=dimensions, statistic="Sum", period=PERIOD
    )


def _total(metrics: Sequence[cloudwatch.Metric], label: str) -> cloudwatch.MathExpression:
    return cloudwatch.MathExpression(
        expression="SUM(METRICS())",
        using_metrics={f"m{number}": metric for number, metric in enumerate(metrics)},
        period=PERIOD,
        label=label,
    )
