"""A file of SQLite as a source: the smallest of the databases, read by the same reader."""

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lambda_src.migration.errors import MigrationError, SourceFailed
from lambda_src.migration.source.address import Address
from lambda_src.migration.source.connection import reading as transaction
from lambda_src.migration.source.reader import check_source, take_snapshot
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
