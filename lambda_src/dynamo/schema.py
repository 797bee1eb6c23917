"""The words in which a service declares its tables: what is in them, and what is asked of them.

    table         keys, indexes, TTL, stream
      entity      a kind of item: its model, key templates, index keys, and how attributes are stored where that differs
      pattern     a question: what it reads, by which operation and index, in which order, and who asks it

A declaration is data and runs: `Store` reads by it, `render` makes the `CreateTable` call and each function's grants of
it, the CDK table and `TABLES.md` follow from it. Entities and patterns join their table where they are declared, as
columns join a table in SQLAlchemy. Nothing here knows boto3.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from lambda_src.dynamo.codec import ItemCodec, Stored
from lambda_src.dynamo.keys import PARTITION_KEY_BYTES, SORT_KEY_BYTES, KeyTemplate, KeyValue
from lambda_src.dynamo.values import AttributeValue, Item, is_absent, to_item

__all__ = [
    "AccessPattern", "CursorFormat", "Entity", "Index", "ItemKey", "KeyTemplate", "Operation", "SparseKey", "Stored",
    "Table",
]  # fmt: skip

type Operation = Literal[
    "GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem", "BatchWriteItem"
]  # IAM's names, without `dynamodb:`; Scan is not among them
type Projection = Literal["ALL", "KEYS_ONLY", "INCLUDE"]
type Stream = Literal["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"]

READS: Final[frozenset[str]] = frozenset({"GetItem", "BatchGetItem", "Query"})
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
_IN_TRANSACTIONS: Final[frozenset[str]] = frozenset({"PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem"})


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index. partition, sort: names of its key attributes, all of type S.

    include: further attributes it holds, as they are stored, where the projection is INCLUDE.
    """

    name: str
    partition: str
    sort: str | None = None
    projection: Projection = "ALL"
    include: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.projection == "INCLUDE") != bool(self.include):
            raise ValueError(f"index {self.name} names attributes to include exactly where its projection is INCLUDE")

    @property
    def attributes(self) -> tuple[str, ...]:
        """Its key attributes, partition first."""
        return (self.partition,) if self.sort is None else (self.partition, self.sort)

    def holds(self, attribute: str) -> bool:
        """Whether an entry has this attribute of its item, beside the keys of table and index."""
        return self.projection == "ALL" or attribute in self.include


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table. Entities and patterns join it by themselves; `check` finds what only all of them together show.

    name: as code speaks of it. base_name: as customers see it, before `-<environment>`. environment_variable: where a
    function finds the physical name. partition, sort: names of the key attributes, of type S. ttl: name of the TTL
    attribute.
    """

    name: str
    base_name: str
    environment_variable: str
    partition: str
    sort: str | None
    indexes: tuple[Index, ...] = ()
    ttl: str | None = None
    stream: Stream | None = None
    entities: "list[Entity[Any]]" = field(default_factory=list, init=False, repr=False)
    patterns: "list[AccessPattern[Any]]" = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        _refuse_repeated(f"indexes of table {self.name}", (index.name for index in self.indexes))

    @property
    def key_names(self) -> tuple[str, ...]:
        """The attributes of the primary key, partition first."""
        return (self.partition,) if self.sort is None else (self.partition, self.sort)

    def key_attributes(self) -> tuple[str, ...]:
        """Every attribute that is part of a key of the table or an index, in order of appearance."""
        of_indexes = (name for index in self.indexes for name in index.attributes)
        return tuple(dict.fromkeys((*self.key_names, *of_indexes)))

    def physical_name(self, environment: str) -> str:
        return f"{self.base_name}-{environment}"

    def check(self) -> None:
        """Raises ValueError for names that are used twice and for an index that no pattern asks."""
        _refuse_repeated(f"entities of table {self.name}", (entity.name for entity in self.entities))
        _refuse_repeated(f"patterns of table {self.name}", (pattern.name for pattern in self.patterns))
        idle = sorted({index.name for index in self.indexes} - {p.index.name for p in self.patterns if p.index})
        if idle:
            raise ValueError(f"table {self.name} pays for indexes that serve no pattern: {idle}")


# Small values are named tuples: to make a frozen dataclass costs a cold start about five times as much.
class ItemKey(NamedTuple):
    """The primary key of an item, and what kind of item it is. values: text by attribute."""

    entity: "Entity[Any]"
    values: Mapping[str, str]


class SparseKey(NamedTuple):
    """An index key that an item has only while `when` holds of its model."""

    template: str
    when: Callable[[Any], bool]


class Entity[M]:
    """A kind of item, and the model it stands for. Immutable once made; it joins its table by being made.

    pk, sk: key templates, filled from the model's attributes of those names. index_keys: templates of the index
    attributes it may carry; one whose values are absent is left out. constants: attributes that always have this
    text. key_only: attributes of the model that stand in a key alone, from where they are read. stored: how attributes
    are stored where that differs. derived: properties of the model that are stored for other readers.

    Raises ValueError when the declaration contradicts itself, the table or the model.
    """

    def __init__(  # noqa: PLR0913 -- keyword-only, and each is a line of the design
        self,
        table: Table,
        model: type[M],
        *,
        pk: str | KeyTemplate,
        sk: str | KeyTemplate | None = None,
        name: str | None = None,
        index_keys: Mapping[str, str | KeyTemplate | SparseKey] | None = None,
        constants: Mapping[str, str] | None = None,
        key_only: Sequence[str] = (),
        stored: Mapping[str, Stored] | None = None,
        derived: Sequence[str] = (),
        notes: str = "",
    ) -> None:
        self.table: Final = table
        self.model_type: Final = model
        self.name: Final = name or model.__name__
        self.notes: Final = notes
        self.pk: Final = _template(pk, PARTITION_KEY_BYTES)
        self.sk: Final = None if sk is None else _template(sk, SORT_KEY_BYTES)
        partitions = {index.partition for index in table.indexes}
        given = dict(index_keys or {})
        self.sparse: Final = {name: key.when for name, key in given.items() if isinstance(key, SparseKey)}
        self.index_keys: Final = {
            name: _template(
                key.template if isinstance(key, SparseKey) else key,
                PARTITION_KEY_BYTES if name in partitions else SORT_KEY_BYTES,
            )
            for name, key in given.items()
        }
        self.constants: Final = dict(constants or {})
        self.codec: Final = ItemCodec(
            model, stored=stored or {}, key_only=key_only, derived=derived, parse=self._parsed
        )
        self._check(derived)
        for attribute in key_only:
            self._parsed(attribute)
        table.entities.append(self)

    def __repr__(self) -> str:
        return f"Entity({self.name})"

    # ---- keys --------------------------------------------------------------------------------------------------------

    def key(self, **values: KeyValue) -> ItemKey:
        """The primary key of an item. Raises InvalidKey when a value is empty or too long for a key."""
        of_sort = {} if self.sk is None else {name: values[name] for name in self.sk.fields if name in values}
        of_partition = {name: value for name, value in values.items() if name in self.pk.fields or name not in of_sort}
        key = {self.table.partition: self.pk.build(**of_partition)}
        if self.sk is not None and self.table.sort is not None:
            key[self.table.sort] = self.sk.build(**of_sort)
        return ItemKey(self, key)

    def key_of(self, model: M) -> ItemKey:
        """The primary key of a model's item."""
        templates = [self.pk] if self.sk is None else [self.pk, self.sk]
        return self.key(**{name: getattr(model, name) for template in templates for name in template.fields})

    def template_of(self, attribute: str | None) -> KeyTemplate | None:
        """The template of a key attribute of the table or an index; None where an item of this kind has none."""
        if attribute == self.table.partition:
            return self.pk
        if attribute == self.table.sort:
            return self.sk
        return None if attribute is None else self.index_keys.get(attribute)

    def fields_of(self, attribute: str | None) -> tuple[str, ...]:
        """What a key attribute is made of."""
        template = self.template_of(attribute)
        return () if template is None else template.fields

    def has_key(self, key: Mapping[str, str]) -> bool:
        """Whether a primary key is one of this kind's."""
        templates = {name: self.template_of(name) for name in self.table.key_names}
        return all(template is not None and template.fits(key[name]) for name, template in templates.items())

    # ---- items -------------------------------------------------------------------------------------------------------

    def item(self, model: M) -> Item:
        """The stored form of a model, as Python values: keys, constants and attributes; absent ones are left out."""
        keys = {**self.key_of(model).values, **self.index_keys_of(model)}
        parts = {**keys, **self.constants, **self.codec.attributes(model), **keys}  # keys come first, and win
        return {name: value for name, value in parts.items() if not is_absent(value)}

    def index_keys_of(self, model: M) -> dict[str, str]:
        """The index attributes of a model's item, as far as it has the values for them."""
        keys = {}
        for name, template in self.index_keys.items():
            when = self.sparse.get(name)
            values = {field: getattr(model, field) for field in template.fields}
            if (when is None or when(model)) and not any(map(is_absent, values.values())):
                keys[name] = template.build(**values)
        return keys

    def model(self, item: Mapping[str, object]) -> M:
        """The model of a stored item, given as Python values. Raises KeyError when it lacks an attribute."""
        return self.codec.decode(to_item(item))

    def decode(self, attributes: Mapping[str, AttributeValue]) -> M:
        """The model of a stored item as it comes over the wire. Raises KeyError when it lacks an attribute."""
        return self.codec.decode(attributes)

    # ---- checks ------------------------------------------------------------------------------------------------------

    def _parsed(self, name: str) -> tuple[str, KeyTemplate]:
        """Where an attribute that stands in a key alone is read from."""
        for attribute in (*self.table.key_names, *self.index_keys):
            template = self.template_of(attribute)
            if template is not None and name in template.fields:
                return attribute, template
        raise ValueError(f"{self.name} has no key with {name}")

    def _check(self, derived: Iterable[str]) -> None:
        table = self.table
        if (self.sk is None) != (table.sort is None):
            raise ValueError(f"table {table.name} and its {self.name} disagree on having a sort key")
        unknown = self.index_keys.keys() - {name for index in table.indexes for name in index.attributes}
        if unknown:
            raise ValueError(f"{self.name} has keys of no index of table {table.name}: {sorted(unknown)}")
        templates = [template for template in (self.pk, self.sk, *self.index_keys.values()) if template is not None]
        needed = {*derived, *(name for template in templates for name in template.fields)} - self.codec.fields.keys()
        missing = sorted(name for name in needed if not hasattr(self.model_type, name))  # what is left are properties
        if missing:
            raise ValueError(f"{self.name} needs what its model lacks: {missing}")


class CursorFormat(NamedTuple):
    """How a list's cursors are written where a published contract fixes it.

    scope: of the list, a template over the pattern's values; without it, the pattern's name and all of its values.
    fields: names in the cursor, by the model's attribute; where they are given, a position is made of these.
    """

    scope: str = ""
    fields: Mapping[str, str] = MappingProxyType({})


class AccessPattern[M = Any]:
    """A question the product asks of a table, or a change it makes. It joins its table by being made.

    operation: what it takes, as IAM names it; several are told in a tuple. reads: the kinds of item that are found;
    writes: those that are written. asked_by: the functions that ask, as the service calls them. cost: requests and
    capacity units, in words. from_: the field whose value is where a Query begins, itself included. begins: the field
    of which a Query takes only a beginning; without one, or with "", it asks for all. consistent: how reads look at the
    base table. transaction: the operations are the actions of one TransactWriteItems. table: where neither reads nor
    writes says it. Raises ValueError when the declaration contradicts itself.
    """

    def __init__(  # noqa: PLR0913 -- keyword-only, and each is a line of the design
        self,
        name: str,
        question: str,
        *,
        operation: Operation | tuple[Operation, ...],
        cost: str,
        asked_by: Iterable[str],
        reads: "Entity[M] | tuple[Entity[Any], ...]" = (),
        writes: "Entity[Any] | tuple[Entity[Any], ...]" = (),
        index: Index | None = None,
        descending: bool = False,
        consistent: bool = False,
        transaction: bool = False,
        from_: str | None = None,
        begins: str | None = None,
        cursor: CursorFormat | None = None,
        table: Table | None = None,
    ) -> None:
        self.name: Final = name
        self.question: Final = question
        self.operations: Final[tuple[Operation, ...]] = operation if isinstance(operation, tuple) else (operation,)
        self.cost: Final = cost
        self.asked_by: Final = frozenset(asked_by)
        self.reads: Final[tuple[Entity[Any], ...]] = reads if isinstance(reads, tuple) else (reads,)
        self.writes: Final[tuple[Entity[Any], ...]] = writes if isinstance(writes, tuple) else (writes,)
        self.index: Final = index
        self.descending: Final = descending
        self.consistent: Final = consistent
        self.transaction: Final = transaction
        self.from_: Final = from_
        self.begins: Final = begins
        self.cursor: Final = cursor or CursorFormat()
        tables = {entity.table for entity in (*self.reads, *self.writes)} | ({table} if table else set())
        if len(tables) != 1:
            raise ValueError(f"pattern {name} belongs to one table, not to {len(tables)}")
        [self.table] = tables
        self._check()
        self.table.patterns.append(self)

    def __repr__(self) -> str:
        return f"AccessPattern({self.name})"

    @property
    def entity(self) -> Entity[M]:
        """The kind of item that is read, where it is one."""
        return self.reads[0]

    @property
    def key_names(self) -> tuple[str, str | None]:
        """The key attributes that a Query looks at: of the index, or of the table."""
        of = self.table if self.index is None else self.index
        return of.partition, of.sort

    def _check(self) -> None:
        if not self.operations:
            raise ValueError(f"pattern {self.name} has no operation")
        if READS.intersection(self.operations) and not self.reads:
            raise ValueError(f"pattern {self.name} does not say what it reads")
        self._check_where_it_begins()
        if self.index is not None and "Query" not in self.operations:
            raise ValueError(f"pattern {self.name} names an index, and only Query reads an index")
        if self.index is not None and self.index not in self.table.indexes:
            raise ValueError(f"pattern {self.name} asks an index that table {self.table.name} does not have")
        if self.index is not None and not all(entity.template_of(self.index.partition) for entity in self.reads):
            raise ValueError(f"pattern {self.name} reads what is not in its index")
        if self.index is not None and self.consistent:
            raise ValueError(f"pattern {self.name} reads an index, which is never consistent")
        if self.transaction and not _IN_TRANSACTIONS.issuperset(self.operations):
            raise ValueError(f"pattern {self.name} is a transaction, which writes and checks only")

    def _check_where_it_begins(self) -> None:
        partition, sort = self.key_names
        if self.from_ and not any(self.from_ in entity.fields_of(sort) for entity in self.reads):
            raise ValueError(f"pattern {self.name} begins at {self.from_}, which is not in the sort key")
        if self.begins is None:
            return
        template = self.entity.template_of(sort) if len(self.reads) == 1 else None  # several kinds of items share none
        if template is None or self.begins not in template.fields or self.begins in self.entity.fields_of(partition):
            raise ValueError(f"pattern {self.name} takes a beginning of what is not in the sort key: {self.begins}")
        if template.pads(self.begins) or self.from_:
            raise ValueError(f"pattern {self.name} takes a beginning of a padded number, or begins at {self.from_}")


def patterns_of(tables: Iterable[Table], asker: str) -> list[AccessPattern[Any]]:
    """What one function asks of these tables."""
    return [pattern for table in tables for pattern in table.patterns if asker in pattern.asked_by]


def _template(text: str | KeyTemplate, limit_bytes: int) -> KeyTemplate:
    template = text if isinstance(text, KeyTemplate) else KeyTemplate(text)
    return template.limited(limit_bytes)


def _refuse_repeated(what: str, names: Iterable[str]) -> None:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise ValueError(f"{what} have the same name: {twice}")
