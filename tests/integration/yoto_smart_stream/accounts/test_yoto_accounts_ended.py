"""How accounts end, and how the first administrator begins."""

import pytest

from lambda_src.runtime.accounts.passwords import NO_PASSWORD
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.errors import (
    VersionConflict,
)
from lambda_src.services.yoto_smart_stream.models import AdminGuard, UserRecord
from tests.support.engines import on_both_engines
from tests.support.yoto_accounts import check_accounts, keys_of, stored_users, users_of

HASH = "$argon2id$of-somebody"
pytestmark = on_both_engines


# ---- deletion --------------------------------------------------------------------------------------------------------


def test_a_deleted_user_frees_name_and_address_and_keeps_the_id(house, users):
    john = users.create_user("john", HASH, "john@example.com")
    with house.counted() as calls:
        assert users.delete_user(john.user_id)
        assert not users.delete_user(john.user_id)
    assert calls == {"GetItem": 3, "TransactWriteItems": 1}
    assert keys_of(house) == {("USERID#1", "CLAIM"), ("COUNTER#USER", "COUNTER")}
    assert house.item(tables.USER_ID_CLAIM.key(user_id=1))["deleted_at"] == "2025-01-15T08:30:00.123000Z"


def test_a_deletion_that_lost_a_race_is_tried_again_on_what_is_stored_then(new_house, overtaken):
    users = users_of(house := new_house(engine=overtaken))
    john = users.create_user("john", HASH, "john@example.com", is_admin=True)
    users.create_user("boss", HASH, is_admin=True)
    overtaken.before("delete_user", lambda: users.update_user(john.user_id, "doe@example.com", is_admin=False))
    assert users.delete_user(john.user_id)
    assert [user.username for user in stored_users(house)] == ["boss"]
    check_accounts(house)


def test_a_user_whose_id_claim_is_gone_stays_and_no_half_of_a_claim_is_made(new_house, overtaken):
    users = users_of(house := new_house(engine=overtaken))
    john = users.create_user("john", HASH)
    claim = tables.USER_ID_CLAIM.key(user_id=john.user_id)
    overtaken.before("delete_user", lambda: house.remove(claim))
    with pytest.raises(VersionConflict):
        users.delete_user(john.user_id)
    assert house.item(claim) is None
    assert users.get_user("john") == john


# ---- the first administrator -----------------------------------------------------------------------------------------


def test_the_first_administrator_is_created_once(house, users):
    with house.counted() as calls:
        admin = users.ensure_admin_user(HASH)
    assert calls == {"GetItem": 2, "UpdateItem": 1, "TransactWriteItems": 1}
    assert (admin.user_id, admin.username, admin.is_admin, admin.must_change_password) == (1, "admin", True, True)
    with house.counted() as calls:
        assert users.ensure_admin_user("$argon2id$another") == admin
    assert calls == {"GetItem": 1}


@pytest.mark.parametrize(
    ("there", "others", "after"),
    [
        ({"is_admin": True}, False, {}),
        ({"is_admin": True, "hashed_password": NO_PASSWORD}, False, {"hashed_password": HASH}),
        ({"is_admin": True, "hashed_password": NO_PASSWORD}, True, {"hashed_password": HASH}),
        ({"hashed_password": NO_PASSWORD}, True, {"hashed_password": HASH}),
        ({"hashed_password": NO_PASSWORD}, False, {"hashed_password": HASH, "is_admin": True}),
        ({}, False, {"hashed_password": HASH, "is_admin": True}),
        ({"is_admin": True, "is_active": False}, False, {"hashed_password": HASH, "is_active": True}),
        ({}, True, {}),
        ({"is_admin": True, "is_active": False}, True, {}),
    ],
    ids=[
        "able", "without-password", "without-password-among-others", "member-without-password-among-others",
        "member-without-password", "member", "switched-off", "member-among-others", "switched-off-among-others",
    ],
)  # fmt: skip
def test_an_administrator_is_made_of_who_has_the_name_only_where_nobody_else_is_one(house, users, there, others, after):
    admin = house.user("admin", **there)
    if others:
        house.admin("boss")
    kept = users.ensure_admin_user(HASH)
    assert kept == users.get_user("admin")
    changed = {name for name in vars_of(kept) if getattr(kept, name) != getattr(admin, name)}
    assert changed - {"version", "token_version", "updated_at", "must_change_password"} == set(after)
    assert {name: getattr(kept, name) for name in after} == after
    assert kept.must_change_password is bool(after)


def vars_of(user: UserRecord) -> tuple[str, ...]:
    return tuple(UserRecord.__dataclass_fields__)


def test_nobody_is_made_where_another_administrator_can_sign_in(house, users):
    house.admin("boss")
    assert users.ensure_admin_user(HASH) is None
    assert users.get_user("admin") is None


def test_whoever_got_a_password_meanwhile_keeps_it(new_house, overtaken):
    users = users_of(house := new_house(engine=overtaken))
    admin = house.user("admin", is_admin=True, hashed_password=NO_PASSWORD)
    own = "$argon2id$of-the-owner"
    overtaken.before("recount_admins", lambda: users.update_user(admin.user_id, hashed_password=own))
    kept = users.ensure_admin_user(HASH)
    assert kept is not None
    assert kept == users.get_user("admin")
    assert (kept.hashed_password, kept.must_change_password) == (own, False)
    check_accounts(house)


def test_a_guard_without_administrators_counts_from_nothing(house, users):
    house.put_items(tables.ADMIN_GUARD.item(AdminGuard(0)))
    assert users.ensure_admin_user(HASH).counts_as_admin
    assert users.count_admins() == 1
