"""Faults in what keeps data."""

from tests.infra.gates.data import SECRET
from tests.infra.gates.model import Deployment, Resource
from tests.infra.gates.references import TABLES
from tests.infra.mutants.making import (
    WITHOUT_STREAM,
    add,
    app_stack,
    caught_by,
    data_stack,
    expire_by,
    has,
    pick,
    table_with_stream,
)

WITH_INDEXES = has("GlobalSecondaryIndexes")


def settings(table: Resource) -> dict[str, object]:
    first: dict[str, object] = table.properties["Replicas"][0]
    return first


@caught_by("key-attributes-are-defined")
def a_key_attribute_of_a_table_is_not_defined(prod: Deployment) -> None:
    pick(prod, TABLES).properties["AttributeDefinitions"].pop(0)


@caught_by("key-attributes-are-defined")
def a_key_attribute_of_an_index_is_not_defined(prod: Deployment) -> None:
    pick(prod, TABLES, WITH_INDEXES).properties["AttributeDefinitions"].pop()


@caught_by("key-attributes-are-defined")
def a_key_attribute_of_a_classic_table_is_not_defined(prod: Deployment) -> None:
    table = pick(prod, TABLES)
    table.body["Type"] = "AWS::DynamoDB::Table"
    table.properties["AttributeDefinitions"].pop()


@caught_by("defined-attributes-are-keys")
def an_attribute_is_defined_that_no_key_uses(prod: Deployment) -> None:
    pick(prod, TABLES).properties["AttributeDefinitions"].append({"AttributeName": "price", "AttributeType": "N"})


@caught_by("tables-are-as-declared")
def a_table_has_no_key(prod: Deployment) -> None:
    del pick(prod, TABLES).properties["KeySchema"]


@caught_by("tables-are-as-declared")
def an_index_copies_less_than_its_declaration_says(prod: Deployment) -> None:
    index = pick(prod, TABLES, WITH_INDEXES).properties["GlobalSecondaryIndexes"][0]
    index["Projection"] = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["title"]}


@caught_by("tables-are-as-declared")
def an_index_swaps_its_keys(prod: Deployment) -> None:
    table = pick(prod, TABLES, WITH_INDEXES)
    index = next(i for i in table.properties["GlobalSecondaryIndexes"] if len(i["KeySchema"]) == 2)
    first, second = index["KeySchema"]
    first["AttributeName"], second["AttributeName"] = second["AttributeName"], first["AttributeName"]


@caught_by("tables-are-as-declared")
def items_are_never_expired(prod: Deployment) -> None:
    del pick(prod, TABLES, has("TimeToLiveSpecification")).properties["TimeToLiveSpecification"]


@caught_by("tables-are-as-declared")
def items_expire_by_an_attribute_nobody_writes(prod: Deployment) -> None:
    pick(prod, TABLES, has("TimeToLiveSpecification")).properties["TimeToLiveSpecification"]["AttributeName"] = (
        "gone_at"
    )


@caught_by("tables-are-as-declared", not_in=WITHOUT_STREAM)
def a_declared_stream_is_off(prod: Deployment) -> None:
    del table_with_stream(prod).properties["StreamSpecification"]


@caught_by("tables-are-as-declared")
def a_declared_table_is_in_no_stack(prod: Deployment) -> None:
    pick(prod, TABLES).properties["TableName"] = "SomethingElse"


@caught_by("read-streams-are-on")
def a_stream_is_read_that_is_off(prod: Deployment) -> None:
    table = pick(prod, TABLES)
    stream = {"Value": {"Fn::GetAtt": [table.logical_id, "StreamArn"]}}
    table.stack.body.setdefault("Outputs", {})["Stream"] = stream
    table.properties.pop("StreamSpecification", None)


@caught_by("tables-can-be-recovered")
def recovery_is_off(prod: Deployment) -> None:
    settings(pick(prod, TABLES))["PointInTimeRecoverySpecification"] = {"PointInTimeRecoveryEnabled": False}


@caught_by("tables-can-be-recovered")
def recovery_is_not_mentioned(prod: Deployment) -> None:
    del settings(pick(prod, TABLES))["PointInTimeRecoverySpecification"]


@caught_by("tables-refuse-deletion")
def a_table_may_be_deleted(prod: Deployment) -> None:
    settings(pick(prod, TABLES))["DeletionProtectionEnabled"] = False


@caught_by("data-outlives-its-stack")
def a_removed_table_takes_its_data_with_it(prod: Deployment) -> None:
    pick(prod, TABLES).body["DeletionPolicy"] = "Delete"


@caught_by("data-outlives-its-stack")
def a_replaced_table_takes_its_data_with_it(prod: Deployment) -> None:
    del pick(prod, TABLES).body["UpdateReplacePolicy"]


@caught_by("data-outlives-its-stack")
def a_removed_secret_is_gone(prod: Deployment) -> None:
    pick(prod, SECRET).body["DeletionPolicy"] = "Delete"


@caught_by("trial-data-goes-away", environment="dev")
def a_trial_table_blocks_the_next_deployment(dev: Deployment) -> None:
    pick(dev, TABLES).body["DeletionPolicy"] = "Retain"


@caught_by("tables-are-on-demand")
def a_table_has_a_fixed_capacity(prod: Deployment) -> None:
    table = pick(prod, TABLES)
    table.properties["BillingMode"] = "PROVISIONED"


@caught_by("tables-are-encrypted-with-kms")
def a_table_is_not_encrypted_with_a_kms_key(prod: Deployment) -> None:
    del pick(prod, TABLES).properties["SSESpecification"]


@caught_by("secrets-have-no-value")
def a_secret_stands_in_the_template(prod: Deployment) -> None:
    pick(prod, SECRET).properties["SecretString"] = '{"current": "correct horse battery staple"}'


@caught_by("buckets-are-private")
def a_bucket_is_public(prod: Deployment) -> None:
    add(data_stack(prod), "Pictures", "AWS::S3::Bucket", PublicAccessBlockConfiguration={"BlockPublicAcls": True})


@caught_by("data-stands-apart")
def a_table_stands_in_the_app_stack(prod: Deployment) -> None:
    table = pick(prod, TABLES)
    app_stack(prod).body["Resources"][table.logical_id] = table.stack.body["Resources"].pop(table.logical_id)


@caught_by("data-stands-apart")
def a_bucket_stands_in_the_app_stack(prod: Deployment) -> None:
    add(app_stack(prod), "Pictures", "AWS::S3::Bucket")


@caught_by("data-stacks-are-protected")
def the_data_stack_may_be_deleted(prod: Deployment) -> None:
    data_stack(prod).is_protected = False


@caught_by("trial-data-goes-away", environment="dev")
def a_table_of_a_trial_may_not_be_deleted(dev: Deployment) -> None:
    for replica in pick(dev, TABLES).properties["Replicas"]:
        replica["DeletionProtectionEnabled"] = True


@caught_by("items-have-what-they-expire-by")
def items_expire_by_an_attribute_that_none_has(prod: Deployment) -> None:
    expire_by(prod, "expire_at")


@caught_by("tables-are-as-declared")
def a_key_is_of_another_type_than_declared(prod: Deployment) -> None:
    pick(prod, TABLES).properties["AttributeDefinitions"][0]["AttributeType"] = "N"
