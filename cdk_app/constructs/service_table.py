"""The DynamoDB tables of a service, computed from their declaration, and access to them by access pattern."""

from collections.abc import Mapping, Sequence
from typing import Final

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk_app.constructs.alarms import PERIOD, ServiceAlarms
from cdk_app.environments import Environment
from lambda_src.dynamo.render import grants_of
from lambda_src.dynamo.schema import AccessPattern, Index, Table

THROTTLES_TOLERATED: Final = 10  # per 5 minutes; every throttled call is retried, a few are a hot moment


class ServiceTables(Construct):
    """All tables of one service. names: physical name by declared name.

    Names are fixed, so other stacks build ARNs from them instead of importing values: a table can be restored under
    another name (`Environment.table_names`) while the functions that use it stay deployed.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, tables: Sequence[Table], environment: Environment
    ) -> None:
        super().__init__(scope, construct_id)
        self._tables = tuple(tables)
        self.names: Mapping[str, str] = {
            table.name: environment.table_name(declared_name=table.name, seed_name=table.seed_name) for table in tables
        }
        for table in tables:
            _table(self, table, name=self.names[table.name], environment=environment)

    def grant_access(self, grantee: iam.IGrantable, patterns: Mapping[Table, Sequence[AccessPattern]]) -> None:
        """Allow what some access patterns need: item actions on the table, Query on exactly their indexes."""
        for grant in grants_of(patterns):
            item_actions = [f"dynamodb:{action}" for action in grant.actions]
            if item_actions:
                self._allow(grantee, item_actions, [self._arn(grantee, grant.table)])
            if grant.index_names:
                indexes = [f"{self._arn(grantee, grant.table)}/index/{name}" for name in grant.index_names]
                self._allow(grantee, ["dynamodb:Query"], indexes)

    def watch(self, scope: Construct, alarms: ServiceAlarms) -> None:
        """Alarm on throttled reads and writes of each table and its indexes, in the stack of `scope`."""
        throttled = [
            alarms.watch(
                scope,
                f"{table.name.title()}TableThrottled",
                metric=_throttle_events(self.names[table.name], table.indexes),
                at_least=THROTTLES_TOLERATED,
                meaning=f"table {self.names[table.name]} is throttled; look for a hot partition key",
            )
            for table in self._tables
        ]
        alarms.show("Tables", throttled)

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
    )


def _text(attribute: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=attribute, type=dynamodb.AttributeType.STRING)


def _throttle_events(table_name: str, indexes: Sequence[Index]) -> cloudwatch.IMetric:
    """Throttled reads and writes of a table and its indexes, summed.

    The throttle events rather than `ThrottledRequests`: that one exists only per operation (an alarm on the table
    alone never fires) and does not count a batch of which only some entries were throttled.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
    """
    places = [{"TableName": table_name}]
    places += [{"TableName": table_name, "GlobalSecondaryIndexName": index.name} for index in indexes]
    metrics = {
        f"{kind.lower()}{number}": cloudwatch.Metric(
            namespace="AWS/DynamoDB",
            metric_name=f"{kind}ThrottleEvents",
            dimensions_map=place,
            statistic="Sum",
            period=PERIOD,
        )
        for kind in ("Read", "Write")
        for number, place in enumerate(places)
    }
    return cloudwatch.MathExpression(
        expression="SUM(METRICS())", using_metrics=metrics, period=PERIOD, label="throttled reads and writes"
    )
