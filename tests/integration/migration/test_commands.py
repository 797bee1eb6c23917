"""The migration as its operator meets it: commands, exit codes, what they say, and the pages they write."""

import gzip
import json
import stat
from dataclasses import replace

import pytest

from lambda_src.dynamo.values import to_item
from lambda_src.services.nbhd_city import tables as nbhd_city
from lambda_src.services.stock_track_record import tables as stock_track_record
from tests.integration.migration.conftest import MEMBERS, PLACES
from tests.support.legacy_items import legacy_items
from tests.support.migration.jobs import items_of
from tests.support.migration.nbhd_city_rows import membership, neighborhood
from tests.support.migration.operator import Operator
from tests.support.migration.stock_track_record_rows import channel_row, id_of, mention_row, stock_row, video_row


@pytest.fixture
def track_record(stock_track_record_database, dynamodb_endpoint, make_tables, tmp_path):
    """Of Stock Track Record, with empty tables on both sides."""
    names = make_tables(stock_track_record.TABLES)
    url = stock_track_record_database.url
    return Operator("stock_track_record", url, dynamodb_endpoint, names, tmp_path / "kept")


@pytest.fixture
def items(operator, dynamodb_client):
    """What is in the table, without the migration's own item."""
    return lambda: items_of(dynamodb_client, operator.tables["main"])


def one_of(items, sort_key):
    return next(key for key in sorted(items()) if key[1].startswith(sort_key))


def change(client, operator, key, **texts):
    for name, text in texts.items():
        client.update_item(
            TableName=operator.tables["main"],
            Key={"PK": {"S": key[0]}, "SK": {"S": key[1]}},
            UpdateExpression="SET #name = :value",
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues={":value": {"S": text}},
        )


# ---- from the first look to the opening ----------------------------------------------------------------------------


def test_a_migration_goes_from_check_to_open(operator, database, items):
    for phase, said in {
        "init": "The tables are ready.",
        "check": "Ready to copy.",
        "plan": "15 items would be written. Nothing was written.",
        "copy": "15 items written. Next: verify.",
        "verify": "Verified: 15 items",
    }.items():
        done = operator.does(phase)
        assert (done.code, said in done.said, said in done.report) == (0, True, True), done.said
    database.run("UPDATE neighborhoods SET description = 'Changed' WHERE id = 1")
    assert operator.does("cutover").code == 3
    assert "1 items changed. Next: verify." in operator.does("delta").report
    assert operator.does("verify", "--full").code == 0
    assert "GO, once you have ticked off the second list." in operator.does("cutover").said
    opened = operator.does("cutover", "--open")
    assert (opened.code, "Opened. 15 marks were taken off" in opened.report) == (0, True)
    assert not any("migration" in item for item in items().values())


def test_once_the_api_was_opened_nothing_of_the_migration_writes_any_more(operator, items):
    for before in ("copy", "verify", "cutover --open"):
        assert operator.does(*before.split()).code == 0
    opened = items()
    for phase in ("init", "copy", "delta", "verify", "rollback"):
        done = operator.does(phase)
        assert (done.code, "opened" in done.report) == (3, True)
    assert "`reverse-export`" in done.said, "the last of them says what to do instead"
    assert items() == opened


def test_a_rollback_before_the_opening_leaves_nothing(operator, items, dynamodb_client):
    operator.does("copy")
    done = operator.does("rollback")
    assert (done.code, "Rolled back." in done.report) == (0, True)
    assert items() == {}
    assert dynamodb_client.scan(TableName=operator.tables["main"])["Count"] == 0, "the state went too"
    assert operator.does("rollback").code == 3


# ---- check, init, plan ---------------------------------------------------------------------------------------------


def test_check_and_plan_write_nothing(operator, dynamodb_client):
    assert operator.does("check").code == 0
    plan = operator.does("plan")
    assert "'name_lower': 'place 1'" in plan.report, "samples are shown"
    assert dynamodb_client.scan(TableName=operator.tables["main"])["Count"] == 0


def test_check_says_how_far_the_migration_is(operator):
    verdicts = []
    for phase in ("check", "copy", "check", "verify", "check"):
        done = operator.does(phase)
        assert done.code == 0
        verdicts.append(done.report.splitlines()[2])
    assert verdicts[0] == "**Ready to copy.**"
    assert verdicts[2].startswith("**Copied before: `copy` and `delta`")
    assert verdicts[4].startswith("**Verified before: `delta`")


def test_check_names_a_missing_table_a_missing_column_and_a_wrong_type(track_record, stock_track_record_database):
    stock_track_record_database.run(
        "DROP TABLE processing_logs; ALTER TABLE channels DROP COLUMN thumbnail_url;"
        "ALTER TABLE stocks MODIFY last_price TEXT"
    )
    done = track_record.does("check")
    assert done.code == 1
    for finding in ("processing_logs", "thumbnail_url", "last_price"):
        assert finding in done.report
    assert "Stop: the source is not what the mapping expects." in done.said
    copied = track_record.does("copy")
    assert copied.code == 1
    assert "thumbnail_url" in copied.report, "the page of the phase that failed says why"


def test_init_tells_tables_that_are_missing_foreign_or_filled(operator, make_tables, dynamodb_client):
    missing = replace(operator, tables={"main": "nbhd-city-nowhere"}).does("init")
    assert (missing.code, "deploy the data stack first" in missing.report) == (3, True)
    foreign = replace(operator, tables={"main": make_tables(stock_track_record.TABLES)["stocks"]}).does("init")
    assert (foreign.code, "is missing" in foreign.report) == (3, True)
    somebody = {"PK": {"S": "NBHD#1"}, "SK": {"S": "METADATA"}}
    dynamodb_client.put_item(TableName=operator.tables["main"], Item=somebody)
    filled = operator.does("init")
    assert (filled.code, "a migration begins in empty tables" in filled.report) == (3, True)
    assert operator.does("copy").code == 3


def test_a_decision_that_is_open_stops_before_the_first_item(operator, database, items):
    database.insert("neighborhoods", [neighborhood(9, "PLACE 1")])
    for phase in ("check", "plan"):
        done = operator.does(phase)
        assert (done.code, "Decide first, nothing can be copied before: 1 name_collision" in done.said) == (1, True)
    copied = operator.does("copy")
    assert (copied.code, "name_collision" in copied.said) == (1, True)
    assert items() == {}
    assert operator.does("copy", "--on-name-collision=suffix").code == 0


# ---- verify and cutover --------------------------------------------------------------------------------------------


def test_verify_after_a_change_by_hand_ends_with_4_and_says_what_differs(operator, items, dynamodb_client):
    operator.does("copy")
    key = one_of(items, "METADATA")
    change(dynamodb_client, operator, key, description="By hand")
    done = operator.does("verify")
    assert done.code == 4
    assert "description: 'By hand', 'A place'" in done.report
    assert f"| neighborhoods | {PLACES} | 0 | {PLACES} | {PLACES - 1} | - |" in done.report
    assert f"| memberships | {MEMBERS} | 0 | {MEMBERS} | {MEMBERS} | - |" in done.report
    repaired = operator.does("delta")
    assert (repaired.code, "Left alone" in repaired.report) == (4, True), "somebody else's change stays"
    assert "| description: 'By hand', 'A place' |" in repaired.report
    assert operator.does("cutover").code == 3


def test_the_table_of_entities_accounts_for_every_row(track_record, stock_track_record_database):
    stock_track_record_database.insert("channels", [channel_row(1), channel_row(2)])
    stock_track_record_database.insert("videos", [video_row(1), video_row(2, 99)])
    stock_track_record_database.insert("stocks", [stock_row("AAPL")])
    stock_track_record_database.insert("stock_mentions", [mention_row(1)])
    assert track_record.does("copy").code == 0
    lines = track_record.does("verify", "--full").report.splitlines()
    for line in (
        "| Entity | Read | Rejected | Written | Verified | Read back |",
        "| videos | 2 | 1 | 1 | 1 | 1 |",
        "| stock_mentions | 1 | 0 | 1 | 1 | 1 |",
    ):
        assert line in lines
    no_go = track_record.does("cutover")
    assert (no_go.code, "1 orphan" in no_go.report) == (3, True), "somebody has to look at rejected rows"
    assert track_record.does("cutover", "--allow-rejects").code == 0


def test_cutover_says_why_not(operator, database):
    assert "the migration is not begun" in operator.does("cutover").report
    operator.does("copy")
    operator.does("verify")
    database.insert("memberships", [membership(99, "did:plc:late", 1)])
    no_go = operator.does("cutover")
    assert (no_go.code, "NO GO." in no_go.report, "it changed: freeze it" in no_go.report) == (3, True, True)
    opened = operator.does("cutover", "--open")
    assert (opened.code, "The source stands still" in opened.report) == (3, True)
    assert "NO GO." in (operator.folder / "cutover.md").read_text(), "the page that somebody decided by stays"


def test_rejected_rows_hold_up_the_opening_until_somebody_said_that_they_may_stay_behind(operator, database):
    database.run("INSERT INTO neighborhoods (id, name, created_by) VALUES (99, '', 'did:plc:alice')")
    for before in ("copy", "delta", "verify"):
        done = operator.does(before)
        assert (done.code, "| neighborhoods | 4 | 1 |" in done.report) == (0, True), done.report
    for refused in (operator.does("cutover"), operator.does("cutover", "--open")):
        assert (refused.code, "--allow-rejects" in refused.report) == (3, True)
    assert "cutover --open --allow-rejects" in operator.does("cutover", "--allow-rejects").report
    assert operator.does("cutover", "--open", "--allow-rejects").code == 0


def test_a_table_of_somebody_else_is_named_with_an_item_of_it(operator, dynamodb_client):
    stranger = {"PK": {"S": "NBHD#x"}, "SK": {"S": "MEMBER#y"}}
    dynamodb_client.put_item(TableName=operator.tables["main"], Item=stranger)
    for refused in (operator.does("init"), operator.does("copy")):
        assert (refused.code, "NBHD#x / MEMBER#y" in refused.report) == (3, True)


def test_production_asks_for_protected_tables_and_a_rehearsal_does_not(operator):
    for before in ("copy", "verify"):
        operator.does(before)
    assert "not asked for outside production" in operator.does("cutover").report
    asked = replace(operator, environment="prod").does("cutover", "--open")
    assert (asked.code, "DescribeContinuousBackups" in asked.report) == (1, True), "which this engine does not know"


# ---- through S3 ----------------------------------------------------------------------------------------------------


def test_a_second_export_leaves_no_shard_of_the_first(operator, tmp_path):
    tmp_path.chmod(0o700)
    (tmp_path / "main-00007.json.gz").write_bytes(b"of an export with more items")
    assert operator.does("export-s3", f"--out={tmp_path}").code == 0
    assert {path.name for path in tmp_path.glob("main*")} == {"main-00000.json.gz", "main.table.json"}


def test_an_export_is_for_its_owner_only_and_goes_into_a_folder(operator, tmp_path):
    out = tmp_path / "shards"
    assert operator.does("export-s3", f"--out={out}").code == 0
    written = {path.name: stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()}
    assert {"main-00000.json.gz", "main.table.json", "manifest.json"} == written.keys()
    assert set(written.values()) == {0o600}
    onto_a_file = operator.does("export-s3", f"--out={out / 'manifest.json'}")
    assert (onto_a_file.code, "manifest.json is no folder" in onto_a_file.said) == (2, True)


def test_tables_that_were_imported_from_s3_are_taken_over_by_copy(operator, make_tables, dynamodb_client, tmp_path):
    out = tmp_path / "shards"
    exported = operator.does("export-s3", f"--out={out}", "--bucket=example")
    assert exported.code == 0
    assert "aws dynamodb import-table" in exported.report
    imported = replace(operator, tables=make_tables(nbhd_city.TABLES))
    for shard in out.glob("*.json.gz"):
        for line in gzip.decompress(shard.read_bytes()).splitlines():
            dynamodb_client.put_item(TableName=imported.tables["main"], Item=json.loads(line)["Item"])
    assert "it was imported" in imported.does("init").report
    copied = imported.does("copy")
    assert (copied.code, "Nothing differed: no item changed." in copied.said) == (0, True)
    for phase in ("verify --full", "cutover --open"):
        assert imported.does(*phase.split()).code == 0


# ---- some entities only ---------------------------------------------------------------------------------------------


def test_entities_are_copied_and_verified_one_after_the_other(operator, database, items):
    only = operator.does("copy", "--only=memberships")
    assert (only.code, "9 items changed" in only.report, len(items())) == (0, True, MEMBERS)
    verified = operator.does("verify", "--only=memberships")
    assert (verified.code, "9 items are as their rows say." in verified.report) == (0, True)
    assert "| neighborhoods" not in verified.report
    assert f"| memberships | {MEMBERS} | 0 | - | {MEMBERS} | - |" in verified.report
    assert operator.does("verify", "--only=neighborhoods").code == 4
    assert operator.does("verify").code == 3, "the copy is not complete"
    assert operator.does("cutover").code == 3
    assert operator.does("copy").code == 0
    assert operator.does("verify", "--full").code == 0
    database.run("DELETE FROM memberships WHERE id = 1; UPDATE neighborhoods SET name = 'Renamed' WHERE id = 1")
    narrow = operator.does("delta", "--only=neighborhoods")
    assert "| deleted | 0 |" in narrow.report, "what is too many waits for a run of everything"
    assert operator.does("verify", "--only=neighborhoods").code == 0
    assert operator.does("verify").code == 4
    assert operator.does("delta").code == 0
    assert operator.does("verify", "--full").code == 0


# ---- commands beside the phases ------------------------------------------------------------------------------------


def test_the_phases_on_files_keep_their_own_exit_codes(operator, tmp_path):
    files = str(tmp_path / "files")
    wrong = operator.runs("export", "nbhd_city", "--nowhere")
    assert (wrong.code, "No such option" in wrong.said) == (3, True)
    assert operator.does("export", f"--out={files}", DATABASE_URL=None).code == 3
    exported = operator.does("export", f"--out={files}")
    assert (exported.code, "3 neighborhoods and 9 memberships" in exported.said) == (0, True)
    assert operator.runs("export", "--help").code == 0


@pytest.mark.parametrize("is_from_files", [False, True])
def test_who_copied_without_files_goes_back_by_the_old_database_or_an_export_of_it(
    operator, tmp_path, dynamodb_client, is_from_files
):
    for phase in ("copy", "verify", "cutover --open"):
        assert operator.does(*phase.split()).code == 0
    before, back = tmp_path / "before", tmp_path / "back"
    items = items_of(dynamodb_client, operator.tables["main"])
    assert operator.does("export", f"--out={before}").code == 0
    known = {"DATABASE_URL": None} if is_from_files else {}
    options = [f"--in={before}"] if is_from_files else []
    done = operator.does("reverse-export", f"--out={back}", *options, **known)
    assert (done.code, f"cd {back} && psql" in done.said) == (0, True)
    for rows in ("neighborhoods_export.json", "memberships_export.json"):
        assert [row["id"] for row in json.loads((back / rows).read_bytes())] == [
            row["id"] for row in json.loads((before / rows).read_bytes())
        ]
    assert items_of(dynamodb_client, operator.tables["main"]) == items


def test_tables_of_the_first_version_are_upgraded(track_record, dynamodb_client):
    channel_id = id_of("c", 1)
    for item in legacy_items(channel_id, identity="handle:one", before="1-"):
        dynamodb_client.put_item(TableName=track_record.tables["main"], Item=to_item(item))
    done = track_record.does("upgrade-layout")
    assert (done.code, "| upgraded now | 1 |" in done.report) == (0, True)
    assert "| upgraded now | 0 |" in track_record.does("upgrade-layout").report
