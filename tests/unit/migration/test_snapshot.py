"""What a snapshot decides, keeps and counts, and that only a finished one is used."""

import sqlite3
from dataclasses import replace

import pytest

from lambda_src.errors import InvalidInput
from lambda_src.migration.derive import Position, derive
from lambda_src.migration.errors import MigrationError
from lambda_src.migration.mapping import Column, Parent, Reject, SourceTable, Stream, Unique
from lambda_src.migration.snapshot import Snapshot
from tests.support.migration.jobs import VERSION, RowsInHand
from tests.support.migration.sample_source import MAPPING
from tests.support.sample_tables import NOTES, note_key


def prepare(row, warn):
    if row["name"] == "bad":
        raise Reject("bad_name", "its name is bad", "name")
    if row["name"] == "refused":
        raise InvalidInput("no rule allows it")
    if row["name"] == "odd":
        warn("odd_name", f"{row['id']} is odd")
    return row


def table(name, *rules):
    columns = (Column("id", "integer"), Column("name"), Column("parent", "integer"))
    return SourceTable(name, columns, ("id",), ("id", "name", "parent"), prepare, rules)


def items(row):
    yield NOTES, {**note_key(row["id"]).values, "name": row["name"]}


BOOKS = table("books", Unique("same_name", ("name",), ("id",)))
PAGES = table("pages", Parent("orphan", "books", "parent"), Unique("same_name", ("parent", "name"), ("id",)))
STREAMS = tuple(
    Stream(name, f"SELECT id, name FROM {name} WHERE reject IS NULL ORDER BY id", items, name)  # noqa: S608 -- ours
    for name in ("books", "pages")
)
BOOKSHELF = replace(MAPPING, sources=(BOOKS, PAGES), streams=STREAMS)


def row(number, name=None, parent=None):
    return {"id": number, "name": name, "parent": parent}


@pytest.fixture
def snapshot_of(tmp_path):
    opened = []

    def take(mapping=BOOKSHELF, **rows):
        RowsInHand(mapping, rows).take(tmp_path / "snapshot")
        snapshot = Snapshot.open(tmp_path / "snapshot", mapping)
        assert snapshot is not None
        opened.append(snapshot)
        return snapshot

    yield take
    for each in opened:
        each.__exit__()


def kinds(snapshot):
    return {(each.table, each.key["id"]): each.kind for each in snapshot.rejected()}


def test_a_row_that_is_refused_says_why_and_keeps_all_its_values(snapshot_of):
    [bad, refused] = snapshot_of(books=[row(1, "bad", 7), row(2, "good"), row(3, "refused")]).rejected()
    assert (bad.kind, bad.column, bad.reason, bad.row) == ("bad_name", "name", "its name is bad", row(1, "bad", 7))
    assert (refused.kind, refused.reason) == ("invalid_value", "no rule allows it")


def test_the_first_of_equal_rows_stays_and_nulls_are_not_equal(snapshot_of):
    books = [row(3, "a"), row(1, "a"), row(2, "A"), row(4), row(5)]
    assert kinds(snapshot_of(books=books)) == {("books", 3): "same_name"}


def test_a_rejected_row_is_in_nobodys_way(snapshot_of):
    pages = [row(1, "x", parent=9), row(2, "x", parent=1), row(3, "x", parent=1)]
    found = snapshot_of(books=[row(1, "book")], pages=pages)
    assert kinds(found) == {("pages", 1): "orphan", ("pages", 3): "same_name"}


def test_a_child_says_whether_its_parent_is_missing_or_was_rejected(snapshot_of):
    pages = [row(1, "x", parent=1), row(2, "y", parent=2), row(3, "z"), row(4, "w", parent=3)]
    found = snapshot_of(books=[row(1, "bad"), row(3, "good")], pages=pages)
    assert {each.key["id"]: each.reason for each in found.rejected() if each.table == "pages"} == {
        1: "its parent was rejected",
        2: "it has no parent",
        3: "it has no parent",
    }


def test_every_row_is_counted_once_as_read_and_once_as_rejected_or_not(snapshot_of):
    found = snapshot_of(books=[row(1, "bad"), row(2, "a"), row(3, "a")], pages=[row(1, "odd", parent=2)])
    tally = found.tally()
    assert (tally.read, tally.rejected) == ({"books": 3, "pages": 1}, {"books": 2, "pages": 0})
    assert found.reject_counts()["books"] == {"bad_name": 1, "same_name": 1}
    assert [(each["kind"], each["times"], each["sentence"]) for each in found.warnings()] == [
        ("odd_name", 1, "1 is odd")
    ]


def test_the_digest_is_of_the_rows_and_not_of_their_order(snapshot_of):
    rows = [row(1, "a"), row(2, "b")]
    digest = snapshot_of(books=rows).summary().digest
    assert snapshot_of(books=rows[::-1]).summary().digest == digest
    assert snapshot_of(books=rows[:1]).summary().digest != digest
    assert snapshot_of(pages=rows).summary().digest != digest
    assert snapshot_of(books=[row(1, "a"), row(2, "B")]).summary().digest != digest


def test_a_snapshot_that_was_cut_off_is_none(tmp_path):
    path = tmp_path / "snapshot"
    assert Snapshot.open(path, BOOKSHELF) is None
    with Snapshot.begin(path, BOOKSHELF) as snapshot:
        snapshot.load(BOOKS, [row(1, "a")])
        assert Snapshot.open(path, BOOKSHELF) is None
        snapshot.finish(taken_at="", mapping_version=VERSION)
    finished = Snapshot.open(path, BOOKSHELF)
    assert finished is not None
    finished.__exit__()
    path.write_bytes(path.read_bytes()[:100])
    assert Snapshot.open(path, BOOKSHELF) is None


def test_another_snapshot_takes_the_place_of_the_one_before(snapshot_of):
    snapshot_of(books=[row(1, "a"), row(2, "b")])
    assert snapshot_of(books=[row(3, "c")]).count("SELECT * FROM books") == 1


def test_only_its_owner_may_read_it(tmp_path):
    with Snapshot.begin(tmp_path / "work" / "snapshot", BOOKSHELF):
        assert (tmp_path / "work" / "snapshot").stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "work").stat().st_mode & 0o777 == 0o700


def test_deriving_goes_on_from_any_place_with_what_is_left(snapshot_of):
    found = snapshot_of(books=[row(1, "a"), row(2, "b")], pages=[row(n, f"p{n}", parent=1) for n in (1, 2, 3)])
    everything = list(derive(found, BOOKSHELF, "m"))
    assert [answer.after for answer in everything] == [
        Position(0, 1), Position(0, 2), Position(1, 1), Position(1, 2), Position(1, 3),
    ]  # fmt: skip
    for number, answer in enumerate(everything, start=1):
        assert list(derive(found, BOOKSHELF, "m", start=answer.after)) == everything[number:]


def test_an_answer_that_no_item_can_be_made_of_names_itself(snapshot_of):
    broken = replace(STREAMS[0], items=lambda _: [(NOTES, {"PK": 1.5})])
    found = snapshot_of(books=[row(1, "a")])
    with pytest.raises(MigrationError, match=r"books: no item can be made of .*'id': 1"):
        list(derive(found, replace(BOOKSHELF, streams=(broken,)), "m"))


def test_streams_read_by_an_index_and_sort_nothing(snapshot_of):
    found = snapshot_of(books=[row(n, f"b{n}") for n in range(500)])
    plan = " ".join(str(step["detail"]) for step in found.rows(f"EXPLAIN QUERY PLAN {STREAMS[0].query}"))
    assert "USING INDEX" in plan
    assert "B-TREE" not in plan


def test_names_of_columns_may_be_anything(tmp_path):
    columns = (Column('a "b"', "integer"), Column("select"))
    odd = SourceTable("from", columns, ('a "b"',), ('a "b"', "select"), lambda row, _: row)
    mapping = replace(MAPPING, sources=(odd,))
    RowsInHand(mapping, {"from": [{'a "b"': 1, "select": "x"}]}).take(tmp_path / "snapshot")
    with sqlite3.connect(tmp_path / "snapshot") as connection:
        assert connection.execute('SELECT "a ""b""", "select" FROM "from"').fetchall() == [(1, "x")]
    connection.close()
