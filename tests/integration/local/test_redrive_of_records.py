"""`make redrive FUNCTION=...` on a real queue engine and a function that runs: what it is handed, and what stays."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from botocore.config import Config
from typer.testing import CliRunner

from cdk_app.operations.redrive import __main__ as command

# Writes down what it is given, and does with it what the record says.
READER = """
import json, os, pathlib

def handler(event, context):
    with open(os.environ["SEEN"], "a") as seen:
        seen.write(json.dumps(event) + "\\n")
    [record] = event["Records"]
    if record.get("raises"):
        raise RuntimeError("broken")
    failed = [{"itemIdentifier": "7"}] if record.get("waits") else []
    return {"batchItemFailures": failed}
"""
RECORD: dict[str, Any] = {"eventID": "e1", "eventName": "INSERT", "dynamodb": {"SequenceNumber": "7"}}
POSITION = {
    "requestContext": {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 3},
    "DDBStreamBatchInfo": {"startSequenceNumber": "7", "endSequenceNumber": "9", "batchSize": 3},
}


class Scene:
    """A function with the queue of what it gave up, as the stack makes them."""

    def __init__(self, cloud: Any, folder: Path) -> None:
        config = Config(connect_timeout=2, read_timeout=30)
        self.sqs, self.lambda_ = (
            cloud.session.client(name, endpoint_url=cloud.url, config=config) for name in ("sqs", "lambda")
        )
        self.seen, self.folder, self.name = folder / "seen", folder / "dropped", f"reader-{uuid4()}"
        self.url = self.sqs.create_queue(QueueName=f"{self.name}-dead")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("reader.py", READER)
        self.lambda_.create_function(
            FunctionName=self.name, Runtime="python3.13", Handler="reader.handler", Timeout=20,
            Role="arn:aws:iam::123456789012:role/none", Code={"ZipFile": code.getvalue()},
            Environment={"Variables": {"SEEN": str(self.seen)}},
        )  # fmt: skip
        self.mapping = self.lambda_.create_event_source_mapping(
            FunctionName=self.name, StartingPosition="TRIM_HORIZON", Enabled=False,
            EventSourceArn="arn:aws:dynamodb:us-east-1:123456789012:table/none/stream/2026-12-01T08:00:00.000",
            DestinationConfig={"OnFailure": {"Destination": arn}},
        )  # fmt: skip

    def give_up(self, body: Any, **attributes: str) -> None:
        self.sqs.send_message(
            QueueUrl=self.url,
            MessageBody=json.dumps(body),
            MessageAttributes={k: {"DataType": "String", "StringValue": v} for k, v in attributes.items()},
        )

    def left(self) -> int:
        answer = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["ApproximateNumberOfMessages"])
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def handed(self) -> list[Any]:
        return [json.loads(line) for line in self.seen.read_text().splitlines()] if self.seen.exists() else []


@pytest.fixture
def scene(cloud, tmp_path):
    scene = Scene(cloud, tmp_path)
    yield scene
    scene.lambda_.delete_event_source_mapping(UUID=scene.mapping["UUID"])
    scene.lambda_.delete_function(FunctionName=scene.name)


@pytest.fixture
def run(scene, monkeypatch):
    """The command as `make redrive` calls it, on the emulator."""
    monkeypatch.setattr(command, "_clients", lambda *_, **__: (scene.sqs, scene.lambda_))
    monkeypatch.setattr(command, "DROPPED_FOLDER", scene.folder)
    return lambda *options: CliRunner().invoke(
        command.app, ["--function", scene.name, *options], env={"COLUMNS": "200"}
    )


def test_showing_hands_nothing_over(scene, run):
    scene.give_up(RECORD, reason="no image of Note", correlation_id="e1")
    scene.give_up(POSITION)
    done = run()
    assert done.exit_code == 0, done.output
    assert "│ 1        │ no image of Note" in done.output
    assert "│ 1        │ Lambda gave up 3 records: RetryAttemptsExhausted" in done.output
    assert (scene.left(), scene.handed()) == (2, [])


def test_a_record_is_handed_over_as_the_stream_brought_it_and_then_deleted(scene, run):
    compressed = {"compressed": "c%1E4Ado*20ssI2"}  # the function itself reads these
    for record in (RECORD, compressed):
        scene.give_up(record, reason="no image of Note", correlation_id="e1")
    done = run("--send", "--reason", "no image")
    assert "2 put back, 0 failed" in done.output, done.output
    handed = scene.handed()
    assert len(handed) == 2
    assert all(event in handed for event in ({"Records": [RECORD]}, {"Records": [compressed]}))
    assert scene.left() == 0


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({**RECORD, "waits": True}, "not handled"),
        ({**RECORD, "raises": True}, "not handled"),
        (POSITION, "a position holds no records"),
        ("text", "no record"),
    ],
    ids=["not-done", "raised", "position", "no-record"],
)
def test_what_was_not_handled_stays(scene, run, body, said):
    scene.give_up(body, reason="x")
    done = run("--send")
    assert done.exit_code == 1
    assert "0 put back, 1 failed" in done.output
    assert said in done.output
    assert scene.left() == 1


def test_a_position_is_dropped_after_it_was_written_down(scene, run):
    scene.give_up(POSITION)
    scene.give_up(RECORD, reason="no image of Note")
    done = run("--drop", "--reason", "gave up")
    assert "1 dropped, 0 failed" in done.output, done.output
    assert scene.left() == 1
    [file] = scene.folder.iterdir()
    assert json.loads(json.loads(file.read_text())["body"]) == POSITION


def test_a_function_that_reads_no_stream_is_refused_with_a_sentence(scene, run):
    scene.lambda_.delete_event_source_mapping(UUID=scene.mapping["UUID"])
    done = run()
    scene.mapping = scene.lambda_.create_event_source_mapping(
        FunctionName=scene.name, EventSourceArn="arn:aws:sqs:us-east-1:123456789012:none", Enabled=False
    )
    assert done.exit_code == run().exit_code == 1
    assert done.output == f"{scene.name}: {scene.name} reads no stream, or leaves nothing behind of what it gives up\n"


@pytest.mark.parametrize("options", [[], ["Some-Queue-dev", "--function", "f"]], ids=["neither", "both"])
def test_a_queue_or_a_function_is_named(options):
    assert CliRunner().invoke(command.app, options).exit_code == 2
