"""The first administrator: nobody ships with the product, and nobody is locked out of a fresh deployment."""

import pytest

from lambda_src.runtime.accounts.passwords import NO_PASSWORD
from lambda_src.services.yoto_smart_stream.sign_in.service import SignInService
from tests.support.yoto_accounts import OTHER_PASSWORD, PASSWORD, check_accounts, log_in, phc, stored_users, told
from tests.support.yoto_smart_stream import ADMIN_PASSWORD


@pytest.fixture
def house(new_house):
    house = new_house()
    yield house
    check_accounts(house)


def bearer(answer):
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def test_a_fresh_deployment_has_one_administrator_with_a_generated_password_to_be_replaced(house):
    """The list of users stands for every other route."""
    assert told(log_in(house, "admin", "yoto")) == (401, "invalid_credentials")
    answer = log_in(house, "admin", ADMIN_PASSWORD)
    assert answer.status_code == 200
    assert answer.json()["user"]["must_change_password"] is True
    assert answer.json()["user"]["id"] == 1
    assert told(house.api.get("/api/admin/users", headers=bearer(answer))) == (403, "password_change_required")
    assert house.api.get("/api/user/me", headers=bearer(answer)).status_code == 200
    change = {"current_password": ADMIN_PASSWORD, "new_password": PASSWORD}
    changed = house.api.post("/api/user/password", headers=bearer(answer), json=change)
    assert changed.json()["user"]["must_change_password"] is False
    assert house.api.get("/api/admin/users", headers=bearer(changed)).json()["count"] == 1
    assert told(log_in(house, "admin", ADMIN_PASSWORD)) == (401, "invalid_credentials")


def test_only_the_name_of_the_secret_makes_an_administrator(house):
    for name in ("root", "adm", "admin\n", "yoto"):
        assert told(log_in(house, name, ADMIN_PASSWORD)) == (401, "invalid_credentials")
    assert house.items() == [item for item in house.items() if item["SK"] == "LOGIN"]
    assert log_in(house, "ADMIN", ADMIN_PASSWORD).status_code == 200


def test_the_secret_is_of_no_use_once_somebody_is_administrator(house):
    house.admin("boss")
    assert told(log_in(house, "admin", ADMIN_PASSWORD)) == (401, "invalid_credentials")
    assert [user.username for user in stored_users(house)] == ["boss"]


def test_a_process_stops_looking_once_there_is_an_administrator(house):
    log_in(house, "admin", ADMIN_PASSWORD)
    log_in(house, "nobody", ADMIN_PASSWORD)
    house.bootstrap_admin.held = {}
    with house.counted() as calls:
        log_in(house, "nobody", ADMIN_PASSWORD)
    assert calls == {"BatchGetItem": 1, "GetItem": 1, "UpdateItem": 2}


def test_a_migrated_administrator_without_a_password_gets_the_generated_one(house):
    admin = house.user("admin", is_admin=True, hashed_password=NO_PASSWORD)
    house.user("john", hashed_password=phc(PASSWORD))
    assert log_in(house, "john").status_code == 200
    answer = log_in(house, "admin", ADMIN_PASSWORD)
    assert (answer.json()["user"]["id"], answer.json()["user"]["must_change_password"]) == (admin.user_id, True)


@pytest.mark.parametrize(
    "held",
    [{}, {"username": "admin"}, {"username": "a b", "password": "x"}, {"username": "admin", "password": 5}],
    ids=str,
)
def test_a_secret_that_cannot_be_read_is_told_while_it_is_needed(house, held):
    house.bootstrap_admin.held = held
    answer = log_in(house, "admin", ADMIN_PASSWORD)
    assert told(answer) == (503, "configuration_error")
    assert "a b" not in answer.text
    house.admin("boss", hashed_password=phc(PASSWORD))
    assert log_in(house, "boss").status_code == 200


def test_a_deployment_without_the_secret_makes_nobody(new_house):
    house = new_house(bootstrap_admin_secret_arn="")
    assert told(log_in(house, "admin", ADMIN_PASSWORD)) == (401, "invalid_credentials")
    assert stored_users(house) == []
    assert house.part(SignInService).bootstrap.ensure() is None


def test_the_sweep_makes_the_administrator_and_afterwards_only_looks(house):
    bootstrap = house.part(SignInService).bootstrap
    admin = bootstrap.ensure()
    assert (admin.username, admin.is_admin, admin.must_change_password) == ("admin", True, True)
    with house.counted() as calls:
        assert bootstrap.ensure() == admin
    assert calls == {"GetItem": 1}
    assert log_in(house, "admin", ADMIN_PASSWORD).status_code == 200


def test_the_sweep_makes_nobody_where_the_name_was_given_up(house):
    boss = house.admin("boss")
    bootstrap = house.part(SignInService).bootstrap
    assert bootstrap.ensure() is None
    member = house.user("admin", hashed_password=phc(OTHER_PASSWORD))
    assert bootstrap.ensure() == member
    assert {user.username for user in stored_users(house)} == {boss.username, "admin"}
