"""A real MariaDB, read at one instant, whatever is in it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from pymysql.err import IntegrityError  # type: ignore[import-untyped]

from lambda_src.migration.errors import BadUsage, SourceFailed
from lambda_src.migration.mapping import Column, Reject, Row, Warn
from lambda_src.migration.mappings.stock_track_record import mapping as stock_track_record
from lambda_src.migration.snapshot import Snapshot
from lambda_src.migration.source.address import Address
from lambda_src.migration.source.connection import reading as transaction
from lambda_src.migration.source.mysql import ignored_by
from lambda_src.migration.source.reader import check_source, take_snapshot
from tests.support.migration.reading import findings, read, sentences
from tests.support.migration.sample_source import MAPPING, MARIADB, PEOPLE, PETS, people, pets, reading
from tests.support.migration.servers import PASSWORD_IN_URL, Database, MariaDB, schema


@pytest.fixture
def database(mariadb: MariaDB) -> Iterator[Database]:
    with mariadb.database(MARIADB) as database:
        yield database


@contextmanager
def server_setting(mariadb: MariaDB, name: str, value: Any) -> Iterator[None]:
    """A setting of the whole server, which new connections inherit."""
    with mariadb.database() as database:
        database.run(f"SET GLOBAL {name} = {value}")
        try:
            yield
        finally:
            database.run(f"SET GLOBAL {name} = DEFAULT")


def test_values_arrive_as_the_database_writes_them(database, tmp_path):
    database.insert(
        "people",
        [
            {
                "id": "1", "order": 9223372036854775807, "rank": "high", "bio": "🦀 e\u0301 \0 '\"\\\n",
                "weight": "99999999999999999999999999.9999", "born": "2024-02-29",
                "seen_at": "2025-01-15 08:30:00.123456", "is_admin": 1, "nickname": "",
            },
        ],
    )  # fmt: skip
    [row] = read(database.url, reading(PEOPLE), tmp_path)["people"]
    assert row == {
        "id": "1", "order": 9223372036854775807, "rank": "high", "bio": "🦀 e\u0301 \0 '\"\\\n",
        "weight": "99999999999999999999999999.9999", "born": "2024-02-29",
        "seen_at": "2025-01-15 08:30:00.123456", "is_admin": 1, "nickname": "",
    }  # fmt: skip
    assert list(row) == [column.name for column in PEOPLE.columns]


@pytest.mark.parametrize("day", ["0000-00-00", "2025-00-10", "2025-01-00", "0001-01-01", "9999-12-31"])
def test_a_date_that_is_none_arrives_as_text(database, tmp_path, day):
    database.insert("people", [{"id": "1", "born": day, "seen_at": f"{day} 00:00:00"}])
    [row] = read(database.url, reading(PEOPLE), tmp_path)["people"]
    assert (row["born"], row["seen_at"]) == (day, f"{day} 00:00:00.000000")


def test_a_value_that_its_enum_does_not_have_arrives_empty(database, tmp_path):
    database.insert("people", [{"id": "1", "rank": "nonsense"}])
    assert read(database.url, reading(PEOPLE), tmp_path)["people"][0]["rank"] == ""


@pytest.mark.parametrize("weight", ["-99999999999999999999999999.9999", "0.0000", "-0.0001", "185.5000"])
def test_a_decimal_keeps_every_digit(database, tmp_path, weight):
    database.insert("people", [{"id": "1", "weight": weight}])
    assert read(database.url, reading(PEOPLE), tmp_path)["people"][0]["weight"] == weight


def test_a_latin1_column_arrives_as_the_same_characters(database, tmp_path):
    database.insert("pets", [{"id": 1, "name": "Zoë €"}])
    assert read(database.url, reading(PETS), tmp_path)["pets"][0]["name"] == "Zoë €"


def test_texts_that_the_collation_takes_for_equal_arrive_apart(database, tmp_path):
    texts = ["Ada", "ADA", "ada ", "adá"]
    database.insert("pets", [{"id": number, "person_id": text} for number, text in enumerate(texts)])
    assert [row["person_id"] for row in read(database.url, reading(PETS), tmp_path)["pets"]] == texts


def test_a_child_that_spells_its_parent_differently_arrives_as_it_is(mariadb, tmp_path):
    """What the page on sources says of foreign keys."""
    family = """
        CREATE TABLE parents (id VARCHAR(9) PRIMARY KEY); INSERT INTO parents VALUES ('abc');
        CREATE TABLE pets (id INT PRIMARY KEY, person_id VARCHAR(9), FOREIGN KEY (person_id) REFERENCES parents (id));
        SET foreign_key_checks = 1; INSERT INTO pets VALUES (1, 'abc'), (2, 'ABC'), (3, 'ábc'), (4, 'abc ')"""
    with mariadb.database(family) as database:
        mapping = reading(PETS, columns=PETS.columns[:2], fields=("id", "person_id"))
        parents = [row["person_id"] for row in read(database.url, mapping, tmp_path)["pets"]]
        assert parents == ["abc", "ABC", "ábc", "abc "]
        with pytest.raises(IntegrityError, match="foreign key constraint fails"):
            database.run("SET foreign_key_checks = 1; INSERT INTO pets VALUES (5, 'abd')")


def test_a_text_of_a_megabyte_arrives_whole(database, tmp_path):
    database.insert("people", [{"id": "1", "bio": "é" * 1_000_000}])
    assert read(database.url, reading(PEOPLE), tmp_path)["people"][0]["bio"] == "é" * 1_000_000


def test_a_timestamp_is_read_in_utc_whatever_zone_the_server_is_in(mariadb, database, tmp_path):
    database.insert("pets", [{"id": 1, "born_at": "2025-01-15 08:30:00"}])
    with server_setting(mariadb, "time_zone", "'+09:00'"):
        assert read(database.url, reading(PETS), tmp_path)["pets"][0]["born_at"] == "2025-01-15 08:30:00"
        assert check_source(Address.parse(database.url), reading(PETS)).server["time zone"].startswith("+09:00")


def test_columns_are_read_by_name_although_the_server_takes_quotes_for_names(mariadb, database, tmp_path):
    database.insert("people", [{"id": "1", "order": 7}])
    with server_setting(mariadb, "sql_mode", "'ANSI,PAD_CHAR_TO_FULL_LENGTH'"):
        assert read(database.url, reading(PEOPLE), tmp_path)["people"][0]["order"] == 7


def test_a_key_beyond_64_bits_is_rejected_like_any_other(database, tmp_path):
    def refuse(row: Row, _: Warn) -> Row:
        raise Reject("too_large", f"{row['id']} is too large", "id")

    database.run("ALTER TABLE pets MODIFY id BIGINT UNSIGNED; INSERT INTO pets (id) VALUES (18446744073709551615)")
    mapping = reading(PETS, prepare=refuse)
    take_snapshot(Address.parse(database.url), mapping, tmp_path / "s")
    with Snapshot(tmp_path / "s", mapping) as snapshot:
        assert [rejected.key for rejected in snapshot.rejected()] == [{"id": 18446744073709551615}]


def test_a_bit_is_a_boolean(database, tmp_path):
    database.run("CREATE TABLE flags (id INT PRIMARY KEY, is_up BIT(1)); INSERT INTO flags VALUES (1, b'1'), (2, b'0')")
    columns = (Column("id", "integer"), Column("is_up", "boolean"))
    mapping = reading(PETS, name="flags", columns=columns, fields=("id", "is_up"))
    assert [row["is_up"] for row in read(database.url, mapping, tmp_path)["flags"]] == [1, 0]


def test_the_same_rows_make_the_same_digest_and_others_another(database, tmp_path):
    database.insert("people", people(10))
    address, path = Address.parse(database.url), tmp_path / "s"
    first, second = (take_snapshot(address, MAPPING, path) for _ in range(2))
    assert (first.digest, first.rows) == (second.digest, {"people": 10, "pets": 0})
    database.run("UPDATE people SET `order` = 99 WHERE id = 'p00000003'")
    assert take_snapshot(address, MAPPING, path).digest != first.digest


def test_a_snapshot_belongs_to_its_owner_alone(database, tmp_path):
    path = tmp_path / "work" / "snapshot"
    take_snapshot(Address.parse(database.url), MAPPING, path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["snapshot"]


@pytest.mark.parametrize("variant", ["stock_track_record", "stock_track_record_earlier"])
def test_both_variants_of_stock_track_record_can_be_read(mariadb, tmp_path, variant):
    with mariadb.database(schema(variant)) as database:
        database.run("INSERT INTO channels (id, youtube_channel_id, name, url) VALUES ('c', 'UC', 'n', 'u')")
        assert check_source(Address.parse(database.url), stock_track_record.mapping()).stops == ()
        assert read(database.url, stock_track_record.mapping(), tmp_path)["channels"][0]["status"] == "pending"


def test_a_source_as_expected_has_nothing_to_stop_for(database):
    report = check_source(Address.parse(database.url), MAPPING)
    assert report.stops == ()
    assert report.counts == {"people": 0, "pets": 0}
    assert "MariaDB" in report.server["version"]
    assert report.server["character set of the database"] == "utf8mb4"


def test_what_differs_from_the_expected_schema_is_found(database, tmp_path):
    database.run(
        "ALTER TABLE people DROP COLUMN born, DROP COLUMN nickname, MODIFY weight DOUBLE, ADD COLUMN shoe_size INT;"
        "DROP TABLE pets; CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)"
    )
    address = Address.parse(database.url)
    assert sentences(check_source(address, MAPPING), "stop") == [
        "people.weight: its type is DOUBLE; accepted are DECIMAL, NUMERIC",
        "people.born: the column is missing",
        "pets: the table is missing, or the user may not read it",
    ]
    notes = sentences(check_source(address, MAPPING), "note")
    assert "people.nickname: the column is missing, as in a known variant of the schema: it reads as NULL" in notes
    assert "people: columns that stay behind: shoe_size" in notes
    assert "tables that stay behind: alembic_version" in notes
    with pytest.raises(SourceFailed, match=r"cannot be read:\n  people\.weight: its type is DOUBLE"):
        take_snapshot(address, MAPPING, tmp_path / "snapshot")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_optional_column_reads_as_null(database, tmp_path):
    database.run("ALTER TABLE people DROP COLUMN nickname; INSERT INTO people (id) VALUES ('1')")
    assert read(database.url, reading(PEOPLE), tmp_path)["people"][0]["nickname"] is None


def test_a_table_without_its_primary_key_stops_the_reading(database):
    database.run("ALTER TABLE pets DROP PRIMARY KEY")
    [finding] = check_source(Address.parse(database.url), reading(PETS)).stops
    assert "its primary key is none; expected is (id)" in str(finding)


def test_a_table_without_transactions_stops_the_reading(database):
    database.run("ALTER TABLE pets ENGINE = MyISAM")
    [finding] = check_source(Address.parse(database.url), reading(PETS)).stops
    assert str(finding).endswith("ALTER TABLE pets ENGINE = InnoDB")


def test_what_collations_do_not_see_is_noted(database):
    report = check_source(Address.parse(database.url), MAPPING)
    assert [(each.table, each.sentence.split(":")[0]) for each in findings(report, "note")] == [
        ("people", "utf8mb4_bin (1 of its columns) ignores blanks at the end"),
        ("people", "utf8mb4_general_ci (3 of its columns) ignores case, accents, blanks at the end"),
        ("pets", "latin1_swedish_ci (1 of its columns) ignores case, accents, blanks at the end"),
        ("pets", "latin1_swedish_ci (1 of its columns) is not UTF-8"),
        ("pets", "utf8mb4_general_ci (1 of its columns) ignores case, accents, blanks at the end"),
        ("people", "its times have no zone"),
    ]


def test_the_server_ignores_what_the_name_of_its_collation_says(mariadb):
    """Those of MySQL 8 alone are in the unit test."""
    collations = (
        "latin1_swedish_ci", "latin1_general_cs", "latin1_bin", "utf8mb4_general_ci", "utf8mb4_bin",
        "utf8mb4_nopad_bin", "utf8mb4_uca1400_as_ci", "utf8mb4_uca1400_ai_cs", "utf8mb4_uca1400_nopad_as_cs",
        "utf8mb4_thai_520_w2",
    )  # fmt: skip
    pairs = {"case": "A", "accents": "á", "blanks at the end": "a "}
    columns = ", ".join(f"c{number} VARCHAR(2) COLLATE {name}" for number, name in enumerate(collations))
    with mariadb.database(f"CREATE TABLE pets (id VARCHAR(20) PRIMARY KEY, {columns})") as database:
        database.insert("pets", [{f"c{n}": "a" for n in range(len(collations))} | {"id": "a"}])
        with transaction(Address.parse(database.url)) as connection:
            for number, name in enumerate(collations):
                seen = ", ".join(f"c{number} = '{other}'" for other in pairs.values())
                equal = connection.exec_driver_sql(f"SELECT {seen} FROM pets").one()  # noqa: S608 -- ours
                assert [what for what, is_equal in zip(pairs, equal, strict=True) if is_equal] == ignored_by(name), name


@pytest.mark.parametrize(("zone", "hours"), [("+09:00", 9), ("-03:30", -3.5), ("+00:00", 0)])
def test_times_that_a_server_wrote_by_a_clock_of_its_own_are_noted(mariadb, database, tmp_path, zone, hours):
    with server_setting(mariadb, "time_zone", f"'{zone}'"):
        database.run(
            f"SET time_zone = '{zone}', timestamp = 1736930000;"  # noqa: S608 -- ours
            "INSERT INTO people (id, seen_at) VALUES ('1', NOW()); INSERT INTO pets (id, born_at) VALUES (1, NOW())"
        )
        notes = sentences(check_source(Address.parse(database.url), MAPPING), "note")
        rows = read(database.url, MAPPING, tmp_path)
    clock = f", but this server's NOW() is at {zone}" if hours else ""
    assert notes[-1] == f"people.seen_at: its times have no zone: they are taken for UTC{clock}"
    written = datetime.fromtimestamp(1736930000, UTC) + timedelta(hours=hours)
    assert rows["people"][0]["seen_at"] == f"{written:%Y-%m-%d %H:%M:%S}.000000"
    assert rows["pets"][0]["born_at"] == "2025-01-15 08:33:20", "a TIMESTAMP is an instant"


def test_the_clock_of_the_system_is_told_with_its_summer(monkeypatch, tmp_path):
    monkeypatch.setenv("TZ", "America/New_York")
    with MariaDB.running() as server, server.database(MARIADB) as database:
        database.run("INSERT INTO pets (id, born_at) VALUES (1, '2025-07-15 08:30:00'), (2, '2025-11-02 05:30:00')")
        report = check_source(Address.parse(database.url), MAPPING)
        assert "SYSTEM" in report.server["time zone"]
        clock = "this server's NOW() is at -05:00 in January and -04:00 in July"
        assert sentences(report, "note")[-1].endswith(f"they are taken for UTC, but {clock}")
        born = [row["born_at"] for row in read(database.url, MAPPING, tmp_path)["pets"]]
        assert born == ["2025-07-15 08:30:00", "2025-11-02 05:30:00"], "summer, and the hour that comes twice"


def test_a_collation_that_sees_everything_is_not_noted(mariadb):
    with mariadb.database("CREATE TABLE pets (id VARCHAR(9) COLLATE utf8mb4_nopad_bin PRIMARY KEY)") as database:
        mapping = reading(PETS, columns=(Column("id"),), fields=("id",))
        assert check_source(Address.parse(database.url), mapping).findings == ()


def test_a_type_nobody_knows_is_a_finding_and_no_crash(database):
    database.run("ALTER TABLE pets MODIFY name POINT")
    [finding] = check_source(Address.parse(database.url), reading(PETS)).stops
    assert (finding.table, finding.column) == ("pets", "name")


def test_the_reader_needs_no_right_but_to_select(database, tmp_path):
    database.insert("people", people(1))
    assert len(read(database.url, MAPPING, tmp_path)["people"]) == 1
    with pytest.raises(SourceFailed, match="command denied"), transaction(Address.parse(database.url)) as connection:
        connection.exec_driver_sql("DELETE FROM people")


def test_a_wrong_password_is_refused_at_once_and_not_repeated(database, tmp_path):
    address = Address.parse(database.url.replace("reader:", "reader:wrong-"))
    with pytest.raises(SourceFailed, match=r"cannot connect to mysql at 127\.0\.0\.1.*Access denied") as refusal:
        take_snapshot(address, MAPPING, tmp_path / "snapshot", pause=_no_pause)
    assert "wrong" not in str(refusal.value)
    assert "% as %25" in str(refusal.value), "an escape that went wrong makes another password"


def test_a_password_may_hold_any_character(mariadb, database, tmp_path):
    database.insert("people", people(1))
    database.run(
        "CREATE USER zoe@'%' IDENTIFIED BY 'é€🦀'; GRANT SELECT ON people TO zoe@'%'; GRANT SELECT ON pets TO zoe@'%'"
    )
    try:
        url = database.url.replace(f"reader:{PASSWORD_IN_URL}", "zoe:%C3%A9%E2%82%AC%F0%9F%A6%80")
        assert len(read(url, MAPPING, tmp_path)["people"]) == 1
    finally:
        database.run("DROP USER zoe@'%'")


def test_a_server_is_asked_who_it_is_when_its_authority_is_named(tmp_path):
    authority, stranger = trustme.CA(), trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    stranger.cert_pem.write_to_path(tmp_path / "stranger.pem")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    server = tmp_path / "server.pem"
    with (
        MariaDB.running(f"--ssl-cert={server}", f"--ssl-key={server}") as mariadb,
        mariadb.database(MARIADB) as database,
    ):
        database.insert("people", people(1))
        assert len(read(f"{database.url}?ssl_ca={tmp_path}/ca.pem", MAPPING, tmp_path)["people"]) == 1
        with pytest.raises(SourceFailed, match="CERTIFICATE_VERIFY_FAILED"):
            read(f"{database.url}?ssl_ca={tmp_path}/stranger.pem", MAPPING, tmp_path)


def test_a_transaction_of_ours_cannot_write_whoever_the_user_is(database):
    database.run("GRANT INSERT, SELECT ON pets TO reader@'%'")
    with pytest.raises(SourceFailed, match="READ ONLY"), transaction(Address.parse(database.url)) as connection:
        connection.exec_driver_sql("INSERT INTO pets (id) VALUES (1)")


def test_a_database_that_is_not_there_is_refused_at_once(mariadb, tmp_path):
    address = Address.parse(f"mysql://reader:x@127.0.0.1:{mariadb.port}/nowhere")
    with pytest.raises(SourceFailed, match="database nowhere"):
        take_snapshot(address, MAPPING, tmp_path / "snapshot", pause=_no_pause)


def test_another_kind_of_database_than_the_service_came_from_is_refused(tmp_path):
    with pytest.raises(BadUsage, match=r"sample came from mysql, but the address is sqlite, file x\.db"):
        take_snapshot(Address.parse("sqlite:///x.db"), replace(MAPPING, dialects=("mysql",)), tmp_path / "snapshot")


def _no_pause(seconds: float) -> None:
    raise AssertionError(f"waited {seconds} s for a second try")


def test_a_row_is_kept_as_json_in_the_order_of_the_mapping(database, tmp_path):
    database.insert("pets", pets(1))
    rows = read(database.url, reading(PETS), tmp_path)["pets"]
    assert json.dumps(rows[0]) == '{"id": 0, "person_id": "p00000000", "name": "Rex", "born_at": null}'


def test_the_folder_of_a_failed_snapshot_is_left_as_it_was(tmp_path):
    path: Path = tmp_path / "snapshot"
    with pytest.raises(SourceFailed, match=r"cannot connect to mysql at 127\.0\.0\.1:1, database x, user u") as failure:
        take_snapshot(Address.parse("mysql://u:p@127.0.0.1:1/x"), MAPPING, path, pause=_no_pause)
    assert "%25" not in str(failure.value), "nobody looked at the password"
    assert list(tmp_path.iterdir()) == []
