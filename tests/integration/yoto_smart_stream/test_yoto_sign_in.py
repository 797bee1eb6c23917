"""Signing in, staying signed in, signing out, and choosing another password."""

import asyncio
import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.runtime.accounts.passwords import NO_PASSWORD, RFC_9106
from lambda_src.runtime.lambda_http import lambda_handler
from lambda_src.services.yoto_smart_stream import tables, wiring
from lambda_src.services.yoto_smart_stream.models import UserRecord
from lambda_src.services.yoto_smart_stream.sign_in.service import SignInService
from tests.support.dynamodb_faults import Faults
from tests.support.yoto_accounts import (
    OTHER_PASSWORD,
    PASSWORD,
    check_accounts,
    log_in,
    me,
    phc,
    refresh,
    told,
    users_of,
)
from tests.support.yoto_smart_stream import SIGNING_KEY, PlayedHouse

DAY = 86_400
WRONG = "five quiet green lamps"


@pytest.fixture
def house(new_house):
    house = new_house()
    house.admin("boss")
    yield house
    check_accounts(house)


@pytest.fixture
def john(house: PlayedHouse) -> UserRecord:
    return house.user("john", hashed_password=phc(PASSWORD))


def change_password(house: PlayedHouse, user: UserRecord, current: str = PASSWORD, new: str = OTHER_PASSWORD):
    return house.ask("POST", "/api/user/password", by=user, json={"current_password": current, "new_password": new})


def sign_ins(house: PlayedHouse) -> list[str]:
    """The ids of all sign-ins there are."""
    return [item["signin_id"] for item in house.items() if item["SK"] == "TOKEN"]


# ---- signing in ------------------------------------------------------------------------------------------------------


def test_a_sign_in_takes_four_requests_and_answers_with_both_tokens(house, john):
    log_in(house, "john")  # a process looks once whether there is an administrator
    with house.counted() as calls:
        answer = log_in(house, "John")
    assert calls == {"BatchGetItem": 1, "GetItem": 1, "DeleteItem": 1, "PutItem": 1}
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {
        "access_token", "token_type", "expires_in", "refresh_token", "refresh_expires_in", "user",
    }  # fmt: skip
    assert (body["token_type"], body["expires_in"], body["refresh_expires_in"]) == ("bearer", 900, 14 * DAY)
    assert body["user"] == {
        "id": john.user_id, "username": "john", "email": None, "is_active": True, "is_admin": False,
        "must_change_password": False, "created_at": john.created_at, "updated_at": john.updated_at,
    }  # fmt: skip
    assert answer.headers["cache-control"] == "no-store"
    with house.counted() as calls:
        assert me(house, body["access_token"]).json() == body["user"]
    assert calls == {"GetItem": 1}


def test_the_first_sign_in_of_a_process_also_looks_for_an_administrator(house, john):
    with house.counted() as calls:
        log_in(house, "john")
    assert calls == {"BatchGetItem": 1, "GetItem": 2, "DeleteItem": 1, "PutItem": 1}


def test_a_failure_takes_four_requests(house, john):
    log_in(house, "john")
    with house.counted() as calls:
        assert told(log_in(house, "john", WRONG)) == (401, "invalid_credentials")
    assert calls == {"BatchGetItem": 1, "GetItem": 1, "UpdateItem": 2}


def test_five_wrong_passwords_lock_a_name_for_a_while_whether_anybody_has_it_or_not(house, john):
    for name in ("john", "zoe"):
        for _ in range(5):
            assert told(log_in(house, name, WRONG)) == (401, "invalid_credentials")
        with house.counted() as calls:
            locked = log_in(house, name.upper())
        assert told(locked) == (429, "too_many_attempts")
        assert 0 < int(locked.headers["retry-after"]) <= 900
        assert calls == {"BatchGetItem": 1}
    house.clock.forward(seconds=901)
    assert log_in(house, "john").status_code == 200
    before = house.metrics.totals["SignInFailure"]
    assert told(log_in(house, "zoe")) == (401, "invalid_credentials")
    assert house.metrics.totals["SignInFailure"] == before + 1


def test_a_lock_is_for_one_address_until_twenty_failures_lock_the_name(house, john):
    sign_in = house.part(SignInService)
    for number in range(4):
        for _ in range(5):
            with pytest.raises(Exception, match="User name or password is wrong"):
                sign_in.sign_in("john", WRONG, address=f"192.0.2.{number}")
        if number < 3:
            assert sign_in.sign_in("john", PASSWORD, address="192.0.2.99").user == john
    with pytest.raises(Exception, match="Too many attempts"):
        sign_in.sign_in("john", PASSWORD, address="192.0.2.99")


@pytest.fixture
def handler(house):
    """The same service as Lambda calls it."""
    yield lambda_handler(wiring.api(house.api_settings, replace(house.resources, serves_many=False)))
    asyncio.get_event_loop_policy().get_event_loop().close()
    asyncio.set_event_loop(None)


def test_the_address_is_the_one_that_api_gateway_reports_whatever_the_request_says(house, john, handler):
    event = json.loads(Path("tests/events/api_gateway_v2_post.json").read_text())

    def told_by_lambda(password: str, address: str, forwarded: str) -> tuple[int, str | None]:
        body = json.dumps({"username": "john", "password": password})
        headers = {"content-type": "application/json", "x-forwarded-for": forwarded, "forwarded": f"for={forwarded}"}
        context = event["requestContext"]
        context = context | {"http": context["http"] | {"path": "/api/user/login", "sourceIp": address}}
        asked = event | {"rawPath": "/api/user/login", "headers": headers, "body": body, "requestContext": context}
        answer = handler(asked, None)
        return answer["statusCode"], json.loads(answer["body"]).get("code")

    for number in range(5):
        assert told_by_lambda(WRONG, "192.0.2.1", f"198.51.100.{number}") == (401, "invalid_credentials")
    assert told_by_lambda(PASSWORD, "192.0.2.1", "198.51.100.99") == (429, "too_many_attempts")
    assert told_by_lambda(PASSWORD, "192.0.2.2", "192.0.2.1") == (200, None)


def test_a_right_password_forgets_the_failures_of_its_address(house, john):
    for _ in range(3):
        for _ in range(4):
            assert log_in(house, "john", WRONG).status_code == 401
        assert log_in(house, "john").status_code == 200


def test_a_switched_off_account_says_so_to_its_owner_only_and_forgets_no_failure(house):
    house.user("john", hashed_password=phc(PASSWORD), is_active=False)
    for _ in range(4):
        assert told(log_in(house, "john", WRONG)) == (401, "invalid_credentials")
    assert told(log_in(house, "john")) == (403, "account_disabled")
    assert sign_ins(house) == []
    assert told(log_in(house, "john", WRONG)) == (401, "invalid_credentials")
    assert told(log_in(house, "john")) == (429, "too_many_attempts")


def test_a_hash_of_the_earlier_product_is_replaced_and_voids_no_token(house):
    john = house.user("john", hashed_password=phc(PASSWORD, RFC_9106))
    log_in(house, "nobody")
    with house.counted() as calls:
        session = log_in(house, "john").json()
    assert calls == {"BatchGetItem": 1, "GetItem": 1, "UpdateItem": 1, "DeleteItem": 1, "PutItem": 1}
    stored = house.stored_user("john")
    assert stored["hashed_password"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert (stored["token_version"], stored["version"]) == (0, 2)
    assert me(house, house.token(john)).status_code == 200
    assert refresh(house, session["refresh_token"]).status_code == 200
    assert log_in(house, "john").status_code == 200


@pytest.mark.parametrize(
    "stored", [NO_PASSWORD, "$argon2id$v=19$m=19456,t=2", "pbkdf2_sha256$1$x$y", "x", "$argon2id$v=19$m=1,t=1,p=1$$"]
)
def test_a_hash_that_cannot_be_read_is_a_wrong_password(house, stored):
    house.user("john", hashed_password=stored)
    for password in (PASSWORD, stored):
        assert told(log_in(house, "john", password)) == (401, "invalid_credentials")


def test_a_password_is_the_same_whatever_its_accents_are_typed_as(house, john):
    assert change_password(house, john, new="Cafe\u0301-cre\u0300me-1234").status_code == 200
    assert log_in(house, "john", "Caf\u00e9-cr\u00e8me-1234").status_code == 200
    assert log_in(house, "john", "Cafe\u0301-cre\u0300me-1234").status_code == 200
    assert log_in(house, "john", "Cafe-creme-1234").status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {"username": "john"},
        {"username": "john", "password": "x" * 1025},
        {"username": "john", "password": "\u20ac" * 342},
        {"username": "x" * 1025, "password": PASSWORD},
        {"username": "john", "password": None},
        {"username": 5, "password": PASSWORD},
        {"username": "john", "password": PASSWORD, "remember": True},
    ],
    ids=["no-password", "long", "long-in-bytes", "long-name", "null", "number", "unknown-field"],
)
def test_what_is_not_valid_is_refused_before_any_request(house, john, body):
    with house.counted() as calls:
        answer = house.api.post("/api/user/login", json=body)
    assert told(answer) == (422, "validation_error")
    assert "xxxx" not in answer.text
    assert calls == {}


def test_a_password_of_1024_bytes_is_looked_at(house, john):
    assert told(log_in(house, "john", "x" * 1024)) == (401, "invalid_credentials")


# ---- staying signed in -----------------------------------------------------------------------------------------------


def test_a_refresh_takes_three_requests_and_replaces_both_tokens(house, john):
    first = log_in(house, "john").json()
    house.clock.forward(minutes=20)
    assert told(me(house, first["access_token"])) == (401, "token_expired")
    with house.counted() as calls:
        answer = refresh(house, first["refresh_token"])
    assert calls == {"GetItem": 2, "UpdateItem": 1}
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "refresh_token", "refresh_expires_in"}
    assert answer.json()["refresh_token"] != first["refresh_token"]
    assert me(house, answer.json()["access_token"]).json()["username"] == "john"


def test_a_sign_in_ends_after_14_days_without_use_and_after_30_days_in_any_case(house, john):
    unused, used = (log_in(house, "john").json()["refresh_token"] for _ in range(2))
    for days, left in ((13, 14), (26, 4)):
        house.clock.forward(days=13)
        answer = refresh(house, used)
        assert answer.json()["refresh_expires_in"] == left * DAY, days
        used = answer.json()["refresh_token"]
    assert told(refresh(house, unused)) == (401, "refresh_invalid")
    house.clock.forward(days=4)
    assert told(refresh(house, used)) == (401, "refresh_invalid")


def test_a_refresh_token_used_twice_ends_the_sign_in(house, john):
    first = log_in(house, "john").json()["refresh_token"]
    second = refresh(house, first).json()["refresh_token"]
    assert told(refresh(house, first)) == (401, "refresh_reused")
    assert sign_ins(house) == []
    assert told(refresh(house, second)) == (401, "refresh_invalid")


def test_whoever_has_to_choose_a_password_may_refresh_and_nothing_else(house):
    beginner = house.user("beginner", hashed_password=phc(PASSWORD), must_change_password=True)
    session = refresh(house, log_in(house, "beginner").json()["refresh_token"]).json()
    assert me(house, session["access_token"]).json()["must_change_password"] is True
    assert told(house.ask("GET", "/api/admin/users", by=beginner)) == (403, "password_change_required")


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_admin": True}, {"hashed_password": "$argon2id$"}, None])
def test_no_refresh_outlives_what_voids_the_tokens_of_a_user(house, john, change):
    token = log_in(house, "john").json()["refresh_token"]
    users = users_of(house)
    if change is None:
        users.delete_user(john.user_id)
        users.create_user("john", phc(PASSWORD))
    else:
        users.update_user(john.user_id, **change)
    assert told(refresh(house, token)) == (401, "refresh_invalid")
    assert sign_ins(house) == []


@pytest.mark.parametrize(
    "token", ["", "x", "0" * 32 + "." + "A" * 43, "0" * 32 + "." + "A" * 43 + "\n", "\ud800"], ids=ascii
)
def test_what_is_no_refresh_token_is_invalid_and_may_be_signed_out_with(house, token):
    content = ascii({"refresh_token": token}).replace("'", '"').encode()
    options = {"content": content, "headers": {"content-type": "application/json"}}
    refused = house.api.post("/api/user/refresh", **options)
    assert told(refused) == (401, "refresh_invalid")
    assert refused.headers["www-authenticate"] == "Bearer"
    assert house.api.post("/api/user/logout", **options).status_code == 204


def test_signing_out_ends_one_sign_in(house, john):
    one, other = (log_in(house, "john").json() for _ in range(2))
    with house.counted() as calls:
        answer = house.api.post("/api/user/logout", json={"refresh_token": one["refresh_token"]})
    assert (answer.status_code, answer.content) == (204, b"")
    assert calls == {"DeleteItem": 1}
    assert house.api.post("/api/user/logout", json={"refresh_token": one["refresh_token"]}).status_code == 204
    assert told(refresh(house, one["refresh_token"])) == (401, "refresh_invalid")
    assert refresh(house, other["refresh_token"]).status_code == 200
    assert me(house, one["access_token"]).status_code == 200  # for its 15 minutes


# ---- choosing another password ---------------------------------------------------------------------------------------


def test_another_password_voids_all_tokens_and_answers_as_a_sign_in_does(house, john):
    before = log_in(house, "john").json()
    with house.counted() as calls:
        answer = change_password(house, john)
    assert calls == {"GetItem": 1, "BatchGetItem": 1, "DeleteItem": 1, "UpdateItem": 1, "PutItem": 1}
    assert answer.status_code == 200
    assert set(answer.json()) == set(before)
    assert me(house, answer.json()["access_token"]).json() == answer.json()["user"]

    assert told(me(house, before["access_token"])) == (401, "token_invalid")
    assert told(refresh(house, before["refresh_token"])) == (401, "refresh_invalid")
    token = answer.json()["refresh_token"]
    successor = refresh(house, token).json()["refresh_token"]
    assert told(refresh(house, token)) == (401, "refresh_reused")
    assert told(refresh(house, successor)) == (401, "refresh_invalid")
    assert log_in(house, "john").status_code == 401
    assert log_in(house, "john", OTHER_PASSWORD).status_code == 200


@pytest.mark.parametrize("new", ["short", "x" * 129, "password12345", PASSWORD, "four quiet green lamps"])
def test_a_weak_password_or_the_same_one_is_refused(house, john, new):
    assert told(change_password(house, john, new=new)) == (422, "weak_password")
    assert house.stored_user("john")["hashed_password"] == john.hashed_password


def test_wrong_current_passwords_count_as_failures_to_sign_in_do(house, john):
    for _ in range(5):
        assert told(change_password(house, john, current=WRONG)) == (401, "invalid_credentials")
    assert told(change_password(house, john)) == (429, "too_many_attempts")
    assert told(log_in(house, "john")) == (429, "too_many_attempts")
    assert house.stored_user("john")["hashed_password"] == john.hashed_password


def test_whoever_is_not_signed_in_changes_no_password(house, john):
    answer = house.ask("POST", "/api/user/password", json={"current_password": PASSWORD, "new_password": "x"})
    assert told(answer) == (401, "not_authenticated")


def test_a_password_that_was_changed_meanwhile_is_not_changed_again(house, john):
    """Of an administrator who locks a thief out and the thief, the administrator wins."""
    users, sign_in = users_of(house), house.part(SignInService)
    locked_out = users.update_user(john.user_id, hashed_password="$argon2id$of-the-administrator")
    with pytest.raises(Exception, match="The token is not valid"):
        sign_in.change_password(john, current=PASSWORD, new=OTHER_PASSWORD, address="192.0.2.1")
    assert users.get_user("john") == locked_out


def test_a_change_whose_answer_got_lost_is_no_change_of_somebody_else(new_house, dynamodb_client):
    faults = Faults(Boto3Client(dynamodb_client))
    house = new_house(engine=faults)
    john = house.user("john", hashed_password=phc(PASSWORD))
    lost = faults.lose_next_answer("UpdateItem")
    answer = change_password(house, john)
    assert lost
    assert me(house, answer.json()["access_token"]).status_code == 200


def test_the_log_says_which_account_a_request_was_of(house, john, handler, caplog):
    caplog.set_level(logging.INFO, logger="lambda_src")
    event = json.loads(Path("tests/events/api_gateway_v2_get.json").read_text())
    event["rawPath"] = event["requestContext"]["http"]["path"] = "/api/admin/users"
    for headers in ({"authorization": f"Bearer {house.token(john)}"}, {}):
        handler(event | {"headers": headers, "rawQueryString": ""}, None)
    served = [vars(record) for record in caplog.records if record.getMessage() == "request served"]
    assert [(line["route"], line["status"], line.get("user_id")) for line in served] == [
        ("/api/admin/users", 403, john.user_id), ("/api/admin/users", 401, None),
    ]  # fmt: skip


# ---- keys ------------------------------------------------------------------------------------------------------------


def test_tokens_go_on_through_a_rotation_of_the_key(house, john):
    session = log_in(house, "john").json()
    house.signing_key.held = {"current": "n" * 64, "previous": SIGNING_KEY}
    assert me(house, session["access_token"]).status_code == 200
    assert refresh(house, session["refresh_token"]).status_code == 200
    house.signing_key.held = {"current": "n" * 64}
    assert told(me(house, session["access_token"])) == (401, "token_invalid")


@pytest.mark.parametrize("held", [{}, {"current": ""}, {"current": 5}, {"current": "short"}])
def test_without_a_key_nobody_signs_in_and_the_answer_says_so(house, john, held):
    access = house.token(john)
    house.signing_key.held = held
    for answer in (me(house, access), log_in(house, "john")):
        assert told(answer) == (503, "configuration_error")
        assert answer.json()["detail"] == "The server cannot read its signing key."
    assert house.api.get("/api/health").status_code == 200


def test_every_sign_in_is_an_item_that_leaves_by_itself(house, john):
    log_in(house, "john")
    [item] = [each for each in house.items() if each["SK"] == "TOKEN"]
    now = int(house.clock().timestamp())
    assert item["PK"] == tables.SIGN_INS.entity.key(signin_id=item["signin_id"]).values["PK"]
    assert (item["user_id"], item["username_key"], item["token_version"]) == (john.user_id, "john", 0)
    assert (item["expires_at"], item["absolute_end"]) == (now + 14 * DAY, now + 30 * DAY)
