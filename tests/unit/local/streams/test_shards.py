"""A stream of several shards, which DynamoDB Local does not make: played."""

from typing import cast

import pytest

from cdk_app.local.streams.bridge import StreamConsumer
from cdk_app.local.streams.reader import Page, Record, Shard, StreamReader
from tests.support.streams import Consumer, PlayedClock, journal_in, stream_mapping

STREAM = "arn:aws:dynamodb:ddblocal:000000000000:table/Things/stream/1"


class PlayedStream:
    """Shards by their id, with the names of their records; those in `open` get more."""

    def __init__(self, **shards):
        self.parents = {shard: parent for shard, (parent, _) in shards.items()}
        self.names = {shard: list(names) for shard, (_, names) in shards.items()}
        self.open = set()
        self.looks = 0

    def shards(self):
        self.looks += 1
        return [Shard(STREAM, shard, parent) for shard, parent in self.parents.items()]

    def read(self, place):
        read, names = int(place.after or 0), self.names[place.shard.shard_id]
        records = [
            Record(str(number), 0.0, {"dynamodb": {"Keys": {"name": {"S": name}}}}, 1)
            for number, name in enumerate(names, start=1)
            if number > read
        ]
        return Page(records, is_last=place.shard.shard_id not in self.open)


class Scene:
    def __init__(self, stream, journal):
        self.clock = PlayedClock()
        self.function = Consumer()
        self.consumer = StreamConsumer(
            stream_mapping("Things"), cast("StreamReader", stream), journal, self.function.calls(self.clock)
        )

    def turns(self, count=10):
        for _ in range(count):
            self.consumer.turn()
            self.clock.seconds += 1


@pytest.fixture
def journal(tmp_path):
    with journal_in(tmp_path) as journal:
        yield journal


def test_a_shard_waits_for_its_parent_and_not_for_others(journal):
    stream = PlayedStream(child=("parent", "cd"), parent=("trimmed", "ab"), other=(None, "xy"))
    stream.open = {"parent"}
    scene = Scene(stream, journal)
    scene.turns()
    assert "".join(scene.function.names) == "abxy"
    stream.open = set()
    scene.turns()
    assert "".join(scene.function.names) == "abxycd"


def test_what_is_finished_is_looked_through_again_for_new_shards_every_few_seconds(journal):
    stream = PlayedStream(first=(None, "a"))
    scene = Scene(stream, journal)
    scene.turns(21)
    assert "".join(scene.function.names) == "a"
    assert 5 <= stream.looks <= 7
    stream.parents["second"], stream.names["second"] = "first", ["b"]
    scene.turns()
    assert "".join(scene.function.names) == "ab"


def test_every_shard_has_a_position_of_its_own(journal):
    stream = PlayedStream(parent=(None, "ab"), child=("parent", "c"))
    stream.open = {"child"}
    Scene(stream, journal).turns()
    stream.names["child"].append("d")
    again = Scene(stream, journal)
    again.turns()
    assert again.function.names == ["d"]
