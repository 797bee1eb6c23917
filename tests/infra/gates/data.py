"""Rules about what keeps data: tables, buckets, secrets."""

import json
from collections.abc import Iterator
from typing import Any

from lambda_src.dynamo.render import create_table_input
from tests.infra.gates.model import Complaints, Deployment, Json, Resource, rule
from tests.infra.gates.references import TABLES, physical_name, references, text

SECRET = "AWS::SecretsManager::Secret"
BUCKET = "AWS::S3::Bucket"
STATEFUL = (
    *TABLES,
    BUCKET,
    SECRET,
    "AWS::Cognito::UserPool",
    "AWS::EFS::FileSystem",
    "AWS::KMS::Key",
    "AWS::Kinesis::Stream",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
)
NO_SECRET = "username"  # of somebody who exists from the start, as the documents say
KEEPS = ("Retain", "RetainExceptOnCreate")


def settings_of(resource: Resource) -> Iterator[Json]:
    """Where recovery, protection and tags are set: in each replica of a global table, else in the resource itself."""
    yield from resource.properties.get("Replicas") or [resource.properties]


def key_schemas(table: Resource) -> Iterator[list[Json]]:
    yield table.properties.get("KeySchema", [])
    for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        yield from (index["KeySchema"] for index in table.properties.get(kind, []))


def by_name(entries: list[Json], key: str) -> dict[str, Json]:
    return {entry[key]: entry for entry in entries}


@rule("key-attributes-are-defined", "DynamoDB refuses the table at deployment; no template tool looks at global tables")
def key_attributes_are_defined(deployment: Deployment) -> Complaints:
    for table in deployment.of_type(*TABLES):
        for missing in sorted(_used(table) - _defined(table)):
            yield table, f"key attribute {missing} has no definition"


@rule("defined-attributes-are-keys", "DynamoDB refuses a table that defines an attribute no key uses")
def defined_attributes_are_keys(deployment: Deployment) -> Complaints:
    for table in deployment.of_type(*TABLES):
        for idle in sorted(_defined(table) - _used(table)):
            yield table, f"attribute {idle} is defined and no key uses it"


def _used(table: Resource) -> set[str]:
    return {key["AttributeName"] for schema in key_schemas(table) for key in schema}


def _defined(table: Resource) -> set[str]:
    return {attribute["AttributeName"] for attribute in table.properties.get("AttributeDefinitions", [])}


@rule(
    "tables-are-as-declared", "Repositories, migrations and local tables are computed from the declaration in tables.py"
)
def tables_are_as_declared(deployment: Deployment) -> Complaints:
    tables = {physical_name(table): table for table in deployment.of_type(*TABLES)}
    for declared in deployment.declared:
        name = declared.physical_name(deployment.environment.name)
        if name not in tables:
            yield next(iter(deployment.stacks.values())), f"table {name} is declared and in no stack"
            continue
        wanted = create_table_input(declared, name)
        wanted["TimeToLiveSpecification"] = {"AttributeName": declared.ttl, "Enabled": declared.ttl is not None}
        found = _comparable(tables[name].properties)
        for what, value in _comparable(wanted).items():
            if found[what] != value:
                yield tables[name], f"{what} is {found[what]}, declared is {value}"


def _comparable(table: Json) -> dict[str, Any]:
    indexes = by_name(table.get("GlobalSecondaryIndexes", []), "IndexName")
    return {
        "key": table.get("KeySchema"),
        "key types": by_name(table.get("AttributeDefinitions", []), "AttributeName"),
        "indexes": {name: (index["KeySchema"], index["Projection"]) for name, index in indexes.items()},
        "stream": stream_view(table),
        "TTL attribute": time_to_live(table),
    }


def stream_view(table: Json) -> str | None:
    """What the records of its stream show, None where it has no stream."""
    view: str | None = table.get("StreamSpecification", {}).get("StreamViewType")
    return view


def time_to_live(table: Json) -> str | None:
    """The attribute by which its items expire, None where none do."""
    specification = table.get("TimeToLiveSpecification", {})
    name: str | None = specification.get("AttributeName")
    return name if specification.get("Enabled") else None


@rule("items-have-what-they-expire-by", "DynamoDB deletes nothing by an attribute that no item has, and says nothing")
def items_have_what_they_expire_by(deployment: Deployment) -> Complaints:
    tables = {physical_name(table): table for table in deployment.of_type(*TABLES)}
    for declared in deployment.declared:
        codecs = [entity.codec for entity in declared.entities]
        stored = {codec.stored_name(name) for codec in codecs for name in codec.fields}
        table = tables.get(declared.physical_name(deployment.environment.name))
        if table and declared.ttl and declared.ttl not in stored:
            yield table, f"items expire by {declared.ttl}, which none of them has"


@rule("read-streams-are-on", "A consumer of a stream that is off makes the deployment fail, or never hears anything")
def read_streams_are_on(deployment: Deployment) -> Complaints:
    for stack in deployment.stacks.values():
        for logical_id, attribute in references([stack.body["Resources"], stack.body.get("Outputs", {})]):
            table = stack.resource(logical_id)
            if attribute == "StreamArn" and table and "StreamSpecification" not in table.properties:
                yield table, "its stream is read and it has none"


@rule("tables-can-be-recovered", "Point-in-time recovery is the way back from a bad write, and has to be on before it")
def tables_can_be_recovered(deployment: Deployment) -> Complaints:
    for table in deployment.of_type(*TABLES):
        for settings in settings_of(table):
            recovery = settings.get("PointInTimeRecoverySpecification", {})
            if deployment.environment.point_in_time_recovery and not recovery.get("PointInTimeRecoveryEnabled"):
                yield table, "has no point-in-time recovery"


@rule("tables-refuse-deletion", "DeletionPolicy guards against CloudFormation alone, not against a call or the console")
def tables_refuse_deletion(deployment: Deployment) -> Complaints:
    for table in deployment.of_type(*TABLES):
        for settings in settings_of(table):
            if deployment.environment.retain_data and not settings.get("DeletionProtectionEnabled"):
                yield table, "may be deleted"


@rule("data-outlives-its-stack", "A removed or replaced resource takes its data with it unless it is retained")
def data_outlives_its_stack(deployment: Deployment) -> Complaints:
    for resource in deployment.of_type(*STATEFUL):
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            if deployment.environment.retain_data and resource.body.get(policy) not in KEEPS:
                yield resource, f"{policy} is {resource.body.get(policy, 'Delete')}"


@rule("trial-data-goes-away", "Outside production a stack leaves nothing behind that would block its next deployment")
def trial_data_goes_away(deployment: Deployment) -> Complaints:
    for resource in deployment.of_type(*STATEFUL):
        if not deployment.environment.retain_data and resource.body.get("DeletionPolicy") in KEEPS:
            yield resource, "stays behind when its stack is destroyed"
    for table in deployment.of_type(*TABLES):
        protected = any(settings.get("DeletionProtectionEnabled") for settings in settings_of(table))
        if protected and not deployment.environment.retain_data:
            yield table, "may not be deleted"


@rule("tables-are-on-demand", "Provisioned capacity throttles at a fixed number and is paid for when idle")
def tables_are_on_demand(deployment: Deployment) -> Complaints:
    for table in deployment.of_type(*TABLES):
        if table.properties.get("BillingMode") != "PAY_PER_REQUEST":
            yield table, f"billing mode is {table.properties.get('BillingMode', 'PROVISIONED')}"


@rule("tables-are-encrypted-with-kms", "DynamoDB's own key leaves no trace of its use; a KMS key is in CloudTrail")
def tables_are_encrypted_with_kms(deployment: Deployment) -> Complaints:
    for table in deployment.of_type(*TABLES):
        if not table.properties.get("SSESpecification", {}).get("SSEEnabled"):
            yield table, "is not encrypted with a KMS key"


@rule("secrets-have-no-value", "Whoever may read the template could read the secret")
def secrets_have_no_value(deployment: Deployment) -> Complaints:
    for secret in deployment.of_type(SECRET):
        if "SecretString" in secret.properties:
            yield secret, "its value stands in the template"
        if "GenerateSecretString" not in secret.properties:
            yield secret, "nothing generates its value"
        template = secret.properties.get("GenerateSecretString", {}).get("SecretStringTemplate", "{}")
        if any(value for name, value in json.loads(template).items() if name != NO_SECRET):
            yield secret, "the template of its value holds more than names"


@rule("tables-can-be-found", "Scripts of others ask a stack for its tables, and not this repository")
def tables_can_be_found(deployment: Deployment) -> Complaints:
    for table in deployment.of_type(*TABLES):
        said = [text(output.get("Value")) for output in table.stack.body.get("Outputs", {}).values()]
        for wanted in (f"${{{table.logical_id}}}", f"${{{table.logical_id}.Arn}}"):
            if wanted not in said:
                yield table, f"no output says {wanted}"


@rule("buckets-are-private", "A public bucket is the most common leak there is")
def buckets_are_private(deployment: Deployment) -> Complaints:
    flags = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    for bucket in deployment.of_type(BUCKET):
        closed = bucket.properties.get("PublicAccessBlockConfiguration", {})
        open_doors = [flag for flag in flags if not closed.get(flag)]
        if open_doors:
            yield bucket, f"does not set {', '.join(open_doors)}"
