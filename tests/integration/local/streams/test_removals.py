"""Removals of expired items, which DynamoDB makes and says so, and the local cloud's sweeper makes in its place."""

import json
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cdk_app.local.expiry import delete_expired, settle
from tests.support.streams import Consumer, deliver, journal_in, running, stream_mapping, until

PAST, FUTURE = {"N": "1000000000"}, {"N": "9000000000"}
NOW = 1_800_000_000
BY_EXPIRY = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


def removals(function):
    """Names of removed items, with whom each record says it was."""
    return {
        record["dynamodb"]["Keys"]["name"]["S"]: record.get("userIdentity")
        for event in function.events
        for record in event["Records"]
        if record["eventName"] == "REMOVE"
    }


def test_a_filter_can_ask_for_removals_by_expiry(engine, table, journal):
    function = Consumer()
    wanted = {"eventName": ["REMOVE"], "userIdentity": {"type": ["Service"]}}
    bridge = engine.bridge(journal, table, function.calls(), stream_mapping(table.name, wanted))
    engine.put(table, "expired", "deleted", expires_at=PAST)
    engine.delete(table, "deleted")
    assert delete_expired(engine.dynamodb, table, journal, now=NOW) == 1
    deliver(bridge, lambda: bool(function.names))
    assert function.names == ["expired"]


def test_removals_by_the_sweeper_say_so_and_others_do_not(engine, table, journal):
    function = Consumer()
    bridge = engine.bridge(journal, table, function.calls())
    engine.put(table, "expired", "deleted", expires_at=PAST)
    engine.put(table, "kept", expires_at=FUTURE)
    engine.delete(table, "deleted")
    delete_expired(engine.dynamodb, table, journal, now=NOW)
    engine.delete(table, "kept")
    deliver(bridge, lambda: len(removals(function)) == 3)
    assert removals(function) == {"expired": BY_EXPIRY, "deleted": None, "kept": None}


def test_the_mark_lasts_over_a_restart_and_every_reading(engine, table, journal, tmp_path):
    engine.put(table, "expired", expires_at=PAST)
    delete_expired(engine.dynamodb, table, journal, now=NOW)
    journal.close()
    for number in range(2):
        function = Consumer()
        with journal_in(tmp_path) as reopened:
            mapping = stream_mapping(table.name, name=str(number))
            deliver(engine.bridge(reopened, table, function.calls(), mapping), lambda: bool(removals(function)))  # noqa: B023
        assert removals(function) == {"expired": BY_EXPIRY}


def test_an_item_that_is_put_again_and_deleted_is_no_removal_by_the_sweeper(engine, table, journal):
    function = Consumer()
    bridge = engine.bridge(journal, table, function.calls())
    engine.put(table, "a", expires_at=PAST)
    delete_expired(engine.dynamodb, table, journal, now=NOW)
    engine.put(table, "a", expires_at=PAST)
    engine.delete(table, "a")
    deliver(bridge, lambda: len(function.names) == 4)
    marks = [record.get("userIdentity") for event in function.events for record in event["Records"]]
    assert marks == [None, BY_EXPIRY, None, None]


class Racing:
    """The client, with something that happens just before the sweeper's deletion."""

    def __init__(self, dynamodb, before):
        self._dynamodb = dynamodb
        self._before = before

    def __getattr__(self, name):
        return getattr(self._dynamodb, name)

    def delete_item(self, **request):
        self._before()
        return self._dynamodb.delete_item(**request)


def racing(dynamodb, before) -> Any:
    return Racing(dynamodb, before)


def test_an_application_that_deletes_first_is_told_apart_at_any_moment(engine, table, journal):
    function = Consumer()
    bridge = engine.bridge(journal, table, function.calls())
    engine.put(table, "a", expires_at=PAST)
    reading = threading.Thread(target=deliver, args=(bridge, lambda: bool(removals(function))))

    def application_deletes():
        engine.delete(table, "a")
        reading.start()  # meets the record while nobody knows yet whose it is, and has to wait
        reading.join(1)

    swept = delete_expired(racing(engine.dynamodb, application_deletes), table, journal, now=NOW)
    reading.join()
    assert swept == 0
    assert removals(function) == {"a": None}


def test_many_applications_and_the_sweeper_at_once(engine, table, journal):
    names = [str(number) for number in range(60)]
    engine.put(table, *names, expires_at=PAST)
    mine = set()

    def application():
        for name in reversed(names):
            deleted = engine.dynamodb.delete_item(
                TableName=table.name, Key={"name": {"S": name}}, ReturnValues="ALL_OLD"
            )
            if "Attributes" in deleted:
                mine.add(name)

    function = Consumer()
    with running(engine.bridge(journal, table, function.calls())):
        other = threading.Thread(target=application)
        other.start()
        swept = delete_expired(engine.dynamodb, table, journal, now=NOW)
        other.join()
        until(lambda: len(removals(function)) == 60)
    assert swept + len(mine) == 60
    assert {name for name, mark in removals(function).items() if mark is None} == mine


class Killed(BaseException):
    """The process ends here."""


def killing():
    raise Killed


@pytest.mark.parametrize("is_deleted", [True, False])
def test_a_kill_in_the_middle_of_a_removal_is_found_out_about(engine, table, journal, is_deleted):
    engine.put(table, "a", expires_at=PAST)

    def kill():
        if is_deleted:
            engine.delete(table, "a")
        killing()

    with pytest.raises(Killed):
        delete_expired(racing(engine.dynamodb, kill), table, journal, now=NOW)
    assert len(journal.unsure()) == 1
    settle(engine.dynamodb, [table], journal)
    assert journal.unsure() == []
    if not is_deleted:
        engine.delete(table, "a")  # by an application
    function = Consumer()
    deliver(engine.bridge(journal, table, function.calls()), lambda: bool(removals(function)))
    assert removals(function) == {"a": BY_EXPIRY if is_deleted else None}


def test_a_removal_from_a_table_that_is_gone_is_forgotten(engine, journal):
    with pytest.raises(Killed), journal.removing("Gone-local", {"name": {"S": "a"}}, "1", now=NOW):
        raise Killed
    settle(engine.dynamodb, [], journal)
    assert journal.unsure() == []


def test_keys_of_any_type_are_kept(journal):
    key = {"PK": {"B": b"\x00\xff"}, "SK": {"N": "1"}}
    with pytest.raises(Killed), journal.removing("Things", key, "1", now=NOW):
        raise Killed
    assert [found for _, _, found, _ in journal.unsure()] == [key]


@pytest.mark.parametrize(("minutes", "is_removal"), [(-2, False), (0, True), (2, True)])
def test_what_was_removed_before_the_sweeper_came_was_not_removed_by_it(journal, minutes, is_removal):
    key = {"name": {"S": "a"}}
    with journal.removing("Things", key, "1", now=NOW):
        pass
    asked = {"event_id": "1", "expiry": "1", "created_at": NOW + 60 * minutes}
    assert journal.is_removal("Things", key, **asked) == is_removal


def test_an_item_with_another_expiry_was_not_removed_by_the_sweeper(journal):
    key = {"name": {"S": "a"}}
    with journal.removing("Things", key, "1", now=NOW):
        pass
    asked = {"event_id": "1", "created_at": NOW}
    assert not journal.is_removal("Things", key, expiry="2", **asked)
    assert journal.is_removal("Things", key, expiry=None, **asked)  # where the stream shows keys only


def test_a_refusal_after_a_try_that_was_lost_says_nothing(journal):
    """The first try may have been carried out, and its answer lost."""
    told: Any = {"Error": {"Code": "ConditionalCheckFailedException"}, "ResponseMetadata": {"RetryAttempts": 1}}
    with pytest.raises(ClientError), journal.removing("Things", {"name": {"S": "a"}}, "1", now=NOW):
        raise ClientError(told, "DeleteItem")
    assert len(journal.unsure()) == 1


def test_what_no_stream_remembers_is_forgotten(journal):
    old, new = ({"name": {"S": name}} for name in ("old", "new"))
    for key, now in ((old, 0), (new, NOW)):
        with journal.removing("Things", key, "1", now=now):
            pass
    known = [
        journal.is_removal("Things", key, event_id=json.dumps(key), expiry="1", created_at=NOW) for key in (old, new)
    ]
    assert known == [False, True]
