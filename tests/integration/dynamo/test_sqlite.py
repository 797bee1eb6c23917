"""SQLite's own matters: its file, what else may be in it, processes beside this one, and time."""

import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from lambda_src.dynamo import sqlite
from lambda_src.dynamo.client import CallRefused
from lambda_src.dynamo.errors import ConditionFailed, OutcomeUnknown, StoreError, StoreMisconfigured
from lambda_src.dynamo.evaluation import Reader
from lambda_src.dynamo.schema import AccessPattern, Table
from lambda_src.dynamo.sqlite import APPLICATION_ID, VERSION, SqliteClient
from lambda_src.dynamo.sqlite_table import UnusableDatabase
from lambda_src.dynamo.store import ABSENT, Put, Store, Update, UpdateItem
from lambda_src.errors import StoreUnavailable
from tests.support.assembly import ROOT
from tests.support.sample_tables import (
    ADD_NOTE,
    KEEP_NOTE,
    KEEP_PLACE,
    NOTE,
    NOTE_BY_NUMBER,
    NOTES,
    NOTES_OF_BOOK,
    NOTES_OF_OWNER,
    NOTES_OF_TOPIC,
    PLACE,
    PLACE_OF_BOOK,
    PLACES,
    Note,
    Place,
    note_key,
)

NAMES = {"notes": "Notes-local", "places": "Places-local"}
TABLES = {"Notes-local": NOTES, "Places-local": PLACES}

type Opened = Callable[..., tuple[SqliteClient, Store]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tables.db"


@pytest.fixture
def opened(path, request) -> Opened:
    """`opened()` is one process more on the file; `opened(":memory:")` is alone."""

    def make(where: Any = path, tables: Mapping[str, Table] = TABLES, **options: Any) -> tuple[SqliteClient, Store]:
        client = SqliteClient(where, tables, **options)
        request.addfinalizer(client.close)
        return client, Store(client, NAMES, sleep=lambda _: None)

    return make


def put(store: Store, **values: Any) -> None:
    store.put(KEEP_NOTE, Put(NOTE, Note(**values)))


def numbers(store: Store, pattern: AccessPattern[Note], **values: Any) -> list[int]:
    return [note.number for note in store.items(pattern, **values)]


# ---- the file --------------------------------------------------------------------------------------------------------


def test_what_was_written_is_there_when_the_file_is_opened_again(path, opened):
    client, store = opened()
    put(store, number=1, text="héllo\0", topic="t")
    store.put(KEEP_PLACE, Put(PLACE, Place(name="attic")))
    client.close()
    assert numbers(store, NOTES_OF_TOPIC, topic="t") == [1], "a closed client opens the file again"
    _, another = opened()
    assert another.get(NOTE_BY_NUMBER, book="b", number=1) == Note(number=1, text="héllo\0", topic="t")
    assert another.get(PLACE_OF_BOOK, name="attic") == Place(name="attic")
    plain = sqlite3.connect(path)
    pragmas = [plain.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    assert [*pragmas, plain.execute("PRAGMA journal_mode").fetchone()[0]] == [APPLICATION_ID, VERSION, "wal"]
    plain.close()


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (["CREATE TABLE users (id INTEGER)"], "another program"),
        (["CREATE TABLE users (id INTEGER)", "PRAGMA user_version = 1"], "another program"),
        (["PRAGMA user_version = 3"], "another program"),
        (["PRAGMA application_id = 252006674"], "another program"),
        ([f"PRAGMA application_id = {APPLICATION_ID}", f"PRAGMA user_version = {VERSION + 1}"], "of version 2"),
    ],
)
def test_a_foreign_or_newer_database_is_refused_and_left_as_it_is(path, statements, said):
    other = sqlite3.connect(path)
    for statement in statements:
        other.execute(statement)
    other.close()
    before = path.read_bytes()
    with pytest.raises(UnusableDatabase, match=said):
        SqliteClient(path, TABLES)
    assert path.read_bytes() == before


def test_what_is_no_database_is_refused_by_its_name(path, tmp_path):
    path.write_text("this is a letter\n" * 100)
    for where in (path, tmp_path, tmp_path / "missing" / "tables.db"):
        with pytest.raises(UnusableDatabase, match=str(where)):
            SqliteClient(where, TABLES)


def test_a_table_with_another_primary_key_is_refused(opened):
    opened()
    with pytest.raises(UnusableDatabase, match="primary key"):
        opened(tables={"Notes-local": PLACES})


def test_an_index_that_is_declared_later_takes_in_the_items_that_have_its_keys(opened):
    _, store = opened(tables={"Notes-local": Table("notes", "N", "N", "PK", "SK", NOTES.indexes[:1])})
    put(store, number=1, owner="o", topic="t")
    put(store, number=2)
    store.update(KEEP_NOTE, UpdateItem(note_key(3), Update().set(GSI2PK=3)))
    _, store = opened()
    assert store.rows(NOTES_OF_OWNER, "SK", owner="o") == [{"SK": "NOTE#0001"}]
    put(store, number=2, owner="o")
    assert store.count(NOTES_OF_OWNER, owner="o") == 2


@pytest.mark.parametrize("is_down", [False, True])
@pytest.mark.parametrize(("index", "name"), [(None, "PK"), ("GSI1-index", "GSI1PK"), ("GSI2-index", "GSI2PK")])
def test_a_page_reads_what_it_shows_and_sorts_nothing(opened, index, name, is_down):
    client, _ = opened(":memory:")
    kept = client._tables["Notes-local"]
    start = {each: {"S": "a"} for each in kept._order(kept._indexes.get(index))}
    request = {
        "KeyConditionExpression": f"{name} = :p",
        "ExpressionAttributeValues": {":p": {"S": "a"}},
        "ScanIndexForward": not is_down,
        "ExclusiveStartKey": start,
    }
    sql, values = kept._select(request, kept._indexes.get(index), Reader(request))
    [plan] = [row[3] for row in client._connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    assert plan.startswith("SEARCH Notes-local USING INDEX"), plan
    assert f"{name}=?" in plan


# ---- processes and threads -------------------------------------------------------------------------------------------

WRITER = """
import sys
from itertools import count
from lambda_src.dynamo.sqlite import SqliteClient
from lambda_src.dynamo.store import Put, Store
from tests.support.sample_tables import ADD_NOTE, NOTE, NOTES, Note
store = Store(SqliteClient(sys.argv[1], {"Notes-local": NOTES}), {"notes": "Notes-local"})
for number in count():
    store.transact(ADD_NOTE, [Put(NOTE, Note(number=number, topic="t"))])
    print(number, flush=True)
"""


def test_a_process_that_is_killed_loses_no_write_that_it_was_told_of(path, opened):
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with writer:
        assert writer.stdout is not None
        told = [int(writer.stdout.readline()) for _ in range(40)]
        writer.send_signal(signal.SIGKILL)
        told += [int(line) for line in writer.stdout.read().splitlines()]
    assert writer.returncode == -signal.SIGKILL
    _, store = opened()
    found = numbers(store, NOTES_OF_BOOK, book="b")
    assert found[: len(told)] == told
    assert len(found) <= len(told) + 1, "the one that nobody was told of"
    assert sorted(numbers(store, NOTES_OF_TOPIC, topic="t")) == found


def test_many_threads_on_two_connections_lose_no_addition_and_one_wins(opened):
    stores = [opened()[1] for _ in range(2)]
    won: list[int] = []

    def work(number: int) -> None:
        store = stores[number % 2]
        for _ in range(10):
            store.update(KEEP_NOTE, UpdateItem(note_key(1), Update().add(hits=1)))
        try:
            store.put(KEEP_NOTE, Put(NOTE, Note(number=2), ABSENT))
        except ConditionFailed:
            return
        won.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stores[0].rows(NOTES_OF_BOOK, "hits", book="b", number=1) == [{"hits": 80}]
    assert len(won) == 1


def test_processes_that_make_the_file_at_the_same_moment_all_get_it(tmp_path, opened):
    at_once = threading.Barrier(6)
    failures = []

    def begin(path: Path) -> None:
        at_once.wait(timeout=30)
        try:
            opened(path)[1].update(KEEP_NOTE, UpdateItem(note_key(1), Update().add(hits=1)))
        except Exception as exc:  # noqa: BLE001 -- told by the assertion below
            failures.append(exc)

    for number in range(5):
        path = tmp_path / f"{number}.db"
        threads = [threading.Thread(target=begin, args=(path,)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert opened(path)[1].rows(NOTES_OF_BOOK, "hits", book="b") == [{"hits": 6}]
    assert failures == []


def test_a_file_that_another_process_keeps_locked_is_busy_and_then_free(path, opened, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.01)
    _, store = opened()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable):
        put(store, number=1)
    assert store.get(NOTE_BY_NUMBER, book="b", number=1) is None, "readers wait for nobody"
    other.execute("ROLLBACK")
    other.close()
    put(store, number=1)
    assert numbers(store, NOTES_OF_BOOK, book="b") == [1]


# ---- time ------------------------------------------------------------------------------------------------------------


def test_expired_items_are_found_until_they_are_swept(opened):
    client, store = opened(":memory:", seconds=lambda: 1_000.9)
    for number, expiry in enumerate((999, 1_000, 1_001, "999", None)):
        keep = Update().set(number=number) if expiry is None else Update().set(number=number, expires_at=expiry)
        store.update(KEEP_NOTE, UpdateItem(note_key(number), keep))
    assert numbers(store, NOTES_OF_BOOK, book="b") == [0, 1, 2, 3, 4]
    assert (client.delete_expired(), client.delete_expired()) == (1, 0)
    assert numbers(store, NOTES_OF_BOOK, book="b") == [1, 2, 3, 4]


def test_a_token_is_good_for_ten_minutes_and_one_transaction(opened):
    now = [0.0]
    _, store = opened(":memory:", seconds=lambda: now[0])
    add = [UpdateItem(note_key(1), Update().add(hits=1))]
    for second, hits in ((0.0, 1), (600.0, 1), (600.5, 2)):
        now[0] = second
        store.transact(ADD_NOTE, add, token="token")
        assert store.rows(NOTES_OF_BOOK, "hits", book="b") == [{"hits": hits}]
    with pytest.raises(OutcomeUnknown):
        store.transact(ADD_NOTE, [*add, Put(NOTE, Note(number=2))], token="token")


# ---- where AWS is stricter than DynamoDB Local -----------------------------------------------------------------------


@pytest.mark.parametrize("value", [3, b"a", frozenset("a"), "x" * 2_049, True])
def test_an_update_cannot_give_an_index_a_key_that_it_does_not_take(opened, value):
    _, store = opened(":memory:")
    with pytest.raises(StoreError):
        store.update(KEEP_NOTE, UpdateItem(note_key(1), Update().set(GSI1PK=value)))
    assert store.get(NOTE_BY_NUMBER, book="b", number=1) is None


def test_an_engine_knows_its_own_tables_and_operations(opened):
    client, store = opened(":memory:", tables={"Notes-local": NOTES})
    with pytest.raises(StoreMisconfigured):
        store.get(PLACE_OF_BOOK, name="attic")
    with pytest.raises(CallRefused, match="UnknownOperationException"):
        client.call("Scan", {"TableName": "Notes-local"}, "test")


def test_no_value_of_a_map_is_taken_for_a_binary(opened):
    _, store = opened(":memory:")
    facts = {"B": "YQ==", "facts": {"B": b"a", "text": '{"B":"YQ=="}'}}
    store.update(KEEP_NOTE, UpdateItem(note_key(1), Update().set(facts=facts)))
    assert store.rows(NOTES_OF_BOOK, "facts", book="b") == [{"facts": facts}]
