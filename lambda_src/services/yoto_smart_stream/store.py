"""The store as programs know it that grew up on SQL: one object, thirteen methods, on DynamoDB or on one SQLite file.

    store = get_store()                                     # as the environment says, one per process
    store.upsert_audio_file("test.mp3", 1_024_000, 120)
    store.update_transcript("test.mp3", "hello world", "completed")

Methods and the order of their arguments are published; each runs the patterns of `tables.py`, as the API does. Such a
program brings its own credentials: no function of the deployment asks through here.
"""

import os
import secrets
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lambda_src.dynamo.client import Client
from lambda_src.dynamo.cursor import CursorCodec
from lambda_src.dynamo.lists import Page as ListPage
from lambda_src.dynamo.store import Store
from lambda_src.runtime.clock import Clock, utc_now
from lambda_src.runtime.queue import QueueClient
from lambda_src.runtime.work_queue import WorkQueue
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.accounts.repository import UserRepository
from lambda_src.services.yoto_smart_stream.errors import ConfigurationError
from lambda_src.services.yoto_smart_stream.library.repository import AudioRepository
from lambda_src.services.yoto_smart_stream.library.service import Library, Match
from lambda_src.services.yoto_smart_stream.models import (
    AudioFileRecord,
    TranscriptSource,
    TranscriptStatus,
    UserRecord,
)
from lambda_src.services.yoto_smart_stream.names import found_filename, valid_filename
from lambda_src.services.yoto_smart_stream.transcripts.repository import TranscriptRepository
from lambda_src.services.yoto_smart_stream.transcripts.service import file_with_text
from lambda_src.signing import KeyRing, SigningKey

if TYPE_CHECKING:
    from lambda_src.dynamo.sqlite import SqliteClient

PAGE_SIZE: Final = 200
MAX_DRAINED: Final = 10_000
DEFAULT_DATABASE: Final = "sqlite:///./yoto_smart_stream.db"
ACCEPTED_FORMS: Final = (
    "DATABASE_URL must look like sqlite:///file.db, sqlite:////absolute/file.db or sqlite:///:memory:"
)
NO_TABLE_ON_LAMBDA: Final = (
    "DYNAMODB_TABLE is not set; refusing to use SQLite on Lambda because its file system is lost between invocations"
)
EARLIER_PRODUCT: Final = "{} was written by an earlier version; use the migration tool to copy it into a new database"


class Page[T](list[T]):
    """A list that says where the next one begins; `next_cursor` is None after the last."""

    def __init__(self, items: list[T], next_cursor: str | None) -> None:
        super().__init__(items)
        self.next_cursor = next_cursor


class ItemStore:
    """The thirteen methods, on any engine. A record that does not exist is None, never an exception.

    keys: of cursors; without them they are good in this process only. Costs are those of the patterns: 1 request where
    nothing else is said.
    """

    def __init__(self, client: Client, table_name: str, *, clock: Clock = utc_now, keys: KeyRing | None = None) -> None:
        cursors = CursorCodec(keys or _KeysOfThisProcess(), seconds=lambda: clock().timestamp())
        self.items: Final = Store(client, {tables.MAIN.name: table_name}, cursors=cursors)
        self._clock = clock
        self._users = UserRepository(self.items, clock)
        self._texts = TranscriptRepository(self.items, clock)
        nobody = WorkQueue[Any](QueueClient(), "")  # deleting is none of the thirteen
        self._files = AudioRepository(self.items, clock)
        self._library = Library(self.items, self._files, nobody, clock)

    # ---- users -------------------------------------------------------------------------------------------------------

    def list_users(self, limit: int | None = None, cursor: str | None = None) -> Page[UserRecord]:
        """Users, oldest first, without their hashes. limit: None for up to 10,000. Raises InvalidCursor.

        1 request per 200 users.
        """
        return _drained(lambda **page: self.items.page(tables.USERS_OLDEST_FIRST, **page), limit, cursor)

    def user_count(self) -> int:
        """How many there are. 1 request per MB of the index."""
        return self.items.count(tables.COUNT_USERS)

    def get_user(self, username: str) -> UserRecord | None:
        """Who has this name, in any case."""
        return self._users.get_user(username)

    def get_user_by_id(self, user_id: int) -> UserRecord | None:
        """Who has this id, also directly after it was drawn. 2 requests."""
        return self._users.get_user_by_id(user_id)

    def create_user(
        self,
        username: str,
        hashed_password: str,
        email: str | None = None,
        is_admin: bool = False,  # noqa: FBT001, FBT002 -- the published order of arguments
        *,
        must_change_password: bool = False,
    ) -> UserRecord:
        """See `UserRepository.create_user`. 2 requests."""
        return self._users.create_user(
            username, hashed_password, email, is_admin, must_change_password=must_change_password
        )

    def update_user(
        self, user_id: int, email: str | None = None, hashed_password: str | None = None, **more: Any
    ) -> UserRecord | None:
        """See `UserRepository.update_user`; None leaves as it is. 3 requests."""
        return self._users.update_user(user_id, email, hashed_password, **more)

    def ensure_admin_user(self, hashed_password: str, email: str | None = None, **more: Any) -> UserRecord | None:
        """See `UserRepository.ensure_admin_user`. 1 request where nothing is to be done."""
        return self._users.ensure_admin_user(hashed_password, email, **more)

    # ---- files -------------------------------------------------------------------------------------------------------

    def list_audio_files(self, limit: int | None = None, cursor: str | None = None) -> Page[AudioFileRecord]:
        """Files, newest first, without their texts. limit: None for up to 10,000. Raises InvalidCursor.

        1 request per 200 files.
        """
        return _drained(self._library.page, limit, cursor)

    def search_audio_files(
        self, query: str, limit: int | None = None, cursor: str | None = None, match: Match = "contains"
    ) -> Page[AudioFileRecord]:
        """Files whose names contain a text, or begin with it, by name. Raises InvalidInput, InvalidCursor.

        With a limit 1-5 requests, and a page may be short and have a cursor.
        """
        return _drained(lambda **page: self._library.search(query, match=match, **page), limit, cursor)

    def get_audio_file(self, filename: str) -> AudioFileRecord | None:
        """A file with its text. 1 request, none for what no file is called."""
        name = found_filename(filename)
        if name is None:
            return None
        return file_with_text(self.items, name)

    def upsert_audio_file(  # noqa: PLR0913 -- the published arguments
        self,
        filename: str,
        size: int,
        duration: int | None = None,
        *,
        content_type: str | None = None,
        object_key: str | None = None,
        etag: str | None = None,
        uploaded_by: int | None = None,
        reset_transcript: bool = False,
    ) -> AudioFileRecord:
        """Add a file that waits for its text, or change what is given of it. Raises InvalidFilename.

        reset_transcript: take its text away, and all that is known of it; 2 requests then.
        """
        name = valid_filename(filename)
        given = {
            "size": size, "duration": duration, "content_type": content_type, "object_key": object_key, "etag": etag,
            "uploaded_by": uploaded_by,
        }  # fmt: skip
        known = {each: value for each, value in given.items() if value is not None}
        return self._files.upsert_audio_file(name, known, reset_transcript=reset_transcript)

    def update_transcript(
        self,
        filename: str,
        transcript: str | None,
        status: TranscriptStatus,
        error: str | None = None,
        *,
        language: str | None = None,
        source: TranscriptSource | None = None,
        expect: Collection[TranscriptStatus] | None = None,
    ) -> AudioFileRecord | None:
        """Give a file its text; without one only its status. See `TranscriptRepository.update_transcript`.

        2 requests, 1 without a text.
        """
        name = found_filename(filename)
        if name is None:
            return None
        found = self._texts.update_transcript(
            name, transcript, status, error, language=language, source=source, expect=expect
        )
        return found if found is None or not transcript else replace(found, transcript=transcript)

    def set_transcript_status(
        self,
        filename: str,
        status: TranscriptStatus,
        error: str | None = None,
        *,
        expect: Collection[TranscriptStatus] | None = None,
    ) -> AudioFileRecord | None:
        """Say how the transcription of a file stands. Raises InvalidStatus, StatusConflict."""
        name = found_filename(filename)
        return None if name is None else self._texts.set_transcript_status(name, status, error, expect=expect)

    def clear_transcript(self, filename: str) -> AudioFileRecord | None:
        """Remove the text of a file and all that is known of it. Raises InFlight. 2 requests."""
        name = found_filename(filename)
        return None if name is None else self._texts.clear_transcript(name)


class DynamoStore(ItemStore):
    """The store on a table of DynamoDB. region_name: else as the environment says. client: of boto3, else a new one."""

    kind: Final = "dynamodb"

    def __init__(self, table_name: str, region_name: str | None = None, client: Any = None, **options: Any) -> None:
        from lambda_src.dynamo.boto3_client import Boto3Client, make_client  # noqa: PLC0415 -- not needed on SQLite

        made = client or make_client(
            region=region_name or region(os.environ),
            endpoint_url=os.environ.get("AWS_ENDPOINT_URL_DYNAMODB"),
            read_timeout_seconds=5.0,
        )
        super().__init__(Boto3Client(made), table_name, **options)


class SqliteStore(ItemStore):
    """The store in one SQLite file, for one machine. Raises ConfigurationError for an address or a file it refuses."""

    kind: Final = "sqlite"
    TABLE_NAME: Final = "yoto-smart-stream-local"

    def __init__(self, database_url: str, **options: Any) -> None:
        self.engine: Final = opened(database_url)
        super().__init__(self.engine, self.TABLE_NAME, **options)


def opened(database_url: str) -> "SqliteClient":
    """The engine on a file, made where it is not there yet. Raises ConfigurationError; a file it refuses stays."""
    from lambda_src.dynamo.sqlite import SqliteClient  # noqa: PLC0415 -- no function on Lambda loads it
    from lambda_src.dynamo.sqlite_table import UnusableDatabase  # noqa: PLC0415

    path = database_path(database_url)
    if is_of_earlier_product(path):
        raise ConfigurationError(EARLIER_PRODUCT.format(path))
    try:
        return SqliteClient(path, {SqliteStore.TABLE_NAME: tables.MAIN})
    except UnusableDatabase as exc:
        raise ConfigurationError(str(exc)) from exc


def database_path(url: str) -> str:
    """The file that an address names, or `:memory:`. Raises ConfigurationError for any other form."""
    scheme, separator, path = url.partition(":///")
    if scheme != "sqlite" or not separator or not path or "?" in path:
        raise ConfigurationError(ACCEPTED_FORMS)
    if path != ":memory:" and not Path(path).parent.is_dir():
        raise ConfigurationError(f"{ACCEPTED_FORMS}; there is no folder {Path(path).parent}")
    return path


def is_of_earlier_product(path: str) -> bool:
    """Whether a file is the SQL database of the product before: it has a table `users`, and ours never has."""
    import sqlite3  # noqa: PLC0415 -- as above

    if path == ":memory:" or not Path(path).exists():
        return False
    try:
        with closing(sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as database:
            question = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'users'"
            return bool(database.execute(question).fetchone()[0])
    except sqlite3.DatabaseError:  # no database at all: the engine says so
        return False


def store_for(environment: Mapping[str, str]) -> DynamoStore | SqliteStore:
    """The store that variables ask for: the table, else a SQLite file, which is refused on Lambda.

    Raises ConfigurationError.
    """
    table_name = environment.get("DYNAMODB_TABLE", "").strip()
    if table_name:
        return DynamoStore(table_name, region(environment))
    if environment.get("AWS_LAMBDA_FUNCTION_NAME"):
        raise ConfigurationError(NO_TABLE_ON_LAMBDA)
    return SqliteStore(environment.get("DATABASE_URL") or DEFAULT_DATABASE)


def region(environment: Mapping[str, str]) -> str:
    """Where the table is."""
    names = ("DYNAMODB_REGION", "AWS_REGION", "AWS_DEFAULT_REGION")
    return next((value for name in names if (value := environment.get(name))), "us-east-1")


@cache
def get_store() -> DynamoStore | SqliteStore:
    """The store of this process. Raises ConfigurationError."""
    return store_for(os.environ)


def get_db() -> DynamoStore | SqliteStore:
    """The same under its name from before, as a dependency of routes."""
    return get_store()


def reset_store() -> None:
    """Forget the store of this process; the next `get_store` makes another one."""
    get_store.cache_clear()


def init_db() -> None:
    """Make the tables of a SQLite file that lack; a table of DynamoDB is the stack's. Raises ConfigurationError."""
    get_store()


def update_transcription_status(
    db: ItemStore, filename: str, status: TranscriptStatus, transcript: str | None = None, error: str | None = None
) -> AudioFileRecord | None:
    """The helper from before: a text where there is one, and how it stands."""
    return db.update_transcript(filename, transcript, status, error)


def _drained[R](page: Callable[..., ListPage[R]], limit: int | None, cursor: str | None) -> Page[R]:
    """One page of so many, or all pages together, which end with a cursor where there are more than 10,000."""
    found = page(limit=limit or PAGE_SIZE, cursor=cursor)
    items = list(found.items)
    while limit is None and found.next_cursor is not None and len(items) < MAX_DRAINED:
        found = page(limit=min(PAGE_SIZE, MAX_DRAINED - len(items)), cursor=found.next_cursor)
        items += found.items
    return Page(items, found.next_cursor)


class _KeysOfThisProcess:
    """A key that nobody else has."""

    def __init__(self) -> None:
        self._key = SigningKey("process", secrets.token_bytes(32))

    def current(self) -> SigningKey:
        return self._key

    def find(self, key_id: str) -> SigningKey | None:
        return self._key if key_id == self._key.id else None
