"""A file of SQLite as a source: the smallest of the databases, read by the same reader."""

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from lambda_src.migration.errors import MigrationError, SourceFailed
from lambda_src.migration.mapping import Column
from lambda_src.migration.source.address import Address
from lambda_src.migration.source.connection import reading as transaction
from lambda_src.migration.source.reader import Database, check_source, take_snapshot
from tests.support.migration.reading import read, sentences
from tests.support.migration.sample_source import MAPPING, PEOPLE, PETS, SQLITE, reading


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "source db?.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SQLITE)
    return path


def url(file: Path) -> str:
    return f"sqlite:///{str(file).replace('?', '%3F')}"


def run(file: Path, text: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(text)


def test_values_arrive_as_text_and_integers(file, tmp_path):
    run(
        file,
        """INSERT INTO people VALUES ('1', 7, 'high', '🦀', 185.5, '2024-02-29', '2025-01-15 08:30:00.123456', 1, NULL);
        INSERT INTO people (id, bio) VALUES ('2', 42)""",
    )
    first, second = read(url(file), reading(PEOPLE), tmp_path)["people"]
    assert first == {
        "id": "1", "order": 7, "rank": "high", "bio": "🦀", "weight": "185.5", "born": "2024-02-29",
        "seen_at": "2025-01-15 08:30:00.123456", "is_admin": 1, "nickname": None,
    }  # fmt: skip
    assert second["bio"] == "42"  # a column of SQLite holds what it is given


def test_the_schema_is_compared(file):
    run(file, "DROP TABLE pets; ALTER TABLE people DROP COLUMN born")
    report = check_source(Address.parse(url(file)), MAPPING)
    assert sentences(report, "stop") == [
        "people.born: the column is missing",
        "pets: the table is missing, or the user may not read it",
    ]
    assert report.counts == {"people": 0}


def test_rows_come_from_one_instant_while_others_write(file, tmp_path):
    run(file, "PRAGMA journal_mode = WAL; INSERT INTO people (id) VALUES ('1'); INSERT INTO pets (id) VALUES (1)")

    def write(_: int) -> None:
        run(file, "DELETE FROM pets")

    assert len(read(url(file), MAPPING, tmp_path, on_rows=write)["pets"]) == 1
    assert read(url(file), MAPPING, tmp_path)["pets"] == []


def test_a_file_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(SourceFailed, match="cannot connect to sqlite, file"):
        take_snapshot(Address.parse(f"sqlite:///{tmp_path}/none.db"), MAPPING, tmp_path / "snapshot")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def full_disk() -> Iterator[None]:
    """Files of this process end at 200 KB."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_a_failure_in_words_and_leaves_no_rows(file, tmp_path, full_disk):
    run(file, "INSERT INTO people (id, bio) VALUES ('1', hex(zeroblob(80000)))")
    path = tmp_path / "work" / "snapshot"
    with pytest.raises(MigrationError, match=r"the snapshot .*snapshot cannot be written: "):
        take_snapshot(Address.parse(url(file)), MAPPING, path)
    assert not path.exists()


def test_nothing_can_be_written_to_the_source(file):
    with pytest.raises(SourceFailed, match="readonly"), transaction(Address.parse(url(file))) as connection:
        connection.exec_driver_sql("DELETE FROM pets")


def test_bytes_that_are_no_text_stop_the_reading_in_words(file, tmp_path):
    run(file, "INSERT INTO pets (id, name) VALUES (1, CAST(x'ff' AS TEXT))")
    with pytest.raises(SourceFailed, match="Could not decode to UTF-8"):
        read(url(file), reading(PETS), tmp_path)


def test_numbers_and_flags_that_are_texts_arrive_as_texts(file, tmp_path):
    run(file, """INSERT INTO people (id, "order", is_admin) VALUES ('1', 'many', 'yes'), ('2', 1.5, '1')""")
    rows = read(url(file), reading(PEOPLE), tmp_path)["people"]
    assert [(row["order"], row["is_admin"]) for row in rows] == [("many", "yes"), ("1.5", 1)]


def test_a_column_that_is_missing_reads_as_what_the_mapping_says(file, tmp_path):
    run(file, "INSERT INTO pets (id, name) VALUES (1, 'Rex')")
    pets = replace(PETS, columns=(*PETS.columns, Column("age", optional=True, missing="unknown")))
    [row] = read(url(file), reading(pets), tmp_path)["pets"]
    assert (row["name"], row["age"]) == ("Rex", "unknown")
    [note, _] = sentences(check_source(Address.parse(url(file)), reading(pets)), "note")
    assert note == "pets.age: the column is missing, as in a known variant of the schema: its values follow from others"


def test_secret_columns_are_in_no_snapshot_and_confidential_ones_in_no_raw_row(file, tmp_path):
    run(file, "ALTER TABLE pets ADD COLUMN token TEXT; INSERT INTO pets (id, name, token) VALUES (1, 'Rex', 's3cret')")
    columns = [replace(column, confidential=column.name == "name") for column in PETS.columns]
    pets = replace(PETS, columns=(*columns, Column("token", secret=True), Column("pin", secret=True, optional=True)))
    service = reading(pets)
    [row] = read(url(file), service, tmp_path)["pets"]
    assert "id" in row
    assert not {"name", "token", "pin"} & row.keys()
    assert b"s3cret" not in (tmp_path / "snapshot").read_bytes()
    database = Database(service, lambda: Address.parse(url(file)))
    assert list(database.secrets(pets)) == [{"id": 1, "token": "s3cret", "pin": None}]
    assert sentences(database.examine(), "note") == [
        "pets.pin: the column is missing, as in a known variant of the schema: it reads as NULL",
        "tables that stay behind: people",
    ]


def test_a_confidential_value_that_changes_is_a_change_of_the_source(file, tmp_path):
    pets = replace(PETS, columns=tuple(replace(column, confidential=column.name == "name") for column in PETS.columns))
    run(file, "INSERT INTO pets (id, name) VALUES (1, 'Rex')")
    before = take_snapshot(Address.parse(url(file)), reading(pets), tmp_path / "before")
    run(file, "UPDATE pets SET name = 'Max'")
    assert take_snapshot(Address.parse(url(file)), reading(pets), tmp_path / "after").digest != before.digest
