"""The emulator itself: what it needs before `cdk deploy`, what is read from it afterwards, and what it keeps."""

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from cdk_app.local import layout
from cdk_app.local.deployment import Deployment, digest_of_inputs, what_is_there
from cdk_app.local.generations import Generations
from cdk_app.local.interrupts import Interrupts
from cdk_app.local.inventory import read_inventory, running_service
from cdk_app.local.ministack import ASSET_BUCKET, BOOTSTRAP_PARAMETER, QUICK, MiniStack
from cdk_app.local.paced_starts import STARTS_AT_ONCE
from cdk_app.local.secret_values import fill_secrets
from tests.support.ports import free_port

TEMPLATE = {
    "Resources": {
        "DeadLetters": {"Type": "AWS::SQS::Queue"},
        "Work": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}, "maxReceiveCount": 5}
            },
        },
        "Keys": {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {"SecretString": '{"youtube_api_key": "", "generated": "kept"}'},
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": "sample",
                "Runtime": "python3.13",
                "Handler": "index.handler",
                "Role": "arn:aws:iam::123456789012:role/none",
                "Code": {"ZipFile": "def handler(event, context):\n    return 'as it was'\n"},
            },
        },
        "Other": {"Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": '{"current": "kept"}'}},
        "First": {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {
                "GenerateSecretString": {
                    "SecretStringTemplate": '{"username": "admin"}',
                    "GenerateStringKey": "password",
                }
            },
        },
    }
}

OF_SOMEBODY = "of-somebody"
SIGNS = """
import os

def handler(event, context):
    return {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
"""


class Emulator:
    """One state directory, in which MiniStack can be started again and again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.cloud = self.start()

    def start(self) -> MiniStack:
        self.cloud = MiniStack.start(
            port=self.port,
            state_directory=self.directory,
            log_path=self.directory / "ministack.log",
            function_environment={},
        )
        self.cloud.wait_until_ready()
        return self.cloud

    def kill(self) -> None:
        """End it and its functions without a chance to write anything."""
        os.killpg(self.cloud.process._process.pid, signal.SIGKILL)
        self.cloud.stop()

    def client(self, service: Any) -> Any:
        return self.cloud.session.client(service, endpoint_url=self.cloud.url, config=QUICK)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory) -> Iterator[Emulator]:
    with pytest.MonkeyPatch.context() as shell:  # of somebody who also works on AWS
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            shell.setenv(name, OF_SOMEBODY)
        emulator = Emulator(tmp_path_factory.mktemp("ministack"))
    emulator.client("cloudformation").create_stack(StackName="Sample", TemplateBody=json.dumps(TEMPLATE))
    emulator.client("cloudformation").get_waiter("stack_create_complete").wait(
        StackName="Sample", WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )
    yield emulator
    emulator.cloud.stop()


def test_an_account_can_be_made_ready_for_deployment_again_and_again(emulator):
    emulator.cloud.seed_bootstrap()
    emulator.cloud.seed_bootstrap()
    assert int(emulator.client("ssm").get_parameter(Name=BOOTSTRAP_PARAMETER)["Parameter"]["Value"]) >= 30
    assert ASSET_BUCKET in [bucket["Name"] for bucket in emulator.client("s3").list_buckets()["Buckets"]]


def test_a_queue_is_found_with_its_dead_letter_queue(emulator):
    inventory = read_inventory(emulator.cloud, ["Sample"])
    service = running_service(emulator.cloud, inventory, name="Sample", title="Sample", url="http://localhost:1")
    [queue] = service.queues
    assert "Work" in queue.name
    assert queue.dead_letter_url is not None
    assert "DeadLetters" in queue.dead_letter_url


def test_who_exists_from_the_start_is_found_by_the_secret_and_nobody_else(emulator):
    inventory = read_inventory(emulator.cloud, ["Sample"])
    service = running_service(emulator.cloud, inventory, name="Sample", title="Sample", url="http://localhost:1")
    [account] = service.accounts
    assert account.username == "admin"
    assert len(account.password) > 20


def test_keys_are_stored_where_a_secret_has_fields_for_them(emulator):
    secrets = read_inventory(emulator.cloud, ["Sample"]).of("AWS::SecretsManager::Secret")
    fill_secrets(emulator.cloud, secrets, {"youtube_api_key": "real", "gemini_api_key": "has no field"}, {})
    values = [
        json.loads(emulator.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"])
        for secret in secrets
    ]
    assert {"youtube_api_key": "real", "generated": "kept"} in values
    assert {"current": "kept"} in values


def test_stacks_and_messages_survive_a_restart(emulator):
    [work] = [url for url in read_inventory(emulator.cloud, ["Sample"]).of("AWS::SQS::Queue") if "Work" in url]
    emulator.client("sqs").send_message(QueueUrl=work, MessageBody="remember me")
    emulator.cloud.stop()
    assert not emulator.cloud.process.is_running
    emulator.start()
    assert work in read_inventory(emulator.cloud, ["Sample"]).of("AWS::SQS::Queue")
    [message] = emulator.client("sqs").receive_message(QueueUrl=work)["Messages"]
    assert message["Body"] == "remember me"


def test_what_was_written_down_survives_a_kill_and_what_is_missing_is_asked_of_the_emulator(emulator):
    [work] = [url for url in read_inventory(emulator.cloud, ["Sample"]).of("AWS::SQS::Queue") if "Work" in url]
    there = what_is_there(emulator.cloud, ["Sample"])
    emulator.client("sqs").send_message(QueueUrl=work, MessageBody="acknowledged")
    emulator.cloud.save_state()
    emulator.client("sqs").send_message(QueueUrl=work, MessageBody="a second later")
    emulator.kill()
    assert Generations(emulator.directory).settle() is None
    emulator.start()
    assert what_is_there(emulator.cloud, ["Sample"]) == there
    messages = emulator.client("sqs").receive_message(QueueUrl=work, MaxNumberOfMessages=10)["Messages"]
    assert [message["Body"] for message in messages] == ["acknowledged"]

    emulator.client("sqs").delete_queue(QueueUrl=work)
    with pytest.raises(ClientError, match="NonExistentQueue"):
        what_is_there(emulator.cloud, ["Sample"])
    emulator.kill()
    emulator.start()
    emulator.client("sqs").purge_queue(QueueUrl=work)


@pytest.fixture
def deployment(emulator, tmp_path, monkeypatch) -> Deployment:
    """One that says of the stack as it is now that it was deployed last, from the files as they are now."""
    monkeypatch.setattr(layout, "LOCAL_DIRECTORY", tmp_path)
    (tmp_path / "state").mkdir()
    marker = f"{digest_of_inputs()} {what_is_there(emulator.cloud, ['Sample'])}"
    (tmp_path / "state" / "deployed").write_text(marker)
    return Deployment(emulator.cloud, layout.Layout(), Interrupts())


def test_code_of_before_that_comes_back_after_a_kill_is_no_longer_current(emulator, deployment, tmp_path):
    """Nor is what a halved marker says, or a stack that is not there."""
    emulator.cloud.save_state()
    assert deployment.is_current(["Sample"])
    functions = emulator.client("lambda")
    functions.update_function_code(
        FunctionName="sample", ZipFile=zipped("index.py", "def handler(*_): return 'edited'")
    )
    assert not deployment.is_current(["Sample"])
    edited = what_is_there(emulator.cloud, ["Sample"])
    (tmp_path / "state" / "deployed").write_text(f"{digest_of_inputs()} {edited}")
    assert deployment.is_current(["Sample"])

    emulator.kill()
    emulator.start()
    assert json.load(emulator.client("lambda").invoke(FunctionName="sample")["Payload"]) == "as it was"
    assert not deployment.is_current(["Sample"])

    (tmp_path / "state" / "deployed").write_text(f"{digest_of_inputs()} {edited[:20]}")
    assert not deployment.is_current(["Sample"])
    assert not deployment.is_current(["Sample", "Missing"])


@pytest.mark.parametrize("name", ["secretsmanager", "cloudformation", "sqs"])
def test_an_emulator_whose_file_was_halved_goes_on_with_what_it_wrote_before(emulator, name):
    for value in ("first", "second"):
        emulator.client("ssm").put_parameter(Name="/at", Value=value, Type="String", Overwrite=True)
        emulator.cloud.save_state()
    emulator.kill()
    generations = Generations(emulator.directory)
    file = generations.current / f"{name}.json"
    os.truncate(file, file.stat().st_size // 2)
    told = generations.settle()
    emulator.start()
    assert told is not None
    assert f"{name}.json" in told
    assert emulator.client("ssm").get_parameter(Name="/at")["Parameter"]["Value"] == "first"
    assert emulator.client("cloudformation").describe_stacks(StackName="Sample")["Stacks"]
    assert len(emulator.client("secretsmanager").list_secrets()["SecretList"]) == 3


def zipped(name: str, text: str) -> bytes:
    code = BytesIO()
    with ZipFile(code, "w") as archive:
        archive.writestr(name, text)
    return code.getvalue()


# Says when it started and how long that took: which is what processes that start side by side do to each other.
SLOW_TO_START = """
import time
began = time.time()
time.sleep(0.2)
ended = time.time()
def handler(event, context):
    time.sleep(event.get("takes", 0))
    return [began, ended]
"""


def test_of_fifty_requests_at_once_all_are_answered_by_processes_that_start_in_turn(emulator):
    client = emulator.cloud.session.client(
        "lambda", endpoint_url=emulator.cloud.url, config=Config(read_timeout=60, max_pool_connections=50)
    )
    client.create_function(
        FunctionName="slow", Runtime="python3.13", Handler="slow.handler", Timeout=30,
        Role="arn:aws:iam::123456789012:role/none", Code={"ZipFile": zipped("slow.py", SLOW_TO_START)},
    )  # fmt: skip

    def starts_seen(takes: float) -> set[tuple[float, float]]:
        def invoke(_: int) -> tuple[float, float]:
            answer = client.invoke(FunctionName="slow", Payload=json.dumps({"takes": takes}))
            assert "FunctionError" not in answer, answer["Payload"].read()
            began, ended = json.load(answer["Payload"])
            return began, ended

        with ThreadPoolExecutor(50) as threads:
            return set(threads.map(invoke, range(50)))

    for takes in (0.01, 0.1):
        starts = starts_seen(takes)
        assert all(sum(began <= other < ended for other, _ in starts) <= STARTS_AT_ONCE for began, ended in starts)
        assert len(starts) < 50


def test_functions_sign_urls_that_are_taken_and_know_no_key_of_whoever_started_them(emulator):
    code = BytesIO()
    with ZipFile(code, "w") as archive:
        archive.writestr("signs.py", SIGNS)
    functions, s3 = emulator.client("lambda"), emulator.client("s3")
    functions.create_function(
        FunctionName="signs", Runtime="python3.13", Handler="signs.handler",
        Role="arn:aws:iam::123456789012:role/none", Code={"ZipFile": code.getvalue()},
    )  # fmt: skip
    told = json.load(functions.invoke(FunctionName="signs")["Payload"])
    assert OF_SOMEBODY not in told.values()
    s3.create_bucket(Bucket="signed")
    s3.put_object(Bucket="signed", Key="a", Body=b"kept")
    signing = boto3.client(
        "s3",
        endpoint_url=told["AWS_ENDPOINT_URL"],
        aws_access_key_id=told["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=told["AWS_SECRET_ACCESS_KEY"],
        region_name=told["AWS_REGION"],
        config=Config(signature_version="s3v4"),
    )
    signed = signing.generate_presigned_url("get_object", Params={"Bucket": "signed", "Key": "a"})
    assert httpx.get(signed, trust_env=False).content == b"kept"
    assert httpx.get(signed[:-1] + "g", trust_env=False).status_code == 403
