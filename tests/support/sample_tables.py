"""Two small tables for tests of the table layer: with sort key and indexes, and with neither."""

from typing import Final

from lambda_src.dynamo.schema import AccessPattern, Entity, Index, KeyTemplate, Table

BY_TOPIC: Final = Index("GSI1-index", partition="GSI1PK", sort="GSI1SK")
BY_OWNER: Final = Index("GSI2-index", partition="GSI2PK", projection="KEYS_ONLY")

NOTE: Final = Entity(
    "Note",
    partition=KeyTemplate("BOOK#{book}"),
    sort=KeyTemplate("NOTE#{number}"),
    index_keys={
        "GSI1PK": KeyTemplate("TOPIC#{topic}"),
        "GSI1SK": KeyTemplate("{number}"),
        "GSI2PK": KeyTemplate("OWNER#{owner}"),
    },
    notes="A note in a book",
)
PLACE: Final = Entity("Place", partition=KeyTemplate("{name}"), sort=None, notes="Where a book stands")

NOTES_OF_BOOK: Final = AccessPattern("notes_of_book", "Which notes are in this book?", ("Query",), cost="1 request")
NOTES_OF_TOPIC: Final = AccessPattern(
    "notes_of_topic", "Which notes are on this topic, newest first?", ("Query",), "1 request", BY_TOPIC, descending=True
)
NOTES_OF_OWNER: Final = AccessPattern(
    "notes_of_owner", "Whose notes | are these?", ("Query", "BatchGetItem"), cost="2 requests", index=BY_OWNER
)
ADD_NOTE: Final = AccessPattern(
    "add_note", "T1: write a note", ("PutItem", "ConditionCheckItem"), cost="1 request", transaction=True
)
PLACE_OF_BOOK: Final = AccessPattern("place_of_book", "Where does it stand?", ("GetItem",), cost="1 request, 0.5 RRU")

NOTES: Final = Table(
    "notes",
    seed_name="Sample",
    environment_variable="NOTES_TABLE_NAME",
    partition="PK",
    sort="SK",
    entities=(NOTE,),
    indexes=(BY_TOPIC, BY_OWNER),
    patterns=(NOTES_OF_BOOK, NOTES_OF_TOPIC, NOTES_OF_OWNER, ADD_NOTE),
    ttl="expires_at",
    stream="NEW_AND_OLD_IMAGES",
)
PLACES: Final = Table(
    "places",
    seed_name="Sample-Places",
    environment_variable="PLACES_TABLE_NAME",
    partition="name",
    sort=None,
    entities=(PLACE,),
    patterns=(PLACE_OF_BOOK,),
)


def note_key(number: int = 1, book: str = "b") -> dict[str, str]:
    return NOTES.key(NOTE, book=book, number=f"{number:04d}")


def note(number: int = 1, book: str = "b", **attributes: object) -> dict[str, object]:
    return {**note_key(number, book), "number": number, **attributes}
