"""Feeds the streams of DynamoDB Local to functions: Lambda's event source mapping, which the emulator has for its own
tables only.

One thread per mapping, so that a function that is slow or fails holds nobody else up. Within a mapping records are
handed over one batch at a time: `ParallelizationFactor` makes AWS faster and changes no order that it promises.
"""

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from cdk_app.local.layout import LocalCloudError
from cdk_app.local.streams.batches import Calls, ShardConsumer
from cdk_app.local.streams.journal import Journal
from cdk_app.local.streams.mappings import StreamMapping
from cdk_app.local.streams.reader import POLL_SECONDS, Shard, StreamReader, StreamsClient
from cdk_app.local.tables import DeployedTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 5  # for a new stream or shard, while there is none to read
MAX_PAUSE_SECONDS: Final = 5.0  # while the engine does not answer
STOP_SECONDS: Final = 5.0  # for what is under way


@contextmanager
def logged(path: Path) -> Iterator[None]:
    """While inside, what is read, and what fails, is written to a file, and to it alone."""
    with closing(logging.FileHandler(path, mode="w", encoding="utf-8", delay=True)) as handler:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        package = logging.getLogger(__package__)
        package.addHandler(handler)
        package.setLevel(logging.INFO)
        try:
            yield
        finally:
            package.removeHandler(handler)


class StreamBridge:
    """All mappings of a local cloud, from `start` to `stop`; `turn` is for whoever wants no threads.

    tables: those that the mappings read, by name. Raises LocalCloudError for one that is missing.
    """

    def __init__(
        self,
        mappings: Iterable[StreamMapping],
        tables: Mapping[str, DeployedTable],
        *,
        dynamodb: "DynamoDBClient",
        streams: StreamsClient,
        journal: Journal,
        calls: Calls,
    ) -> None:
        readers: dict[str, StreamReader] = {}
        self._consumers = []
        for mapping in mappings:
            table = tables.get(mapping.table_name)
            if table is None:
                raise LocalCloudError(f"{mapping.name} reads the stream of {mapping.table_name}, which no stack has")
            if table.name not in readers:
                readers[table.name] = StreamReader(dynamodb, streams, table, journal, clock=calls.clock)
            self._consumers.append(StreamConsumer(mapping, readers[table.name], journal, calls))
        self._announce = calls.announce
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(consumer,), name=consumer.name, daemon=True)
            for consumer in self._consumers
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the threads. What is under way is given five seconds; unless it is done by then, it comes again."""
        self._ended.set()
        ends_at = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(ends_at - time.monotonic(), 0))

    @property
    def is_running(self) -> bool:
        """Whether all threads are alive; one that met what it does not know has ended."""
        return all(thread.is_alive() for thread in self._threads)

    def turn(self) -> bool:
        """Each mapping once: read a page, hand over what is due. Whether there may be more to do at once."""
        return sum(consumer.turn() for consumer in self._consumers) > 0

    def _run(self, consumer: "StreamConsumer") -> None:
        pause, failures = 0.0, 0
        while not self._ended.wait(pause):
            try:
                pause = 0.0 if consumer.turn() else POLL_SECONDS
                failures = 0
            except (BotoCoreError, ClientError) as error:  # the engine may be starting anew
                logger.warning("The stream for %s cannot be read: %s", consumer.name, error)
                if failures == 1:  # more than a hiccup
                    self._announce(f"The stream for {consumer.name} cannot be read: {error}; it is tried again")
                pause = min(POLL_SECONDS * 2.0 ** min(failures, 10), MAX_PAUSE_SECONDS)
                failures += 1
            except Exception:
                logger.exception("%s met what it does not know", consumer.name)
                raise


class StreamConsumer:
    """One mapping: its function's way through all shards of its table's stream, a parent before its children."""

    def __init__(self, mapping: StreamMapping, reader: StreamReader, journal: Journal, calls: Calls) -> None:
        self.name = mapping.name
        self._mapping = mapping
        self._reader = reader
        self._journal = journal
        self._calls = calls
        self._open: dict[Shard, ShardConsumer] = {}
        self._finished: set[Shard] = set()
        self._looks_at = 0.0

    def turn(self) -> bool:
        """Each open shard once. Whether there may be more to do at once. Raises botocore's errors."""
        if not self._open and self._calls.clock.monotonic() >= self._looks_at:
            self._look()
        busy = sum(consumer.turn() for consumer in self._open.values())
        finished = {shard for shard, consumer in self._open.items() if consumer.is_finished}
        if finished:
            self._finished |= finished
            self._look()
        return busy > 0

    def _look(self) -> None:
        """Open the shards that may be read by now; those of a stream that is no more are read to their end first."""
        self._looks_at = self._calls.clock.monotonic() + LOOK_SECONDS
        self._open = {shard: consumer for shard, consumer in self._open.items() if shard not in self._finished}
        listed = self._reader.shards()
        unfinished = {shard.shard_id for shard in listed if shard not in self._finished}
        for shard in listed:
            if shard.shard_id in unfinished and shard not in self._open and shard.parent_id not in unfinished:
                self._open[shard] = self._consumer(shard)

    def _consumer(self, shard: Shard) -> ShardConsumer:
        place = self._mapping.name, shard.stream_arn, shard.shard_id
        logger.info("%s reads %s, %s", self.name, shard.stream_arn, shard.shard_id)
        return ShardConsumer(
            self._mapping,
            shard,
            self._reader,
            after=self._journal.position(*place),
            save=lambda sequence_number: self._journal.save_position(*place, sequence_number),
            calls=self._calls,
        )
