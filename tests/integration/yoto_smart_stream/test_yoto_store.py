"""The store under its published names: the calls of the plan it comes from, alike on DynamoDB and in a SQLite file."""

import inspect
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict

import pytest

from lambda_src.errors import InvalidCursor
from lambda_src.services.yoto_smart_stream import store as stores
from lambda_src.services.yoto_smart_stream.errors import (
    ConfigurationError,
    EmailTaken,
    InvalidFilename,
    InvalidStatus,
    StatusConflict,
    UsernameTaken,
)
from lambda_src.services.yoto_smart_stream.store import (
    DynamoStore,
    ItemStore,
    SqliteStore,
    get_db,
    get_store,
    init_db,
    reset_store,
    store_for,
    update_transcription_status,
)
from lambda_src.services.yoto_smart_stream.tables import TABLES
from tests.support.played import TestClock

HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"
PUBLISHED = {
    "list_users": (),
    "user_count": (),
    "get_user": ("username",),
    "get_user_by_id": ("user_id",),
    "create_user": ("username", "hashed_password", "email", "is_admin"),
    "update_user": ("user_id", "email", "hashed_password"),
    "ensure_admin_user": ("hashed_password", "email"),
    "list_audio_files": (),
    "search_audio_files": ("query",),
    "get_audio_file": ("filename",),
    "upsert_audio_file": ("filename", "size", "duration"),
    "update_transcript": ("filename", "transcript", "status", "error"),
    "set_transcript_status": ("filename", "status", "error"),
}
"""The methods of the plan, and their arguments by position."""


@pytest.fixture(params=["dynamodb", "sqlite file", "sqlite memory"])
def store(request, dynamodb_client, make_tables, tmp_path) -> Iterator[ItemStore]:
    """The same clock for each, so that whole records can be compared."""
    if request.param == "dynamodb":
        yield DynamoStore(make_tables(TABLES)["main"], client=dynamodb_client, clock=TestClock())
        return
    url = "sqlite:///:memory:" if request.param == "sqlite memory" else f"sqlite:///{tmp_path}/yoto.db"
    made = SqliteStore(url, clock=TestClock())
    yield made
    made.engine.close()


def test_the_published_methods_take_their_arguments_in_the_published_order():
    for name, arguments in PUBLISHED.items():
        parameters = inspect.signature(getattr(DynamoStore, name)).parameters
        assert tuple(parameters)[1 : 1 + len(arguments)] == arguments, name
    assert list(inspect.signature(DynamoStore.__init__).parameters)[1:3] == ["table_name", "region_name"]


# ---- the sample calls of the plan -----------------------------------------------------------------------------------


def test_create_and_get_user(store):
    user = store.create_user(username="testuser", hashed_password=HASH, email="test@example.com")

    assert user.username == "testuser"
    assert user.email == "test@example.com"
    assert user.id == user.user_id == 1
    found = store.get_user("TESTUSER")
    assert found == user
    assert store.get_user_by_id(user.id) == user
    assert store.user_count() == 1


def test_audio_file_operations(store):
    audio = store.upsert_audio_file("test.mp3", 1024000, 120)

    assert audio.filename == "test.mp3"
    assert audio.transcript_status == "pending"
    assert store.get_audio_file("test.mp3") == audio

    done = store.update_transcript("test.mp3", "This is a test transcript", "completed")
    assert done is not None
    assert done.transcript_status == "completed"
    assert done.transcribed_at == "2025-01-15T08:30:00.123000Z"
    assert store.get_audio_file("test.mp3") == done
    assert done.transcript == "This is a test transcript"

    failed = store.set_transcript_status("test.mp3", "failed", "Transcription timeout")
    assert failed is not None
    assert (failed.transcript_status, failed.transcript_error) == ("failed", "Transcription timeout")


def test_both_stores_keep_the_same_records(store):
    """Every attribute of what was written, read again."""
    store.create_user("Anna", HASH, "Anna@Example.com", True, must_change_password=True)
    store.upsert_audio_file("Épisode #1 🐙.mp3", 5_242_880, 12, uploaded_by=1, object_key="media/x.mp3", etag="e")
    store.update_transcript("Épisode #1 🐙.mp3", "héllo", "completed", language="fr-FR", source="manual")

    assert asdict(store.get_user("anna")) == {
        "user_id": 1, "username": "Anna", "email": "Anna@example.com", "hashed_password": HASH, "is_active": True,
        "is_admin": True, "must_change_password": True, "token_version": 0, "version": 1,
        "created_at": "2025-01-15T08:30:00.123000Z", "updated_at": "2025-01-15T08:30:00.123000Z",
    }  # fmt: skip
    assert asdict(store.get_audio_file("Épisode #1 🐙.mp3")) == {
        "filename": "Épisode #1 🐙.mp3", "size": 5_242_880, "duration": 12, "content_type": "audio/mpeg",
        "object_key": "media/x.mp3", "etag": "e", "uploaded_by": 1, "play_token": None, "transcript": "héllo",
        "transcript_chars": 5, "transcript_language": "fr-FR", "transcript_source": "manual",
        "transcript_status": "completed", "transcript_error": None, "transcript_request_id": None,
        "transcribed_at": "2025-01-15T08:30:00.123000Z", "tts_provider": None, "tts_voice_id": None, "tts_model": None,
        "version": 2, "created_at": "2025-01-15T08:30:00.123000Z", "updated_at": "2025-01-15T08:30:00.123000Z",
    }  # fmt: skip
    [listed] = store.list_users()
    assert (listed.username, listed.hashed_password) == ("Anna", "")
    [file] = store.list_audio_files()
    assert (file.transcript, file.transcript_chars) == (None, 5)


# ---- what is missing, taken or wrong ---------------------------------------------------------------------------------


def test_what_does_not_exist_is_none_and_stays_so(store):
    assert store.set_transcript_status("ghost.mp3", "failed", "x") is None
    assert store.update_transcript("ghost.mp3", "text", "completed") is None
    assert store.update_transcript("ghost.mp3", None, "completed") is None
    assert store.clear_transcript("ghost.mp3") is None
    assert store.get_audio_file("ghost.mp3") is None
    for name in ("../x.mp3", "", "a\nb.mp3"):  # what no file is called
        assert store.get_audio_file(name) is None
        assert store.set_transcript_status(name, "failed") is None
        assert store.update_transcript(name, "x", "completed") is None
        assert store.clear_transcript(name) is None
    assert store.list_audio_files() == []
    assert store.get_user("nobody") is None
    assert store.get_user_by_id(7) is None
    assert store.update_user(7, email="a@example.com") is None


def test_names_addresses_and_statuses_are_held_to_their_rules(store):
    store.create_user("bob", HASH, "bob@example.com")
    with pytest.raises(UsernameTaken):
        store.create_user("BOB", HASH, "other@example.com")
    with pytest.raises(EmailTaken):
        store.create_user("rob", HASH, "BOB@example.com")
    assert store.get_user("rob") is None
    with pytest.raises(InvalidFilename, match="cannot be used"):
        store.upsert_audio_file("100%.mp3", 1)
    store.upsert_audio_file("a.mp3", 1)
    with pytest.raises(InvalidStatus):
        store.set_transcript_status("a.mp3", "error")
    with pytest.raises(StatusConflict):
        store.set_transcript_status("a.mp3", "cancelled", expect={"processing"})


def test_names_that_differ_in_case_are_two_files(store):
    store.upsert_audio_file("A.mp3", 1)
    store.upsert_audio_file("a.mp3", 2)

    assert [(each.filename, each.size) for each in store.search_audio_files("A.MP3")] == [("A.mp3", 1), ("a.mp3", 2)]


def test_an_upsert_leaves_what_it_is_not_given(store):
    first = store.upsert_audio_file("a.mp3", 100, 10, uploaded_by=1, etag="e1")
    store.update_transcript("a.mp3", "words", "completed", source="manual")

    again = store.upsert_audio_file("a.mp3", 200)

    assert (again.size, again.duration, again.uploaded_by, again.etag) == (200, 10, 1, "e1")
    assert (again.created_at, again.version, again.transcript_status) == (first.created_at, 3, "completed")
    anew = store.upsert_audio_file("a.mp3", 300, reset_transcript=True)
    assert (anew.size, anew.transcript_status, anew.transcript_chars, anew.transcribed_at) == (
        300,
        "pending",
        None,
        None,
    )
    assert store.get_audio_file("a.mp3").transcript is None
    [item] = store.list_audio_files()
    assert item.transcript_status == "pending"


def test_a_text_is_cleared_with_all_that_is_known_of_it(store):
    store.upsert_audio_file("a.mp3", 100)
    store.update_transcript("a.mp3", "x" * 150_000, "completed", language="en-US", source="tts")
    assert len(store.get_audio_file("a.mp3").transcript) == 150_000

    cleared = store.clear_transcript("a.mp3")

    assert (cleared.transcript_status, cleared.transcript_language, cleared.transcript_source) == (
        "pending",
        None,
        None,
    )
    assert store.get_audio_file("a.mp3") == cleared


# ---- lists -----------------------------------------------------------------------------------------------------------


def test_lists_are_whole_or_in_pages(store):
    names = [f"{number:03}.mp3" for number in range(205)]
    for name in names:
        store.upsert_audio_file(name, 1)
    newest_first = names[::-1]  # one instant: the later name first

    assert [each.filename for each in store.list_audio_files()] == newest_first
    assert store.list_audio_files().next_cursor is None
    page = store.list_audio_files(limit=2)
    assert [each.filename for each in page] == newest_first[:2]
    following = store.list_audio_files(2, page.next_cursor)
    assert [each.filename for each in following] == newest_first[2:4]
    assert [each.filename for each in store.search_audio_files("20", match="prefix")] == names[200:]
    assert [each.filename for each in store.search_audio_files(" 04.MP3 ")] == ["004.mp3", "104.mp3", "204.mp3"]
    with pytest.raises(InvalidCursor):
        store.list_users(cursor=page.next_cursor)


def test_a_drained_list_ends_with_a_cursor_where_there_is_more(store, monkeypatch):
    monkeypatch.setattr(stores, "MAX_DRAINED", 3)
    monkeypatch.setattr(stores, "PAGE_SIZE", 2)
    for name in "abcde":
        store.create_user(f"user-{name}", HASH)

    first = store.list_users()

    assert [each.username for each in first] == ["user-a", "user-b", "user-c"]
    assert [each.username for each in store.list_users(cursor=first.next_cursor)] == ["user-d", "user-e"]


def test_the_helper_from_before_works_on_every_store(store):
    store.upsert_audio_file("a.mp3", 1)

    running = update_transcription_status(store, "a.mp3", "processing")
    assert running is not None
    assert running.transcript_status == "processing"
    done = update_transcription_status(store, "a.mp3", "completed", "hello world")
    assert done is not None
    assert (done.transcript_status, done.transcript_chars) == ("completed", 11)
    failed = update_transcription_status(store, "a.mp3", "failed", error="Transcription timeout")
    assert failed is not None
    assert (failed.transcript_status, failed.transcript_error) == ("failed", "Transcription timeout")
    assert store.get_audio_file("a.mp3").transcript == "hello world"


# ---- which store -----------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _no_store_of_another_test() -> Iterator[None]:
    reset_store()
    yield
    reset_store()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://x",
        "sqlite://host/file.db",
        "sqlite:///a.db?mode=ro",
        "sqlite:///",
        "file.db",
        "sqlite:////no/where/a.db",
    ],
)
def test_another_address_is_refused_with_the_forms_that_are_not(url):
    with pytest.raises(
        ConfigurationError, match=r"DATABASE_URL must look like sqlite:///file\.db, sqlite:////absolute"
    ):
        store_for({"DATABASE_URL": url})


def test_on_lambda_nothing_is_kept_in_a_file():
    with pytest.raises(ConfigurationError, match="refusing to use SQLite on Lambda because its file system is lost"):
        store_for({"AWS_LAMBDA_FUNCTION_NAME": "api", "DATABASE_URL": "sqlite:///a.db", "DYNAMODB_TABLE": "  "})


def test_a_table_comes_before_a_file(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1")
    variables = {"DYNAMODB_TABLE": "t", "DATABASE_URL": "postgresql://x", "DYNAMODB_REGION": "eu-west-1"}

    assert store_for(variables).kind == "dynamodb"


def test_a_process_has_one_store_in_the_file_it_is_told_of(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("DYNAMODB_TABLE", "DATABASE_URL", "AWS_LAMBDA_FUNCTION_NAME"):
        monkeypatch.delenv(name, raising=False)

    init_db()
    init_db()
    store = get_store()

    assert store is get_store() is get_db()
    assert (tmp_path / "yoto_smart_stream.db").exists()
    store.create_user("anna", HASH)
    reset_store()
    again = get_store()
    assert again is not store
    assert again.user_count() == 1
    assert isinstance(store, SqliteStore)
    assert isinstance(again, SqliteStore)
    store.engine.close()
    again.engine.close()


def test_a_file_of_the_earlier_product_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, username VARCHAR(50))")
        database.commit()
    before = path.read_bytes()

    with pytest.raises(ConfigurationError, match="written by an earlier version; use the migration tool"):
        SqliteStore(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_any_other_file_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("no database, and of some length, so that it cannot be taken for an empty one", encoding="utf-8")
    before = path.read_bytes()

    with pytest.raises(ConfigurationError):
        SqliteStore(f"sqlite:///{path}")
    assert path.read_bytes() == before
