"""The emulator itself: what it needs before `cdk deploy`, what is read from it afterwards, and what it keeps."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cdk_app.local.inventory import read_inventory, running_service
from cdk_app.local.ministack import ASSET_BUCKET, BOOTSTRAP_PARAMETER, QUICK, MiniStack
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
        "Other": {"Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": '{"current": "kept"}'}},
    }
}


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

    def client(self, service: Any) -> Any:
        return self.cloud.session.client(service, endpoint_url=self.cloud.url, config=QUICK)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory) -> Iterator[Emulator]:
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
