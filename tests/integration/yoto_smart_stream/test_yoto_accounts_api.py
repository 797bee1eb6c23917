"""Accounts over HTTP, as administrators see to them."""

import json

import pytest

from lambda_src.services.yoto_smart_stream import tables
from tests.support.yoto_accounts import (
    OTHER_PASSWORD,
    PASSWORD,
    check_accounts,
    keys_of,
    log_in,
    me,
    phc,
    told,
    users_of,
)

USERS = "/api/admin/users"
JOHN = {"username": "john", "password": PASSWORD, "email": "John@Example.com"}


@pytest.fixture
def house(new_house):
    house = new_house()
    yield house
    check_accounts(house)


@pytest.fixture
def boss(house):
    return house.admin("boss", user_id=1)


def test_an_administrator_creates_john(house, boss):
    with house.counted() as calls:
        answer = house.ask("POST", USERS, by=boss, json=JOHN)
    assert answer.status_code == 201
    assert answer.headers["location"] == "/api/admin/users/2"
    assert answer.json() == {
        "id": 2, "username": "john", "email": "John@example.com", "is_active": True, "is_admin": False,
        "must_change_password": True, "created_at": "2025-01-15T08:30:00.123000Z",
        "updated_at": "2025-01-15T08:30:00.123000Z",
    }  # fmt: skip
    assert calls == {"GetItem": 1, "UpdateItem": 1, "TransactWriteItems": 1}
    assert keys_of(house) >= {
        ("USER#john", "PROFILE"), ("USERID#2", "CLAIM"), ("EMAIL#john@example.com", "CLAIM"),
    }  # fmt: skip
    assert house.ask("GET", answer.headers["location"], by=boss).json() == answer.json()
    assert log_in(house, "john").json()["user"] == answer.json()


def test_an_address_is_one_users_in_any_case_and_may_hold_a_number_sign(house, boss):
    house.ask("POST", USERS, by=boss, json=JOHN)
    mary = {"username": "mary", "password": PASSWORD, "email": "JOHN@example.COM"}
    assert told(house.ask("POST", USERS, by=boss, json=mary)) == (409, "email_taken")
    assert users_of(house).get_user("mary") is None
    assert house.ask("POST", USERS, by=boss, json=mary | {"email": "john#x@example.com"}).status_code == 201
    assert ("EMAIL#john%23x@example.com", "CLAIM") in keys_of(house)


def test_a_user_is_read_directly_after_its_creation_whatever_the_index_says(house, boss):
    """Without the index: the user of the token, the claim, the user."""
    john = house.user("john")
    house.put_items({name: value for name, value in tables.USER.item(john).items() if name[:4] != "GSI1"})
    with house.counted() as calls:
        assert house.ask("GET", f"{USERS}/{john.user_id}", by=boss).json()["username"] == "john"
    assert calls == {"GetItem": 3}


@pytest.mark.parametrize(
    "name", ["ad", "admín", "\uff41\uff44\uff4d\uff49\uff4e", "a b", "x" * 51, "john\n", "\ud800john"], ids=ascii
)
def test_what_is_no_user_name_is_refused_and_any_case_of_one_signs_in(house, boss, name):
    house.user("admin", hashed_password=phc(PASSWORD))
    body = json.dumps({"username": name, "password": PASSWORD}).encode()
    answer = house.ask("POST", USERS, by=boss, content=body, headers={"content-type": "application/json"})
    assert told(answer) == (422, "validation_error")
    assert [each["field"] for each in answer.json()["errors"]] == ["username"]
    assert log_in(house, "ADMIN").json()["user"]["username"] == "admin"


def test_a_name_that_is_taken_in_another_case_is_refused(house, boss):
    assert house.ask("POST", USERS, by=boss, json=JOHN).status_code == 201
    assert told(house.ask("POST", USERS, by=boss, json={"username": "JOHN", "password": PASSWORD})) == (
        409, "username_taken",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (JOHN | {"password": "eleven char"}, "weak_password"),
        (JOHN | {"password": "x" * 129}, "weak_password"),
        (JOHN | {"password": "JOHN@example.com"}, "weak_password"),
        (JOHN | {"password": "password12345"}, "weak_password"),
        (JOHN | {"email": "john"}, "validation_error"),
        (JOHN | {"email": "a" * 250 + "@example.com"}, "validation_error"),
        (JOHN | {"is_admin": "yes"}, "validation_error"),
        (JOHN | {"is_admin": None}, "validation_error"),
        (JOHN | {"is_active": False}, "validation_error"),
        (JOHN | {"user_id": 7}, "validation_error"),
        ({"username": "john"}, "validation_error"),
        ([], "validation_error"),
    ],
    ids=[
        "short", "long", "the-address", "common", "no-address", "long-address", "no-bool", "null", "unknown-field",
        "own-id", "no-password", "list",
    ],
)  # fmt: skip
def test_what_is_not_valid_creates_nobody(house, boss, body, code):
    with house.counted() as calls:
        assert told(house.ask("POST", USERS, by=boss, json=body)) == (422, code)
    assert calls in ({}, {"GetItem": 1})
    assert users_of(house).get_user("john") is None


def test_a_long_name_is_no_password_of_its_own(house, boss):
    answer = house.ask("POST", USERS, by=boss, json={"username": "quiet-green-lamps", "password": "Quiet-Green-Lamps"})
    assert told(answer) == (422, "weak_password")


@pytest.mark.parametrize("content", [b"{", b'{"username": "\xff"}', b"[" * 9_000], ids=["cut-off", "no-utf8", "deep"])
def test_a_body_that_is_no_json_is_malformed(house, boss, content):
    answer = house.ask("POST", USERS, by=boss, content=content, headers={"content-type": "application/json"})
    assert told(answer) == (400, "malformed_json")


# ---- lists -----------------------------------------------------------------------------------------------------------


def test_users_are_listed_oldest_first_page_by_page(house, boss):
    for number in range(4):
        house.clock.forward(seconds=1)
        house.user(f"user-{number}")
    with house.counted() as calls:
        first = house.ask("GET", USERS, by=boss, params={"limit": 3}).json()
    assert calls == {"GetItem": 1, "Query": 1}
    assert [user["username"] for user in first["items"]] == ["boss", "user-0", "user-1"]
    assert first["count"] == 3
    rest = house.ask("GET", USERS, by=boss, params={"cursor": first["next_cursor"]}).json()
    assert [user["username"] for user in rest["items"]] == ["user-2", "user-3"]
    assert (rest["count"], rest["next_cursor"]) == (2, None)
    assert set(rest["items"][0]) == {
        "id", "username", "email", "is_active", "is_admin", "must_change_password", "created_at", "updated_at",
    }  # fmt: skip
    assert house.store.count(tables.COUNT_USERS) == 5


def test_a_cursor_of_this_list_with_one_character_changed_is_refused(house, boss):
    house.user("john")
    cursor = house.ask("GET", USERS, by=boss, params={"limit": 1}).json()["next_cursor"]
    for wrong in (cursor[:-1] + ("A" if cursor[-1] != "A" else "B"), "x", ""):
        with house.counted() as calls:
            answer = house.ask("GET", USERS, by=boss, params={"cursor": wrong})
        assert told(answer) == (400, "invalid_cursor")
        assert calls == {"GetItem": 1}
    assert told(house.ask("GET", USERS, by=boss, params={"limit": 201})) == (422, "validation_error")


# ---- changes ---------------------------------------------------------------------------------------------------------


def test_an_administrator_changes_what_is_given(house, boss):
    john = house.user("john", email="john@example.com")
    place = f"{USERS}/{john.user_id}"
    with house.counted() as calls:
        answer = house.ask("PATCH", place, by=boss, json={"email": None, "is_admin": True})
    assert answer.status_code == 200
    assert (answer.json()["email"], answer.json()["is_admin"]) == (None, True)
    assert calls == {"GetItem": 3, "TransactWriteItems": 1}
    with house.counted() as calls:
        answer = house.ask("PATCH", place, by=boss, json={"password": OTHER_PASSWORD})
    assert calls == {"GetItem": 3, "UpdateItem": 1}
    assert answer.json()["must_change_password"] is True
    assert log_in(house, "john", OTHER_PASSWORD).status_code == 200


@pytest.mark.parametrize(
    ("change", "told_"),
    [
        ({}, (422, "empty_update")),
        ({"password": "short"}, (422, "weak_password")),
        ({"password": "john@example.com"}, (422, "weak_password")),
        ({"password": "new@example.com", "email": "New@example.com"}, (422, "weak_password")),
        ({"password": None}, (422, "validation_error")),
        ({"is_active": None}, (422, "validation_error")),
        ({"is_admin": 1}, (422, "validation_error")),
        ({"username": "jane"}, (422, "validation_error")),
        ({"email": "boss@example.com"}, (409, "email_taken")),
        ({"email": ""}, (422, "validation_error")),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else None,
)
def test_what_cannot_be_is_refused_and_changes_nothing(house, change, told_):
    boss, john = house.admin("boss", email="boss@example.com"), house.user("john", email="john@example.com")
    assert told(house.ask("PATCH", f"{USERS}/{john.user_id}", by=boss, json=change)) == told_
    assert users_of(house).get_user("john") == john


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_id_that_nobody_has_is_not_found_and_one_that_cannot_be_is_not_looked_for(house, boss, method):
    options = {"json": {"is_active": False}} if method == "PATCH" else {}
    assert told(house.ask(method, f"{USERS}/99", by=boss, **options)) == (404, "user_not_found")
    for text in ("0", "-1", "007", "1.0", "+1", "\u0661", "9007199254740992", "9" * 5000, "1e3", "x"):
        with house.counted() as calls:
            assert told(house.ask(method, f"{USERS}/{text}", by=boss, **options)) == (422, "validation_error"), text
        assert calls == {}, text
    for text in ("1%0A", "%0A1"):
        assert told(house.ask(method, f"{USERS}/{text}", by=boss, **options)) == (404, "not_found"), text
    assert told(house.ask(method, f"{USERS}/9007199254740991", by=boss, **options)) == (404, "user_not_found")


def test_a_switched_off_account_is_out_at_once(house, boss):
    john = house.user("john", hashed_password=phc(PASSWORD))
    access = house.token(john)
    assert me(house, access).status_code == 200
    assert house.ask("PATCH", f"{USERS}/{john.user_id}", by=boss, json={"is_active": False}).status_code == 200
    assert told(me(house, access)) == (403, "account_disabled")
    assert told(log_in(house, "john")) == (403, "account_disabled")
    assert told(log_in(house, "john", OTHER_PASSWORD)) == (401, "invalid_credentials")
    assert house.ask("PATCH", f"{USERS}/{john.user_id}", by=boss, json={"is_active": True}).status_code == 200
    assert told(me(house, access)) == (401, "token_invalid")
    assert log_in(house, "john").status_code == 200


def test_a_deleted_user_is_out_and_the_name_is_another_user(house, boss):
    john = house.user("john", email="john@example.com")
    with house.counted() as calls:
        assert house.ask("DELETE", f"{USERS}/{john.user_id}", by=boss).status_code == 204
    assert calls == {"GetItem": 3, "TransactWriteItems": 1}
    assert told(house.ask("GET", "/api/user/me", by=john)) == (401, "token_invalid")
    again = house.ask("POST", USERS, by=boss, json=JOHN).json()
    assert again["id"] == john.user_id + 1
    assert told(house.ask("GET", "/api/user/me", by=john)) == (401, "token_invalid")
    assert told(house.ask("DELETE", f"{USERS}/{john.user_id}", by=boss)) == (404, "user_not_found")


def test_the_only_administrator_cannot_go(house, boss):
    place = f"{USERS}/{boss.user_id}"
    for change in ({"is_active": False}, {"is_admin": False}):
        assert told(house.ask("PATCH", place, by=boss, json=change)) == (409, "last_admin")
    assert told(house.ask("DELETE", place, by=boss)) == (409, "last_admin")
    second = house.admin("second")
    assert house.ask("PATCH", place, by=boss, json={"is_admin": False}).status_code == 200
    assert told(house.ask("GET", place, by=boss)) == (401, "token_invalid")
    assert house.ask("GET", place, by=second).json()["is_admin"] is False


# ---- who may ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", USERS, None),
        ("POST", USERS, JOHN),
        ("GET", f"{USERS}/1", None),
        ("PATCH", f"{USERS}/1", {"is_admin": True}),
        ("DELETE", f"{USERS}/1", None),
    ],
    ids=["list", "create", "read", "change", "delete"],
)
def test_only_administrators_see_to_accounts(house, boss, method, path, body):
    options = {} if body is None else {"json": body}
    member, beginner = house.user("member"), house.admin("beginner", must_change_password=True)
    visitor = house.ask(method, path, **options)
    assert told(visitor) == (401, "not_authenticated")
    assert visitor.headers["www-authenticate"] == "Bearer"
    assert told(house.ask(method, path, by=member, **options)) == (403, "admin_required")
    assert told(house.ask(method, path, by=beginner, **options)) == (403, "password_change_required")
    assert users_of(house).get_user("boss") == boss
