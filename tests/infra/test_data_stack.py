"""What Stock Track Record keeps: tables as declared, protected in production, secrets without values."""

import json
from typing import Any

import pytest

from lambda_src.dynamo.render import create_table_input
from lambda_src.services.stock_track_record.tables import MAIN, STOCKS, TABLES
from tests.support.assembly import Assembly, Resource

GLOBAL_TABLE = "AWS::DynamoDB::GlobalTable"
SECRET = "AWS::SecretsManager::Secret"

# Renaming a construct would make CloudFormation replace what it holds. Change these only with a migration at hand.
TABLE_IDS = {"TablesMainBB1D2EBD", "TablesStocksA5F41DD6"}
SECRET_IDS = {"ApiKeys3BB3983D", "CursorKey255E8F8A"}


def table_named(assembly: Assembly, name: str) -> Resource:
    [found] = [t for t in assembly.data.of_type(GLOBAL_TABLE).values() if t["Properties"]["TableName"] == name]
    return found


def test_tables_and_secrets_keep_their_logical_ids(assembly):
    assert set(assembly.data.of_type(GLOBAL_TABLE)) == TABLE_IDS
    assert set(assembly.data.of_type(SECRET)) == SECRET_IDS


@pytest.mark.parametrize("declared", TABLES, ids=lambda table: table.name)
def test_a_table_of_the_stack_is_the_table_that_tests_create(assembly, declared):
    name = declared.physical_name(assembly.environment)
    wanted = create_table_input(declared, name)
    table = table_named(assembly, name)["Properties"]
    assert table["KeySchema"] == wanted["KeySchema"]
    assert by(table["AttributeDefinitions"], "AttributeName") == by(wanted["AttributeDefinitions"], "AttributeName")
    indexes = by(table.get("GlobalSecondaryIndexes", []), "IndexName")
    assert indexes == by(wanted.get("GlobalSecondaryIndexes", []), "IndexName")
    assert table["BillingMode"] == wanted["BillingMode"] == "PAY_PER_REQUEST"
    assert ("StreamSpecification" in table) == ("StreamSpecification" in wanted)
    assert table["TimeToLiveSpecification"] == {"AttributeName": declared.ttl, "Enabled": True}


def by(entries: list[dict[str, Any]], key: str) -> dict[str, dict[str, Any]]:
    return {entry[key]: entry for entry in entries}


def test_the_three_indexes_have_the_projections_of_the_contract(assembly):
    indexes = table_named(assembly, MAIN.physical_name(assembly.environment))["Properties"]["GlobalSecondaryIndexes"]
    assert {index["IndexName"]: index["Projection"]["ProjectionType"] for index in indexes} == {
        "GSI1-index": "ALL",
        "GSI2-index": "ALL",
        "GSI3-index": "KEYS_ONLY",
    }


def test_every_key_attribute_of_a_table_is_defined_and_no_other(assembly):
    for table in assembly.data.of_type(GLOBAL_TABLE).values():
        properties = table["Properties"]
        schemas = [properties["KeySchema"]]
        schemas += [index["KeySchema"] for index in properties.get("GlobalSecondaryIndexes", [])]
        used = {key["AttributeName"] for schema in schemas for key in schema}
        assert used == {attribute["AttributeName"] for attribute in properties["AttributeDefinitions"]}


def test_tables_are_encrypted(assembly):
    for table in assembly.data.of_type(GLOBAL_TABLE).values():
        assert table["Properties"]["SSESpecification"]["SSEEnabled"] is True


def test_production_data_is_retained_recoverable_and_protected_from_deletion(prod):
    for table in prod.data.of_type(GLOBAL_TABLE).values():
        assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
        [replica] = table["Properties"]["Replicas"]
        assert replica["DeletionProtectionEnabled"] is True
        assert replica["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    for secret in prod.data.of_type(SECRET).values():
        assert secret["DeletionPolicy"] == "Retain"
    assert prod.stacks["StockTrackRecordData"]["properties"]["terminationProtection"] is True


def test_outside_production_a_stack_takes_its_data_with_it(assemblies):
    for name in ("local", "dev", "staging"):
        for table in assemblies[name].data.of_type(GLOBAL_TABLE).values():
            assert table["DeletionPolicy"] == "Delete"
            assert table["Properties"]["Replicas"][0]["DeletionProtectionEnabled"] is False


def test_the_app_stack_can_always_be_destroyed_and_deployed_again(assembly):
    assert assembly.stacks["StockTrackRecordApp"]["properties"].get("terminationProtection", False) is False


def test_the_keys_of_outside_services_start_empty(assembly):
    generated = assembly.data.properties(SECRET, "ApiKeys")["GenerateSecretString"]
    assert json.loads(generated["SecretStringTemplate"]) == {
        "youtube_api_key": "",
        "gemini_api_key": "",
        "finnhub_api_key": "",
        "alpha_vantage_api_key": "",
    }
    assert generated["GenerateStringKey"] == "unused"


def test_the_key_that_signs_cursors_is_generated_at_deployment(assembly):
    generated = assembly.data.properties(SECRET, "CursorKey")["GenerateSecretString"]
    assert generated["GenerateStringKey"] == "current"
    assert json.loads(generated["SecretStringTemplate"]) == {}


def test_no_secret_has_a_value_in_the_template(assembly):
    for secret in assembly.data.of_type(SECRET).values():
        assert "SecretString" not in secret["Properties"]


def test_tables_carry_the_names_that_customers_know(prod):
    names = {table["Properties"]["TableName"] for table in prod.data.of_type(GLOBAL_TABLE).values()}
    assert names == {"StockTrackRecord-prod", "StockTrackRecord-Stocks-prod"}
    assert {MAIN.environment_variable, STOCKS.environment_variable} == {
        "DYNAMODB_TABLE_NAME",
        "DYNAMODB_STOCKS_TABLE_NAME",
    }
