"""Plans over HTTP: what everybody sees, and what administrators make of them."""

import pytest

from tests.support.algoitny import ADMIN, FREE, PRO
from tests.support.algoitny_people import check_people, stored_plans, told

PLANS = "/api/admin/plans"
FREE_BODY = {
    "id": 1, "name": "Free", "description": "", "max_hints_per_day": 5, "max_executions_per_day": 50,
    "max_problems": -1, "can_view_all_problems": True, "can_register_problems": False, "price": 0.0,
    "is_self_service": True, "is_active": True,
}  # fmt: skip


@pytest.fixture
def judge(new_judge):
    judge = new_judge()
    yield judge
    check_people(judge)


@pytest.fixture
def boss(judge):
    return judge.admin()


def test_everybody_sees_active_plans_by_price_and_never_admin(judge):
    judge.plan(plan_id=7, name="Old", is_active=False)
    judge.plan(plan_id=8, name="Basic")
    with judge.counted() as calls:
        found = judge.ask("GET", "/api/auth/plans").json()["plans"]
    assert calls == {"Query": 1}
    assert [(plan["name"], plan["price"]) for plan in found] == [("Basic", 0.0), ("Free", 0.0), ("Pro", 9.9)]
    assert found[1] == FREE_BODY
    with judge.counted() as calls:
        assert judge.ask("GET", "/api/auth/plans/").json()["plans"] == found
    assert calls == {}


def test_administrators_see_all_plans_and_how_many_are_on_them(judge, boss):
    judge.user("ann@example.com", plan_id=PRO)
    found = judge.ask("GET", PLANS, by=boss).json()["plans"]
    assert [(plan["id"], plan["name"], plan["user_count"]) for plan in found] == [
        (FREE, "Free", 1), (PRO, "Pro", 1), (ADMIN, "Admin", 0),
    ]  # fmt: skip
    assert found[0] == FREE_BODY | {"user_count": 1}


def test_an_administrator_adds_changes_and_removes_a_plan(judge, boss):
    answer = judge.ask("POST", PLANS, by=boss, json={"name": " Team ", "price": 19.99, "max_hints_per_day": 0})
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{PLANS}/4"
    team = FREE_BODY | {"id": 4, "name": "Team", "price": 19.99, "max_hints_per_day": 0, "is_self_service": False}
    assert answer.json() == team | {"user_count": 0}
    changed = judge.ask("PATCH", f"{PLANS}/4", by=boss, json={"is_self_service": True, "price": 0})
    assert changed.json() == team | {"is_self_service": True, "price": 0.0, "user_count": 0}
    renamed = judge.ask("PATCH", f"{PLANS}/4", by=boss, json={"name": "Class"})
    assert renamed.json()["name"] == "Class"
    assert judge.ask("DELETE", f"{PLANS}/4", by=boss).status_code == 204
    assert told(judge.ask("DELETE", f"{PLANS}/4", by=boss)) == (404, "not_found")
    assert len(stored_plans(judge)) == 3


def test_what_an_administrator_changes_is_seen_at_once(judge, boss):
    judge.ask("GET", "/api/auth/plans")
    judge.ask("PATCH", f"{PLANS}/{PRO}", by=boss, json={"is_active": False})
    assert [plan["name"] for plan in judge.ask("GET", "/api/auth/plans").json()["plans"]] == ["Free"]


def test_a_name_that_is_taken_in_any_case_is_refused(judge, boss):
    assert told(judge.ask("POST", PLANS, by=boss, json={"name": "pRO"})) == (409, "plan_name_taken")
    assert told(judge.ask("PATCH", f"{PLANS}/{PRO}", by=boss, json={"name": "free"})) == (409, "plan_name_taken")


def test_a_plan_that_somebody_is_on_stays(judge, boss):
    judge.user("ann@example.com", plan_id=PRO)
    answer = judge.ask("DELETE", f"{PLANS}/{PRO}", by=boss)
    assert told(answer) == (409, "plan_in_use")
    assert answer.json()["user_count"] == 1


@pytest.mark.parametrize("plan_id", [FREE, ADMIN])
def test_free_and_admin_stay_what_they_are(judge, boss, plan_id):
    before, path = stored_plans(judge), f"{PLANS}/{plan_id}"
    assert told(judge.ask("DELETE", path, by=boss)) == (409, "plan_protected")
    for change in ({"name": "Other"}, {"is_active": False}, {"name": "ADMIN"}, {"name": "free", "price": 1}):
        assert told(judge.ask("PATCH", path, by=boss, json=change)) == (409, "plan_protected")
    assert stored_plans(judge) == before


def test_what_is_not_changed_of_a_protected_plan_may_be_named(judge, boss):
    same = {"name": "Free", "is_active": True, "max_hints_per_day": 6}
    assert judge.ask("PATCH", f"{PLANS}/{FREE}", by=boss, json=same).json()["max_hints_per_day"] == 6


def test_what_no_plan_can_be_is_refused(judge, boss):
    for body in [
        {}, {"name": ""}, {"name": "  "}, {"name": "x" * 101}, {"name": "a\nb"}, {"name": None}, {"name": 7},
        {"max_hints_per_day": -2}, {"max_hints_per_day": "5"}, {"max_hints_per_day": 1.5},
        {"max_hints_per_day": 10**30}, {"price": -1}, {"price": 0.001}, {"price": 10**12}, {"is_active": "no"},
        {"description": "x" * 2001}, {"user_count": 0}, {"id": 9}, {"plan_id": 9}, [],
    ]:  # fmt: skip
        before = stored_plans(judge)
        assert told(judge.ask("PATCH", f"{PLANS}/{PRO}", by=boss, json=body)) == (422, "validation_error")
        whole = {"name": "Team", **body} if isinstance(body, dict) and body else body
        assert told(judge.ask("POST", PLANS, by=boss, json=whole)) == (422, "validation_error")
        assert stored_plans(judge) == before


def test_json_that_is_no_value_is_refused(judge, boss):
    for number in [b'{"name":"x","price":NaN}', b'{"name":"x","price":1e400}', b'{"name":"\\ud800"}']:  # fmt: skip
        headers = {"content-type": "application/json"}
        assert told(judge.ask("POST", PLANS, by=boss, content=number, headers=headers)) == (422, "validation_error")


def test_what_is_no_id_of_a_plan_is_refused(judge, boss):
    for plan_id in ["0", "-1", "1e3", "2 ", "+2", "2.0", "9" * 30, "a"]:  # fmt: skip
        assert told(judge.ask("PATCH", f"{PLANS}/{plan_id}", by=boss, json={"price": 1})) == (422, "validation_error")
        assert told(judge.ask("DELETE", f"{PLANS}/{plan_id}", by=boss)) == (422, "validation_error")
    for plan_id in ("2%0A", "%00"):  # no path of ours
        assert told(judge.ask("DELETE", f"{PLANS}/{plan_id}", by=boss)) == (404, "not_found")
    assert len(stored_plans(judge)) == 3


def test_members_and_visitors_are_kept_out(judge):
    ann = judge.user("ann@example.com")
    for method, path in (("GET", PLANS), ("POST", PLANS), ("PATCH", f"{PLANS}/2"), ("DELETE", f"{PLANS}/2")):
        body = {"json": {"name": "Team"}} if method in {"POST", "PATCH"} else {}
        assert told(judge.ask(method, path, by=ann, **body)) == (403, "forbidden")
        assert told(judge.ask(method, path, **body)) == (401, "not_authenticated")
    assert len(stored_plans(judge)) == 3
