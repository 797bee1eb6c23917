"""Two small tables for tests of the table layer: with sort key and indexes, and with neither."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from lambda_src.dynamo.schema import AccessPattern, CursorFormat, Entity, Index, ItemKey, Stored, Table

READER: Final = "reader"
WRITER: Final = "writer"

BY_TOPIC: Final = Index("GSI1-index", partition="GSI1PK", sort="GSI1SK")
BY_OWNER: Final = Index("GSI2-index", partition="GSI2PK", projection="KEYS_ONLY")
BY_TIME: Final = Index(
    "GSI3-index", partition="GSI3PK", sort="GSI3SK", projection="INCLUDE", include=("number", "written_at", "t")
)

NOTES: Final = Table(
    "notes",
    base_name="Sample",
    environment_variable="NOTES_TABLE_NAME",
    partition="PK",
    sort="SK",
    indexes=(BY_TOPIC, BY_OWNER, BY_TIME),
    ttl="expires_at",
    stream="NEW_AND_OLD_IMAGES",
)
PLACES: Final = Table(
    "places",
    base_name="Sample-Places",
    environment_variable="PLACES_TABLE_NAME",
    partition="name",
    sort=None,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note in a book. shard: the part of the list of all notes that it is in."""

    book: str = "b"
    number: int = 1
    topic: str | None = None
    owner: str | None = None
    shard: int | None = None
    written_at: str | None = None
    title: str | None = None
    text: str | None = None
    status: str | None = None
    price: Decimal | None = None
    tags: frozenset[str] = field(default_factory=frozenset)
    labels: frozenset[str] = field(default_factory=frozenset)
    hits: int | None = None
    kept: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """What is said of a book as a whole."""

    book: str = "b"
    title: str = "A book"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a book stands."""

    name: str
    owner: int | None = None
    value: int | None = None


NOTE: Final = Entity(
    NOTES,
    Note,
    pk="BOOK#{book}",
    sk="NOTE#{number:4}",
    index_keys={
        "GSI1PK": "TOPIC#{topic}",
        "GSI1SK": "{number:4}",
        "GSI2PK": "OWNER#{owner}",
        "GSI3PK": "SHARD#{shard}",
        "GSI3SK": "{written_at}",
    },
    key_only=("book", "shard"),
    stored={"title": Stored(name="t")},
    notes="A note in a book",
)
BOOK: Final = Entity(NOTES, Book, pk="BOOK#{book}", sk="ABOUT", key_only=("book",), notes="What is said of a book")
PLACE: Final = Entity(PLACES, Place, pk="{name}", notes="Where a book stands")

NOTE_BY_NUMBER: Final = AccessPattern(
    "note_by_number",
    "What does this note say?",
    operation=("GetItem", "BatchGetItem"),
    reads=NOTE,
    consistent=True,
    asked_by=(READER, WRITER),
    cost="1 request, 1 RRU",
)
NOTES_OF_BOOK: Final = AccessPattern(
    "notes_of_book",
    "Which notes are in this book?",
    operation="Query",
    reads=NOTE,
    asked_by=(READER,),
    cost="1 request",
)
NOTES_FROM_NUMBER: Final = AccessPattern(
    "notes_from_number",
    "Which notes of a book are this one and those behind it?",
    operation="Query",
    reads=NOTE,
    from_="number",
    asked_by=(READER,),
    cost="1 request",
)
ALL_OF_BOOK: Final = AccessPattern(
    "all_of_book",
    "What is kept of this book?",
    operation=("Query", "BatchGetItem"),
    reads=(NOTE, BOOK),
    asked_by=(READER,),
    cost="1 request",
)
NOTES_OF_TOPIC: Final = AccessPattern(
    "notes_of_topic",
    "Which notes are on this topic, newest first?",
    operation="Query",
    reads=NOTE,
    index=BY_TOPIC,
    descending=True,
    asked_by=(READER,),
    cost="1 request",
    cursor=CursorFormat("topic:{topic}", {"number": "n", "book": "b"}),
)
NOTES_OF_TOPICS: Final = AccessPattern(
    "notes_of_topics",
    "Which notes are on any of these topics, by number?",
    operation="Query",
    reads=NOTE,
    index=BY_TOPIC,
    asked_by=(READER,),
    cost="1 request per topic",
)
NOTES_OF_OWNER: Final = AccessPattern(
    "notes_of_owner",
    "Whose notes | are these?",
    operation=("Query", "BatchGetItem"),
    reads=NOTE,
    index=BY_OWNER,
    asked_by=(READER,),
    cost="2 requests",
)
NOTES_BY_TIME: Final = AccessPattern(
    "notes_by_time",
    "Which notes are the newest of all books?",
    operation="Query",
    reads=NOTE,
    index=BY_TIME,
    descending=True,
    asked_by=(READER,),
    cost="1 request per shard",
)
NOTES_IN_ORDER: Final = AccessPattern(
    "notes_in_order",
    "Which notes are the oldest of all books?",
    operation="Query",
    reads=NOTE,
    index=BY_TIME,
    asked_by=(READER,),
    cost="1 request per shard",
)
ADD_NOTE: Final = AccessPattern(
    "add_note",
    "T1: write a note",
    operation=("PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem"),
    writes=NOTE,
    transaction=True,
    asked_by=(WRITER,),
    cost="1 request",
)
KEEP_NOTE: Final = AccessPattern(
    "keep_note",
    "Write, change or take away one note",
    operation=("PutItem", "UpdateItem", "DeleteItem"),
    writes=NOTE,
    asked_by=(WRITER,),
    cost="1 request",
)
NOTES_AT_ONCE: Final = AccessPattern(
    "notes_at_once",
    "Write or take away many notes",
    operation="BatchWriteItem",
    writes=(NOTE, BOOK),
    asked_by=(WRITER,),
    cost="1 request per 25 notes",
)
PLACE_OF_BOOK: Final = AccessPattern(
    "place_of_book",
    "Where does it stand?",
    operation="GetItem",
    reads=PLACE,
    asked_by=(READER,),
    cost="1 request, 0.5 RRU",
)
KEEP_PLACE: Final = AccessPattern(
    "keep_place",
    "Write, change or take away one place",
    operation=("PutItem", "UpdateItem", "DeleteItem"),
    writes=PLACE,
    asked_by=(WRITER,),
    cost="1 request",
)
PLACES_TOGETHER: Final = AccessPattern(
    "places_together",
    "T2: places that change together",
    operation=("PutItem", "UpdateItem"),
    writes=PLACE,
    transaction=True,
    asked_by=(WRITER,),
    cost="1 request",
)


def note_key(number: int = 1, book: str = "b") -> ItemKey:
    return NOTE.key(book=book, number=number)


def note_item(number: int = 1, book: str = "b", **attributes: object) -> dict[str, object]:
    """A note as it is stored."""
    return {**note_key(number, book).values, "number": number, **attributes}
