"""The words in which a service declares its tables. A declaration is data; five readers compute what they need from it.

The CDK stack takes keys, indexes, TTL, stream and each function's IAM actions from it, local and test tables their
`CreateTable` call, repositories their keys, and `TABLES.md` its text. Nothing here knows boto3.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from lambda_src.dynamo.keys import PARTITION_KEY_BYTES, SORT_KEY_BYTES, KeyTemplate

__all__ = ["AccessPattern", "Entity", "Grant", "Index", "KeyTemplate", "Operation", "Table"]

type Operation = Literal[
    "GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem", "BatchWriteItem"
]  # IAM's names, without `dynamodb:`; Scan is not among them
type Projection = Literal["ALL", "KEYS_ONLY"]
type Stream = Literal["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"]

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
_IN_TRANSACTIONS: Final[frozenset[Operation]] = frozenset({"PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem"})


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index. partition, sort: names of its key attributes, all of type S."""

    name: str
    partition: str
    sort: str | None = None
    projection: Projection = "ALL"

    @property
    def attributes(self) -> tuple[str, ...]:
        """Its key attributes, partition first."""
        return (self.partition,) if self.sort is None else (self.partition, self.sort)


@dataclass(frozen=True, slots=True, eq=False)
class Entity:
    """A kind of item. index_keys: templates of the index attributes it may carry, by attribute name."""

    name: str
    partition: KeyTemplate
    sort: KeyTemplate | None
    index_keys: Mapping[str, KeyTemplate] = field(default_factory=dict)
    notes: str = ""

    def __post_init__(self) -> None:
        if self.partition.limit_bytes is None:
            object.__setattr__(self, "partition", replace(self.partition, limit_bytes=PARTITION_KEY_BYTES))


@dataclass(frozen=True, slots=True)
class AccessPattern:
    """A question the product asks of a table.

    operations: what it takes, as IAM names it. cost: requests and capacity units, in words. partition, sort: the key
    values it reads or writes, in words, where the name alone does not tell. transaction: the operations are the
    actions of one TransactWriteItems. reads: the kinds of item that GetItem, BatchGetItem or Query finds.
    """

    name: str
    question: str
    operations: tuple[Operation, ...]
    cost: str
    index: Index | None = None
    partition: str = ""
    sort: str = ""
    descending: bool = False
    transaction: bool = False
    reads: tuple[Entity, ...] = ()

    def __post_init__(self) -> None:
        if not self.operations:
            raise ValueError(f"pattern {self.name} has no operation")
        if self.index is not None and "Query" not in self.operations:
            raise ValueError(f"pattern {self.name} names an index, and only Query reads an index")
        if self.transaction and not _IN_TRANSACTIONS.issuperset(self.operations):
            raise ValueError(f"pattern {self.name} is a transaction, which writes and checks only")


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table, what is in it and what is asked of it.

    name: as code speaks of it. seed_name: as customers see it, before `-<environment>`. environment_variable: where a
    function finds the physical name. partition, sort: names of the key attributes, of type S. ttl: name of the TTL
    attribute. Raises ValueError when the declaration contradicts itself.
    """

    name: str
    seed_name: str
    environment_variable: str
    partition: str
    sort: str | None
    entities: tuple[Entity, ...]
    indexes: tuple[Index, ...] = ()
    patterns: tuple[AccessPattern, ...] = ()
    ttl: str | None = None
    stream: Stream | None = None

    def __post_init__(self) -> None:
        self._check_names()
        self._check_entities()
        self._check_indexes()
        self._check_reads()

    @property
    def key_names(self) -> tuple[str, ...]:
        """The attributes of the primary key, partition first."""
        return (self.partition,) if self.sort is None else (self.partition, self.sort)

    def key_attributes(self) -> tuple[str, ...]:
        """Every attribute that is part of a key of the table or an index, in order of appearance."""
        of_indexes = (name for index in self.indexes for name in index.attributes)
        return tuple(dict.fromkeys((*self.key_names, *of_indexes)))

    def physical_name(self, environment: str) -> str:
        """The name of the table in an environment."""
        return f"{self.seed_name}-{environment}"

    def entity(self, name: str) -> Entity:
        """The entity of this name. Raises KeyError."""
        for entity in self.entities:
            if entity.name == name:
                return entity
        raise KeyError(name)

    def key(self, entity: Entity, **values: str | int) -> dict[str, str]:
        """The primary key of an item. Raises InvalidKey when a value is empty or too long for a key."""
        sort_fields = () if entity.sort is None else entity.sort.fields
        of_sort = {name: values[name] for name in sort_fields if name in values}
        of_partition = {
            name: value for name, value in values.items() if name in entity.partition.fields or name not in of_sort
        }
        key = {self.partition: entity.partition.build(**of_partition)}
        if self.sort is not None and entity.sort is not None:
            key[self.sort] = entity.sort.build(**of_sort)
        return key

    def _check_names(self) -> None:
        for what, names in (
            ("entities", [entity.name for entity in self.entities]),
            ("indexes", [index.name for index in self.indexes]),
            ("patterns", [pattern.name for pattern in self.patterns]),
        ):
            twice = _repeated(names)
            if twice:
                raise ValueError(f"table {self.name} has {what} of the same name: {twice}")

    def _check_entities(self) -> None:
        index_partitions = {index.partition for index in self.indexes}
        index_sorts = {index.sort for index in self.indexes if index.sort is not None}
        for entity in self.entities:
            if (entity.sort is None) != (self.sort is None):
                raise ValueError(f"table {self.name} and its {entity.name} disagree on having a sort key")
            unknown = entity.index_keys.keys() - index_partitions - index_sorts
            if unknown:
                raise ValueError(f"{entity.name} has keys of no index of table {self.name}: {sorted(unknown)}")
            sorts = [entity.sort] if entity.sort else []
            sorts += [template for name, template in entity.index_keys.items() if name in index_sorts]
            _check_limit([entity.partition, *entity.index_keys.values()], PARTITION_KEY_BYTES)
            _check_limit(sorts, SORT_KEY_BYTES)

    def _check_indexes(self) -> None:
        asked = {pattern.index for pattern in self.patterns if pattern.index is not None}
        foreign = sorted(index.name for index in asked.difference(self.indexes))
        if foreign:
            raise ValueError(f"patterns of table {self.name} ask indexes it does not have: {foreign}")
        idle = sorted(index.name for index in set(self.indexes).difference(asked))
        if idle:
            raise ValueError(f"table {self.name} pays for indexes that serve no pattern: {idle}")

    def _check_reads(self) -> None:
        read = {entity for pattern in self.patterns for entity in pattern.reads}
        foreign = sorted(entity.name for entity in read.difference(self.entities))
        if foreign:
            raise ValueError(f"patterns of table {self.name} read items it does not have: {foreign}")


@dataclass(frozen=True, slots=True)
class Grant:
    """What some access patterns need of a table: actions (without `dynamodb:`) on it, Query on its named indexes."""

    table: Table
    actions: tuple[Operation, ...]
    index_names: tuple[str, ...]


def _repeated(names: Sequence[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)


def _check_limit(templates: Sequence[KeyTemplate], limit_bytes: int) -> None:
    for template in templates:
        if (template.limit_bytes or 0) > limit_bytes:
            raise ValueError(f"key template {template.text!r} promises more than the {limit_bytes} bytes of its place")
