"""How many requests and capacity units the process has used: what access patterns promise, measured."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_READS: Final = frozenset({"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"})
_WRITES: Final = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"})
_CONFLICT: Final = "TransactionConflict"


@dataclass(frozen=True, slots=True)
class Usage:
    """Totals. requests: every try counts. read_units, write_units: as DynamoDB states them in its answers.

    DynamoDB states nothing for a request that failed, though a failed condition is billed like a write. DynamoDB
    Local states 8 for any transaction; `capacity` has AWS's rule.
    """

    requests: int = 0
    read_units: float = 0.0
    write_units: float = 0.0

    def __sub__(self, earlier: "Usage") -> "Usage":
        return Usage(
            self.requests - earlier.requests,
            self.read_units - earlier.read_units,
            self.write_units - earlier.write_units,
        )


class UsageMeter:
    """Counts what goes through the clients it is attached to. Safe to use from many threads.

    on_conflict: called for each try of a transaction that met another one on the same item.
    """

    def __init__(self, *, on_conflict: Callable[[], None] | None = None) -> None:
        self._on_conflict = on_conflict
        self._lock = threading.Lock()
        self._usage = Usage()
        self._calls: Counter[str] = Counter()

    def attach(self, client: "DynamoDBClient") -> None:
        """Ask DynamoDB for the consumed capacity of every read and write of this client, and add it up."""
        events = client.meta.events
        for operation in sorted(_READS | _WRITES):
            events.register(f"provide-client-params.dynamodb.{operation}", _ask)
            events.register(f"after-call.dynamodb.{operation}", self._count)
            events.register(f"after-call-error.dynamodb.{operation}", self._count_lost)

    def snapshot(self) -> Usage:
        """The totals so far."""
        with self._lock:
            return self._usage

    def since(self, earlier: Usage) -> Usage:
        """What was used after a snapshot."""
        return self.snapshot() - earlier

    @property
    def calls(self) -> dict[str, int]:
        """Requests so far by operation."""
        with self._lock:
            return dict(self._calls)

    def _count(self, parsed: Mapping[str, Any], event_name: str, **_: object) -> None:
        operation = event_name.rpartition(".")[2]
        stated = parsed.get("ConsumedCapacity", ())
        entries = [stated] if isinstance(stated, Mapping) else stated
        self._add(operation, sum(float(entry["CapacityUnits"]) for entry in entries))
        reasons = parsed.get("CancellationReasons", ())
        if self._on_conflict is not None and any(reason.get("Code") == _CONFLICT for reason in reasons):
            self._on_conflict()

    def _count_lost(self, event_name: str, **_: object) -> None:
        self._add(event_name.rpartition(".")[2], 0.0)

    def _add(self, operation: str, units: float) -> None:
        is_read = operation in _READS
        with self._lock:
            before = self._usage
            self._calls[operation] += 1
            self._usage = Usage(
                before.requests + 1,
                before.read_units + (units if is_read else 0.0),
                before.write_units + (0.0 if is_read else units),
            )


def _ask(params: dict[str, Any], **_: object) -> None:
    params.setdefault("ReturnConsumedCapacity", "TOTAL")
