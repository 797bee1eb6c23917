"""The words in which a service says what becomes of its SQL rows. A mapping is data and pure functions.

    SourceTable   columns as SQL has them, and `prepare`: one row to clean fields, or Reject
    Unique        of rows that meet in these fields one stays, the others are rejected
    Parent        a row whose parent is missing or rejected is rejected
    Stream        a question to the accepted rows (SQLite's SQL), and the items that follow from each answer
    ServiceMapping   all of it, and the way back from an item to the fields it was made of

Nothing here knows which database the rows came from, or how items are written.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from lambda_src.dynamo.schema import Table
from lambda_src.dynamo.values import Item

type Scalar = str | int | None
type Row = Mapping[str, Scalar]
"""Values by column. Decimals, dates and times are text as the database writes them, booleans 0 and 1."""
type Warn = Callable[[str, str], None]
"""Called with a kind (`updated_at_missing`) and one sentence, for what is kept although it is not as it should be."""
type Limit = Callable[[Scalar], str]
"""Why the old schema does not take a value, "" where it does."""
type Kind = Literal["text", "integer", "decimal", "datetime", "date", "boolean"]

MARK: Final = "migration"
"""The attribute that items carry until the API was opened: the migration's id, and a digest of the rest."""


class Reject(Exception):
    """A row that cannot become an item. kind: a stable word for counting; reason: one sentence."""

    def __init__(self, kind: str, reason: str, column: str = "") -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.column = column


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the source. types: accepted names of its SQL type, upper case; None accepts what the kind suggests.

    optional: a known variant of the schema does not have it; it reads as `missing` then. limit, required: for the way
    back, what the old column takes, beside what its kind says, and that NULL is not among it. confidential: its values
    are shown to nobody and stand in no raw row. secret: it is in no snapshot at all; a phase of its own reads it.
    """

    name: str
    kind: Kind = "text"
    types: tuple[str, ...] | None = None
    optional: bool = False
    limit: Limit | None = None
    required: bool = False
    missing: Scalar = None
    confidential: bool = False
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Unique:
    """Of accepted rows that agree in `fields` the first by `order` stays. NULLs never meet. Rejects as `kind`."""

    kind: str
    fields: tuple[str, ...]
    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parent:
    """The accepted row of another table whose `key` equals this row's `field`. Rejects as `kind`."""

    kind: str
    table: str
    field: str
    key: str = "id"


@dataclass(frozen=True, slots=True)
class SourceTable:
    """A table of the source.

    key: the columns of its primary key. fields: names of what `prepare` returns, the key's first. prepare: raises
    Reject. rules: applied in this order, once every row of this table and of the tables before it was prepared.
    found_by: the fields by which an item finds the row it was made of, where that is not the key. unique: columns that
    no two rows of the old schema share, beside the key; on the way back the first by `order` goes.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    fields: tuple[str, ...]
    prepare: Callable[[Row, Warn], Mapping[str, Scalar]]
    rules: tuple[Unique | Parent, ...] = ()
    found_by: tuple[str, ...] = ()
    unique: tuple[Unique, ...] = ()

    @property
    def confidential(self) -> frozenset[str]:
        """The columns that stand in no raw row."""
        return frozenset(column.name for column in self.columns if column.confidential or column.secret)

    @property
    def secrets(self) -> tuple[Column, ...]:
        """The columns that are in no snapshot."""
        return tuple(column for column in self.columns if column.secret)


@dataclass(frozen=True, slots=True)
class Stream:
    """Items of one or more entities, in an order that never changes.

    query: SELECT over the prepared tables (`WHERE reject IS NULL`), ending in ORDER BY of a unique key. items: of one
    answer, each with its table; needs no other row. source: the table whose accepted rows it answers for, one each;
    "" for what is added up from many rows.
    """

    name: str
    query: str
    items: Callable[[Row], Iterable[tuple[Table, Item]]]
    source: str = ""


class Decisions(Protocol):
    """What a mapping's own rule may ask of the snapshot, beyond Unique and Parent."""

    def rows(self, query: str, *values: Scalar) -> Iterable[Row]: ...

    def reject(self, table: str, row: int, reject: Reject) -> None: ...

    def change(self, table: str, row: int, fields: Mapping[str, Scalar]) -> None: ...

    def warn(self, table: str, kind: str, sentence: str, *, times: int = 1) -> None: ...


@dataclass(frozen=True, slots=True)
class Restored:
    """What an item says of the row it was made of: its table, and the prepared fields it still knows.

    is_part: the rest of a row that another item restores; by `found_by` they meet.
    """

    table: str
    fields: Mapping[str, Scalar]
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class Resident:
    """Something in the tables that rows have to get along with: of what kind, whose, and what else is known of it."""

    kind: str
    name: Scalar
    fields: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Meeting:
    """How rows get along with what others wrote into the tables, which stays as it is.

    residents: what an item tells, and whether this migration wrote it. settle: after all rules; a table `residents`
    (kind, name, fields as JSON) stands beside those of the source. It is given the instant at which the migration
    began, the same for all of its runs.
    """

    residents: Callable[[Table, Item, bool], Iterable[Resident]]
    settle: Callable[[Decisions, str], None]


@dataclass(frozen=True, slots=True)
class AddedUp:
    """An item with a number that follows from all others, whoever wrote them; so it carries no mark.

    item: its key and its constants. of: what another item brings to it, None for nothing. is_least: the number is at
    least the largest of these, and never lowered; else it is exactly their sum. Without any of them there is no item.
    """

    table: Table
    item: Item
    number: str
    of: Callable[[Item], int | None]
    is_least: bool = False


def _nothing(_: Decisions) -> None:
    return None


@dataclass(frozen=True, slots=True)
class ServiceMapping:
    """What becomes of the SQL database of one service.

    settle: the mapping's own rule, after the rules of all tables. owns: whether an item with this key is one that a
    migration writes; others in the same table are none of its business. restore: what an item was made of, None for
    items that repeat what others say. state_table: the table that keeps the state of the migration, in its keys
    `MIGRATION`/`...`. stops_on: kinds of rejects that somebody must settle before anything is written, each with the
    option that settles it. variant: the options it was made with, since they are part of what it decides. meeting:
    where a migration need not begin in empty tables. stays_behind: kinds of rejects that need no decision of anybody.
    confidential: attributes and fields whose values are shown to nobody. lists_notes: every warning is kept in a file.
    """

    service: str
    dialects: tuple[str, ...]
    sources: tuple[SourceTable, ...]
    streams: tuple[Stream, ...]
    tables: tuple[Table, ...]
    state_table: Table
    owns: Callable[[Table, Mapping[str, str]], bool]
    restore: Callable[[Table, Item], Restored | None]
    settle: Callable[[Decisions], None] = _nothing
    stops_on: Mapping[str, str] = field(default_factory=dict)
    variant: str = ""
    meeting: Meeting | None = None
    added_up: tuple[AddedUp, ...] = ()
    stays_behind: frozenset[str] = frozenset()
    confidential: frozenset[str] = frozenset()
    lists_notes: bool = False

    def undecided(self, rejects: Mapping[str, int]) -> str:
        """What somebody has to settle first, "" for nothing. rejects: rows by kind."""
        kinds = (f"{rejects[kind]:,} {kind} ({option})" for kind, option in self.stops_on.items() if rejects.get(kind))
        return ", ".join(kinds)

    def source(self, name: str) -> SourceTable:
        """The source table of this name. Raises KeyError."""
        for source in self.sources:
            if source.name == name:
                return source
        raise KeyError(name)

    def table(self, name: str) -> Table:
        """The DynamoDB table of this name, as code speaks of it. Raises KeyError."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)
