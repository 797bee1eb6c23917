"""How fast a copy is, beside the same items written by nothing but DynamoDB's client, on the same engine."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import batched, islice
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from lambda_src.dynamo.batches import ITEMS_PER_WRITE
from lambda_src.dynamo.boto3_client import make_client
from lambda_src.dynamo.render import create_table_input
from lambda_src.dynamo.values import Request
from lambda_src.migration.derive import derive
from lambda_src.migration.phases.copy import copy
from lambda_src.migration.phases.delta import delta
from lambda_src.migration.phases.job import Advance, Job
from lambda_src.migration.phases.rollback import rollback
from lambda_src.migration.phases.verify import verify
from lambda_src.migration.snapshot import Snapshot
from lambda_src.migration.target.place import WORKERS
from tests.support.migration.scenes import Moving

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

WARM_UP_ITEMS: Final = 20_000  # until Java has compiled what it runs often
PUTS: Final = 5_000  # one after the other; all of them would take many minutes
WRITING: Final = "Writing items"
WHOLE_COPY: Final = "copy"

type Writes = Sequence[tuple[str, Mapping[str, Any]]]
"""Items of the wire with the physical names of their tables."""


class WrongResult(RuntimeError):
    """The migration did not do what is measured."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Items per second of one round, whose parts ran one after the other.

    copy: from reading the source to the last checkpoint. writing: of that, deriving and writing. alone: BatchWriteItem
    of items prepared beforehand, by as many threads. one_by_one: PutItem, the way of a script without threads.
    """

    copy: float
    writing: float
    alone: float
    one_by_one: float


@dataclass(frozen=True, slots=True)
class Speed:
    """What was measured of one service. seconds: of each step of the last round."""

    rows: int
    items: int
    rounds: Sequence[Rates]
    seconds: Mapping[str, float]

    def median(self, of: Callable[[Rates], float]) -> float:
        return median(map(of, self.rounds))


@dataclass
class _Clock:
    """Progress that is timed. seconds: by title of the step."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, title: str, total: int | None = None) -> Iterator[Advance]:
        with self.timing(title):
            yield lambda _: None

    @contextmanager
    def timing(self, title: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds[title] = time.perf_counter() - began


def speed(moving: Moving, *, rounds: int) -> Speed:
    """Move a filled source so many times. Raises WrongResult when a row is lost."""
    measured: list[Rates] = []
    for number in range(rounds):
        clock = _Clock()
        client = _client(moving)
        job = replace(moving.job(moving.operator(f"round {number}"), client), progress=clock)
        if not measured:
            _warm_up(moving, job)
        with clock.timing(WHOLE_COPY):
            copied = copy(job)
        seconds = dict(clock.seconds)
        seconds |= _rest_of_the_way(job)
        with job.kept_snapshot(copied.state.source_digest) as snapshot:
            alone, one_by_one = _references(moving, job, snapshot)
        copy_rate, writing_rate = (copied.items / clock.seconds[title] for title in (WHOLE_COPY, WRITING))
        measured.append(Rates(copy_rate, writing_rate, alone, one_by_one))
    return Speed(sum(copied.source.read.values()), copied.items, measured, seconds)


def _rest_of_the_way(job: Job) -> Mapping[str, float]:
    """Seconds of what an operator does after a copy."""
    clock = _Clock()
    with clock.timing("verify --full"):
        verified = verify(job, full=True)
    with clock.timing("delta, when nothing changed"):
        repairs = delta(job)[1]
    with clock.timing("rollback"):
        undone = rollback(job)
    if not verified.is_equal or repairs.put or repairs.deleted or undone.kept:
        raise WrongResult(f"{verified.counts} {verified.unlike} {repairs} {undone}")
    return clock.seconds


def _references(moving: Moving, job: Job, snapshot: Snapshot) -> tuple[float, float]:
    """Rates of BatchWriteItem alone, and of PutItem."""
    writes = list(_writes(job, snapshot))
    _empty(job)
    alone = _in_batches(_client(moving), list(_requests(writes)), len(writes))
    _empty(job)
    return alone, _one_by_one(_client(moving), writes[:: max(1, len(writes) // PUTS)])


def _warm_up(moving: Moving, job: Job) -> None:
    with job.fresh_snapshot() as snapshot:
        some = list(islice(_writes(job, snapshot), WARM_UP_ITEMS))
    _in_batches(_client(moving), list(_requests(some)), len(some))
    _empty(job)


def _writes(job: Job, snapshot: Snapshot) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for answer in derive(snapshot, job.mapping, job.place.migration_id):
        for table, item in answer.items:
            yield job.place.caller.physical_name(table), item


def _requests(writes: Writes) -> Iterator[Request]:
    for batch in batched(writes, ITEMS_PER_WRITE, strict=False):
        request: Request = {}
        for name, item in batch:
            request.setdefault(name, []).append({"PutRequest": {"Item": item}})
        yield request


def _in_batches(client: "DynamoDBClient", batches: Sequence[Request], items: int) -> float:
    def write(left: Any) -> None:
        while left:
            left = client.batch_write_item(RequestItems=left)["UnprocessedItems"]

    began = time.perf_counter()
    with ThreadPoolExecutor(WORKERS) as pool:
        for _ in pool.map(write, batches):
            pass
    return items / (time.perf_counter() - began)


def _one_by_one(client: "DynamoDBClient", writes: Writes) -> float:
    began = time.perf_counter()
    for name, item in writes:
        client.put_item(TableName=name, Item=item)
    return len(writes) / (time.perf_counter() - began)


def _empty(job: Job) -> None:
    """Make the tables anew."""
    client = job.place.operator
    for table in job.mapping.tables:
        name = job.place.caller.physical_name(table)
        client.delete_table(TableName=name)
        client.create_table(**create_table_input(table, name))


def _client(moving: Moving) -> "DynamoDBClient":
    return make_client(
        region="us-east-1",
        endpoint_url=moving.endpoint_url,
        read_timeout_seconds=60,
        max_pool_connections=2 * WORKERS,
    )
