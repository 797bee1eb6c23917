from typing import Any

import pytest

from cdk_app.local.layout import LocalCloudError
from cdk_app.local.tables import tables_of

KEY = {"AttributeName": "PK", "KeyType": "HASH"}


def template(**properties: object) -> dict[str, Any]:
    table: dict[str, object] = {
        "TableName": "Things-local",
        "AttributeDefinitions": [{"AttributeName": "PK", "AttributeType": "S"}],
        "KeySchema": [KEY],
        **properties,
    }
    return {
        "Resources": {
            "Things": {"Type": "AWS::DynamoDB::GlobalTable", "Properties": table},
            "Queue": {"Type": "AWS::SQS::Queue"},
        }
    }


def test_a_table_is_read_with_its_expiry_stream_and_indexes():
    index = {"IndexName": "GSI1", "KeySchema": [KEY], "Projection": {"ProjectionType": "ALL"}}
    [table] = tables_of(
        template(
            TimeToLiveSpecification={"AttributeName": "expires_at", "Enabled": True},
            StreamSpecification={"StreamViewType": "NEW_IMAGE"},
            GlobalSecondaryIndexes=[{**index, "WriteOnDemandThroughputSettings": {"MaxWriteRequestUnits": 10}}],
        )
    )
    assert table.name == "Things-local"
    assert table.ttl_attribute == "expires_at"
    assert table.stream_view == "NEW_IMAGE"
    assert table.indexes == {"GSI1": index}  # what CreateTable does not know is gone


def test_an_expiry_that_is_switched_off_does_not_delete():
    [table] = tables_of(template(TimeToLiveSpecification={"AttributeName": "expires_at", "Enabled": False}))
    assert table.ttl_attribute is None


def test_a_table_that_functions_could_not_find_is_refused():
    with pytest.raises(LocalCloudError, match="Things has no literal name"):
        list(tables_of(template(TableName={"Ref": "Parameter"})))


def test_a_stack_without_resources_has_no_tables():
    assert list(tables_of({})) == []
