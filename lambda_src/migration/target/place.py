"""Where a migration writes: the tables of a service in one environment."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from uuid import NAMESPACE_URL, uuid5

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.dynamo.calls import Backoff, RetryingClient
from lambda_src.dynamo.meter import Usage, UsageMeter
from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.store import Store
from lambda_src.migration.content import WireItem, is_ours
from lambda_src.migration.mapping import ServiceMapping
from lambda_src.migration.target.budget import WriteBudget
from lambda_src.migration.target.items import TableItems
from lambda_src.migration.target.spelled import SpelledBatches

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

WORKERS: Final = 4  # on AWS about what a new table takes; more only make each other wait on a local engine
STATE_PARTITION: Final = "MIGRATION"
# Nobody waits for an answer here, and a copy that gives up at the first long throttle helps nobody.
_ASKS_EVERY: Final = 10  # batch what it consumed, where nobody set a bound
PATIENT: Final = Backoff(attempts=20, base_seconds=0.05, cap_seconds=5.0, connection_attempts=10, rounds=40)


def migration_id(service: str) -> str:
    """The id under which everything a migration of this service writes can be told from other items."""
    return str(uuid5(NAMESPACE_URL, f"serverless-backends/migration/{service}"))


@dataclass(frozen=True, slots=True)
class Place:
    """The tables of one service, and how they may be written to. Safe to use from many threads.

    operator: asks what is known of the tables themselves, which costs no units.
    """

    mapping: ServiceMapping
    operator: "DynamoDBClient"
    caller: RetryingClient
    budget: WriteBudget
    meter: UsageMeter
    spelled: SpelledBatches
    workers: int = WORKERS

    @classmethod
    def of(
        cls,
        mapping: ServiceMapping,
        client: "DynamoDBClient",
        names: Mapping[str, str],
        *,
        budget: WriteBudget | None = None,
        workers: int = WORKERS,
        backoff: Backoff = PATIENT,
    ) -> "Place":
        """names: physical name by `Table.name`. The client is this place's own."""
        budget = budget or WriteBudget()
        meter = UsageMeter(Boto3Client(client))
        caller = RetryingClient(meter, names, backoff, budget.throttled, random.random)
        spelled = SpelledBatches(client, meter, asks_every=1 if budget.bound else _ASKS_EVERY)
        return cls(mapping, client, caller, budget, meter, spelled, workers)

    @property
    def migration_id(self) -> str:
        """See the function of this name."""
        return migration_id(self.mapping.service)

    @property
    def store(self) -> Store:
        """The service's own access patterns, with the same patience."""
        caller = self.caller
        return Store(caller.client, caller.names, backoff=caller.backoff, sleep=caller.sleep, random=caller.random)

    @property
    def items(self) -> TableItems:
        """Items of any kind, by their keys."""
        return TableItems(self.caller)

    def held_items(self, hold: Callable[[], None]) -> TableItems:
        """The same, for a run that may be taken over. hold: called before each repetition, may raise."""

        def pause(seconds: float) -> None:
            self.caller.sleep(seconds)
            hold()

        return TableItems(replace(self.caller, sleep=pause))

    def usage(self) -> Usage:
        """Requests and units since the place was made, some of the units estimated; see `SpelledBatches`."""
        stated = self.meter.snapshot()
        return replace(stated, write_units=stated.write_units + self.spelled.unstated_units)

    def is_business(self, table: Table, item: WireItem) -> bool:
        """Whether an item is of a kind that migrations write, or was written by one whose options were others."""
        key = key_text(table, item)
        if key[table.partition] == STATE_PARTITION:
            return False
        return self.mapping.owns(table, key) or is_ours(item, self.migration_id)

    def tables(self) -> Iterator[Table]:
        """The tables a migration of this service writes to."""
        yield from self.mapping.tables


def key_text(table: Table, item: WireItem) -> dict[str, str]:
    """The primary key of an item of the wire, as text by attribute."""
    return {name: item[name]["S"] for name in table.key_names}
