"""The helpers of `docs/runbooks/shell.sh`, run in a real shell, on answers of the shape that AWS documents."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cdk_app.constructs.queries import ONE_REQUEST
from cdk_app.constructs.runbooks import FOLDER
from cdk_app.environments import ENVIRONMENTS
from cdk_app.services.registry import SERVICES
from tests.support import aws_cli
from tests.support.assembly import ROOT

SHELL = ROOT / FOLDER / "shell.sh"
# Operators on macOS have zsh; where it is missing, bash alone must do.
SHELLS = [name for name in ("bash", "zsh") if name == "bash" or shutil.which(name)]
OUTPUTS = {
    "ApiFunctionName": "api-function",
    "WorkerFunctionName": "worker-function",
    "ApiLogGroup": "/api",
    "WorkerLogGroup": "/worker",
    "ApiAccessLogGroup": "/access",
    "SweepRuleName": "sweep-rule",
    "ApiUrl": "https://api.example",
}
STACK = {
    "StackStatus": "UPDATE_COMPLETE",
    "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in OUTPUTS.items()],
}
ROWS = [
    [
        {"field": "@timestamp", "value": "2026-11-21 03:00:00.000"},
        {"field": "message", "value": "run failed"},
        {"field": "@ptr", "value": "CmEKKAoQ"},
    ],
    [{"field": "message", "value": "request served"}, {"field": "@ptr", "value": "CmEKKAoR"}],
]
FEEDS = {"EventSourceMappings": [{"UUID": "feed-1", "State": "Disabled"}, {"UUID": "feed-2", "State": "Disabled"}]}
KEYS = {"youtube_api_key": "old", "gemini_api_key": "kept"}
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetQueryResults.html and its siblings
ANSWERS: dict[str, Any] = {
    "version": "aws-cli/2.31.0 Python/3.13.7 Linux/6 exe/x86_64",
    "configure get": {"error": ""},
    "sts get-caller-identity": {"Account": "111122223333"},
    "cloudformation describe-stacks": {"Stacks": [STACK]},
    "cloudformation describe-stack-resources": {
        "StackResources": [
            {
                "LogicalResourceId": f"{name}1A2B3C4D",
                "ResourceType": "AWS::SecretsManager::Secret",
                "PhysicalResourceId": f"arn:{name}",
            }
            for name in ("ApiKeys", "CursorKey")
        ]
    },
    "logs describe-query-definitions": {
        "queryDefinitions": [
            {"name": "StockTrackRecord-prod/recent errors", "queryString": "filter level = 'ERROR'\n| limit 3"},
            {"name": "StockTrackRecord-prod/one request", "queryString": ONE_REQUEST.text},
        ]
    },
    "logs start-query": {"queryId": "query-1"},
    "logs get-query-results": {"status": "Complete", "results": ROWS},
    "lambda list-event-source-mappings": FEEDS,
    "lambda get-alias": {"FunctionVersion": "7", "RoutingConfig": {"AdditionalVersionWeights": {"8": 0.1}}},
    "lambda list-versions-by-function": {
        "Versions": [{"Version": version, "LastModified": "2026"} for version in ("$LATEST", "7", "8")]
    },
    "lambda update-alias": {"FunctionVersion": "7"},
    "secretsmanager get-secret-value": {"SecretString": json.dumps(KEYS)},
    "secretsmanager put-secret-value": {"Name": "ApiKeys"},
}


class Terminal:
    """A shell with the helpers in reach, and an AWS that answers as it is told."""

    def __init__(self, folder: Path, shell: str) -> None:
        self._folder = folder
        self._shell = shell
        self.answers = dict(ANSWERS)
        program = folder / "bin" / "aws"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {aws_cli.__file__} "$@"\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    def run(self, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run lines of a shell as an operator of `prod` would type them; a variable given as "" is unset."""
        (self._folder / "answers.json").write_text(json.dumps(self.answers))
        environment = {
            "PATH": f"{self._folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self._folder),
            "TMPDIR": str(self._folder),
            "AWS_CLI_SCENE": str(self._folder),
            "AWS_REGION": "eu-central-1",
            **variables,
        }
        return subprocess.run(
            [self._shell, "-c", script],
            cwd=ROOT,
            env={name: value for name, value in environment.items() if value},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def helper(self, command: str, environment: str = "prod", **variables: str) -> subprocess.CompletedProcess[str]:
        """Run one helper after the head of every page."""
        return self.run(f". {FOLDER}/shell.sh {environment} >&2 && {command}", **variables)

    def calls(self, operation: str = "") -> list[dict[str, Any]]:
        """What was asked of AWS, in order."""
        path = self._folder / "calls.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [call for call in map(json.loads, lines) if call["operation"].startswith(operation)]

    def leftovers(self) -> set[str]:
        """Files that nobody cleaned away."""
        return {path.name for path in self._folder.iterdir()} - {"bin", "answers.json", "calls.jsonl"}


@pytest.fixture(params=SHELLS)
def terminal(request: pytest.FixtureRequest, tmp_path: Path) -> Terminal:
    return Terminal(tmp_path, request.param)


def option(call: dict[str, Any], name: str) -> str:
    text: str = call["options"][call["options"].index(name) + 1]
    return text


def test_the_helpers_are_what_their_head_lists():
    text = SHELL.read_text(encoding="utf-8")
    listed = re.findall(r"^# (\w+) .*? {3,}\w", text, flags=re.MULTILINE)
    defined = re.findall(r"^([a-z]\w*)\(\) [{(]$", text, flags=re.MULTILINE)
    assert sorted(defined) == sorted([*listed, "aws"])


def test_loading_says_account_region_and_stack(terminal):
    done = terminal.run(f". {FOLDER}/shell.sh prod NbhdCity")
    assert done.stdout == "prod-NbhdCityApp (UPDATE_COMPLETE) in account 111122223333, region eu-central-1\n"
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("environment", ["", "production", "'#'", "prod-"])
def test_what_is_no_environment_is_refused(terminal, environment):
    done = terminal.run(f". {FOLDER}/shell.sh {environment}")
    assert done.returncode != 0
    assert "name one of: local dev staging prod" in done.stderr
    assert terminal.calls("cloudformation") == []


def test_every_environment_can_be_named():
    [known] = re.findall(r"name one of: ([a-z ]+)", SHELL.read_text(encoding="utf-8"))
    assert set(known.split()) == ENVIRONMENTS.keys()


@pytest.mark.parametrize(
    ("answers", "variables", "complaint"),
    [
        ({"version": "aws-cli/1.45.11 Python/3.11.7"}, {}, "AWS CLI, version 2, is needed"),
        ({"version": "env: aws: No such file or directory"}, {}, "AWS CLI, version 2, is needed"),
        ({}, {"AWS_REGION": ""}, "no region: export AWS_REGION"),
        ({}, {"AWS_ENDPOINT_URL": "http://localhost:4570"}, "unset it to reach AWS"),
        ({}, {"AWS_ENDPOINT_URL_DYNAMODB": "http://localhost:8102"}, "unset it to reach AWS"),
        ({"sts get-caller-identity": {"error": "ExpiredToken"}}, {}, "no valid credentials"),
        ({"cloudformation describe-stacks": {"error": "does not exist"}}, {}, "there is no stack prod-Stock"),
    ],
)
def test_what_stands_in_the_way_is_said_at_once_and_no_helper_works_then(terminal, answers, variables, complaint):
    terminal.answers |= answers
    done = terminal.run(f". {FOLDER}/shell.sh prod || echo refused; alarms || echo refused", **variables)
    assert complaint in done.stderr
    assert done.stdout.splitlines()[-2:] == ["refused", "refused"]
    assert terminal.calls("cloudwatch") == []


def test_after_the_local_cloud_an_operator_s_own_settings_hold_again(terminal):
    done = terminal.run(
        f". {FOLDER}/shell.sh local && aws sqs list-queues; . {FOLDER}/shell.sh prod && aws sqs list-queues",
        AWS_PROFILE="mine",
        AWS_SESSION_TOKEN="token",
        PORT_OFFSET="100",
    )
    assert done.returncode == 0, done.stderr
    local, prod = terminal.calls("sqs list-queues")
    assert local["endpoint"] == "http://localhost:4670"
    assert local["environment"] == {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local"}
    assert prod["endpoint"] is None
    assert prod["environment"] == {"AWS_PROFILE": "mine", "AWS_REGION": "eu-central-1", "AWS_SESSION_TOKEN": "token"}


def test_the_local_cloud_has_its_tables_elsewhere(terminal):
    terminal.helper("aws dynamodb list-tables", "local", PORT_OFFSET="100")
    [call] = terminal.calls("dynamodb")
    assert call["endpoint"] == "http://localhost:8202"


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_the_address_of_a_local_api_is_one_that_resolves(terminal, service):
    done = terminal.helper("output ApiUrl", f"local {service.name}", PORT_OFFSET="100")
    assert done.stdout == f"http://localhost:{service.local_port + 100}\n"


def test_an_output_that_is_not_there_is_an_error(terminal):
    assert terminal.helper("output ApiUrl").stdout == "https://api.example\n"
    done = terminal.helper("output Nothing")
    assert (done.returncode, done.stdout) == (1, "")
    assert "has no output Nothing" in done.stderr


def test_alarms_says_what_is_on(terminal):
    on = {"StateUpdatedTimestamp": "03:00", "AlarmName": "5xx", "StateReason": "6 of 5"}
    terminal.answers["cloudwatch describe-alarms"] = [{"MetricAlarms": [{}] * 16}, {"MetricAlarms": [on]}]
    assert terminal.helper("alarms").stdout == "03:00\t5xx\t6 of 5\n"


def test_alarms_says_that_none_is_on(terminal):
    terminal.answers["cloudwatch describe-alarms"] = [{"MetricAlarms": [{}] * 16}, {"MetricAlarms": []}]
    assert terminal.helper("alarms").stdout == "none of 16 is on\n"


def test_a_stack_without_alarms_is_no_good_news(terminal):
    terminal.answers["cloudwatch describe-alarms"] = {"MetricAlarms": []}
    assert terminal.helper("alarms").returncode == 1


def test_ask_prints_the_rows_of_a_saved_query(terminal):
    done = terminal.helper('ask "recent errors" 30')
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "\t",
        "@timestamp\t2026-11-21 03:00:00.000",
        "message\trun failed",
        "\t",
        "message\trequest served",
    ]
    [started] = terminal.calls("logs start-query")
    assert option(started, "--query-string") == "filter level = 'ERROR'\n| limit 3"
    assert int(option(started, "--end-time")) - int(option(started, "--start-time")) in range(1800, 1810)
    groups = started["options"][started["options"].index("--log-group-names") + 1 :]
    assert groups == ["/api", "/worker", "/access"]


def test_query_asks_what_it_is_told_and_waits_for_it(terminal):
    running = {"status": "Running", "results": []}
    terminal.answers["logs get-query-results"] = [{"status": "Scheduled"}, running, ANSWERS["logs get-query-results"]]
    done = terminal.helper("query 'filter a = 1 | limit 2'")
    assert "run failed" in done.stdout
    [started] = terminal.calls("logs start-query")
    assert option(started, "--query-string") == "filter a = 1 | limit 2"


def test_nothing_found_is_said(terminal):
    terminal.answers["logs get-query-results"] = {"status": "Complete", "results": []}
    assert terminal.helper('ask "recent errors" 30').stdout == "nothing in the last 30 minutes\n"


@pytest.mark.parametrize("status", ["Failed", "Cancelled", "Timeout", "Unknown"])
def test_a_query_that_fails_is_no_empty_answer(terminal, status):
    terminal.answers["logs get-query-results"] = {"status": status, "results": []}
    done = terminal.helper('ask "recent errors"')
    assert (done.returncode, done.stdout) == (1, "")
    assert f"ended as {status}" in done.stderr


def test_a_query_that_is_not_saved_is_not_sent(terminal):
    done = terminal.helper('ask "recent"')
    assert done.returncode == 1
    assert "there is no saved query 'StockTrackRecord-prod/recent'" in done.stderr
    assert terminal.calls("logs start-query") == []


def test_one_request_is_asked_for_by_its_id(terminal):
    assert "run failed" in terminal.helper("one abc-123=").stdout
    [started] = terminal.calls("logs start-query")
    assert option(started, "--query-string") == ONE_REQUEST.text.replace("PUT THE ID HERE", "abc-123=")
    assert terminal.helper("one abc", "local").stdout == "http://localhost:8000/log?show=all&correlation=abc\n"
    assert terminal.helper("one ''").returncode == 1


def test_versions_names_what_serves_and_leaves_latest_out(terminal):
    assert terminal.helper("versions").stdout.splitlines() == ['serves: ["7",{"8":0.1}]', "8\t2026", "7\t2026"]


def test_serve_moves_all_calls_to_one_version(terminal):
    assert terminal.helper("serve 7").returncode == 0
    [moved] = terminal.calls("lambda update-alias")
    assert option(moved, "--function-version") == "7"
    assert option(moved, "--routing-config") == "AdditionalVersionWeights={}"


@pytest.mark.parametrize("version", ["''", "'$LATEST'", "live", ""])
def test_serve_takes_a_number_only(terminal, version):
    assert terminal.helper(f"serve {version}").returncode == 1
    assert terminal.calls("lambda") == []


def test_stopping_takes_the_queues_off_before_the_worker_refuses(terminal):
    """A message that a stopped function refuses counts as received."""
    going = {"EventSourceMappings": [{**each, "State": "Disabling"} for each in FEEDS["EventSourceMappings"]]}
    terminal.answers["lambda list-event-source-mappings"] = [FEEDS, going, FEEDS]
    done = terminal.helper("stop_worker")
    assert done.returncode == 0, done.stderr
    done_in_order = [
        call["operation"] for call in terminal.calls() if not call["operation"].startswith("cloudformation")
    ]
    assert done_in_order[1:] == [
        "lambda list-event-source-mappings",
        "lambda update-event-source-mapping",
        "lambda update-event-source-mapping",
        "events disable-rule",
        "lambda list-event-source-mappings",
        "lambda list-event-source-mappings",
        "lambda put-function-concurrency",
    ]


def test_starting_undoes_all_that_stopping_did(terminal):
    assert terminal.helper("start_worker").returncode == 0
    enabled = terminal.calls("lambda update-event-source-mapping")
    assert [(option(call, "--uuid"), "--enabled" in call["options"]) for call in enabled] == [
        ("feed-1", True),
        ("feed-2", True),
    ]
    assert len(terminal.calls("lambda delete-function-concurrency")) == 1
    assert [option(call, "--name") for call in terminal.calls("events enable-rule")] == ["sweep-rule"]


def test_a_secret_is_changed_in_an_editor_and_its_other_members_stay(terminal):
    done = terminal.helper("edit_secret ApiKeys", EDITOR="sed -i.old s/old/new/")
    assert done.returncode == 0, done.stderr
    [put] = terminal.calls("secretsmanager put-secret-value")
    assert option(put, "--secret-id") == "arn:ApiKeys"
    assert json.loads(put["content"]) == KEYS | {"youtube_api_key": "new"}


@pytest.mark.parametrize(
    ("editor", "complaint"),
    [
        ("true", "nothing was changed"),
        ("false", "the editor failed"),
        ("sed -i /youtube/d", "it must keep its names"),
        ("sed -i s/{//", "it is no JSON"),
        ("sed -i s/.old./7/", "and their kinds"),
    ],
)
def test_a_secret_that_lost_something_is_not_put(terminal, editor, complaint):
    done = terminal.helper("edit_secret ApiKeys", EDITOR=editor)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert terminal.calls("secretsmanager put-secret-value") == []
    assert terminal.leftovers() == set()


@pytest.mark.parametrize("name", ["Nothing", "''"])
def test_an_unknown_secret_is_refused(terminal, name):
    assert "has no secret" in terminal.helper(f"edit_secret {name}").stderr
    assert terminal.calls("secretsmanager") == []
