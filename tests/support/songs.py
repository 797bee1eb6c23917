"""A table of songs, for tests of lists of which a part is wanted: by the beginning of a name, or by a filter."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from lambda_src.dynamo.client import Client, Response
from lambda_src.dynamo.cursor import CursorCodec
from lambda_src.dynamo.schema import AccessPattern, CursorFormat, Entity, Index, Stored, Table
from lambda_src.dynamo.store import Store
from lambda_src.dynamo.values import Request
from lambda_src.signing import SigningKey

BY_NAME: Final = Index(
    "GSI1-index", partition="GSI1PK", sort="GSI1SK", projection="INCLUDE",
    include=("name", "number", "language", "pl"),
)  # fmt: skip
BY_TITLE: Final = Index("GSI2-index", partition="GSI2PK", sort="GSI2SK")
SONGS: Final = Table(
    "songs", "Songs", "SONGS_TABLE_NAME", partition="PK", sort="SK", indexes=(BY_NAME, BY_TITLE)
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Song:
    """A song on a disc of an album. title: name and number, which no other song has. text: in the table alone."""

    album: str = "a"
    disc: int = 1
    name: str
    number: int = 1
    language: str | None = None
    plays: int = 0
    text: str | None = None

    @property
    def title(self) -> str:
        return f"{self.name} ({self.number})"


SONG: Final = Entity(
    SONGS,
    Song,
    pk="ALBUM#{album}",
    sk="DISC#{disc:2}#{name}#{number}",
    index_keys={"GSI1PK": "SONGS#{album}", "GSI1SK": "{name}#{number:4}", "GSI2PK": "TITLES", "GSI2SK": "{title}"},
    key_only=("album", "disc"),
    stored={"plays": Stored(name="pl")},
)


def asks(name: str, *, begins: str, **rest: Any) -> AccessPattern[Song]:
    return AccessPattern(name, "?", operation="Query", reads=SONG, begins=begins, asked_by=(), cost="", **rest)


SONGS_BY_NAME: Final = asks("songs_by_name", begins="name", index=BY_NAME)
SONGS_FROM_THE_END: Final = asks("songs_from_the_end", begins="name", index=BY_NAME, descending=True)
SONGS_BY_TITLE: Final = asks(
    "songs_by_title", begins="title", index=BY_TITLE, cursor=CursorFormat("titles:{title}", {"title": "n"})
)
SONGS_OF_DISC: Final = asks("songs_of_disc", begins="name", descending=True)
SONGS_AT_ONCE: Final = AccessPattern(
    "songs_at_once", "?", operation="BatchWriteItem", writes=SONG, asked_by=(), cost=""
)  # fmt: skip

NAMES: Final = ("a", "ab", "ab#", "ab%", "ab%2", "ac", "b", "\u00e9a", "\uffff", "\U00010000")


class OneKey:
    key = SigningKey("k1", b"k" * 32)

    def current(self) -> SigningKey:
        return self.key

    def find(self, key_id: str) -> SigningKey | None:
        return self.key if key_id == self.key.id else None


CURSORS: Final = CursorCodec(OneKey())


class Looking:
    """A client that knows how many items each Query looked at."""

    def __init__(self, client: Client) -> None:
        self.looked_at: list[int] = []
        self._client = client

    def call(self, operation: str, request: Request, pattern: str) -> Response:
        answer = self._client.call(operation, request, pattern)
        if operation == "Query":
            self.looked_at.append(answer["ScannedCount"])
        return answer

    def close(self) -> None:
        self._client.close()


def fill(store: Store, songs: Iterable[Song]) -> None:
    store.batch_write(SONGS_AT_ONCE, puts=map(SONG.item, songs))
