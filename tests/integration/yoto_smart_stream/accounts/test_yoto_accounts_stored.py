"""Accounts as they are stored: ids, names and addresses are each one's own, and an administrator always stays."""

import random
from dataclasses import replace

import pytest

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.errors import StoreUnavailable
from lambda_src.runtime.accounts.passwords import NO_PASSWORD
from lambda_src.services.yoto_smart_stream import tables
from lambda_src.services.yoto_smart_stream.accounts.repository import MAX_USER_ID
from lambda_src.services.yoto_smart_stream.errors import (
    EmailTaken,
    InvalidEmail,
    InvalidUsername,
    LastAdmin,
    UsernameTaken,
    VersionConflict,
)
from lambda_src.services.yoto_smart_stream.models import IdCounter, UserRecord
from tests.support.dynamodb_faults import Faults, RandomConflicts
from tests.support.engines import on_both_engines
from tests.support.yoto_accounts import check_accounts, keys_of, users_of

HASH = "$argon2id$of-somebody"
pytestmark = on_both_engines


# ---- new users -------------------------------------------------------------------------------------------------------


def test_a_user_is_stored_with_what_was_given_and_nothing_else(house, users):
    with house.counted() as calls:
        john = users.create_user("John", HASH, "John@Example.com")
    assert calls == {"UpdateItem": 1, "TransactWriteItems": 1}
    assert john.id == john.user_id == 1
    assert house.stored_user("john") == {
        "PK": "USER#john", "SK": "PROFILE", "entity": "user",
        "GSI1PK": "USER", "GSI1SK": "2025-01-15T08:30:00.123000Z#john",
        "user_id": 1, "username": "John", "email": "John@example.com", "hashed_password": HASH,
        "is_active": True, "is_admin": False, "must_change_password": False, "token_version": 0, "version": 1,
        "created_at": "2025-01-15T08:30:00.123000Z", "updated_at": "2025-01-15T08:30:00.123000Z",
    }  # fmt: skip
    assert keys_of(house) == {
        ("USER#john", "PROFILE"), ("USERID#1", "CLAIM"), ("EMAIL#john@example.com", "CLAIM"),
        ("COUNTER#USER", "COUNTER"),
    }  # fmt: skip
    assert users.get_user("JOHN") == users.get_user_by_id(1) == john


@pytest.mark.parametrize(
    "name", ["jo", "a b", "admín", "\uff41dmin", "x" * 51, "john\n", "jo#hn", "", "\ud800abc"], ids=ascii
)
def test_what_is_no_name_is_refused_before_any_request(house, users, name):
    with house.counted() as calls:
        with pytest.raises(InvalidUsername):
            users.create_user(name, HASH)
        assert users.get_user(name) is None
    assert calls == {}


@pytest.mark.parametrize("email", ["", "john", "a b@example.com", "a@example.com\n", "\ud800@example.com"], ids=ascii)
def test_what_is_no_address_is_refused_before_any_request(house, users, email):
    with house.counted() as calls:
        with pytest.raises(InvalidEmail):
            users.create_user("john", HASH, email)
        with pytest.raises(InvalidEmail):
            users.update_user(1, email)
    assert calls == {}


def test_a_taken_name_wins_over_a_taken_address(users):
    users.create_user("john", HASH, "john@example.com")
    with pytest.raises(UsernameTaken):
        users.create_user("JOHN", HASH, "JOHN@EXAMPLE.COM")
    with pytest.raises(EmailTaken):
        users.create_user("mary", HASH, "JOHN@EXAMPLE.COM")
    assert users.get_user("mary") is None


def test_sixty_users_of_one_millisecond_have_sixty_ids_and_a_counter_set_back_jumps_past_them(house, users):
    created = [users.create_user(f"user-{number}", HASH) for number in range(60)]
    assert [user.user_id for user in created] == list(range(1, 61))
    house.put_items(tables.ID_COUNTER.item(IdCounter(0)))

    with house.counted() as calls:
        assert users.create_user("one-more", HASH).user_id == 111  # draws 1, 11 and 111

    assert calls == {"UpdateItem": 3, "TransactWriteItems": 3}
    assert house.item(tables.ID_COUNTER.key())["last_id"] == 111


def test_where_every_drawn_id_is_taken_the_store_gives_up_and_nothing_is_left(house, users):
    john = house.user("john", user_id=1)
    for number in (11, 111, 1_111, 11_111, 111_111):
        house.user(f"of-{number}", user_id=number)
    house.put_items(tables.ID_COUNTER.item(IdCounter(0)))
    with pytest.raises(StoreUnavailable):
        users.create_user("mary", HASH, "mary@example.com")
    assert users.get_user("mary") is None
    assert users.get_user("john") == john


def test_only_who_can_sign_in_counts_as_an_administrator(users):
    users.create_user("boss", HASH, is_admin=True)
    users.create_user("ghost", NO_PASSWORD, is_admin=True)
    users.create_user("john", HASH)
    assert users.count_admins() == 1


def test_conflicts_with_other_transactions_are_waited_out(new_house, dynamodb_client):
    engine = RandomConflicts(Boto3Client(dynamodb_client), share=0.4, seed=7)
    users = users_of(house := new_house(engine=engine))
    for number in range(20):
        user = users.create_user(f"user-{number}", HASH, f"user-{number}@example.com", is_admin=True)
        users.update_user(user.user_id, is_admin=number % 2 == 0)
    assert engine.count > 10
    assert users.count_admins() == 10
    check_accounts(house)


# ---- users by id -----------------------------------------------------------------------------------------------------


def test_a_user_is_found_by_id_directly_after_its_creation_while_the_index_says_nothing(house, users):
    john = house.user("john")
    item = tables.USER.item(john)
    house.put_items({name: value for name, value in item.items() if not name.startswith("GSI1")})
    with house.counted() as calls:
        assert users.get_user_by_id(john.user_id) == john
    assert calls == {"GetItem": 2}
    house.put_items(item)


@pytest.mark.parametrize("user_id", [0, -1, MAX_USER_ID + 1, 10**40])
def test_what_can_be_no_id_is_not_looked_for(house, users, user_id):
    with house.counted() as calls:
        assert users.get_user_by_id(user_id) is None
        assert users.update_user(user_id, is_active=False) is None
        assert users.delete_user(user_id) is False
    assert calls == {}


def test_an_id_whose_name_went_to_somebody_else_is_nobodys(house, users):
    first = users.create_user("john", HASH, "john@example.com")
    assert users.delete_user(first.user_id)
    second = users.create_user("john", HASH, "john@example.com")
    assert second.user_id == 2
    assert users.get_user_by_id(1) is None
    assert users.get_user_by_id(2) == second
    claim = tables.USER_ID_CLAIM.key(user_id=1)
    stored = house.item(claim)
    house.put_items({name: value for name, value in stored.items() if name != "deleted_at"})
    assert users.get_user_by_id(1) is None
    house.put_items(stored)


# ---- changes ---------------------------------------------------------------------------------------------------------


def test_a_change_is_one_update_where_nothing_else_has_to_agree(house, users):
    john = users.create_user("john", HASH)
    house.clock.forward(seconds=1)
    with house.counted() as calls:
        changed = users.update_user(john.user_id, hashed_password="$argon2id$new", must_change_password=True)
    assert calls == {"GetItem": 2, "UpdateItem": 1}
    assert changed == users.get_user("john") == replace(
        john, hashed_password="$argon2id$new", must_change_password=True, token_version=1, version=2,
        updated_at="2025-01-15T08:30:01.123000Z",
    )  # fmt: skip


def test_nothing_given_or_nothing_different_writes_nothing(house, users):
    john = users.create_user("john", HASH, "john@example.com")
    with house.counted() as calls:
        assert users.update_user(john.user_id) == john
        assert users.update_user(john.user_id, "john@EXAMPLE.com", is_active=True, is_admin=False) == john
    assert calls == {"GetItem": 4}


def test_an_address_moves_with_its_claim_and_may_be_taken(house, users):
    john = users.create_user("john", HASH, "john@example.com")
    mary = users.create_user("mary", HASH)
    with house.counted() as calls:
        changed = users.update_user(john.user_id, "doe@example.com")
    assert calls == {"GetItem": 2, "TransactWriteItems": 1}
    assert changed == users.get_user("john")
    assert changed.token_version == 0
    with pytest.raises(EmailTaken):
        users.update_user(mary.user_id, "DOE@example.com")
    assert users.get_user("mary") == mary
    assert users.update_user(mary.user_id, "john@example.com").email == "john@example.com"
    assert users.update_user(mary.user_id, clear_email=True).email is None
    assert "email" not in house.stored_user("mary")


def test_another_spelling_of_the_same_address_needs_no_other_claim(house, users):
    john = users.create_user("john", HASH, "john@example.com")
    with house.counted() as calls:
        assert users.update_user(john.user_id, "JOHN@example.com").email == "JOHN@example.com"
    assert calls == {"GetItem": 2, "UpdateItem": 1}


@pytest.mark.parametrize(
    ("change", "voided"),
    [
        ({"hashed_password": "$argon2id$new"}, 1),
        ({"is_active": False}, 1),
        ({"is_admin": True}, 1),
        ({"is_admin": True, "hashed_password": "$argon2id$new"}, 1),
        ({"email": "john@example.com"}, 0),
        ({"must_change_password": True}, 0),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else str(value),
)
def test_tokens_are_void_after_what_changes_who_somebody_is(users, change, voided):
    john = users.create_user("john", HASH)
    assert users.update_user(john.user_id, **change).token_version == voided


@pytest.mark.parametrize(
    "change",
    [{"is_admin": False}, {"is_active": False}, {"hashed_password": NO_PASSWORD}],
    ids=["demoted", "switched-off", "without-password"],
)
def test_the_last_administrator_who_can_sign_in_stays(users, change):
    boss = users.create_user("boss", HASH, is_admin=True)
    users.create_user("ghost", NO_PASSWORD, is_admin=True)
    with pytest.raises(LastAdmin):
        users.update_user(boss.user_id, **change)
    with pytest.raises(LastAdmin):
        users.delete_user(boss.user_id)
    assert users.get_user("boss") == boss

    users.create_user("second", HASH, is_admin=True)
    assert not users.update_user(boss.user_id, **change).counts_as_admin
    assert users.count_admins() == 1


def test_a_password_makes_an_administrator_count_and_losing_it_does_not(users):
    users.create_user("boss", HASH, is_admin=True)
    ghost = users.create_user("ghost", NO_PASSWORD, is_admin=True)
    users.update_user(ghost.user_id, hashed_password=HASH)
    assert users.count_admins() == 2
    users.update_user(ghost.user_id, is_active=False, is_admin=False)
    assert users.count_admins() == 1
    users.update_user(ghost.user_id, is_admin=True)
    assert users.count_admins() == 1
    users.update_user(ghost.user_id, is_active=True)
    assert users.count_admins() == 2


def test_a_change_that_lost_a_race_is_made_again_on_what_is_stored_then(house, users):
    john = users.create_user("john", HASH)
    users.update_user(john.user_id, is_active=False)
    changed = users.change_user(john, lambda user: replace(user, must_change_password=True))
    assert (changed.is_active, changed.must_change_password, changed.version) == (False, True, 3)
    assert changed == users.get_user("john")


def test_after_three_lost_races_a_change_gives_up(house, users):
    john = users.create_user("john", HASH)

    def overtaken(user: UserRecord) -> UserRecord:
        assert users.set_password_hash("john", user.hashed_password, f"{user.hashed_password}+")
        return replace(user, must_change_password=True)

    with house.counted() as calls, pytest.raises(VersionConflict):
        users.change_user(john, overtaken)
    assert calls == {"UpdateItem": 6, "GetItem": 3}
    assert users.get_user("john").version == 4


def test_a_user_who_went_meanwhile_is_not_brought_back(users):
    john = users.create_user("john", HASH, "john@example.com")
    users.delete_user(john.user_id)
    for change in ({"is_active": False}, {"email": "doe@example.com"}, {"is_admin": True}):
        assert users.change_user(john, lambda user, change=change: replace(user, **change)) is None
    another = users.create_user("john", HASH)
    assert users.change_user(john, lambda user: replace(user, is_active=False)) is None
    assert users.get_user("john") == another


def test_a_write_whose_answer_got_lost_is_made_once(new_house, dynamodb_client):
    faults = Faults(Boto3Client(dynamodb_client))
    users = users_of(house := new_house(engine=faults))
    assert faults.lose_next_answer("TransactWriteItems") == []
    john = users.create_user("john", HASH)
    lost = faults.lose_next_answer("UpdateItem")
    changed = users.change_user(john, lambda user: replace(user, is_active=False))
    assert lost
    assert users.get_user("john") == changed == replace(john, is_active=False, version=2, token_version=1)
    check_accounts(house)


def test_a_rehash_voids_no_token_and_only_takes_the_place_of_the_hash_it_is_for(house, users):
    john = users.create_user("john", HASH)
    with house.counted() as calls:
        assert users.set_password_hash("john", HASH, "$argon2id$new")
        assert not users.set_password_hash("john", HASH, "$argon2id$newer")
        assert not users.set_password_hash("nobody", HASH, "$argon2id$new")
    assert calls == {"UpdateItem": 3}
    assert users.get_user("john") == replace(john, hashed_password="$argon2id$new", version=2)
    assert users.get_user("nobody") is None
    for old, new in ((NO_PASSWORD, HASH), (HASH, NO_PASSWORD)):
        with pytest.raises(ValueError, match="takes the place of a hash"):
            users.set_password_hash("john", old, new)


# ---- everything at once ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.soak), pytest.param(3, marks=pytest.mark.soak)])
def test_any_order_of_changes_leaves_accounts_that_agree(house, users, seed):
    dice, names = random.Random(seed), ("ann", "bob", "cyd", "dee")
    outcomes = set()
    for _ in range(150):
        user = users.get_user(dice.choice(names))
        try:
            if user is None:
                address = dice.choice((None, "one@example.com", "two@example.com"))
                users.create_user(
                    dice.choice(names), dice.choice((HASH, NO_PASSWORD)), address, is_admin=dice.random() < 0.7
                )
                outcomes.add("created")
            elif dice.random() < 0.25:
                outcomes.add("deleted" if users.delete_user(user.user_id) else "gone")
            else:
                changes = {
                    "is_admin": dice.choice((None, True, False)),
                    "is_active": dice.choice((None, True, False)),
                    "hashed_password": dice.choice((None, HASH, NO_PASSWORD)),
                    "email": dice.choice((None, "one@example.com", "three@example.com")),
                }
                users.update_user(user.user_id, clear_email=changes["email"] is None, **changes)
                outcomes.add("changed")
        except (UsernameTaken, EmailTaken, LastAdmin) as refused:
            outcomes.add(refused.code)
    assert outcomes == {"created", "deleted", "changed", "username_taken", "email_taken", "last_admin"}
