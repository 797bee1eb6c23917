"""The switch to restored tables: functions, grants and alarms move; the tables of the stacks are left alone."""

import json
import re

import pytest

from cdk_app.services.registry import SERVICES
from cdk_app.services.service import Service
from tests.infra.variants import RESTORED, RESTORED_STREAMS
from tests.support.assembly import Assembly, Template

STREAM = re.compile(r'\{"Fn::GetStackOutput": [^}]+\}, "OutputName": "\w*StreamArn"\}\}')
VERSION = re.compile(r"CurrentVersion\w+")  # named after everything the function is told


@pytest.fixture(params=SERVICES, ids=lambda service: service.package)
def service(request) -> Service:
    found: Service = request.param
    return found


@pytest.fixture
def switched(variants, service) -> Template:
    """What runs in production after `table_names` was set."""
    restored: Assembly = variants["restored"]
    return restored.templates[f"{service.name}App"]


def test_the_stack_with_the_tables_does_not_change(prod, variants, service):
    name = f"{service.name}Data"
    assert variants["restored"].templates[name].body == prod.templates[name].body


def test_the_other_stack_differs_in_the_names_of_tables_and_nothing_else(prod, switched):
    """And in the streams that are read, which are those of the restored tables."""
    before = prod.templates[switched.name]
    was, is_ = (VERSION.sub("Version", json.dumps(each.body)) for each in (before, switched))
    for arn in RESTORED_STREAMS.values():
        is_ = is_.replace(f'"{arn}"', '"STREAM"')
    assert "-restored" not in was
    assert is_ != was
    assert is_.replace("-restored", "") == STREAM.sub('"STREAM"', was)


def test_whoever_reads_a_stream_reads_that_of_the_restored_table(switched, service):
    read = {
        each["Properties"]["EventSourceArn"]
        for each in switched.of_type("AWS::Lambda::EventSourceMapping").values()
        if "StartingPosition" in each["Properties"]
    }
    assert read == {RESTORED_STREAMS[table.physical_name("prod")] for table in service.tables if table.stream}


def test_functions_may_use_the_restored_tables_and_no_longer_the_old_ones(switched, service):
    policies = json.dumps(switched.of_type("AWS::IAM::Policy"))
    for declared in service.tables:
        name = declared.physical_name("prod")
        assert f":table/{RESTORED[name]}" in policies
        assert f":table/{name}" not in policies.replace(RESTORED[name], "")
        for function in switched.of_type("AWS::Lambda::Function").values():
            told = function["Properties"]["Environment"]["Variables"]
            assert told[declared.environment_variable] == RESTORED[name]


def test_alarms_watch_the_restored_tables(switched, service):
    alarms = json.dumps(switched.of_type("AWS::CloudWatch::Alarm"))
    named = '"Name": "TableName", "Value": "{}"'
    for declared in service.tables:
        name = declared.physical_name("prod")
        assert named.format(RESTORED[name]) in alarms
        assert named.format(name) not in alarms
