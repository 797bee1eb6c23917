"""What becomes of the accounts of the earlier product, read from real files of SQLite."""

import json

import pytest

from lambda_src.migration.mapping import Resident
from lambda_src.migration.mappings.yoto_smart_stream.rows import MAX_USER_ID
from tests.support.migration.yoto_smart_stream_files import (
    BCRYPT,
    CREATED_HERE,
    HASH,
    OWN_HASH,
    SHIPPED_HASH,
    audio,
    setting,
    user,
)
from tests.support.migration.yoto_smart_stream_moved import BEGUN_HERE

# ---- accounts --------------------------------------------------------------------------------------------------------


def test_an_account_becomes_its_item_and_the_claims_of_its_id_and_address(moved):
    row = user(7, "Bob-1", email="Bob@Example.com", is_admin=1, created_at="2025-01-15 08:30:00")
    found = moved(users=[row])
    assert found.items == {
        ("USER#bob-1", "PROFILE"): {
            "PK": "USER#bob-1", "SK": "PROFILE", "entity": "user", "user_id": 7, "username": "Bob-1",
            "email": "Bob@example.com", "hashed_password": HASH, "is_active": True, "is_admin": True,
            "must_change_password": False, "token_version": 0, "version": 1,
            "created_at": "2025-01-15T08:30:00.000000Z", "updated_at": CREATED_HERE,
            "GSI1PK": "USER", "GSI1SK": "2025-01-15T08:30:00.000000Z#bob-1",
        },
        ("USERID#7", "CLAIM"): {
            "PK": "USERID#7", "SK": "CLAIM", "entity": "user_id_claim", "username_key": "bob-1",
        },
        ("EMAIL#bob@example.com", "CLAIM"): {
            "PK": "EMAIL#bob@example.com", "SK": "CLAIM", "entity": "email_claim", "user_id": 7,
            "username_key": "bob-1",
        },
    }  # fmt: skip
    assert (found.kinds, found.notes) == ({}, [])


@pytest.mark.parametrize("name", ["", "ad", "admín", "\uff41dmin", "a b", "a" * 51, "john\n", b"\x00\x01\x02"])
def test_a_name_that_is_none_is_rejected(moved, name):
    found = moved(users=[user(1, name), user(2, "bob")])
    assert found.kinds == {"invalid_username": 1}
    assert found.user("bob").user_id == 2


def test_of_two_names_that_differ_in_case_the_lower_id_stays(moved):
    found = moved(users=[user(3, "bob", email="b@example.com"), user(2, "Bob", email="b@example.com")])
    assert found.kinds == {"duplicate_username": 1}
    assert (found.user("bob").username, found.user("bob").user_id) == ("Bob", 2)
    assert found.user("bob").email == "b@example.com", "who is rejected holds no address"


def test_an_address_that_two_have_stays_with_the_lower_id_whatever_its_case(moved):
    rows = [user(2, "two", email=" A@EXAMPLE.com "), user(1, "one", email="a@example.com"), user(3, "three", email="")]
    found = moved(users=rows)
    assert [found.user(name).email for name in ("one", "two", "three")] == ["a@example.com", None, None]
    assert "email" not in found.items["USER#two", "PROFILE"]
    assert (found.notes, found.kinds) == (["email_taken"], {})


@pytest.mark.parametrize("address", ["dad@nas.local", "a@box.test", "no address", "@", "a@b", "x" * 250 + "@b.de", 7])
def test_an_account_is_never_lost_over_an_address_that_is_refused(moved, address):
    found = moved(users=[user(1, "dad", email=address)])
    assert (found.user("dad").email, found.notes, found.kinds) == (None, ["email_not_kept"], {})


@pytest.mark.parametrize("stored", [HASH, OWN_HASH, "$argon2i$v=19$m=512,t=2,p=2$c29tZXNhbHQ$abc", "$argon2id$v=19$m"])
def test_hashes_of_argon2_are_kept_whatever_their_parameters(moved, stored):
    found = moved(users=[user(1, "admin", hashed_password=stored)])
    assert (found.user("admin").hashed_password, found.user("admin").must_change_password) == (stored, False)
    assert found.notes == []


@pytest.mark.parametrize(
    "stored", [BCRYPT, "", "!", "yoto", "pbkdf2_sha256$1$a$b", f"$argon2id${'A' * 250}", 42, b"\x00"]
)
def test_other_hashes_become_a_password_that_nobody_has(moved, stored):
    found = moved(users=[user(1, "cyd", hashed_password=stored)])
    assert (found.user("cyd").hashed_password, found.user("cyd").must_change_password) == ("!", True)
    assert found.notes == ["password_not_kept"]


def test_only_the_row_admin_is_tried_with_the_password_that_was_shipped(moved):
    found = moved(users=[user(1, "Admin", hashed_password=SHIPPED_HASH), user(2, "eve", hashed_password=SHIPPED_HASH)])
    assert (found.user("admin").hashed_password, found.user("eve").hashed_password) == ("!", SHIPPED_HASH)
    assert found.notes == ["shipped_password"]


@pytest.mark.parametrize(
    ("active", "admin", "expected"),
    [
        (1, 0, (True, False)), (0, 1, (False, True)), (None, None, (True, False)), (2, -1, (True, True)),
        ("false", "TRUE", (False, True)), ("no", "on", (False, True)), ("perhaps", "perhaps", (True, False)),
    ],
)  # fmt: skip
def test_flags_are_read_as_sqlite_may_hold_them(moved, active, admin, expected):
    then = (
        "ALTER TABLE users DROP COLUMN is_active", "ALTER TABLE users DROP COLUMN is_admin",
        "ALTER TABLE users ADD COLUMN is_active BOOLEAN", "ALTER TABLE users ADD COLUMN is_admin BOOLEAN DEFAULT 0",
        f"UPDATE users SET is_active = {_literal(active)}, is_admin = {_literal(admin)}",  # noqa: S608
    )  # fmt: skip
    found = moved(users=[user(1, "bob")], then=then)
    assert (found.user("bob").is_active, found.user("bob").is_admin) == expected
    assert found.notes == (["unreadable_flag"] * 2 if active == "perhaps" else [])


def _literal(value):
    return "NULL" if value is None else json.dumps(value).replace('"', "'")


def test_a_file_of_the_first_version_lacks_columns_and_admin_is_the_administrator(moved):
    found = moved(
        users=[user(1, "admin"), user(2, "Admin2"), user(3, "bob")],
        audio_files=[audio(1, "a.mp3")],
        settings=[setting(1, "transcription_enabled", "on")],
        is_first=True,
    )
    assert [found.user(name).is_admin for name in ("admin", "admin2", "bob")] == [True, False, False]
    assert all(found.user(name).is_active for name in ("admin", "admin2", "bob"))
    assert found.user("bob").updated_at == BEGUN_HERE
    assert (found.file("a.mp3").transcript_status, found.file("a.mp3").duration) == ("pending", None)
    assert found.items["SETTING#transcription_enabled", "VALUE"]["setting_value"] == "true"


def test_a_name_in_capitals_is_no_administrator_where_the_column_is_missing(moved):
    assert not moved(users=[user(1, "ADMIN")], is_first=True).user("admin").is_admin


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ("2025-01-15 08:30:00.5", "2025-01-15T08:30:00.500000Z"),
        ("2025-01-15T08:30:00+02:00", "2025-01-15T06:30:00.000000Z"),
        ("2025-01-15", "2025-01-15T00:00:00.000000Z"), ("0000-00-00 00:00:00", None), ("yesterday", None), ("", None),
        (1736929800, None), (1736929800.5, None), ("20250115", None), ("2025-13-01 00:00:00", None),
    ],
)  # fmt: skip
def test_instants_are_utc_and_what_cannot_be_read_is_when_the_migration_began(moved, stored, expected):
    found = moved(users=[user(1, "bob", created_at=stored)])
    assert found.user("bob").created_at == (expected or BEGUN_HERE)
    assert found.notes == ([] if expected else ["instant_not_kept"])
    assert found.items["USER#bob", "PROFILE"]["GSI1SK"] == f"{expected or BEGUN_HERE}#bob"


def test_ids_that_are_none_become_new_ones_above_all_others(moved):
    rows = [user(number, f"user{number % 1000}") for number in (-5, 0, 3, MAX_USER_ID + 1)]
    found = moved(users=rows)
    assert {key for key in found.keys if key.startswith("USERID")} == {"USERID#3", "USERID#4", "USERID#5", "USERID#6"}
    assert found.user("user995").user_id == 4
    assert found.notes == ["id_changed"] * 3
    assert moved(users=[user(MAX_USER_ID, "last"), user(0, "none")]).kinds == {"no_free_id": 1}


# ---- what is there already -------------------------------------------------------------------------------------------


def test_an_account_of_a_name_that_is_there_is_kept_out_with_its_claims(moved):
    residents = [Resident("name", "admin"), Resident("id", 1)]
    found = moved(users=[user(5, "Admin", email="a@example.com"), user(6, "bob")], residents=residents)
    assert found.keys == {"USER#bob", "USERID#6"}
    assert found.kinds == {"kept": 1}


def test_an_id_or_an_address_that_somebody_has_here_is_not_taken_from_them(moved):
    residents = [Resident("name", "admin"), Resident("id", 1), Resident("id", 3), Resident("email", "a@example.com")]
    found = moved(users=[user(1, "zoe", email="a@example.com"), user(2, "bob")], residents=residents)
    assert (found.user("zoe").user_id, found.user("zoe").email) == (4, None)
    assert found.user("bob").user_id == 2
    assert sorted(found.notes) == ["email_taken", "id_changed"]


def test_files_and_settings_that_are_there_are_kept(moved):
    residents = [Resident("file", "a.mp3"), Resident("setting", "transcription_enabled")]
    found = moved(
        audio_files=[audio(1, "a.mp3", transcript="text"), audio(2, "A.mp3")],
        settings=[setting(1, "transcription_enabled", "1")],
        residents=residents,
    )
    assert found.keys == {"AUDIO#A.mp3"}
    assert found.kinds == {"kept": 2}


def test_a_file_whose_audio_is_here_says_where(moved):
    where = {"object_key": "media/1.mp3", "etag": "tag"}
    found = moved(audio_files=[audio(1, "a.mp3"), audio(2, "b.mp3")], residents=[Resident("object", "a.mp3", where)])
    assert (found.file("a.mp3").object_key, found.file("a.mp3").etag) == ("media/1.mp3", "tag")
    assert (found.file("b.mp3").object_key, found.file("b.mp3").etag) == (None, None)


def test_what_the_rows_met_is_part_of_what_a_snapshot_is_known_by(moved):
    rows = {"users": [user(1, "bob")]}
    digests = [moved(**rows, residents=of).snapshot.summary().digest for of in ([], [Resident("id", 4)], [])]
    assert digests[0] == digests[2] != digests[1]
