"""The functions: size, runtime, what they are told, and what they are not."""

import json
from typing import Any

import pytest

from lambda_src.runtime.settings import ServiceSettings
from lambda_src.services.stock_track_record.settings import ApiSettings, WorkerSettings
from tests.support.assembly import ROOT, Assembly

FUNCTION = "AWS::Lambda::Function"
READERS: dict[str, type[ServiceSettings]] = {"ApiFunction": ApiSettings, "Worker": WorkerSettings}


def function(assembly: Assembly, name: str) -> dict[str, Any]:
    return assembly.app.properties(FUNCTION, name)


def variables(assembly: Assembly, name: str) -> dict[str, Any]:
    given: dict[str, Any] = function(assembly, name)["Environment"]["Variables"]
    return given


def test_there_are_two_functions_and_no_hidden_ones(assembly):
    assert len(assembly.app.of_type(FUNCTION)) == len(READERS)
    assert not assembly.data.of_type(FUNCTION)


@pytest.mark.parametrize(
    ("name", "memory_mb", "timeout_seconds", "handler"),
    [("ApiFunction", 512, 30, "api"), ("Worker", 1024, 900, "worker")],
)
def test_a_function_has_the_size_and_handler_of_the_contract(assembly, name, memory_mb, timeout_seconds, handler):
    properties = function(assembly, name)
    assert (properties["MemorySize"], properties["Timeout"]) == (memory_mb, timeout_seconds)
    assert properties["Handler"] == f"lambda_src.services.stock_track_record.{handler}.handler"
    assert properties["Runtime"] == "python3.13"


def test_functions_on_aws_run_on_arm64(deployed):
    assert all(f["Properties"]["Architectures"] == ["arm64"] for f in deployed.app.of_type(FUNCTION).values())


def test_no_function_is_in_a_vpc(assembly):
    assert "VpcConfig" not in json.dumps(assembly.app.body)


def test_both_functions_share_one_bundle(assembly):
    codes = {json.dumps(f["Properties"]["Code"], sort_keys=True) for f in assembly.app.of_type(FUNCTION).values()}
    assert len(codes) == 1


@pytest.mark.parametrize("name", READERS)
def test_a_function_reads_the_variables_it_is_given(assembly, name):
    given = {key: value if isinstance(value, str) else "resolved" for key, value in variables(assembly, name).items()}
    given.pop("AWS_CA_BUNDLE", None)  # read by botocore
    assert given.keys() <= {field.upper() for field in READERS[name].model_fields}
    settings = READERS[name].model_validate({key.lower(): value for key, value in given.items()})
    assert settings.environment == assembly.environment
    assert settings.model_dump()["dynamodb_table_name"] == f"StockTrackRecord-{assembly.environment}"


def test_variables_hold_no_keys_and_no_addresses_of_outside_services(assembly):
    for name in READERS:
        keys = variables(assembly, name).keys()
        assert not [key for key in keys if key.endswith(("_KEY", "_TOKEN", "_PASSWORD", "_BASE_URL"))]
        secret_ids = [value for key, value in variables(assembly, name).items() if "SECRET" in key]
        assert secret_ids
        assert all(set(value) == {"Fn::GetStackOutput"} for value in secret_ids), "a reference, never a value"


def test_only_the_worker_knows_the_dead_letter_queues(assembly):
    assert "SQS_DLQ_URL" not in variables(assembly, "ApiFunction")
    assert variables(assembly, "Worker").keys() >= {"SQS_DLQ_URL", "PRICE_DLQ_URL"}


def test_functions_on_aws_trust_amazons_roots_alone_when_they_call_aws(deployed, assemblies):
    for name in READERS:
        assert variables(deployed, name)["AWS_CA_BUNDLE"] == "/var/task/amazon_roots.pem"
        assert "AWS_CA_BUNDLE" not in variables(assemblies["local"], name)


def test_functions_log_json_into_a_group_of_their_own_that_forgets(assembly):
    groups = assembly.app.of_type("AWS::Logs::LogGroup")
    assert all(group["Properties"]["RetentionInDays"] in {7, 30, 90} for group in groups.values())
    used = [f["Properties"]["LoggingConfig"] for f in assembly.app.of_type(FUNCTION).values()]
    assert {config["LogFormat"] for config in used} == {"JSON"}
    assert len({config["LogGroup"]["Ref"] for config in used} & groups.keys()) == len(used)


def test_production_logs_are_kept_longest(assemblies):
    kept = {
        name: assembly.app.properties("AWS::Logs::LogGroup", "WorkerLogs")["RetentionInDays"]
        for name, assembly in assemblies.items()
    }
    assert kept == {"local": 7, "dev": 7, "staging": 30, "prod": 90}


def test_functions_on_aws_are_traced(deployed):
    for name in READERS:
        assert function(deployed, name)["TracingConfig"] == {"Mode": "Active"}


def test_the_api_starts_from_a_snapshot_in_production_and_in_staging(assemblies):
    started = {name: "SnapStart" in function(assembly, "ApiFunction") for name, assembly in assemblies.items()}
    assert started == {"local": False, "dev": False, "staging": True, "prod": True}
    assert function(assemblies["prod"], "ApiFunction")["SnapStart"] == {"ApplyOn": "PublishedVersions"}


def test_every_function_that_starts_from_a_snapshot_prepares_for_it(assembly):
    """Of any service: it closes its connections and lets its copies draw numbers of their own."""
    for template in assembly.templates.values():
        for function in template.of_type(FUNCTION).values():
            if "SnapStart" in function["Properties"]:
                module = function["Properties"]["Handler"].removesuffix(".handler").replace(".", "/")
                source = (ROOT / f"{module}.py").read_text(encoding="utf-8")
                assert "\nhandler = start_api(" in source, module
    starting = (ROOT / "lambda_src" / "runtime" / "api_function.py").read_text(encoding="utf-8")
    assert "\n    prepare_for_snapshot(" in starting


def test_the_worker_may_send_to_itself_and_the_api_may_not(assembly):
    assert function(assembly, "Worker")["RecursiveLoop"] == "Allow"
    assert "RecursiveLoop" not in function(assembly, "ApiFunction")
