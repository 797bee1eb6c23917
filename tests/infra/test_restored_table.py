"""The switch to a restored table: functions, grants and alarms move; the tables of the stack are left alone."""

import json

import pytest

from tests.infra.variants import RESTORED_TABLE
from tests.support.assembly import Assembly


@pytest.fixture
def switched(variants) -> Assembly:
    """Production after `table_names` was set."""
    restored: Assembly = variants["restored"]
    return restored


def test_the_stack_with_the_tables_does_not_change(prod, switched):
    assert switched.data.body == prod.data.body


def test_the_other_stack_differs_in_the_name_of_the_table_and_nothing_else(prod, switched):
    def text(assembly: Assembly) -> str:
        return json.dumps(_without_versions(assembly), sort_keys=True)

    assert RESTORED_TABLE not in text(prod)
    assert text(switched).replace(RESTORED_TABLE, "StockTrackRecord-prod") == text(prod)


def _without_versions(assembly: Assembly) -> object:
    """The template, whose version of the API function is named after everything the function is told."""
    [version] = assembly.app.of_type("AWS::Lambda::Version")
    return json.loads(assembly.app.path.read_text().replace(version, "Version"))


def test_functions_may_use_the_restored_table_and_no_longer_the_old_one(switched):
    policies = json.dumps(switched.app.of_type("AWS::IAM::Policy"))
    assert f":table/{RESTORED_TABLE}" in policies
    assert ":table/StockTrackRecord-prod" not in policies.replace(RESTORED_TABLE, "")
    for function in switched.app.of_type("AWS::Lambda::Function").values():
        assert function["Properties"]["Environment"]["Variables"]["DYNAMODB_TABLE_NAME"] == RESTORED_TABLE


def test_alarms_watch_the_restored_table(switched):
    alarms = json.dumps(switched.app.of_type("AWS::CloudWatch::Alarm"))
    named = '"Name": "TableName", "Value": "{}"'
    assert named.format(RESTORED_TABLE) in alarms
    assert named.format("StockTrackRecord-prod") not in alarms
