"""Messages of tasks: what they say, and who works on each kind."""

import pytest

from lambda_src.runtime.messages import Malformed
from lambda_src.services.algoitny.messages import TYPES, TaskMessage, parse_message
from lambda_src.services.algoitny.models.tasks import Task

TASK_ID = "01K71V2JG0A1B2C3D4E5F6G7H8"


def task(kind, **arguments):
    return Task(task_id=TASK_ID, kind=kind, created_at=1, updated_at=1, expires_at=1, arguments=arguments)


@pytest.mark.parametrize("kind", TYPES)
def test_a_message_is_read_as_it_was_written(kind):
    message = TaskMessage.of(task(kind, user_id=7))

    assert parse_message(message.text()) == message
    assert (message.type, message.args) == (TYPES[kind], {"user_id": 7})


def test_a_message_carries_ids_and_nothing_else():
    message = TaskMessage.of(task("user_purge", user_id=7, history_id="h", code="print(1)", totals={"a": 1}))

    assert message.args == {"user_id": 7, "history_id": "h"}


def test_members_that_a_later_version_adds_are_passed_over():
    body = f'{{"v":1,"type":"user.purge","task_id":"{TASK_ID}","requested_at":"2025-10-08T12:00:00.000Z"}}'

    assert parse_message(body).task_id == TASK_ID


def test_a_reason_never_shows_the_message():
    with pytest.raises(Malformed) as refused:
        parse_message('{"v":1,"type":"secret","task_id":"secret"}')
    assert "secret" not in refused.value.detail
