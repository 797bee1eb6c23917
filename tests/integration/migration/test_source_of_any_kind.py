"""What holds whichever server is read."""

from collections.abc import Iterator

import pytest

from tests.support.migration.reading import read
from tests.support.migration.sample_source import MAPPING, MARIADB, PEOPLE, POSTGRESQL, people, pets, reading
from tests.support.migration.servers import Database


@pytest.fixture(params=[("mariadb", MARIADB), ("postgresql", POSTGRESQL)], ids=["mariadb", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    server, ddl = request.param
    with request.getfixturevalue(server).database(ddl) as database:
        yield database


def test_rows_come_from_one_instant_while_others_write(database, tmp_path):
    database.insert("people", people(3_000))
    database.insert("pets", pets(1_000))
    before = read(database.url, MAPPING, tmp_path)
    writes = iter(
        ["DELETE FROM pets", "UPDATE people SET bio = 'changed'", "INSERT INTO people (id) VALUES ('zzz')"],
    )

    def write(_: int) -> None:
        database.run(next(writes, ""))

    assert read(database.url, MAPPING, tmp_path, on_rows=write) == before
    assert next(writes, None) is None
    assert read(database.url, MAPPING, tmp_path)["pets"] == []


def test_null_stays_null_in_every_kind_of_column(database, tmp_path):
    database.insert("people", [{"id": "1"}])
    [row] = read(database.url, reading(PEOPLE), tmp_path)["people"]
    assert set(row.values()) == {"1", None}
