"""nbhd.city's files between real engines: out of PostgreSQL, into DynamoDB, and back again."""

import json
import os
import subprocess
from dataclasses import replace
from datetime import datetime

import psycopg
import pytest

from lambda_src.dynamo.values import to_item
from lambda_src.migration.mappings.nbhd_city.mapping import mapping, nbhd_id_of
from lambda_src.migration.source import documents
from lambda_src.services.nbhd_city.tables import TABLES
from tests.support.engines import installed
from tests.support.migration.jobs import items_of
from tests.support.migration.nbhd_city_rows import (
    CREATED_TEXT,
    ORPHAN_EVERY,
    SAME_NAME_EVERY,
    awkward_memberships,
    awkward_neighborhoods,
    many_rows,
    membership,
    neighborhood,
    write_export,
)
from tests.support.migration.operator import Operator
from tests.support.migration.servers import schema

SUFFIX = ("--on-name-collision", "suffix")


@pytest.fixture
def operator(dynamodb_endpoint, make_tables, tmp_path_factory):
    """Of nbhd.city, with an empty table, and without a database."""
    return Operator("nbhd_city", "", dynamodb_endpoint, make_tables(TABLES), tmp_path_factory.mktemp("kept"))


def read_manifest(folder):
    return documents.read_manifest(folder, mapping())


# ---- what is refused -----------------------------------------------------------------------------------------------


def test_another_export_is_refused_where_one_was_begun(operator, dynamodb_client, tmp_path):
    name = operator.tables["main"]
    write_export(tmp_path / "one", [neighborhood(1, "One")], [])
    write_export(tmp_path / "two", [neighborhood(1, "Two")], [])
    assert operator.does("copy", f"--in={tmp_path / 'one'}").code == 0
    before = items_of(dynamodb_client, name)
    refused = operator.does("copy", f"--in={tmp_path / 'two'}")
    assert (refused.code, "another export" in refused.said) == (3, True), refused.said
    assert items_of(dynamodb_client, name) == before


def test_every_phase_that_reads_a_source_takes_documents(operator, dynamodb_client, tmp_path):
    write_export(tmp_path / "one", [neighborhood(1, "One")], [membership(1, "did:plc:bob", 1)])
    write_export(tmp_path / "two", [neighborhood(1, "Two")], [membership(1, "did:plc:bob", 1)])
    for phase in ("check", "export-s3", "copy", "verify"):
        out = (f"--out={tmp_path / 'shards'}",) if phase == "export-s3" else ()
        done = operator.does(phase, f"--in={tmp_path / 'one'}", *out)
        assert done.code == 0, done.said
    assert operator.does("cutover", f"--in={tmp_path / 'two'}").code == 3, "it is not what was verified"
    assert operator.does("cutover", f"--in={tmp_path / 'one'}").code == 0
    brought = operator.does("delta", f"--in={tmp_path / 'two'}")
    assert (brought.code, str(tmp_path / "two" / "import_report.json") in brought.said) == (0, True), brought.said
    report = json.loads((tmp_path / "two" / "import_report.json").read_bytes())
    assert (report["mode"], report["already_present"]) == ("import", {"neighborhoods": 1, "memberships": 1})
    assert ("NBHDNAME#two", "NAME") in items_of(dynamodb_client, operator.tables["main"])


def test_a_table_in_use_is_refused(operator, new_city, tmp_path):
    city = new_city()
    city.create("alice", "Maple")
    write_export(tmp_path, [neighborhood(1, "One")], [])
    before = city.items()
    refused = replace(operator, tables=city.names).does("copy", f"--in={tmp_path}")
    assert (refused.code, "not empty" in refused.said) == (3, True), refused.said
    assert city.items() == before


def test_nothing_can_be_verified_before_it_was_imported(operator, tmp_path):
    write_export(tmp_path, [neighborhood(1, "One")], [])
    refused = operator.does("verify", f"--in={tmp_path}")
    assert (refused.code, "not complete" in refused.said) == (3, True), refused.said


@pytest.mark.parametrize(
    "arguments", [("--in",), ("copy", "--in", "."), ("copy", "nbhd_city", "--in", "/nowhere"), ("explode", "--in=.")]
)
def test_wrong_usage_ends_with_its_own_code(operator, arguments):
    done = operator.runs(*arguments)
    assert (done.code, bool(done.said)) == (3, True)


def test_help_is_no_mistake(operator):
    done = operator.runs("--help")
    assert (done.code, "The order: check" in done.said) == (0, True)


# ---- out of PostgreSQL and back ------------------------------------------------------------------------------------


def test_an_export_holds_every_row_as_it_is(operator, nbhd_city_database, tmp_path):
    cases = {"neighborhoods": list(awkward_neighborhoods()), "memberships": list(awkward_memberships())}
    rows = {table: [case.row for case in of if case.in_sql] for table, of in cases.items()}
    for table, of in rows.items():
        nbhd_city_database.insert(table, of)
    assert operator.does("export", f"--out={tmp_path}", DATABASE_URL=nbhd_city_database.url).code == 0
    manifest = read_manifest(tmp_path)
    for table, of in rows.items():
        found = json.loads((tmp_path / f"{table}_export.json").read_bytes())
        assert [row["id"] for row in found] == sorted(row["id"] for row in of)
        assert manifest.parts[table].count == len(of)
        assert manifest.parts[table].max_id == found[-1]["id"]
        given = {row["id"]: row for row in of}
        for row in found:
            untimed = {name: value for name, value in row.items() if not name.endswith("_at")}
            assert untimed == {name: given[row["id"]][name] for name in untimed}
    first = json.loads((tmp_path / "neighborhoods_export.json").read_bytes())[1]
    assert (first["created_at"], first["updated_at"]) == (CREATED_TEXT, None)
    assert {path.name for path in tmp_path.iterdir()} == {
        "neighborhoods_export.json",
        "memberships_export.json",
        "export_manifest.json",
    }


def test_a_database_that_cannot_be_reached_leaves_no_file_and_no_password(operator, tmp_path):
    unreachable = "postgresql://reader:hunter2@127.0.0.1:9/nbhd"
    done = operator.does("export", f"--out={tmp_path}", DATABASE_URL=unreachable)
    assert (done.code, "127.0.0.1:9" in done.said) == (3, True)
    assert "hunter2" not in done.said
    assert list(tmp_path.iterdir()) == []
    assert operator.does("export", f"--out={tmp_path}", DATABASE_URL=None).code == 3


def test_an_export_asks_dynamodb_nothing(operator, nbhd_city_database, tmp_path):
    without_aws = {"DYNAMODB_ENDPOINT_URL": None, "AWS_REGION": None, "AWS_DEFAULT_REGION": None}
    done = operator.does("export", f"--out={tmp_path}", DATABASE_URL=nbhd_city_database.url, **without_aws)
    assert (done.code, "0 neighborhoods and 0 memberships" in done.said) == (0, True), done.said


def test_the_way_there_and_back_gives_the_rows_that_were_there(operator, nbhd_city_database, emptied, tmp_path):
    rows = {table: list(of) for table, of in many_rows(SAME_NAME_EVERY, 2 * ORPHAN_EVERY).items()}
    for table, of in rows.items():
        nbhd_city_database.insert(table, of)
    migrate(operator, nbhd_city_database, tmp_path / "there")
    assert operator.does("reverse-export", f"--in={tmp_path / 'there'}", f"--out={tmp_path / 'back'}").code == 0

    found = loaded(tmp_path / "back", emptied)
    kept = [row for row in rows["memberships"] if row["neighborhood_id"] > 0]
    assert found["memberships"] == {row["id"]: untyped(row) for row in kept}
    for row in rows["neighborhoods"]:
        row["name"] = " ".join(row["name"].split())
        row["description"] = (row["description"] or "").rstrip()
        row["updated_at"] = row["updated_at"] or row["created_at"]
    younger = max(rows["neighborhoods"][-2:], key=lambda row: row["created_at"])  # of two that have one name
    younger["name"] += " (2)"
    assert found["neighborhoods"] == {row["id"]: untyped(row) for row in rows["neighborhoods"]}
    assert read_manifest(tmp_path / "back").parts["memberships"].max_id == kept[-1]["id"]


def test_what_people_did_since_goes_back_too(operator, nbhd_city_database, emptied, new_city, tmp_path):
    nbhd_city_database.insert("neighborhoods", [neighborhood(n, f"Place {n}") for n in (1, 2, 3, 8)])
    members = [(20, "alice", 1), (21, "bob", 1), (22, "carol", 1), (23, "bob", 2), (24, "bob", 3), (29, "carol", 3)]
    nbhd_city_database.insert("memberships", [membership(n, f"did:plc:{who}", of) for n, who, of in members])
    there, back = tmp_path / "there", tmp_path / "back"
    migrate(operator, nbhd_city_database, there)
    assert operator.does("cutover", "--open", "--allow-rejects", f"--in={there}", *SUFFIX).code == 0

    city = new_city(names=operator.tables)
    ids = json.loads((there / "id_mapping.json").read_bytes())
    city.create("dave", "Made since", description="New")
    city.clock.forward(minutes=5)
    city.create("erin", "Made later")
    city.clock.forward(minutes=5)
    city.leave("bob", ids["1"])
    city.join("bob", ids["1"])  # again: another row
    city.clock.forward(minutes=5)
    city.leave("carol", ids["1"])
    city.join("dave", ids["2"])
    assert city.ask("PATCH", f"/api/nbhds/{ids['2']}", by="alice", json={"name": "Renamed"}).status_code == 200
    assert city.ask("DELETE", f"/api/nbhds/{ids['3']}", by="alice").status_code == 204  # not purged yet
    exported = read_manifest(there)
    assert operator.does("reverse-export", f"--in={there}", f"--out={there}").code == 3
    assert read_manifest(there) == exported
    assert operator.does("reverse-export", f"--in={there}", f"--out={back}").code == 0

    found = loaded(back, emptied)
    assert {number: row[1] for number, row in found["neighborhoods"].items()} == {
        1: "Place 1", 2: "Renamed", 8: "Place 8", 9: "Made since", 10: "Made later",
    }  # fmt: skip
    assert {number: row[1:3] for number, row in found["memberships"].items()} == {
        20: ("did:plc:alice", 1),
        23: ("did:plc:bob", 2),
        30: ("did:plc:dave", 9),
        31: ("did:plc:erin", 10),
        32: ("did:plc:bob", 1),
        33: ("did:plc:dave", 2),
    }
    assert json.loads((back / "id_mapping.json").read_bytes()).keys() == {"1", "2", "8", "9", "10"}
    emptied.run("INSERT INTO neighborhoods (name, created_by) VALUES ('Next', 'did:plc:alice')")
    assert max(rows_of(emptied)["neighborhoods"]) == 11


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII", "WIN1251", "UTF8"])
def test_a_client_of_any_encoding_loads_the_same_texts(operator, emptied, tmp_path, encoding):
    texts = ["Straße 📈", "Жуковка", "東京\\'表"]
    write_export(tmp_path / "there", [neighborhood(n, text, description=text) for n, text in enumerate(texts, 1)], [])
    assert operator.does("copy", f"--in={tmp_path / 'there'}").code == 0
    assert operator.does("reverse-export", f"--in={tmp_path / 'there'}", f"--out={tmp_path / 'back'}").code == 0
    found = loaded(tmp_path / "back", emptied, PGCLIENTENCODING=encoding)["neighborhoods"]
    assert [row[1:3] for row in found.values()] == [(text, text) for text in texts]


def test_what_the_old_schema_does_not_take_is_named_and_the_rest_loads(
    operator, nbhd_city_database, emptied, dynamodb_client, tmp_path
):
    nbhd_city_database.run(
        "ALTER TABLE neighborhoods ALTER id TYPE BIGINT; ALTER TABLE memberships ALTER id TYPE BIGINT"
    )
    nbhd_city_database.run("ALTER TABLE memberships ALTER neighborhood_id TYPE BIGINT")
    last = 2**31 - 1
    nbhd_city_database.insert("neighborhoods", [neighborhood(n, f"Place {n}") for n in (1, 2, 3, 4, last, last + 1)])
    members = [(1, 1), (2, 2), (3, last), (4, last + 1), (last + 1, 1)]
    nbhd_city_database.insert("memberships", [membership(n, f"did:plc:user{n}", of) for n, of in members])
    operator = replace(operator, url=nbhd_city_database.url)
    assert operator.does("copy").code == 0
    changes = {2: ("description", "before \0 after"), 3: ("created_by", "d" * 256), 4: ("name", "n" * 101)}
    for number, (name, value) in changes.items():
        dynamodb_client.update_item(
            TableName=operator.tables["main"], Key=to_item({"PK": f"NBHD#{nbhd_id_of(number)}", "SK": "METADATA"}),
            UpdateExpression="SET #n = :v", ExpressionAttributeNames={"#n": name},
            ExpressionAttributeValues=to_item({":v": value}),
        )  # fmt: skip
    back = tmp_path / "back"
    done = operator.does("reverse-export", f"--out={back}")

    assert (done.code, "7 cannot go back" in done.said) == (4, True), done.said
    left = [json.loads(line) for line in (back / "left_behind.jsonl").read_text("utf-8").splitlines()]
    assert {(row["table"], row["key"]["id"], row["column"]): row["reason"] for row in left} == {
        ("neighborhoods", 2, "description"): "it contains U+0000",
        ("neighborhoods", 3, "created_by"): "it has 256 characters, more than 255",
        ("neighborhoods", 4, "name"): "it has 101 characters, more than 100",
        ("neighborhoods", last + 1, "id"): "2147483648 is no INT, which ends at 2147483647",
        ("memberships", 2, "neighborhood_id"): "what it belongs to stays behind",
        ("memberships", 4, "neighborhood_id"): "what it belongs to stays behind",
        ("memberships", last + 1, "id"): "2147483648 is no INT, which ends at 2147483647",
    }
    assert {row["row"].get("description") for row in left} >= {"before \0 after"}
    found = loaded(back, emptied)
    assert {table: set(rows) for table, rows in found.items()} == {"neighborhoods": {1, last}, "memberships": {1, 3}}
    assert json.loads((back / "id_mapping.json").read_bytes()).keys() == {"1", str(last)}


@pytest.fixture
def emptied(postgresql):
    """An empty copy of the schema, which the user who reads may fill."""
    with postgresql.database(schema("nbhd_city")) as database:
        database.run("GRANT ALL ON ALL TABLES IN SCHEMA public TO reader")
        database.run("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO reader")
        yield database


def migrate(operator, database, folder):
    assert operator.does("export", f"--out={folder}", DATABASE_URL=database.url).code == 0
    assert operator.does("copy", f"--in={folder}", "--allow-rejects", *SUFFIX).code == 0
    assert operator.does("verify", f"--in={folder}", *SUFFIX).code == 0


def loaded(folder, database, **environment):
    """The rows of a database into which the files were loaded as they say. environment: of the client."""
    command = [installed("psql", "apt-get install postgresql-client"), "--set", "ON_ERROR_STOP=1"]
    url = database.url.replace("+asyncpg", "")
    done = subprocess.run(
        [*command, "--single-transaction", "--file", "load.sql", url],
        cwd=folder, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return rows_of(database)


def rows_of(database):
    with psycopg.connect(database.url.replace("+asyncpg", "")) as connection:
        neighborhoods = "SELECT id, name, description, created_by, created_at, updated_at FROM neighborhoods"
        memberships = "SELECT id, user_id, neighborhood_id, joined_at FROM memberships"
        asked = {"neighborhoods": neighborhoods, "memberships": memberships}
        return {table: {row[0]: row for row in connection.execute(query)} for table, query in asked.items()}


def untyped(row):
    """A row as the driver gives it."""
    return tuple(datetime.fromisoformat(value) if name.endswith("_at") else value for name, value in row.items())
