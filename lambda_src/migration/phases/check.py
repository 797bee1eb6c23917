"""check and plan: everything a migration would do, short of writing."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from lambda_src.dynamo.sizes import item_size_bytes
from lambda_src.dynamo.values import Item, from_item
from lambda_src.migration.capacity import Write, write_units
from lambda_src.migration.content import unmarked, veiled
from lambda_src.migration.derive import Derived, derive
from lambda_src.migration.errors import MigrationError
from lambda_src.migration.mapping import Row
from lambda_src.migration.phases.deciding import open_question
from lambda_src.migration.phases.job import Job
from lambda_src.migration.snapshot import Snapshot, Tally
from lambda_src.migration.target.comparison import Comparison
from lambda_src.migration.target.writer import ITEMS_PER_BATCH

# Of these streams every answer is weighed up to here, and one in fifty after it: weighing takes longer than making.
_WEIGHED: Final = 2_000
_THEN_ONE_IN: Final = 50
_SAMPLES: Final = 10
_USD_PER_MILLION_UNITS: Final = Decimal(
    "0.625"
)  # on demand, us-east-1, https://aws.amazon.com/dynamodb/pricing/on-demand/
_UNITS_PER_SECOND: Final = 4_000.0  # what a new on-demand table takes from its first second:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html


@dataclass(slots=True)
class Weight:
    """What one stream gives. units, size_bytes: estimated from the answers that were weighed."""

    answers: int = 0
    items: int = 0
    samples: list[Item] = field(default_factory=list)
    _weighed_items: int = 0
    _weighed_units: int = 0
    _weighed_bytes: int = 0

    def add(self, answer: Derived, confidential: Collection[str] = ()) -> None:
        """Count an answer, and weigh it if it is one of those. confidential: attributes that samples do not show."""
        self.answers += 1
        self.items += len(answer.items)
        if self.answers > _WEIGHED and self.answers % _THEN_ONE_IN:
            return
        for table, wire_item in answer.items:
            item = from_item(wire_item)
            self._weighed_items += 1
            self._weighed_units += write_units(Write(table, None, item))
            self._weighed_bytes += item_size_bytes(item)
            if len(self.samples) < _SAMPLES:
                self.samples.append(veiled(from_item(unmarked(wire_item)), confidential))

    @property
    def units(self) -> int:
        """Write units of all items, their indexes included."""
        return round(self._weighed_units * self.items / max(1, self._weighed_items))

    @property
    def size_bytes(self) -> int:
        """Bytes of all items, as DynamoDB counts them."""
        return round(self._weighed_bytes * self.items / max(1, self._weighed_items))


@dataclass(frozen=True, slots=True)
class Plan:
    """What a copy would do. question: what somebody has to decide first. units_per_second: the rate that was asked for,
    or that a new table takes.
    """

    source: Tally
    question: MigrationError | None
    rejects: Mapping[str, Mapping[str, int]]
    warnings: tuple[Row, ...]
    weights: Mapping[str, Weight]
    units: int
    units_per_second: float
    usd: Decimal

    @property
    def seconds(self) -> float:
        return self.units / self.units_per_second

    @property
    def items(self) -> int:
        return sum(weight.items for weight in self.weights.values())

    @property
    def size_bytes(self) -> int:
        return sum(weight.size_bytes for weight in self.weights.values())


def plan(job: Job) -> Plan:
    """Read the source, decide about every row, make every item, and write none.

    Raises SourceFailed; MigrationError when two rows would make the same item. Asks DynamoDB
    nothing, or for what its rows have to get along with.
    """
    with job.fresh_snapshot() as snapshot, job.comparison() as comparison:
        weights = _weights(job, snapshot, comparison)
        notes = sum(weight.items for weight in weights.values()) // ITEMS_PER_BATCH
        units = sum(weight.units for weight in weights.values()) + notes
        return Plan(
            source=snapshot.tally(),
            question=open_question(job, snapshot),
            rejects={table: dict(kinds) for table, kinds in snapshot.reject_counts().items() if kinds},
            warnings=tuple(snapshot.warnings()),
            weights=weights,
            units=units,
            units_per_second=job.place.budget.bound or _UNITS_PER_SECOND,
            usd=(units * _USD_PER_MILLION_UNITS / 1_000_000).quantize(Decimal("0.01")),
        )


def _weights(job: Job, snapshot: Snapshot, comparison: Comparison) -> dict[str, Weight]:
    weights: dict[str, Weight] = {stream.name: Weight() for stream in job.mapping.streams}
    answers = _weighing(job, derive(snapshot, job.mapping, job.place.migration_id), weights)
    with job.progress.step("Making every item") as advance:
        comparison.expect_all(answers, on_items=advance)
    return weights


def _weighing(job: Job, answers: Iterable[Derived], weights: Mapping[str, Weight]) -> Iterator[Derived]:
    for answer in answers:
        weights[answer.stream.name].add(answer, job.mapping.confidential)
        yield answer
