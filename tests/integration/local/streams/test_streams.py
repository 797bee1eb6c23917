"""Streams of DynamoDB Local, fed to a function that a test plays, one turn at a time."""

import base64
import threading
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from cdk_app.local.layout import LocalCloudError
from cdk_app.local.streams.batches import Calls
from cdk_app.local.streams.reader import MAX_ITERATORS
from cdk_app.local.tables import bring_about
from tests.support.streams import (
    FUNCTION_ARN,
    Consumer,
    deliver,
    fails_with,
    running,
    stream_mapping,
    stream_table,
    until,
)


def test_a_function_is_given_what_lambda_gives_it(engine, table, journal):
    function = Consumer()
    bridge = engine.bridge(journal, table, function.calls())
    number = "12345678901234567890123456789012345678"
    engine.put(table, "a", blob={"B": b"\x00\xff"}, number={"N": number}, all={"L": [{"NULL": True}, {"BS": [b"x"]}]})
    engine.put(table, "a")
    engine.delete(table, "a")
    deliver(bridge, lambda: len(function.names) == 3)
    [event] = function.events
    inserted, modified, removed = event["Records"]
    assert inserted["eventName"] == "INSERT"
    assert inserted["awsRegion"] == "us-east-1"
    assert inserted["eventSource"] == "aws:dynamodb"
    assert inserted["eventSourceARN"] == stream_mapping(table.name).source_arn
    assert isinstance(inserted["dynamodb"]["ApproximateCreationDateTime"], int)
    image = inserted["dynamodb"]["NewImage"]
    assert image["blob"] == {"B": base64.b64encode(b"\x00\xff").decode()}
    assert image["number"] == {"N": number}
    assert image["all"] == {"L": [{"NULL": True}, {"BS": [base64.b64encode(b"x").decode()]}]}
    assert modified["eventName"] == "MODIFY"
    assert modified["dynamodb"]["OldImage"] == image
    assert removed["eventName"] == "REMOVE"
    assert "NewImage" not in removed["dynamodb"]


def test_batches_come_in_order_and_nothing_comes_twice(engine, table, journal):
    function = Consumer()
    names = [str(number) for number in range(25)]
    engine.put(table, *names)
    with running(engine.bridge(journal, table, function.calls())):
        until(lambda: len(function.names) == 25)
        engine.put(table, "later")
        until(lambda: len(function.names) == 26)
    assert function.names == [*names, "later"]
    assert [len(batch) for batch in function.batches[:3]] == [10, 10, 5]


def test_two_functions_on_one_stream_do_not_wait_for_each_other(engine, table, journal):
    slow, quick = Consumer(), Consumer()
    held = threading.Event()
    slow.handler = lambda _names: held.wait(30) and None

    functions = {"slow": slow, "quick": quick}
    mappings = [stream_mapping(table.name, name=name, function_arn=name) for name in functions]
    both = Calls(lambda name, event: functions[name].invoke(FUNCTION_ARN, event), quick.send)
    engine.put(table, "a")
    with running(engine.bridge(journal, table, both, *mappings)):
        until(lambda: quick.names == slow.names == ["a"])
        engine.put(table, "b")
        until(lambda: quick.names == ["a", "b"])
        assert slow.names == ["a"]
        held.set()
        until(lambda: slow.names == ["a", "b"])


def test_a_function_is_given_only_what_its_filters_let_through(engine, table, journal):
    function = Consumer()
    wanted = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"kind": {"S": ["history"]}}}}
    bridge = engine.bridge(journal, table, function.calls(), stream_mapping(table.name, wanted))
    engine.put(table, "other")
    engine.put(table, "a", "b", kind={"S": "history"})
    engine.put(table, "a", kind={"S": "history"}, changed={"BOOL": True})
    deliver(bridge, lambda: len(function.names) == 2)
    assert function.names == ["a", "b"]


def test_poison_is_found_given_up_and_left_behind(engine, table, journal):
    function = Consumer(fails_with("3"))
    mapping = stream_mapping(table.name, bisects=True, max_retries=0)
    engine.put(table, *(str(number) for number in range(8)))
    with running(engine.bridge(journal, table, function.calls(), mapping)):
        until(lambda: "7" in function.names and bool(function.sent) and function.batches[-1][-1] == "7")
    [notice] = function.sent
    where = notice["DDBStreamBatchInfo"]
    assert where["batchSize"] == 1
    stream = engine.dynamodb.describe_table(TableName=table.name)["Table"]["LatestStreamArn"]
    iterator = engine.streams.get_shard_iterator(
        StreamArn=stream,
        ShardId=where["shardId"],
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        SequenceNumber=where["startSequenceNumber"],
    )["ShardIterator"]
    [record] = engine.streams.get_records(ShardIterator=iterator, Limit=1)["Records"]
    assert record["dynamodb"]["Keys"] == {"name": {"S": "3"}}


def test_another_bridge_goes_on_where_the_last_one_was(engine, table, journal):
    first, second = Consumer(), Consumer()
    engine.put(table, "a", "b")
    deliver(engine.bridge(journal, table, first.calls()), lambda: len(first.names) == 2)
    engine.put(table, "c")
    deliver(engine.bridge(journal, table, second.calls()), lambda: bool(second.names))
    assert second.names == ["c"]


def test_what_a_function_did_not_do_comes_again_from_another_bridge(engine, table, journal):
    first, second = Consumer(fails_with("b")), Consumer()
    mapping = stream_mapping(table.name, batch_size=1)
    engine.put(table, "a", "b", "c")
    deliver(engine.bridge(journal, table, first.calls(), mapping), lambda: "b" in first.names)
    deliver(engine.bridge(journal, table, second.calls(), mapping), lambda: len(second.names) == 2)
    assert second.names == ["b", "c"]


def test_a_function_that_is_new_is_given_what_the_stream_still_has(engine, table, journal):
    old, new = Consumer(), Consumer()
    engine.put(table, "a")
    deliver(engine.bridge(journal, table, old.calls()), lambda: bool(old.names))
    bridge = engine.bridge(journal, table, new.calls(), stream_mapping(table.name, name="local-Things/Other"))
    deliver(bridge, lambda: bool(new.names))
    assert new.names == ["a"]


def test_a_closed_shard_is_read_to_its_end_and_then_the_new_stream_from_its_beginning(engine, table, journal):
    function = Consumer()
    bridge = engine.bridge(journal, table, function.calls())
    engine.put(table, "a")
    deliver(bridge, lambda: function.names == ["a"])
    engine.put(table, "b")
    for is_on in (False, True):
        view = {"StreamViewType": "NEW_AND_OLD_IMAGES"} if is_on else {}
        engine.dynamodb.update_table(TableName=table.name, StreamSpecification={"StreamEnabled": is_on, **view})
    engine.put(table, "c")
    deliver(bridge, lambda: len(function.names) == 3)
    assert function.names == ["a", "b", "c"]


def test_a_table_that_was_made_anew_begins_at_the_beginning(engine, journal):
    table = stream_table()
    function = Consumer()
    for name in ("a", "b"):
        bring_about(engine.dynamodb, table)
        engine.put(table, name)
        deliver(engine.bridge(journal, table, function.calls()), function.had(name))
        engine.dynamodb.delete_table(TableName=table.name)
    assert function.names == ["a", "b"]


def test_a_table_that_has_no_stream_yet_is_looked_after(engine, journal):
    table = stream_table(stream_view=None)
    bring_about(engine.dynamodb, table)
    function = Consumer()
    with running(engine.bridge(journal, table, function.calls())):
        engine.put(table, "before")
        bring_about(engine.dynamodb, replace(table, stream_view="NEW_IMAGE"))
        engine.put(table, "a")
        until(lambda: bool(function.names))
    assert function.names == ["a"]
    engine.dynamodb.delete_table(TableName=table.name)


def test_a_mapping_of_a_table_that_no_stack_has_is_refused(engine, table, journal):
    with pytest.raises(LocalCloudError, match="reads the stream of Others-local, which no stack has"):
        engine.bridge(journal, table, Consumer().calls(), stream_mapping("Others-local"))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bridge_that_cannot_note_what_is_done_says_that_it_ended(engine, table, journal, caplog):
    function = Consumer()
    with running(engine.bridge(journal, table, function.calls())) as bridge:
        engine.put(table, "a")
        until(function.had("a"))
        assert bridge.is_running
        journal.close()
        engine.put(table, "b")
        until(lambda: not bridge.is_running)
    assert "Cannot operate on a closed database" in caplog.text


class Losing:
    """The streams client, one of whose answers is an error of a kind."""

    def __init__(self, streams, code):
        self._streams = streams
        self.code = code
        self.iterators = []

    def __getattr__(self, name):
        return getattr(self._streams, name)

    def get_shard_iterator(self, **request):
        self.iterators.append(request["ShardIteratorType"])
        return self._streams.get_shard_iterator(**request)

    def get_records(self, **request):
        if self.code:
            code, self.code = self.code, None
            raise ClientError({"Error": {"Code": code}}, "GetRecords")
        return self._streams.get_records(**request)


@pytest.mark.parametrize("code", ["ExpiredIteratorException", "TrimmedDataAccessException"])
def test_a_lost_iterator_is_made_anew_after_the_last_record(engine, table, journal, code):
    engine.streams = losing = Losing(engine.streams, None)
    function = Consumer()
    bridge = engine.bridge(journal, table, function.calls())
    engine.put(table, "a")
    deliver(bridge, lambda: function.names == ["a"])
    engine.put(table, "b")
    losing.code = code
    deliver(bridge, lambda: len(function.names) == 2)
    assert function.names == ["a", "b"]
    assert losing.iterators == ["TRIM_HORIZON", "AT_SEQUENCE_NUMBER"]


def test_what_the_engine_has_forgotten_is_passed_over_and_the_rest_comes(engine, table, journal):
    engine.put(table, "a", "b")
    journal.save_position("local-Things/Feed", *beginning_of(engine, table))
    engine.streams = losing = Losing(engine.streams, "TrimmedDataAccessException")
    function = Consumer()
    deliver(engine.bridge(journal, table, function.calls()), lambda: bool(function.names))
    assert losing.iterators == ["AT_SEQUENCE_NUMBER", "TRIM_HORIZON"]
    assert function.names == ["a", "b"]


@pytest.mark.parametrize("offset", [-1, 1000])
def test_a_position_that_the_shard_does_not_have_counts_for_nothing(engine, table, journal, offset):
    engine.put(table, "a")
    stream, shard, first = beginning_of(engine, table)
    journal.save_position("local-Things/Feed", stream, shard, f"{int(first) + offset:021}")
    function = Consumer()
    deliver(engine.bridge(journal, table, function.calls()), lambda: bool(function.names))
    assert function.names == ["a"]


class Vague(Losing):
    """An engine that answers with what comes later when it does not have a record any more."""

    def get_shard_iterator(self, **request):
        if request.pop("SequenceNumber", None):
            request["ShardIteratorType"] = "TRIM_HORIZON"
        return super().get_shard_iterator(**request)


def test_an_engine_that_answers_with_later_records_loses_none_of_them(engine, table, journal):
    engine.put(table, "a", "b")
    stream, shard, first = beginning_of(engine, table)
    journal.save_position("local-Things/Feed", stream, shard, f"{int(first) - 1:021}")
    engine.streams = Vague(engine.streams, None)
    function = Consumer()
    deliver(engine.bridge(journal, table, function.calls()), lambda: bool(function.names))
    assert function.names == ["a", "b"]


def test_a_stream_that_is_gone_is_at_its_end(engine, table, journal):
    engine.streams = losing = Losing(engine.streams, None)
    function = Consumer()
    bridge = engine.bridge(journal, table, function.calls(), stream_mapping(table.name, window_seconds=300))
    engine.put(table, "a")
    bridge.turn()
    assert function.names == []
    losing.code = "ResourceNotFoundException"
    deliver(bridge, lambda: bool(function.names))
    assert function.names == ["a"]


def beginning_of(engine, table):
    """Stream, shard and first sequence number of a table."""
    stream = engine.dynamodb.describe_table(TableName=table.name)["Table"]["LatestStreamArn"]
    [shard] = engine.streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
    return stream, shard["ShardId"], shard["SequenceNumberRange"]["StartingSequenceNumber"]


def test_an_idle_stream_is_asked_once_for_all_its_functions(engine, table, journal):
    asked = []

    class Counting(Losing):
        def get_records(self, **request):
            asked.append(request)
            return super().get_records(**request)

    engine.streams = Counting(engine.streams, None)
    mappings = [stream_mapping(table.name, name=str(number)) for number in range(4)]
    bridge = engine.bridge(journal, table, Consumer().calls(), *mappings)
    for _ in range(3):
        bridge.turn()
    assert len(asked) == 1


def test_functions_that_read_the_same_records_share_their_iterators(engine, table, journal):
    engine.streams = losing = Losing(engine.streams, None)
    mappings = [stream_mapping(table.name, name=str(number)) for number in range(4)]
    function = Consumer()
    bridge = engine.bridge(journal, table, function.calls(), *mappings)
    for name in ("a", "b"):
        engine.put(table, name)
        deliver(bridge, function.had(name, times=len(mappings)))
    assert losing.iterators == ["TRIM_HORIZON"]


def test_iterators_do_not_pile_up(engine, table, journal):
    function = Consumer()
    bridge = engine.bridge(journal, table, function.calls())
    for number in range(MAX_ITERATORS + 5):
        engine.put(table, str(number))
        deliver(bridge, function.had(str(number)))
    [consumer] = bridge._consumers
    assert len(consumer._reader._iterators) <= MAX_ITERATORS
