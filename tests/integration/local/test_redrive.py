"""`make redrive` on a real queue engine: what is shown, what is moved, and that nothing is ever lost."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from cdk_app.local.ministack import QUICK
from cdk_app.operations.redrive import __main__ as command
from cdk_app.operations.redrive.mover import NO_REASON, Bounds, DeadLetterQueue, NotARedriveQueue

PLENTY = Bounds(messages=1000, seconds=60)


class Scene:
    """A queue with its dead-letter queue, as the stack makes them."""

    def __init__(self, sqs, folder: Path) -> None:
        self.sqs = sqs
        self.folder = folder
        self.name = f"Work-{uuid4()}"
        self.dead_url = sqs.create_queue(QueueName=f"{self.name}-dead")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=self.dead_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = {"deadLetterTargetArn": arn, "maxReceiveCount": 5}
        attributes = {"RedrivePolicy": json.dumps(policy)}
        self.url = sqs.create_queue(QueueName=self.name, Attributes=attributes)["QueueUrl"]

    def give_up(self, body: str, **attributes: str) -> None:
        """Set a message aside as the worker does."""
        self.sqs.send_message(
            QueueUrl=self.dead_url,
            MessageBody=body,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        )

    def count(self, url: str) -> int:
        """Messages on a queue that anybody could receive now."""
        answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def receive(self, url: str) -> dict[str, dict[str, str]]:
        """Attributes of up to ten messages, by body."""
        answer = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        return {
            message["Body"]: {
                name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()
            }
            for message in answer.get("Messages", [])
        }

    def kept(self) -> list[dict[str, Any]]:
        """What was written down before it was dropped."""
        return [json.loads(line) for path in self.folder.iterdir() for line in path.read_text("utf-8").splitlines()]


class Refusing:
    """An SQS client one of whose operations fails, all others being real."""

    def __init__(self, sqs, operation: str) -> None:
        self._sqs = sqs
        self._operation = operation

    def __getattr__(self, name):
        if name == self._operation:
            return self._refuse
        return getattr(self._sqs, name)

    def _refuse(self, **_):
        raise ClientError({"Error": {"Code": "Throttled", "Message": "not now"}}, self._operation)


@pytest.fixture
def scene(cloud, tmp_path):
    return Scene(cloud.session.client("sqs", endpoint_url=cloud.url, config=QUICK), tmp_path / "dropped")


@pytest.fixture
def run(scene, monkeypatch):
    """The command as `make redrive` calls it, on the emulator."""
    monkeypatch.setattr(command, "_clients", lambda *_, **__: (scene.sqs, None))
    monkeypatch.setattr(command, "DROPPED_FOLDER", scene.folder)
    return lambda *options: CliRunner().invoke(command.app, [scene.name, *options], env={"COLUMNS": "200"})


def test_showing_counts_reasons_and_leaves_every_message_for_others(scene, run):
    for number in range(3):
        scene.give_up(f"message {number}", reason="no version", correlation_id="request-1")
    scene.give_up("message 3", reason="not JSON")
    done = run()
    assert done.exit_code == 0, done.output
    assert [line for line in done.output.splitlines() if line.startswith("│")] == [
        "│ 3        │ no version │",
        "│ 1        │ not JSON   │",
    ]
    assert "request-1  no version  message 0" in done.output
    assert f"{scene.name}-dead: 4 of 4 given up" in done.output
    assert (scene.count(scene.dead_url), scene.count(scene.url)) == (4, 0)


def test_sending_moves_all_of_them_with_their_attributes_but_the_reason(scene, run):
    for number in range(25):
        scene.give_up(f"message {number}", reason="the provider was away", correlation_id=f"request-{number}")
    done = run("--send")
    assert "25 put back, 0 failed" in done.output
    assert (scene.count(scene.dead_url), scene.count(scene.url)) == (0, 25)
    for body, attributes in scene.receive(scene.url).items():
        assert attributes == {"correlation_id": body.replace("message", "request").replace(" ", "-")}


def test_sending_by_reason_leaves_the_others_visible_and_untouched(scene, run):
    scene.give_up("good", reason="ProviderUnavailable on receive 5 of 5")
    scene.give_up("bad", reason="not JSON")
    assert run("--send", "--reason", "ProviderUnavailable").exit_code == 0
    assert scene.receive(scene.url).keys() == {"good"}
    assert scene.receive(scene.dead_url) == {"bad": {"reason": "not JSON"}}


def test_a_reason_is_found_by_a_part_of_it_in_any_case_and_the_others_are_counted(scene, run):
    scene.give_up("good", reason="ProviderUnavailable on receive 5 of 5")
    scene.give_up("bad", reason="not JSON")
    assert "1 of 2 given up" in run("--reason", "providerunavailable ON").output
    assert "0 of 2 given up" in run("--reason", "of a cause nobody knows").output
    assert scene.count(scene.dead_url) == 2


def test_what_is_not_listed_is_counted(scene, run):
    for number in range(command.SHOWN + 3):
        scene.give_up(str(number), reason="x")
    assert "and 3 more\n" in run().output


def test_dropping_by_reason_leaves_the_others_and_keeps_a_copy(scene, run):
    scene.give_up("malformed \N{PILE OF POO}", reason="not JSON", correlation_id="request-1")
    scene.give_up("good", reason="ProviderUnavailable on receive 5 of 5")
    done = run("--drop", "--reason", "not json")
    assert done.exit_code == 0, done.output
    assert "1 dropped, 0 failed" in done.output
    assert scene.receive(scene.dead_url).keys() == {"good"}
    assert scene.count(scene.url) == 0
    [kept] = scene.kept()
    assert (kept["body"], kept["reason"], kept["correlation_id"]) == (
        "malformed \N{PILE OF POO}",
        "not JSON",
        "request-1",
    )
    assert kept["attributes"]["correlation_id"] == {"DataType": "String", "StringValue": "request-1"}
    assert [path.stat().st_mode & 0o777 for path in scene.folder.iterdir()] == [0o600]


def test_a_binary_attribute_is_kept_as_base64(scene, run):
    attribute = {"DataType": "Binary", "BinaryValue": b"\x00\xff"}
    scene.sqs.send_message(
        QueueUrl=scene.dead_url,
        MessageBody="body",
        MessageAttributes={"trace": attribute, "reason": {"DataType": "String", "StringValue": "not JSON"}},
    )
    assert run("--drop", "--reason", "not JSON").exit_code == 0
    [kept] = scene.kept()
    assert kept["attributes"]["trace"] == {"DataType": "Binary", "BinaryValue": "AP8="}


def test_dropping_is_bounded(scene, run):
    for number in range(15):
        scene.give_up(str(number), reason="not JSON")
    assert "12 dropped" in run("--drop", "--reason", "not JSON", "--at-most", "12").output
    assert (scene.count(scene.dead_url), len(scene.kept())) == (3, 12)


@pytest.mark.parametrize("options", [["--drop"], ["--drop", "--send", "--reason", "x"]])
def test_dropping_everything_or_dropping_and_sending_is_refused(scene, run, options):
    scene.give_up("message", reason="x")
    assert run(*options).exit_code == 2
    assert (scene.count(scene.dead_url), scene.count(scene.url)) == (1, 0)


def test_nothing_is_dropped_that_cannot_be_written_down(scene, run):
    scene.give_up("message", reason="x")
    scene.folder.parent.mkdir(exist_ok=True)
    scene.folder.write_text("a file where the folder should be")
    done = run("--drop", "--reason", "x")
    assert done.exit_code == 1
    assert scene.count(scene.dead_url) == 1


def test_a_message_that_cannot_be_dropped_is_still_there(scene, run, monkeypatch):
    scene.give_up("message", reason="x")
    monkeypatch.setattr(command, "_clients", lambda *_, **__: (Refusing(scene.sqs, "delete_message"), None))
    done = run("--drop", "--reason", "x")
    assert done.exit_code == 1
    assert "not deleted" in done.output
    assert "0 dropped, 1 failed" in done.output
    assert scene.count(scene.dead_url) == 1


def test_a_message_that_sqs_itself_gave_up_has_a_reason_too(scene):
    scene.give_up("silent")
    [letter] = DeadLetterQueue(scene.sqs, scene.name).letters(PLENTY)
    assert letter.reason == NO_REASON


def test_it_ends_after_as_many_messages_as_it_may(scene, run):
    for number in range(15):
        scene.give_up(str(number), reason="x")
    assert "12 put back" in run("--send", "--at-most", "12").output
    assert scene.count(scene.dead_url) == 3


def test_it_ends_after_as_many_seconds_as_it_may(scene):
    for number in range(15):
        scene.give_up(str(number), reason="x")
    times = iter([0, 1, 61])
    queue = DeadLetterQueue(scene.sqs, scene.name, monotonic=lambda: next(times))
    assert len(list(queue.letters(PLENTY))) == 10


def test_a_message_that_comes_back_at_once_is_moved_once(scene):
    """Otherwise a poison message would go round until the time is over."""
    scene.give_up("poison", reason="not JSON")
    queue = DeadLetterQueue(scene.sqs, scene.name)
    moved = 0
    for letter in queue.letters(PLENTY):
        assert queue.move(letter).failure is None
        scene.give_up("poison", reason="not JSON")  # a quick worker
        moved += 1
    assert moved == 1


def test_a_message_that_cannot_be_sent_stays_where_it_was(scene, run, monkeypatch):
    scene.give_up("message", reason="x")
    monkeypatch.setattr(command, "_clients", lambda *_, **__: (Refusing(scene.sqs, "send_message"), None))
    done = run("--send")
    assert done.exit_code == 1
    assert "not sent" in done.output
    assert (scene.count(scene.dead_url), scene.count(scene.url)) == (1, 0)


def test_a_message_that_cannot_be_deleted_is_there_twice_rather_than_not_at_all(scene, run, monkeypatch):
    scene.give_up("message", reason="x")
    monkeypatch.setattr(command, "_clients", lambda *_, **__: (Refusing(scene.sqs, "delete_message"), None))
    done = run("--send")
    assert done.exit_code == 1
    assert "sent, but not deleted here" in done.output
    assert (scene.count(scene.dead_url), scene.count(scene.url)) == (1, 1)


def test_an_interruption_between_sending_and_deleting_loses_nothing(scene, monkeypatch):
    scene.give_up("message", reason="x")
    queue = DeadLetterQueue(scene.sqs, scene.name)
    [letter] = queue.letters(PLENTY)

    def interrupt(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr(scene.sqs, "delete_message", interrupt)
    with pytest.raises(KeyboardInterrupt):
        queue.move(letter)
    queue.show_again(letter)
    assert (scene.count(scene.dead_url), scene.count(scene.url)) == (1, 1)


def test_a_queue_without_dead_letters_is_refused_with_a_sentence(scene):
    name = f"{scene.name}-dead"
    with pytest.raises(NotARedriveQueue, match="name the queue that the worker is fed from"):
        DeadLetterQueue(scene.sqs, name)


def test_an_unknown_queue_is_exit_code_1_and_one_line(scene, monkeypatch):
    monkeypatch.setattr(command, "_clients", lambda *_, **__: (scene.sqs, None))
    done = CliRunner().invoke(command.app, ["Nobody-knows-it"])
    assert done.exit_code == 1
    assert done.output.startswith("Nobody-knows-it: ")


def test_an_ordered_queue_is_refused(scene):
    with pytest.raises(NotARedriveQueue, match="keeps an order"):
        DeadLetterQueue(scene.sqs, "Orders.fifo")


def test_an_event_that_the_queue_did_not_take_says_why_and_goes_back_as_it_came(scene):
    event = json.dumps({"source": "aws.s3", "detail": {"object": {"key": "uploads/a"}}})
    said = {
        "ERROR_CODE": "NO_PERMISSIONS",
        "ERROR_MESSAGE": "not authorized",
        "EXHAUSTED_RETRY_CONDITION": "MaximumEventAgeInSeconds",
        "RETRY_ATTEMPTS": "0",
        "RULE_ARN": "arn:aws:events:us-east-1:123456789012:rule/Uploaded",
        "TARGET_ARN": "arn:aws:sqs:us-east-1:123456789012:Work",
    }
    scene.give_up(event, **said)
    scene.give_up("{}", ERROR_CODE="THROTTLING")
    queue = DeadLetterQueue(scene.sqs, scene.name)
    letters = {letter.body: letter for letter in queue.letters(PLENTY)}
    assert letters[event].reason == "NO_PERMISSIONS: not authorized"
    assert letters["{}"].reason == "THROTTLING"
    assert all(queue.move(letter).failure is None for letter in letters.values())
    assert scene.receive(scene.url) == {event: {}, "{}": {}}
