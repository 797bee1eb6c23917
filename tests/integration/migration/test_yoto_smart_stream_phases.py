"""Yoto Smart Stream through every phase: while the source changes, others write, and processes are killed."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from lambda_src.dynamo.values import to_item
from lambda_src.migration.mappings.yoto_smart_stream import mapping as yoto
from lambda_src.migration.target.place import Place
from lambda_src.services.yoto_smart_stream.models import AudioFileRecord, Setting, Transcript, UserIdClaim, UserRecord
from lambda_src.services.yoto_smart_stream.tables import AUDIO, SETTING, TABLES, TRANSCRIPT, USER, USER_ID_CLAIM
from tests.support.dynamodb_front import fronting
from tests.support.migration.jobs import items_of
from tests.support.migration.killing import Killer, run_until_done, written_behind_the_checkpoint
from tests.support.migration.trials import REPEATED_ROWS
from tests.support.migration.yoto_smart_stream_files import (
    HASH,
    audio,
    change,
    earlier_file,
    insert,
    many_files,
    many_users,
    rows_of,
    setting,
    user,
)
from tests.support.migration.yoto_smart_stream_operator import done

NOW = "2026-12-01T00:00:00.000000Z"


@pytest.fixture
def put(mover, dynamodb_client):
    """`put(USER, UserRecord(...))`: as somebody else writes it."""

    def write(entity, model):
        dynamodb_client.put_item(TableName=mover.tables["main"], Item=to_item(entity.item(model)))

    return write


@pytest.fixture
def update(mover, dynamodb_client):
    """`update("USER#bob", "PROFILE", is_admin={"BOOL": True})`: as somebody else changes it."""

    def write(partition, sort, **values):
        key = {"PK": {"S": partition}, "SK": {"S": sort}}
        sets = ", ".join(f"#{name} = :{name}" for name in values)
        dynamodb_client.update_item(
            TableName=mover.tables["main"], Key=key, UpdateExpression=f"SET {sets}",
            ExpressionAttributeNames={f"#{name}": name for name in values},
            ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
        )  # fmt: skip

    return write


def admins(table):
    return table()["GUARD#ADMIN", "COUNT"]["active_admins"]


def last_id(table):
    return table()["COUNTER#USER", "COUNTER"]["last_id"]


# ---- while the source is in use --------------------------------------------------------------------------------------


def test_what_changes_in_the_source_is_brought_over_with_all_that_follows_from_it(mover, earlier, table):
    users = [user(1, "admin", is_admin=1), user(2, "bob", email="b@example.com"), user(3, "eve", is_admin=1)]
    earlier_file(earlier, users=users, audio_files=[audio(1, "a.mp3", created_at="never")])
    done(mover, "copy")
    begun_at = table()["AUDIO#a.mp3", "METADATA"]["created_at"]
    assert (admins(table), last_id(table)) == (2, 3)
    change(
        earlier,
        "DELETE FROM users WHERE id = 3",
        "UPDATE users SET email = 'bob@example.com', is_admin = 1 WHERE id = 2",
        "UPDATE users SET is_active = 0 WHERE id = 1",
        "UPDATE audio_files SET transcript = 'text', transcript_status = 'completed'",
    )
    with closing(sqlite3.connect(earlier)) as database:
        insert(database, "users", [user(9, "zoe", email="b@example.com", is_admin=1)])
        database.commit()
    assert done(mover, "verify", code=4)
    assert "items changed" in done(mover, "delta")
    found = table()
    assert {key[0] for key in found if key[1] == "CLAIM"} == {
        "USERID#1", "USERID#2", "USERID#9", "EMAIL#bob@example.com", "EMAIL#b@example.com",
    }  # fmt: skip
    assert (admins(table), last_id(table)) == (2, 9)
    assert found["AUDIO#a.mp3", "TRANSCRIPT"]["text"] == "text"
    assert found["AUDIO#a.mp3", "METADATA"]["created_at"] == begun_at, "a migration begins once"
    assert "Verified" in done(mover, "verify", "--full")
    assert "Nothing differed" in done(mover, "delta")
    done(mover, "verify")
    done(mover, "cutover", "--open")
    assert table() == found


def test_what_others_wrote_meanwhile_is_kept_and_the_numbers_follow_from_all_accounts(mover, earlier, table, put):
    earlier_file(
        earlier,
        users=[user(1, "bob", is_admin=1), user(5, "eve", is_admin=1)],
        audio_files=[audio(1, "a.mp3"), audio(2, "b.mp3")],
        settings=[setting(1, "transcription_enabled", "1")],
    )
    eve = UserRecord(user_id=7, username="Eve", created_at=NOW, updated_at=NOW, hashed_password=HASH, is_admin=True)
    put(USER, eve)
    put(USER_ID_CLAIM, UserIdClaim(7, "eve"))
    put(USER_ID_CLAIM, UserIdClaim(1, "gone", deleted_at=NOW))
    put(SETTING, Setting("transcription_enabled", "false", NOW))
    put(AUDIO, AudioFileRecord(filename="a.mp3", size=1, content_type="audio/mpeg", created_at=NOW, updated_at=NOW))
    put(TRANSCRIPT, Transcript("a.mp3", "another text"))
    before = table()
    assert "what is there stays" in done(mover, "check")
    report = done(mover, "copy")
    for line in ("| users | kept | 1 |", "| audio_files | kept | 1 |", "| settings | kept | 1 |"):
        assert line in report
    found = table()
    assert {key: found[key] for key in before} == before
    assert found["USER#bob", "PROFILE"]["user_id"] == 6, "an id that was somebody's never comes back"
    assert (admins(table), last_id(table)) == (2, 7)
    assert "Verified" in done(mover, "verify", "--full")
    put(USER, replace(eve, user_id=20, username="late", is_admin=True))
    put(USER_ID_CLAIM, UserIdClaim(20, "late"))
    assert "active_admins: 2, 3" in done(mover, "verify", code=4)
    assert "Nothing differed" in done(mover, "delta")
    assert (admins(table), last_id(table)) == (3, 20)
    done(mover, "verify")
    done(mover, "rollback")
    assert {key[0] for key in table()} == {key[0] for key in before} | {
        "USER#late",
        "USERID#20",
        "COUNTER#USER",
        "GUARD#ADMIN",
    }
    assert (admins(table), last_id(table)) == (2, 20)


def test_what_somebody_changed_of_a_migrated_item_is_left_alone_and_reported(mover, earlier, table, update):
    earlier_file(earlier, users=[user(1, "bob")])
    done(mover, "copy")
    update("USER#bob", "PROFILE", is_admin={"BOOL": True}, hashed_password={"S": "$argon2id$another"})
    report = done(mover, "delta", code=4)
    assert "1 items are not the migration's to change" in report
    assert "is_admin: True, False" in report
    assert "hashed_password: '(confidential, " in report
    assert table()["USER#bob", "PROFILE"]["is_admin"] is True
    assert admins(table) == 1
    assert "but for items that somebody changed" in done(mover, "rollback", code=1)
    assert (admins(table), last_id(table)) == (1, 1)


@pytest.mark.parametrize(
    ("number", "partition", "sort"), [("active_admins", "GUARD#ADMIN", "COUNT"), ("last_id", "COUNTER#USER", "COUNTER")]
)
def test_a_number_that_is_wrong_is_found_and_mended(mover, earlier, table, update, number, partition, sort):
    earlier_file(earlier, users=[user(5, "bob", is_admin=1)])
    done(mover, "copy")
    update(partition, sort, **{number: {"N": "0"}})
    assert f"{number}: 0, " in done(mover, "verify", code=4)
    done(mover, "delta")
    done(mover, "verify")
    assert table()[partition, sort][number] == (1 if number == "active_admins" else 5)


def test_a_counter_that_is_further_on_stays(mover, earlier, table, update):
    earlier_file(earlier, users=[user(5, "bob")])
    update("COUNTER#USER", "COUNTER", last_id={"N": "500"})
    done(mover, "copy")
    done(mover, "verify")
    assert last_id(table) == 500


def test_some_entities_alone_can_be_copied_first(mover, earlier, table):
    earlier_file(earlier, users=[user(1, "bob", is_admin=1)], audio_files=[audio(1, "a.mp3")])
    done(mover, "copy", "--only=users")
    assert {key[0] for key in table()} == {"USER#bob", "USERID#1", "COUNTER#USER", "GUARD#ADMIN"}
    done(mover, "copy")
    done(mover, "verify", "--full")


def test_notes_of_all_rows_are_kept_for_people(mover, earlier):
    earlier_file(earlier, users=[user(n, f"user{n}", email="a@nas.local") for n in range(1, 6)])
    assert "| users | email_not_kept | 5 |" in done(mover, "check")
    lines = (mover.folder / "notes.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["sentence"][:13] for line in lines] == [f"User {n}, user{n}" for n in range(1, 6)]


# ---- the way back ----------------------------------------------------------------------------------------------------


def test_what_moved_and_what_came_after_goes_back_into_a_file_of_the_earlier_product(mover, earlier, put, tmp_path):
    tokens = {"yoto_refresh_token": "r", "yoto_access_token": "a", "yoto_token_expires_at": "2025-01-01 00:00:00"}
    text = "Es war einmal. " * 10_000
    earlier_file(
        earlier,
        users=[user(4, "bob", email="bob@example.com", is_admin=1, **tokens), user(2, "Eve", is_active=0)],
        audio_files=[
            audio(9, "b.mp3", transcript=text, transcript_status="completed", transcribed_at="2025-02-01 00:00:00"),
            audio(3, "A #1.mp3", transcript_status="error", transcript_error="no luck", duration=None, tts_model="m"),
        ],
        settings=[setting(5, "transcription_enabled", "true")],
    )
    for phase in ("copy", "verify", "cutover --open"):
        done(mover, *phase.split())
    put(USER, UserRecord(user_id=10, username="new", created_at=NOW, updated_at=NOW, hashed_password="!"))
    put(AUDIO, AudioFileRecord(filename="z.mp3", size=1, content_type="audio/mpeg", created_at=NOW, updated_at=NOW))
    put(TRANSCRIPT, Transcript("nobody.mp3", "of no file"))
    earlier.rename(tmp_path / "gone.db")  # it is not needed
    back = tmp_path / "back"
    report = done(mover, "reverse-export", f"--out={back}")
    assert "7 rows in" in report
    [file] = back.iterdir()
    source = tmp_path / "gone.db"
    untold = dict.fromkeys(tokens)
    before = {row["username"]: {**row, **untold} for row in rows_of(source, "users")}
    after = {row["username"]: row for row in rows_of(file, "users")}
    assert after.pop("new") == {
        **before["bob"], "id": 10, "username": "new", "email": None, "hashed_password": "!", "is_admin": 0,
        "created_at": "2026-12-01 00:00:00.000000", "updated_at": "2026-12-01 00:00:00.000000",
    }  # fmt: skip
    assert after == before
    files = {row["filename"]: {**row, "id": None} for row in rows_of(file, "audio_files")}
    assert [row["id"] for row in rows_of(file, "audio_files")] == [1, 2, 3]
    assert files.pop("z.mp3")["transcript_status"] == "pending"
    expected = {row["filename"]: {**row, "id": None} for row in rows_of(source, "audio_files")}
    expected["b.mp3"]["transcribed_at"] += ".000000"
    assert files == expected
    [kept] = rows_of(file, "settings")
    assert (kept["id"], kept["key"], kept["value"]) == (1, "transcription_enabled", "true")
    fresh = replace(mover, url=f"sqlite:///{file}", folder=tmp_path / "again")
    assert "may write" in fresh.does("check").report, "the file is one of the earlier product"


def test_what_the_earlier_product_does_not_take_stays_with_its_reason_and_without_what_is_secret(
    mover, earlier, put, tmp_path
):
    earlier_file(earlier)
    done(mover, "copy")
    put(USER, UserRecord(user_id=1, username="x" * 51, created_at=NOW, updated_at=NOW, hashed_password="$argon2canary"))
    assert "1 cannot go back" in done(mover, "reverse-export", f"--out={tmp_path / 'back'}", code=4)
    [line] = (tmp_path / "back" / "left_behind.jsonl").read_text(encoding="utf-8").splitlines()
    assert ("51 characters" in line, "canary" in line) == (True, False)


# ---- killed ----------------------------------------------------------------------------------------------------------


def killed_copy(mover, make_tables, client, phases, front, kills, tmp_path):
    """Copy twice, once killed at these writes; the largest number of rows that had to be repeated."""
    undisturbed = replace(mover, tables=make_tables(TABLES), folder=tmp_path / "undisturbed")
    done(undisturbed, "copy")
    killed = replace(mover, endpoint_url=front.url)
    front.spoil = killer = Killer(kills, operations=("BatchWriteItem", "PutItem"))
    place = Place.of(yoto.mapping(), client, mover.tables)
    repeated = [0]
    run_until_done(
        lambda: phases.start(killed, "copy"),
        killer,
        after_death=lambda: repeated.append(written_behind_the_checkpoint(place, mover.folder)),
    )
    assert killer.deaths == len(kills)
    done(mover, "verify", "--full")
    assert items_of(client, mover.tables["main"]) == items_of(client, undisturbed.tables["main"])
    return max(repeated)


@pytest.mark.parametrize(
    ("users", "files", "kills"),
    [(60, 120, (2, 7)), pytest.param(10_000, 20_000, range(150, 1_650, 150), marks=pytest.mark.soak)],
    ids=["small", "large"],
)
def test_a_copy_that_was_killed_ends_in_the_same_table(  # noqa: PLR0917
    mover, earlier, make_tables, dynamodb_client, dynamodb_endpoint, phases, tmp_path, users, files, kills
):
    earlier_file(earlier, users=many_users(users), audio_files=many_files(files))
    with fronting(dynamodb_endpoint) as front:
        repeated = killed_copy(mover, make_tables, dynamodb_client, phases, front, kills, tmp_path)
    assert repeated <= REPEATED_ROWS
    report = done(mover, "delta")
    assert "Nothing differed: no item changed." in report
    assert f"| users | {users:,} | {users // 97} |" in report
    assert f"| audio_files | {files:,} | {files // 101} |" in report
    found = items_of(dynamodb_client, mover.tables["main"])
    expected = sum(1 for row in many_users(users) if counts(row))
    assert found["GUARD#ADMIN", "COUNT"]["active_admins"]["N"] == str(expected)


def counts(row):
    return row["is_admin"] and row["is_active"] and row["hashed_password"] == HASH and " " not in row["username"]
