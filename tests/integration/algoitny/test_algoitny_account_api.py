"""The own account over HTTP."""

import pytest

from lambda_src.services.algoitny import items
from tests.support.algoitny import ADMIN, FREE, PRO
from tests.support.algoitny_people import check_people, stored_users, told

ME = {
    "id": 12345, "email": "ann@example.com", "name": "Ann", "picture": "", "is_admin": False, "is_active": True,
    "subscription_plan_id": 1, "subscription_plan_name": "Free", "subscription_plan_description": "",
    "all_consents_given": False, "created_at": "2025-10-08T12:00:00.000Z", "last_login_at": None,
}  # fmt: skip


@pytest.fixture
def judge(new_judge):
    judge = new_judge()
    yield judge
    check_people(judge)


@pytest.fixture
def ann(judge):
    return judge.user("ann@example.com", name="Ann")


def plan(judge, user):
    return judge.stored_user(user.user_id)["plan"]


def test_a_member_sees_the_own_account(judge, ann):
    judge.ask("GET", "/api/auth/plans")
    with judge.counted() as calls:
        assert judge.ask("GET", "/api/account/me", by=ann).json() == ME
    assert calls == {"GetItem": 1}


def test_the_plan_of_administrators_reads_admin_also_by_their_address(judge, ann):
    boss = judge.admin(last_login_at=1_759_924_800_123)
    body = judge.ask("GET", "/api/account/me", by=boss).json()
    assert (body["is_admin"], body["subscription_plan_name"], body["subscription_plan_id"]) == (True, "Admin", 1)
    assert body["last_login_at"] == "2025-10-08T12:00:00.123Z"
    judge.secret.held["admin_emails"] = "bob@example.com, ANN@example.com"
    assert judge.ask("GET", "/api/account/me", by=ann).json()["subscription_plan_name"] == "Admin"
    assert judge.ask("GET", "/api/admin/users", by=ann).status_code == 200


def test_a_member_takes_another_name(judge, ann):
    answer = judge.ask("PATCH", "/api/account/me", by=ann, json={"name": " Anna 안나 "})
    assert answer.json() == ME | {"name": "Anna 안나"}
    assert judge.ask("GET", "/api/account/me", by=ann).json()["name"] == "Anna 안나"


def test_what_is_no_name_changes_nothing(judge, ann):
    for body in (
        {}, {"name": ""}, {"name": " \n"}, {"name": "x" * 256}, {"name": None}, {"name": "a\0b"}, {"name": "a\nb"},
        {"name": "Anna", "is_staff": True}, {"name": "Anna", "email": "x@example.com"},
    ):  # fmt: skip
        assert told(judge.ask("PATCH", "/api/account/me", by=ann, json=body)) == (422, "validation_error")
        assert judge.stored_user(ann.user_id)["nm"] == "Ann"


def test_half_a_surrogate_pair_is_no_part_of_a_name(judge, ann):
    content = r'{"name": "Ann \ud83e"}'  # httpx writes none by itself
    headers = {"Content-Type": "application/json"}
    refused = judge.ask("PATCH", "/api/account/me", by=ann, content=content, headers=headers)
    assert told(refused) == (422, "validation_error")
    assert judge.ask("GET", "/api/account/me", by=ann).json()["name"] == "Ann"


def test_nobody_but_members_has_an_account(judge):
    for method, path in (
        ("GET", "/api/account/me"), ("PATCH", "/api/account/me"), ("DELETE", "/api/account"),
        ("PATCH", "/api/account/plan"), ("POST", "/api/account/consents"), ("GET", "/api/account/consents"),
    ):  # fmt: skip
        body = {"name": "x"} if path.endswith("me") else {"confirm": "x"} if path.endswith("account") else {"plan": "x"}
        body = {} if path.endswith("consents") else body
        options = {} if method == "GET" else {"json": body}
        assert told(judge.ask(method, path, **options)) == (401, "not_authenticated")


# ---- plans -----------------------------------------------------------------------------------------------------------


def test_a_member_chooses_a_plan_that_needs_nobodys_approval(judge, ann):
    judge.plan(plan_id=7, name="Club", is_self_service=True, description="For a few")
    for choice, name in (({"plan": "CLUB "}, "Club"), ({"plan_id": FREE}, "Free"), ({"plan_id": 7}, "Club")):
        answer = judge.ask("PATCH", "/api/account/plan", by=ann, json=choice)
        assert answer.json()["subscription_plan_name"] == name
    assert answer.json()["subscription_plan_description"] == "For a few"
    assert [judge.stored_plan(each).get("uct", 0) for each in (FREE, 7)] == [0, 1]


@pytest.mark.parametrize("choice", [{"plan": "Pro"}, {"plan_id": PRO}], ids=str)
def test_a_plan_that_needs_approval_is_given_by_administrators_alone(judge, ann, choice):
    boss = judge.admin()
    assert told(judge.ask("PATCH", "/api/account/plan", by=ann, json=choice)) == (403, "plan_requires_approval")
    assert plan(judge, ann) == FREE
    path = f"/api/admin/users/{ann.user_id}"
    answer = judge.ask("PATCH", path, by=boss, json={"subscription_plan_id": PRO})
    assert (answer.status_code, answer.json()["subscription_plan_name"]) == (200, "Pro")
    assert [judge.stored_plan(each).get("uct", 0) for each in (FREE, PRO)] == [1, 1]
    assert judge.ask("PATCH", "/api/account/plan", by=ann, json=choice).status_code == 200  # who has it keeps it
    assert told(judge.ask("DELETE", f"/api/admin/plans/{PRO}", by=boss)) == (409, "plan_in_use")


def test_what_is_hidden_switched_off_or_missing_cannot_be_chosen(judge, ann):
    judge.plan(plan_id=7, name="Old", is_active=False, is_self_service=True)
    for choice in (
        {"plan": "Admin"}, {"plan_id": ADMIN}, {"plan": "Old"}, {"plan_id": 7}, {"plan": "None"}, {"plan": ""},
        {"plan_id": 99},
    ):  # fmt: skip
        assert told(judge.ask("PATCH", "/api/account/plan", by=ann, json=choice)) == (400, "plan_unavailable")
    assert plan(judge, ann) == FREE


def test_a_choice_names_one_plan(judge, ann):
    for choice in (
        {}, {"plan": "Free", "plan_id": 1}, {"plan_id": "1"}, {"plan_id": 0}, {"plan_id": 10**30}, {"plan_id": 1.5},
        {"plan": 7}, {"plan_id": True}, {"plan": "x" * 101},
    ):  # fmt: skip
        assert told(judge.ask("PATCH", "/api/account/plan", by=ann, json=choice)) == (422, "validation_error")


# ---- consents --------------------------------------------------------------------------------------------------------


def test_consents_are_kept_with_their_time_all_or_none(judge, ann):
    nothing = {"privacy_agreed_at": None, "terms_agreed_at": None, "code_ownership_agreed_at": None}
    path, now = "/api/account/consents", "2025-10-08T12:00:00.000Z"
    assert judge.ask("GET", path, by=ann).json() == nothing | {"all_consents_given": False}
    yes = {"privacy_agreed": True, "terms_agreed": True, "code_ownership_agreed": True}
    for name in yes:
        for less in ({**yes, name: False}, {other: True for other in yes if other != name}, {}):
            assert told(judge.ask("POST", path, by=ann, json=less)) == (400, "consents_required")
    assert told(judge.ask("POST", path, by=ann, json={**yes, "terms_agreed": "yes"})) == (422, "validation_error")
    assert judge.ask("GET", path, by=ann).json() == nothing | {"all_consents_given": False}
    answer = judge.ask("POST", path, by=ann, json=yes).json()
    assert answer["consents"] == dict.fromkeys(nothing, now)
    assert judge.ask("GET", path, by=ann).json() == dict.fromkeys(nothing, now) | {"all_consents_given": True}
    assert judge.ask("GET", "/api/account/me", by=ann).json()["all_consents_given"]


# ---- leaving ---------------------------------------------------------------------------------------------------------


def test_who_confirms_with_another_address_stays(judge, ann):
    for confirm in ["", "bob@example.com", "ann@example.co", "ANN"]:  # fmt: skip
        answer = judge.ask("DELETE", "/api/account", by=ann, json={"confirm": confirm})
        assert told(answer) == (400, "confirmation_wrong")
        assert [user.user_id for user in stored_users(judge)] == [ann.user_id]


def test_who_leaves_is_gone_at_once_and_the_rest_is_purged_by_a_task(judge, ann):
    with judge.counted() as calls:
        answer = judge.ask("DELETE", "/api/account", by=ann, json={"confirm": " ANN@example.com "})
    assert answer.status_code == 202
    assert calls == {"GetItem": 2, "TransactWriteItems": 1}
    task_id = answer.json()["task_id"]
    task = items.TASK.model(judge.item(items.TASK.key(task_id=task_id)))
    assert (task.kind, task.user_id, task.arguments, task.status) == (
        "user_purge", ann.user_id, {"user_id": ann.user_id}, "PENDING",
    )  # fmt: skip
    assert [sent.content["args"] for sent in judge.queue.of_type("user.purge")] == [{"user_id": ann.user_id}]
    assert told(judge.ask("GET", "/api/account/me", by=ann)) == (401, "token_revoked")
    assert judge.user("ann@example.com").user_id != ann.user_id


def test_who_leaves_while_the_queue_is_away_is_purged_by_maintenance(judge, ann):
    judge.queue.is_down = True
    assert judge.ask("DELETE", "/api/account", by=ann, json={"confirm": "ann@example.com"}).status_code == 202
    judge.queue.is_down = False
    judge.clock.forward(minutes=6)
    judge.scheduled("maintenance")
    assert [sent.content["args"] for sent in judge.queue.of_type("user.purge")] == [{"user_id": ann.user_id}]
