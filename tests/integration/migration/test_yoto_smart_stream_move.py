"""Yoto Smart Stream moves in: a real file of SQLite, into a table where the deployment has made its administrator."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from argon2 import PasswordHasher

from cdk_app.local.layout import ROOT
from cdk_app.local.ministack import QUICK
from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.dynamo.store import Store
from lambda_src.dynamo.values import to_item
from lambda_src.runtime.clock import utc_now
from lambda_src.services.yoto_smart_stream.accounts.repository import UserRepository
from lambda_src.services.yoto_smart_stream.models import UserRecord
from lambda_src.services.yoto_smart_stream.tables import USER
from tests.support.migration.yoto_smart_stream_files import (
    BCRYPT,
    CREATED,
    HASH,
    SHIPPED_HASH,
    audio,
    change,
    earlier_file,
    setting,
    user,
)
from tests.support.migration.yoto_smart_stream_operator import OAUTH, PASSWORD, done, tokens

NOW = "2026-12-01T00:00:00.000000Z"
EXAMPLE_USERS = (
    user(1, "admin", hashed_password=SHIPPED_HASH, is_admin=1, yoto_refresh_token="refresh-1"),
    user(2, "Bob", email="bob@example.com"),
    user(3, "bob"),
    user(4, "cyd", hashed_password=BCRYPT, is_admin=1),
)
EXAMPLE_FILES = (
    audio(1, "a.mp3", transcript="Hello", transcript_status="completed"),
    audio(2, "b.mp3", transcript_status="error", transcript_error="no luck"),
    audio(3, "c.mp3", transcript_status="processing"),
    audio(4, "100%.mp3"),
)


def test_people_and_files_of_the_earlier_product_arrive_as_they_are_or_are_named(mover, earlier, table, secrets):
    earlier_file(earlier, users=EXAMPLE_USERS, audio_files=EXAMPLE_FILES)
    report = done(mover, "init")
    assert "admin: made" in report
    admin = table()["USER#admin", "PROFILE"]
    assert PasswordHasher().verify(admin["hashed_password"], PASSWORD)
    assert (admin["is_admin"], admin["must_change_password"]) == (True, True)

    report = done(mover, "copy")
    found = table()
    assert found["USER#admin", "PROFILE"] == admin, "kept with the generated password"
    assert "| users | kept | 1 |" in report
    assert "| users | duplicate_username | 1 |" in report
    assert "| audio_files | forbidden_character | 1 |" in report
    bob, cyd = found["USER#bob", "PROFILE"], found["USER#cyd", "PROFILE"]
    assert (bob["user_id"], bob["username"], bob["hashed_password"]) == (2, "Bob", HASH)
    assert (cyd["user_id"], cyd["hashed_password"], cyd["must_change_password"]) == (4, "!", True)
    statuses = {key[0]: item["transcript_status"] for key, item in found.items() if key[1] == "METADATA"}
    assert statuses == {"AUDIO#a.mp3": "completed", "AUDIO#b.mp3": "failed", "AUDIO#c.mp3": "pending"}
    assert not any("transcript_request_id" in item for item in found.values())
    assert found["COUNTER#USER", "COUNTER"]["last_id"] == 4
    assert found["GUARD#ADMIN", "COUNT"]["active_admins"] == 1, "an administrator without a password is not counted"

    assert "The secret was written." in done(mover, "secrets")
    assert tokens(secrets)["active"]["refresh_token"] == "refresh-1"
    assert table() == found

    assert "Nothing differed: no item changed." in done(mover, "copy")
    assert "Nothing differed: no secret was written." in done(mover, "secrets")
    assert table() == found
    assert "Verified: 9 items" in done(mover, "verify", "--full")
    assert "1 forbidden_character" in done(mover, "cutover", code=3)
    assert "**GO" in done(mover, "cutover", "--allow-rejects")


def test_a_migration_whose_administrator_alone_stays_behind_needs_nobody_to_allow_it(mover, earlier, secrets):
    earlier_file(earlier, users=EXAMPLE_USERS[:2], settings=[setting(1, "theme", "dark")])
    for phase in ("init", "copy", "verify"):
        done(mover, phase)
    assert "1 kept, 1 unknown_setting" in done(mover, "cutover")


def test_init_makes_nobody_where_somebody_can_administrate_or_the_migration_has_begun(mover, earlier, table, secrets):
    earlier_file(earlier, users=EXAMPLE_USERS)
    done(mover, "copy")
    before = table()
    assert before["USER#admin", "PROFILE"]["hashed_password"] == "!"
    assert before["GUARD#ADMIN", "COUNT"]["active_admins"] == 0
    assert "the migration has begun" in done(mover, "init")
    assert table() == before
    done(mover, "rollback")
    assert table() == {}
    assert "admin: made" in done(mover, "init")
    before = table()
    assert "admin: is there" in done(mover, "init")
    assert table() == before


@pytest.mark.parametrize(
    "stored", [{"is_admin": True}, {"is_active": False, "hashed_password": HASH}], ids=["no password", "a member"]
)
def test_init_lets_the_account_in_where_nobody_can_administrate(mover, table, secrets, dynamodb_client, stored):
    found = UserRecord(
        **{"user_id": 4, "username": "Admin", "created_at": NOW, "updated_at": NOW, "hashed_password": "!", **stored}
    )
    dynamodb_client.put_item(TableName=mover.tables["main"], Item=to_item(USER.item(found)))
    assert "admin: can sign in now" in done(mover, "init")
    after = USER.model(table()["USER#admin", "PROFILE"])
    assert PasswordHasher().verify(after.hashed_password, PASSWORD)
    assert (after.username, after.counts_as_admin, after.must_change_password) == ("Admin", True, True)
    assert (after.version, after.token_version) == (2, 1)
    assert table()["GUARD#ADMIN", "COUNT"]["active_admins"] == 1
    assert "admin: is there" in done(mover, "init")


def test_init_leaves_everybody_as_they_are_while_somebody_else_can_administrate(mover, table, secrets, dynamodb_client):
    users = UserRepository(Store(Boto3Client(dynamodb_client), mover.tables), utc_now)
    users.create_user("mum", HASH, is_admin=True)
    before = table()
    assert "admin: not needed" in done(mover, "init")
    assert table() == before
    users.create_user("admin", HASH)
    before = table()
    assert "admin: not needed" in done(mover, "init")
    assert table() == before


def test_the_first_administrator_may_have_any_id_and_takes_none_from_anybody(mover, earlier, table, secrets):
    earlier_file(earlier, users=[user(1, "mum", is_admin=1), user(2, "dad")])
    done(mover, "init")
    assert table()["USER#admin", "PROFILE"]["user_id"] == 1
    assert "| users | 2 | 0 | 2 |" in done(mover, "copy")
    found = table()
    ids = {name: found[f"USER#{name}", "PROFILE"]["user_id"] for name in ("admin", "mum", "dad")}
    assert ids == {"admin": 1, "mum": 3, "dad": 2}
    assert {key[0]: item["username_key"] for key, item in found.items() if key[0].startswith("USERID")} == {
        "USERID#1": "admin", "USERID#2": "dad", "USERID#3": "mum",
    }  # fmt: skip
    assert (found["COUNTER#USER", "COUNTER"]["last_id"], found["GUARD#ADMIN", "COUNT"]["active_admins"]) == (3, 2)
    assert "Verified" in done(mover, "verify", "--full")
    done(mover, "rollback")
    found = table()
    assert {key[0] for key in found} == {"USER#admin", "USERID#1", "COUNTER#USER", "GUARD#ADMIN"}
    assert found["GUARD#ADMIN", "COUNT"]["active_admins"] == 1


# ---- tokens ----------------------------------------------------------------------------------------------------------

USERS_WITH_TOKENS = (
    user(1, "admin", yoto_refresh_token="r1", yoto_access_token="a1", yoto_token_expires_at="2025-02-01 10:00:00"),
    user(2, "Bob", yoto_refresh_token="r2", yoto_token_expires_at="soon"),
    user(3, "bob", yoto_refresh_token="r3"),
    user(4, "eve", yoto_access_token="a4"),
    user(5, "zoe", yoto_refresh_token=" "),
)


def test_tokens_of_others_are_archived_and_those_in_use_stay(mover, earlier, secrets):
    earlier_file(earlier, users=USERS_WITH_TOKENS)
    assert "not complete" in mover.does("secrets").said
    done(mover, "copy")
    assert "no account of the source" in mover.does("secrets", "--yoto-owner=nobody").said
    report = done(mover, "secrets", "--yoto-owner=BOB")
    assert "their row has no account here | 1" in report
    found = tokens(secrets)
    assert found["unused"] == "generated"
    assert found["archived"] == {
        "admin": {"refresh_token": "r1", "access_token": "a1", "expires_at": "2025-02-01T10:00:00.000000Z"}
    }
    active = {"refresh_token": "r2", "expires_at": None, "needs_link": False}
    assert {name: found["active"][name] for name in active} == active
    change(earlier, "UPDATE users SET yoto_refresh_token = 'newer' WHERE id < 3")
    assert "kept: others are active already" in done(mover, "secrets", "--yoto-owner=bob")
    assert tokens(secrets)["active"] == found["active"]
    assert tokens(secrets)["archived"]["admin"]["refresh_token"] == "newer"


def test_a_file_without_columns_for_tokens_has_none(mover, earlier, secrets):
    earlier_file(earlier, users=[user(1, "admin")], is_first=True)
    done(mover, "copy")
    assert "the source has none" in done(mover, "secrets")
    assert "active" not in tokens(secrets)


def test_tokens_that_do_not_fit_into_the_secret_stay_in_the_source_and_are_named(mover, earlier, secrets):
    many = [user(n, f"user{n}", yoto_refresh_token="r" * 1_000, yoto_access_token="a" * 1_000) for n in range(2, 92)]
    earlier_file(earlier, users=[USERS_WITH_TOKENS[0], *many])
    done(mover, "copy")
    report = done(mover, "secrets", code=4)
    found = tokens(secrets)
    assert found["active"]["access_token"] == "a1"
    kept = len(found["archived"])
    assert 55 < kept < 65
    assert all(entry == {"refresh_token": "r" * 1_000} for entry in found["archived"].values())
    assert f"{90 - kept} accounts did not fit." in report
    assert "| user91 |" in report
    assert "| user2 |" not in report


def test_tokens_that_were_renewed_replace_those_before_them_also_where_not_all_fit(mover, earlier, secrets):
    many = [user(n, f"user{n}", yoto_refresh_token="r" * 1_000) for n in range(2, 92)]
    earlier_file(earlier, users=[USERS_WITH_TOKENS[0], *many])
    done(mover, "copy")
    done(mover, "secrets", code=4)
    before = tokens(secrets)["archived"]
    change(earlier, "UPDATE users SET yoto_refresh_token = printf('%01000d', id) WHERE id < 5")
    done(mover, "secrets", code=4)
    found = tokens(secrets)["archived"]
    assert found.keys() == before.keys()
    assert {name for name in found if found[name] != before[name]} == {"user2", "user3", "user4"}


def test_a_secret_that_is_no_json_is_left_alone(mover, earlier, secrets):
    earlier_file(earlier, users=[user(1, "admin", yoto_refresh_token="r1")])
    done(mover, "copy")
    secrets.put_secret_value(SecretId=OAUTH, SecretString="s3cret")
    ended = mover.does("secrets")
    assert (ended.code, "is no JSON object" in ended.said, "s3cret" in ended.said) == (1, True, False)


# ---- nobody sees -----------------------------------------------------------------------------------------------------

CANARIES = {
    "yoto_refresh_token": "canary-refresh", "yoto_access_token": "canary-access",
    "yoto_token_expires_at": "2031-03-13 13:13:13.131313", "hashed_password": f"$argon2id$canary-hash{'x' * 60}",
}  # fmt: skip
SPELLINGS = ("canary-refresh", "canary-access", "2031-03-13", "13:13:13", "canary-hash", "canary-text", "canary-value")
OF_THE_TABLE = ("canary-hash", "canary-text")  # which a snapshot has to hold, because items follow from it


def test_secrets_are_in_nothing_that_a_migration_leaves_or_says(mover, earlier, table, secrets, tmp_path, caplog):
    caplog.set_level("INFO")  # below it botocore logs what it sends, and nobody turns that on
    caplog.set_level("DEBUG", "lambda_src")
    text = {"transcript": "canary-text", "transcript_status": "completed"}
    earlier_file(
        earlier,
        users=[user(1, "bob", **CANARIES), user(2, "Bob", **CANARIES), user(3, "x y", **CANARIES)],
        audio_files=[audio(1, "a.mp3", **text), audio(2, "100%.mp3", **text), audio(3, "b.mp3", size=-1, **text)],
        settings=[setting(1, "api_key", "canary-value"), setting(2, "transcription_enabled", "canary-value")],
    )
    said = [mover.does(phase) for phase in ("check", "plan", "init", "copy")]
    main = mover.tables["main"]
    engine = boto3.client("dynamodb", endpoint_url=mover.endpoint_url)
    for key, name in ((("USER#bob", "PROFILE"), "hashed_password"), (("AUDIO#a.mp3", "TRANSCRIPT"), "text")):
        engine.update_item(
            TableName=main, Key={"PK": {"S": key[0]}, "SK": {"S": key[1]}}, UpdateExpression="SET #n = :v",
            ExpressionAttributeNames={"#n": name}, ExpressionAttributeValues={":v": {"S": "canary-hash, canary-text"}},
        )  # fmt: skip
    said += [mover.does(*phase) for phase in (("verify", "--full"), ("delta",), ("secrets", "--yoto-owner=bob"))]
    said += [mover.does("cutover"), mover.does("reverse-export", f"--out={tmp_path / 'back'}")]
    assert [ended.code for ended in said] == [0, 0, 0, 0, 4, 4, 0, 3, 0]
    assert tokens(secrets)["active"]["refresh_token"] == "canary-refresh"
    stored = str(table())
    for spelling in SPELLINGS:
        assert (spelling in stored) == (spelling in OF_THE_TABLE)
        left = {path.name for path in mover.folder.iterdir() if spelling.encode() in path.read_bytes()}
        assert left == ({"snapshot.sqlite"} if spelling in OF_THE_TABLE else set()), spelling
    back = b"".join(path.read_bytes() for path in (tmp_path / "back").iterdir())
    assert [spelling for spelling in SPELLINGS if spelling.encode() in back] == list(OF_THE_TABLE)
    for ended in said:
        assert not any(spelling in ended.said + ended.report for spelling in SPELLINGS)
    assert not any(spelling in caplog.text for spelling in SPELLINGS)


def test_secrets_and_bucket_are_found_in_the_data_stack(mover, earlier, cloud, secrets, monkeypatch):
    for variable in ("BOOTSTRAP_ADMIN_SECRET_ARN", "YOTO_OAUTH_SECRET_ARN"):
        monkeypatch.delenv(variable)
    earlier_file(earlier, users=[user(1, "bob", created_at=CREATED)])
    missing = mover.does("init")
    assert (missing.code, "export BOOTSTRAP_ADMIN_SECRET_ARN=" in missing.said) == (1, True), missing.said
    template = {
        "Resources": {
            "BootstrapAdmin12345678": {
                "Type": "AWS::SecretsManager::Secret",
                "Properties": {"SecretString": json.dumps({"username": "admin", "password": PASSWORD})},
            }
        }
    }
    stacks = cloud.session.client("cloudformation", endpoint_url=cloud.url, config=QUICK)
    stacks.create_stack(StackName="local-YotoSmartStreamData", TemplateBody=json.dumps(template))
    assert "admin: made" in done(mover, "init")
    done(mover, "copy")
    assert "has no YotoOAuth" in mover.does("secrets").said
    stacks.delete_stack(StackName="local-YotoSmartStreamData")


def test_one_variable_names_the_region_of_every_client(mover, cloud, secrets):
    with_region = mover.variables(AWS_REGION="us-east-1", AWS_ACCESS_KEY_ID="local", AWS_SECRET_ACCESS_KEY="local")
    variables = {**os.environ, **with_region}
    variables.pop("AWS_DEFAULT_REGION", None)
    ended = subprocess.run(
        [sys.executable, "-m", "lambda_src.migration", *mover.command("init")],
        cwd=ROOT, env={name: text for name, text in variables.items() if text is not None},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "admin: made" in (mover.folder / "init.md").read_text(encoding="utf-8")


def test_another_kind_of_database_is_refused(mover):
    other = replace(mover, url="postgresql://reader:s3cret@127.0.0.1:1/none")
    ended = other.does("check")
    assert (ended.code, "came from sqlite" in ended.said) == (2, True)
    assert not Path("none").exists()
