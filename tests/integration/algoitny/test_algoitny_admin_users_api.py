"""Users over HTTP, as administrators see to them."""

from typing import Any

import pytest

from lambda_src.services.algoitny import items, tables
from lambda_src.services.algoitny.models.usage import UsageCounter
from lambda_src.services.algoitny.models.users import User
from tests.support.algoitny import FREE, PRO
from tests.support.algoitny_people import check_people, stored_users, told

USERS = "/api/admin/users"


@pytest.fixture
def judge(new_judge):
    judge = new_judge()
    yield judge
    check_people(judge)


@pytest.fixture
def boss(judge):
    return judge.admin(user_id=1)


def used_today(judge, user, action, value):
    counter = UsageCounter(
        user_id=user.user_id, date="20251008", action=action, value=value, created_at=1, expires_at=2_000_000_000
    )
    judge.put_items(items.USAGE_COUNTER.item(counter))


def names(answer):
    assert answer.status_code == 200, answer.text
    return [user["email"].partition("@")[0] for user in answer.json()["results"]]


def test_a_page_of_users_is_four_requests_newest_first_with_what_they_used_today(judge, boss):
    ann, bob = judge.user("ann@example.com"), judge.user("bob@example.com", plan_id=PRO)
    used_today(judge, ann, "hint", 2)
    used_today(judge, bob, "execution", 7)
    judge.ask("GET", "/api/auth/plans")
    with judge.counted() as calls:
        answer = judge.ask("GET", USERS, by=boss)
    assert calls == {"GetItem": 1, "Query": 1, "BatchGetItem": 2}
    assert names(answer) == ["bob", "ann", "boss"]  # of one millisecond, so by their ids
    by_name = {user["email"]: user for user in answer.json()["results"]}
    assert by_name["ann@example.com"]["usage_today"] == {"hint": 2, "execution": 0}
    assert by_name["bob@example.com"]["usage_today"] == {"hint": 0, "execution": 7}
    assert by_name["bob@example.com"]["subscription_plan_name"] == "Pro"
    assert by_name["boss@example.com"]["subscription_plan_name"] == "Admin"
    assert (answer.json()["next_cursor"], answer.json()["has_more"]) == (None, False)
    assert not {"google_id", "token_version", "tkv", "PK"} & set(by_name["ann@example.com"])


def test_pages_hold_every_user_once_while_others_come(judge, boss):
    for number in range(7):
        judge.clock.forward(seconds=1)
        judge.user(f"u{number}@example.com")
    seen, cursor = [], None
    for _ in range(9):
        options = {"params": {"limit": 3, **({"cursor": cursor} if cursor else {})}}
        answer = judge.ask("GET", USERS, by=boss, **options)
        seen += names(answer)
        judge.clock.forward(seconds=1)
        judge.user(f"late{len(seen)}@example.com")
        cursor = answer.json()["next_cursor"]
        assert answer.json()["has_more"] is (cursor is not None)
        if cursor is None:
            break
    assert seen == ["u6", "u5", "u4", "u3", "u2", "u1", "u0", "boss"]


def test_users_are_found_by_plan_and_by_a_part_of_address_or_name(judge, boss):
    for name, plan_id in (("ann", FREE), ("hanna", PRO), ("bob", PRO), ("cyn", FREE)):
        judge.clock.forward(seconds=1)
        judge.user(f"{name}@example.com", plan_id=plan_id, name="Annabel" if name == "cyn" else name)
    assert names(judge.ask("GET", USERS, by=boss, params={"plan_id": PRO})) == ["bob", "hanna"]
    assert names(judge.ask("GET", USERS, by=boss, params={"q": "ANN"})) == ["cyn", "hanna", "ann"]
    assert names(judge.ask("GET", USERS, by=boss, params={"q": "ann", "plan_id": PRO})) == ["hanna"]
    assert names(judge.ask("GET", USERS, by=boss, params={"q": "nothing"})) == []


def test_an_address_finds_its_user_by_the_guard(judge, boss):
    ann = judge.user("ann@example.com")
    judge.user("joann@example.com")
    judge.put_items({name: value for name, value in judge.stored_user(ann.user_id).items() if name[:4] != "GSI2"})
    with judge.counted() as calls:
        assert names(judge.ask("GET", USERS, by=boss, params={"q": " ANN@example.com"})) == ["ann"]
    assert calls == {"GetItem": 3, "BatchGetItem": 1, "Query": 1}  # the caller, guard and user; usage; the plans
    assert names(judge.ask("GET", USERS, by=boss, params={"q": "ann@example.com", "plan_id": PRO})) == []
    assert names(judge.ask("GET", USERS, by=boss, params={"q": "@example"})) != []
    judge.put_items(items.USER.item(ann))


def test_a_search_looks_at_a_thousand_users_and_goes_on_from_there(new_judge):
    judge = new_judge()
    boss = judge.admin(user_id=1)
    many = [_user(number, "match" if number in {0, 3, 1_009} else "other") for number in range(1_010)]
    judge.store.batch_write(tables.USERS_OF_PAGE, puts=map(items.USER.item, many))
    with judge.counted() as calls:
        first = judge.ask("GET", USERS, by=boss, params={"q": "match"})
    assert calls["Query"] == 6  # 5 of users and that of the plans
    assert calls["BatchGetItem"] == 11  # 10 of users and that of the usage
    assert names(first) == ["match1009"]
    assert first.json()["has_more"]
    rest = judge.ask("GET", USERS, by=boss, params={"q": "match", "cursor": first.json()["next_cursor"]})
    assert names(rest) == ["match3", "match0"]
    assert not rest.json()["has_more"]
    for other in ({"q": "other"}, {"q": "match", "plan_id": 1}, {}):
        answer = judge.ask("GET", USERS, by=boss, params={**other, "cursor": first.json()["next_cursor"]})
        assert told(answer) == (400, "invalid_cursor")


def _user(number, name):
    return User(
        user_id=100_000 + number, email=f"{name}{number}@example.com", subscription_plan_id=FREE,
        created_at=1_759_924_800_000 + number, updated_at=1,
    )  # fmt: skip


def test_pages_of_a_search_hold_every_match_once(judge, boss):
    for number in range(9):
        judge.clock.forward(seconds=1)
        judge.user(f"u{number}@example.com", plan_id=(FREE, PRO)[number % 2])
    seen, cursor = [], None
    for _ in range(6):
        params = {"plan_id": PRO, "limit": 2, **({"cursor": cursor} if cursor else {})}
        answer = judge.ask("GET", USERS, by=boss, params=params)
        seen += names(answer)
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            break
    assert seen == ["u7", "u5", "u3", "u1"]


def test_a_list_is_asked_for_in_whole_numbers(judge, boss):
    for params in (
        {"limit": "0"}, {"limit": "101"}, {"limit": "-1"}, {"limit": "1e1"}, {"limit": "5\n"}, {"limit": "+5"},
        {"plan_id": "0"}, {"plan_id": "-1"}, {"plan_id": "1e3"}, {"plan_id": "9" * 40}, {"plan_id": "1\n"},
        {"q": "x" * 255},
    ):  # fmt: skip
        assert told(judge.ask("GET", USERS, by=boss, params=params)) == (422, "validation_error")


def test_an_administrator_reads_a_user(judge, boss):
    ann = judge.user("ann@example.com")
    answer = judge.ask("GET", f"{USERS}/{ann.user_id}", by=boss)
    assert answer.json() == judge.ask("GET", "/api/account/me", by=ann).json()


def test_what_is_no_id_of_a_user_is_refused(judge, boss):
    judge.user("ann@example.com")
    for user_id in ("0", "-1", "1e3", "12345 ", "+1", "1.0", "9" * 30, "9007199254740992", "a"):
        for method, options in (("GET", {}), ("PATCH", {"json": {"is_staff": True}}), ("DELETE", {})):
            assert told(judge.ask(method, f"{USERS}/{user_id}", by=boss, **options)) == (422, "validation_error")
    for user_id in ("12345%0A", "%00"):  # no path of ours
        assert told(judge.ask("DELETE", f"{USERS}/{user_id}", by=boss)) == (404, "not_found")
    assert len(stored_users(judge)) == 2


def test_nobody_is_found_under_an_id_that_was_never_given(judge, boss):
    for method, options in (
        ("GET", {}), ("PATCH", {"json": {"is_staff": True}}), ("PATCH", {"json": {"subscription_plan_id": PRO}}),
        ("DELETE", {}),
    ):  # fmt: skip
        assert told(judge.ask(method, f"{USERS}/99", by=boss, **options)) == (404, "not_found")


def test_members_and_visitors_are_kept_out(judge):
    ann, bob = judge.user("ann@example.com"), judge.user("bob@example.com")
    before = judge.items()
    for method, path, options in (
        ("GET", USERS, {}), ("GET", f"{USERS}/{bob.user_id}", {}), ("DELETE", f"{USERS}/{bob.user_id}", {}),
        ("PATCH", f"{USERS}/{ann.user_id}", {"json": {"is_staff": True}}),
        ("PATCH", f"{USERS}/{ann.user_id}", {"json": {"subscription_plan_id": PRO}}),
    ):  # fmt: skip
        assert told(judge.ask(method, path, by=ann, **options)) == (403, "forbidden")
        assert told(judge.ask(method, path, **options)) == (401, "not_authenticated")
    assert judge.items() == before


# ---- what is changed holds at once -----------------------------------------------------------------------------------


def test_who_is_switched_off_is_out_at_once_and_old_tokens_stay_void(judge, boss):
    ann = judge.user("ann@example.com")
    path = f"{USERS}/{ann.user_id}"
    assert judge.ask("GET", "/api/account/me", by=ann).status_code == 200
    assert judge.ask("PATCH", path, by=boss, json={"is_active": False}).json()["is_active"] is False
    assert told(judge.ask("GET", "/api/account/me", by=ann)) == (403, "account_disabled")
    assert judge.ask("PATCH", path, by=boss, json={"is_active": True}).json()["is_active"] is True
    assert told(judge.ask("GET", "/api/account/me", by=ann)) == (401, "token_revoked")


def test_who_becomes_staff_or_is_it_no_more_is_so_at_once(judge, boss):
    ann = judge.user("ann@example.com")
    path = f"{USERS}/{ann.user_id}"
    assert judge.ask("PATCH", path, by=boss, json={"is_staff": True}).json()["is_admin"]
    assert judge.ask("GET", USERS, by=ann).status_code == 200
    assert not judge.ask("PATCH", path, by=boss, json={"is_staff": False}).json()["is_admin"]
    assert told(judge.ask("GET", USERS, by=ann)) == (403, "forbidden")


def test_several_changes_are_one_write_or_none(judge, boss):
    ann = judge.user("ann@example.com")
    path = f"{USERS}/{ann.user_id}"
    wrong = {"subscription_plan_id": 99, "is_active": False, "is_staff": True}
    assert told(judge.ask("PATCH", path, by=boss, json=wrong)) == (404, "not_found")
    assert items.USER.model(judge.stored_user(ann.user_id)) == ann
    with judge.counted() as calls:
        answer = judge.ask("PATCH", path, by=boss, json=wrong | {"subscription_plan_id": PRO})
    assert calls["TransactWriteItems"] == 1
    assert calls["UpdateItem"] == 0
    assert (answer.json()["subscription_plan_id"], answer.json()["is_active"]) == (PRO, False)


def test_a_plan_that_is_switched_off_is_given_to_nobody(judge, boss):
    ann = judge.user("ann@example.com")
    judge.plan(plan_id=7, name="Old", is_active=False)
    answer = judge.ask("PATCH", f"{USERS}/{ann.user_id}", by=boss, json={"subscription_plan_id": 7})
    assert told(answer) == (409, "plan_inactive")


@pytest.mark.parametrize("change", [{"is_staff": False}, {"is_active": False}, None], ids=str)
def test_no_administrator_ends_the_own_rights(judge, boss, change):
    path = f"{USERS}/{boss.user_id}"
    answer = judge.ask("DELETE", path, by=boss) if change is None else judge.ask("PATCH", path, by=boss, json=change)
    assert told(answer) == (409, "last_admin")
    assert judge.ask("PATCH", path, by=boss, json={"is_staff": True, "is_active": True}).json()["is_admin"]


def test_what_administrators_do_not_change_is_refused(judge, boss):
    ann = judge.user("ann@example.com")
    refused: list[Any] = [
        {}, {"is_active": "no"}, {"is_active": None}, {"is_staff": 1}, {"subscription_plan_id": "2"},
        {"subscription_plan_id": None}, {"subscription_plan_id": -1}, {"email": "x@example.com"}, {"token_version": 0},
        [],
    ]  # fmt: skip
    for body in refused:
        path = f"{USERS}/{ann.user_id}"
        assert told(judge.ask("PATCH", path, by=boss, json=body)) == (422, "validation_error")


def test_an_administrator_removes_a_user_and_may_look_at_the_purge(judge, boss):
    ann = judge.user("ann@example.com")
    answer = judge.ask("DELETE", f"{USERS}/{ann.user_id}", by=boss)
    assert answer.status_code == 202
    task = judge.ask("GET", f"/api/tasks/{answer.json()['task_id']}", by=boss).json()
    assert (task["kind"], task["status"]) == ("user_purge", "PENDING")
    assert told(judge.ask("GET", "/api/account/me", by=ann)) == (401, "token_revoked")
    assert told(judge.ask("DELETE", f"{USERS}/{ann.user_id}", by=boss)) == (404, "not_found")
