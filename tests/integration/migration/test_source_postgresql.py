"""A real PostgreSQL, read at one instant, whatever is in it."""

from collections.abc import Iterator

import pytest

from lambda_src.migration.errors import SourceFailed
from lambda_src.migration.mapping import Column
from lambda_src.migration.mappings.nbhd_city import mapping as nbhd_city
from lambda_src.migration.source.address import Address
from lambda_src.migration.source.connection import reading as transaction
from lambda_src.migration.source.reader import check_source, take_snapshot
from tests.support.migration.reading import read, sentences
from tests.support.migration.sample_source import MAPPING, PEOPLE, PETS, POSTGRESQL, pets, reading
from tests.support.migration.servers import Database, PostgreSQL


@pytest.fixture
def database(postgresql: PostgreSQL) -> Iterator[Database]:
    with postgresql.database(POSTGRESQL) as database:
        yield database


def test_values_arrive_as_the_database_writes_them(database, tmp_path):
    database.insert(
        "people",
        [
            {
                "id": "1", "order": -9223372036854775808, "rank": "high", "bio": "🦀 e\u0301 '\"\\\n\t",
                "weight": "185.5000", "born": "2024-02-29", "seen_at": "2025-01-15 17:30:00.123456+09",
                "is_admin": True, "nickname": "",
            },
        ],
    )  # fmt: skip
    [row] = read(database.url, reading(PEOPLE), tmp_path)["people"]
    assert row == {
        "id": "1", "order": -9223372036854775808, "rank": "high", "bio": "🦀 e\u0301 '\"\\\n\t",
        "weight": "185.5000", "born": "2024-02-29", "seen_at": "2025-01-15 08:30:00.123456+00",
        "is_admin": 1, "nickname": "",
    }  # fmt: skip
    assert list(row) == [column.name for column in PEOPLE.columns]


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("infinity", "infinity"),
        ("-infinity", "-infinity"),
        ("0044-03-15 12:00:00+00 BC", "0044-03-15 12:00:00+00 BC"),
        ("294276-12-31 23:59:59+00", "294276-12-31 23:59:59+00"),
        ("2025-01-15 08:30:00+00", "2025-01-15 08:30:00+00"),
    ],
)
def test_a_time_that_python_does_not_have_arrives_as_text(database, tmp_path, written, read_as):
    database.insert("people", [{"id": "1", "seen_at": written}])
    assert read(database.url, reading(PEOPLE), tmp_path)["people"][0]["seen_at"] == read_as


@pytest.mark.parametrize("weight", ["NaN", "Infinity", "0.0000", "-1E+20", "1" * 100 + ".5"])
def test_a_number_that_is_none_or_huge_arrives_as_text(database, tmp_path, weight):
    database.insert("people", [{"id": "1", "weight": weight}])
    found = read(database.url, reading(PEOPLE), tmp_path)["people"][0]["weight"]
    assert found == ("-100000000000000000000" if weight == "-1E+20" else weight)


def test_times_are_read_in_utc_and_iso_whatever_the_user_prefers(database, tmp_path):
    database.insert("people", [{"id": "1", "seen_at": "2025-01-15 08:30:00+00", "born": "2025-01-15"}])
    database.run("ALTER ROLE reader SET TimeZone = 'Asia/Tokyo'; ALTER ROLE reader SET DateStyle = 'SQL, DMY'")
    try:
        [row] = read(database.url, reading(PEOPLE), tmp_path)["people"]
    finally:
        database.run("ALTER ROLE reader RESET ALL")
    assert (row["seen_at"], row["born"]) == ("2025-01-15 08:30:00+00", "2025-01-15")


def test_a_uuid_is_a_text(database, tmp_path):
    database.run(
        "CREATE TABLE keys (id UUID PRIMARY KEY); INSERT INTO keys VALUES ('BBAE9AC9-c94c-5056-ba6e-6b527d027741')"
    )
    mapping = reading(PETS, name="keys", columns=(Column("id"),), fields=("id",))
    assert read(database.url, mapping, tmp_path)["keys"] == [{"id": "bbae9ac9-c94c-5056-ba6e-6b527d027741"}]


def test_rows_hidden_by_a_policy_stop_the_reading_instead_of_being_lost(database, tmp_path):
    database.insert("pets", pets(2))
    database.run(
        "ALTER TABLE pets ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON pets FOR SELECT TO reader USING (id = 0)"
    )
    with pytest.raises(SourceFailed, match="row-level security"):
        read(database.url, reading(PETS), tmp_path)


def test_a_database_in_another_encoding_is_read_as_the_same_characters(postgresql, tmp_path):
    with postgresql.database(POSTGRESQL, encoding="LATIN1") as database:
        database.insert("pets", [{"id": 1, "name": "Zoë"}])
        assert read(database.url, reading(PETS), tmp_path)["pets"][0]["name"] == "Zoë"


def test_a_database_without_encoding_is_noted_and_bytes_that_are_no_text_stop_the_reading(postgresql, tmp_path):
    with postgresql.database(POSTGRESQL, encoding="SQL_ASCII") as database:
        database.run("INSERT INTO pets (id, name) VALUES (1, 'Zoë')")
        assert read(database.url, reading(PETS), tmp_path)["pets"][0]["name"] == "Zoë"
        notes = sentences(check_source(Address.parse(database.url), reading(PETS)), "note")
        assert any("SQL_ASCII" in note for note in notes)
        database.run(r"INSERT INTO pets (id, name) VALUES (2, E'Zo\xeb')")
        with pytest.raises(SourceFailed, match="invalid byte sequence"):
            read(database.url, reading(PETS), tmp_path)


def test_a_source_as_expected_has_nothing_to_stop_for(database):
    report = check_source(Address.parse(database.url), MAPPING)
    assert report.stops == ()
    assert report.counts == {"people": 0, "pets": 0}
    assert report.server["version"].startswith("PostgreSQL")
    assert report.server["encoding of the database"] == "UTF8"
    assert "pets.born_at: its times have no zone: they are taken for UTC" in sentences(report, "note")


def test_the_schema_of_nbhd_city_can_be_read(nbhd_city_database, tmp_path):
    address = Address.parse(nbhd_city_database.url)
    assert check_source(address, nbhd_city.mapping()).findings == ()
    nbhd_city_database.run("INSERT INTO neighborhoods (name, created_by) VALUES ('Elm Street', 'did:plc:a')")
    assert read(nbhd_city_database.url, nbhd_city.mapping(), tmp_path)["neighborhoods"][0]["id"] == 1


def test_what_differs_from_the_expected_schema_is_found(database, tmp_path):
    database.run(
        "ALTER TABLE people DROP COLUMN born, DROP COLUMN nickname, ALTER weight TYPE FLOAT, ADD shoe_size INT;"
        "ALTER TABLE pets DROP CONSTRAINT pets_pkey; CREATE TABLE alembic_version (version_num TEXT)"
    )
    report = check_source(Address.parse(database.url), MAPPING)
    assert sentences(report, "stop") == [
        "people.weight: its type is DOUBLE_PRECISION; accepted are DECIMAL, NUMERIC",
        "people.born: the column is missing",
        "pets: its primary key is none; expected is (id), or rows cannot be told apart",
    ]
    assert "people: columns that stay behind: shoe_size" in sentences(report, "note")
    assert "tables that stay behind: alembic_version" in sentences(report, "note")
    with pytest.raises(SourceFailed, match=r"cannot be read:\n  people\.weight"):
        take_snapshot(Address.parse(database.url), MAPPING, tmp_path / "snapshot")


def test_a_wrong_password_is_refused_at_once_and_not_repeated(database, tmp_path):
    address = Address.parse(database.url.replace("reader:", "reader:wrong-"))
    with pytest.raises(SourceFailed, match=r"cannot connect to postgresql at 127\.0\.0\.1.*authentication") as refusal:
        take_snapshot(address, MAPPING, tmp_path / "snapshot")
    assert "wrong" not in str(refusal.value)
    assert "% as %25" in str(refusal.value), "an escape that went wrong makes another password"


def test_the_reader_needs_no_right_but_to_select(database, tmp_path):
    database.run("REVOKE SELECT ON pets FROM reader")
    with pytest.raises(SourceFailed, match="permission denied for table pets"):
        read(database.url, MAPPING, tmp_path)
    database.run("GRANT SELECT ON pets TO reader")
    assert read(database.url, MAPPING, tmp_path) == {"people": [], "pets": []}


def test_a_transaction_of_ours_cannot_write_whoever_the_user_is(database):
    database.run("GRANT INSERT ON pets TO reader")
    with pytest.raises(SourceFailed, match="read-only"), transaction(Address.parse(database.url)) as connection:
        connection.exec_driver_sql("INSERT INTO pets (id) VALUES (1)")
