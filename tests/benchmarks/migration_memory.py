"""Moves generated rows to nowhere, in a process of its own, and says how long that took and how much memory.

Everything but the two ends is as in a copy: rows are prepared and kept, settled, derived, batched and sent through
botocore, whose requests are answered before they leave.
"""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSResponse

from lambda_src.dynamo.boto3_client import make_client
from lambda_src.migration.derive import derive
from lambda_src.migration.snapshot import Snapshot
from lambda_src.migration.target.comparison import Comparison
from lambda_src.migration.target.place import Place
from lambda_src.migration.target.state import Journal
from lambda_src.migration.target.writer import write
from tests.support.botocore_faults import answer_of
from tests.support.migration.scenes import SERVICES, Service
from tests.support.peak_memory import peak_bytes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


@dataclass(frozen=True, slots=True)
class Step:
    """One step. megabytes: the most the process ever had so far."""

    name: str
    things: int
    seconds: float
    megabytes: float


def steps(service: Service, rows: int, folder: Path) -> Iterator[Step]:
    """Each step of a move to nowhere, done when it is asked for."""
    mapping = service.mapping
    client = make_client(region="us-east-1", endpoint_url="http://127.0.0.1:9")
    _answer_at_once(client)
    place = Place.of(mapping, client, {table.name: table.base_name for table in mapping.tables})

    journal = Journal(place)
    began = time.perf_counter()
    yield _step("imported", 0, began)

    with Snapshot.begin(folder / "snapshot.sqlite", mapping) as snapshot:
        began = time.perf_counter()
        loaded = sum(snapshot.load(mapping.source(table), of) for table, of in service.many(rows))
        yield _step("rows prepared and kept", loaded, began)
        began = time.perf_counter()
        snapshot.finish(taken_at="", mapping_version="")
        state = journal.start(snapshot.summary().digest)
        yield _step("rules settled", loaded, began)
        began = time.perf_counter()
        derived = derive(snapshot, mapping, place.migration_id)
        batches = write(place, derived, note=lambda: journal.progress(state), hold=lambda: None)
        sent = sum(done.items for done in batches)
        yield _step("items derived and sent", sent, began)
        began = time.perf_counter()
        with Comparison(folder / "comparison.sqlite", place) as comparison:
            expected = comparison.expect(snapshot)
        yield _step("digests for a comparison", expected, began)


def _step(name: str, things: int, began: float) -> Step:
    return Step(name, things, time.perf_counter() - began, peak_bytes() / 2**20)


def _answer_at_once(client: "DynamoDBClient") -> None:
    def answer(**_: Any) -> AWSResponse:
        return answer_of(200, {"UnprocessedItems": {}})

    events: Any = client.meta.events  # the stubs know of no handler that answers
    events.register("before-send.dynamodb.*", answer)


if __name__ == "__main__":
    [chosen] = [service for service in SERVICES if service.name == sys.argv[1]]
    with TemporaryDirectory(prefix="migration-") as scratch:
        for step in steps(chosen, int(sys.argv[2]), Path(scratch)):
            sys.stdout.write(json.dumps(asdict(step)) + "\n")
            sys.stdout.flush()
