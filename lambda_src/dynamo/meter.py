"""How many requests and capacity units the process has used: what access patterns promise, measured."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lambda_src.dynamo.client import CallRefused, Client, NoResponse, Response
from lambda_src.dynamo.schema import READS
from lambda_src.dynamo.values import Request

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
    """A client that counts what goes through it. Safe to use from many threads.

    on_conflict: called for each try of a transaction that met another one on the same item.
    """

    def __init__(self, client: Client, *, on_conflict: Callable[[], None] | None = None) -> None:
        self._client = client
        self._on_conflict = on_conflict
        self._lock = threading.Lock()
        self._usage = Usage()
        self._calls: Counter[str] = Counter()

    def call(self, operation: str, request: Request, pattern: str) -> Response:
        """Asks DynamoDB for the consumed capacity, and adds it up."""
        try:
            answer = self._client.call(operation, {"ReturnConsumedCapacity": "TOTAL", **request}, pattern)
        except CallRefused as refused:
            self._add(operation, 0.0)
            if self._on_conflict is not None and any(each.get("Code") == _CONFLICT for each in refused.reasons):
                self._on_conflict()
            raise
        except NoResponse:
            self._add(operation, 0.0)
            raise
        self._add(operation, _units(answer.get("ConsumedCapacity", ())))
        return answer

    def close(self) -> None:
        self._client.close()

    def snapshot(self) -> Usage:
        """The totals so far."""
        with self._lock:
            return self._usage

    def since(self, earlier: Usage) -> Usage:
        """What was used after a snapshot."""
        return self.snapshot() - earlier

    def fields_since(self, earlier: Usage) -> dict[str, int | float]:
        """The same as fields of a log line.

        The totals belong to the process: with several requests at once (never on Lambda) each sees the others' use too.
        """
        used = self.since(earlier)
        return {
            "dynamodb_requests": used.requests,
            "read_units": round(used.read_units, 1),
            "write_units": round(used.write_units, 1),
        }

    @property
    def calls(self) -> dict[str, int]:
        """Requests so far by operation."""
        with self._lock:
            return dict(self._calls)

    def _add(self, operation: str, units: float) -> None:
        is_read = operation in READS or operation == "Scan"
        with self._lock:
            before = self._usage
            self._calls[operation] += 1
            self._usage = Usage(
                before.requests + 1,
                before.read_units + (units if is_read else 0.0),
                before.write_units + (0.0 if is_read else units),
            )


def _units(stated: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> float:
    entries = [stated] if isinstance(stated, Mapping) else stated
    return sum(float(entry["CapacityUnits"]) for entry in entries)
