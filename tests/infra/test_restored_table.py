"""The switch to a restored table: functions, grants and alarms move; the tables of the stack are left alone."""

import json

import pytest

from tests.support.assembly import ROOT, Assembly, run_python

RESTORED = "StockTrackRecord-prod-restored"
PROGRAM = f"""
import dataclasses, json, sys
from pathlib import Path
from aws_cdk import App
from cdk_app.environments import PROD
from cdk_app.stacks import EnvironmentStage, check_policies
context = json.loads(Path("cdk.json").read_text())["context"]
app = App(outdir=sys.argv[1], context=context)
EnvironmentStage(app, dataclasses.replace(PROD, table_names={{"StockTrackRecord-prod": {RESTORED!r}}}))
check_policies(app)
app.synth()
"""


@pytest.fixture(scope="module")
def switched(assemblies, tmp_path_factory) -> Assembly:
    """Production after `table_names` was set. Asks for `assemblies`, so that bundles are made once."""
    out = tmp_path_factory.mktemp("switched")
    done = run_python("-c", PROGRAM, str(out), root=ROOT)
    assert done.returncode == 0, done.stderr
    return Assembly("prod", out)


def test_the_stack_with_the_tables_does_not_change(prod, switched):
    assert switched.data.body == prod.data.body


def test_the_other_stack_differs_in_the_name_of_the_table_and_nothing_else(prod, switched):
    def text(assembly: Assembly) -> str:
        return json.dumps(_without_versions(assembly), sort_keys=True)

    assert RESTORED not in text(prod)
    assert text(switched).replace(RESTORED, "StockTrackRecord-prod") == text(prod)


def _without_versions(assembly: Assembly) -> object:
    """The template, whose version of the API function is named after everything the function is told."""
    [version] = assembly.app.of_type("AWS::Lambda::Version")
    return json.loads(assembly.app.path.read_text().replace(version, "Version"))


def test_functions_may_use_the_restored_table_and_no_longer_the_old_one(switched):
    policies = json.dumps(switched.app.of_type("AWS::IAM::Policy"))
    assert f":table/{RESTORED}" in policies
    assert ":table/StockTrackRecord-prod" not in policies.replace(RESTORED, "")
    for function in switched.app.of_type("AWS::Lambda::Function").values():
        assert function["Properties"]["Environment"]["Variables"]["DYNAMODB_TABLE_NAME"] == RESTORED


def test_alarms_watch_the_restored_table(switched):
    alarms = json.dumps(switched.app.of_type("AWS::CloudWatch::Alarm"))
    named = '"Name": "TableName", "Value": "{}"'
    assert named.format(RESTORED) in alarms
    assert named.format("StockTrackRecord-prod") not in alarms
