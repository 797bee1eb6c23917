"""Users as they are stored: id, address and Google account are each one user's, and plans count their users."""

from functools import partial

import pytest

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.dynamo.store import Put
from lambda_src.dynamo.values import to_item
from lambda_src.errors import AppError, Conflict, InvalidInput
from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.errors import (
    EmailTaken,
    GoogleIdTaken,
    PlanInactive,
    PlanNotFound,
    UserIdTaken,
    UserNotFound,
)
from lambda_src.services.algoitny.models.tasks import Task
from tests.support.algoitny import ADMIN, FREE, PRO
from tests.support.algoitny_people import check_people, keys_of, stored_users, users_of
from tests.support.dynamodb_faults import Faults

NOON_MS = 1_759_924_800_000


@pytest.fixture
def faults(dynamodb_client):
    return Faults(Boto3Client(dynamodb_client))


@pytest.fixture
def judge(new_judge, faults):
    judge = new_judge(engine=faults)
    yield judge
    check_people(judge)


@pytest.fixture
def users(judge):
    return users_of(judge)


def counts(judge):
    return [(judge.stored_plan(plan_id) or {}).get("uct", 0) for plan_id in (FREE, PRO, ADMIN)]


# ---- new users -------------------------------------------------------------------------------------------------------


def test_a_new_user_is_stored_with_both_guards_and_counted_by_the_plan(judge, users):
    with judge.counted() as calls:
        ann = users.create_user({"email": " Ann@Example.com ", "google_id": "108", "name": "Ann"})
    assert calls == {"UpdateItem": 1, "TransactWriteItems": 1}
    assert ann.email == "ann@example.com"
    assert judge.stored_user(ann.user_id) == {
        "PK": f"USR#{ann.user_id}", "SK": "META", "tp": "usr", "crt": NOON_MS, "upd": NOON_MS,
        "GSI1PK": "EMAIL#ann@example.com", "GSI1SK": f"USR#{ann.user_id}",
        "GSI2PK": "USERS", "GSI2SK": f"USR#{NOON_MS}#{ann.user_id}",
        "em": "ann@example.com", "nm": "Ann", "gid": "108", "plan": FREE, "act": True, "stf": False, "tkv": 0,
    }  # fmt: skip
    guard = {"SK": "UNIQ", "tp": "uniq", "uid": ann.user_id, "crt": NOON_MS}
    assert judge.item(items.EMAIL_GUARD.key(email="ann@example.com")) == guard | {"PK": "UNIQ#EMAIL#ann@example.com"}
    assert judge.item(items.GOOGLE_GUARD.key(google_id="108")) == guard | {
        "PK": "UNIQ#GID#108", "GSI1PK": "GID#108", "GSI1SK": f"USR#{ann.user_id}",
    }  # fmt: skip
    assert counts(judge) == [1, 0, 0]


def test_what_is_taken_is_said_and_nothing_is_written(judge, users):
    ann = users.create_user({"email": "ann@example.com", "google_id": "108"})
    before = keys_of(judge)
    with pytest.raises(EmailTaken):
        users.create_user({"email": "ANN@example.com", "google_id": "109"})
    with pytest.raises(GoogleIdTaken):
        users.create_user({"email": "bob@example.com", "google_id": "108"})
    with pytest.raises(EmailTaken):  # both are; an address says more to whoever reads it
        users.create_user({"email": "ann@example.com", "google_id": "108"})
    with judge.counted() as calls, pytest.raises(UserIdTaken):
        users.create_user({"email": "bob@example.com", "user_id": ann.user_id})
    assert calls == {"TransactWriteItems": 1}
    with pytest.raises(PlanNotFound):
        users.create_user({"email": "bob@example.com", "subscription_plan_id": 99})
    assert keys_of(judge) == before


def test_a_plan_that_is_switched_off_takes_nobody_new(judge, users):
    judge.plan(plan_id=7, name="Old", is_active=False)
    with pytest.raises(PlanNotFound):
        users.create_user({"email": "bob@example.com", "subscription_plan_id": 7})
    assert stored_users(judge) == []


def test_a_counter_that_is_older_than_the_users_gets_past_their_ids(judge, users):
    for user_id in (1, 11):
        judge.user(f"{user_id}@example.com", user_id=user_id)
    judge.put_items({**items.COUNTER.key(name="user_id").values, "tp": "counter", "val": 0})
    assert users.create_user({"email": "ann@example.com"}).user_id == 111
    assert users.create_user({"email": "bob@example.com"}).user_id == 112


def test_a_counter_that_does_not_answer_is_an_error_and_no_id(judge, users, faults):
    faults.error("AccessDeniedException")
    with pytest.raises(AppError):
        users.create_user({"email": "ann@example.com"})
    assert stored_users(judge) == []


@pytest.mark.parametrize(
    "email", ["", "ann", "@", "a@b@c", "ann @example.com", "a" * 250 + "@b.cd", "ann\n@example.com"], ids=ascii
)
def test_what_is_no_address_is_refused_before_any_request(judge, users, email):
    with judge.counted() as calls:
        with pytest.raises(InvalidInput):
            users.create_user({"email": email})
        with pytest.raises(InvalidInput):
            users.update_user(1, {"email": email})
    assert calls == {}


def test_a_lost_answer_creates_nobody_twice(judge, users, faults):
    faults.lose_next_answer("TransactWriteItems")
    ann = users.create_user({"email": "ann@example.com"})
    assert [user.user_id for user in stored_users(judge)] == [ann.user_id]
    assert counts(judge) == [1, 0, 0]


def test_rows_of_a_batch_fail_each_for_itself(judge, users):
    judge.user("ann@example.com")
    rows = users.batch_create_users([
        {"email": "bob@example.com"}, {"email": "ANN@example.com"}, {"email": "none"}, {"email": "cyn@example.com"},
    ])  # fmt: skip
    assert [row.status for row in rows] == ["created", "duplicate", "error", "created"]
    assert [row.user.email for row in rows if row.user] == ["bob@example.com", "cyn@example.com"]
    with pytest.raises(ValueError, match="bulk"):
        users.batch_create_users([], "bulk")


# ---- changes ---------------------------------------------------------------------------------------------------------


def test_a_plain_change_is_one_request_and_says_what_is_stored_then(judge, users):
    ann = judge.user("ann@example.com", name="Ann", picture="https://x.test/a.png")
    judge.clock.forward(seconds=5)
    with judge.counted() as calls:
        changed = users.update_user(ann.user_id, {"name": "Anna", "picture": "", "last_login_at": 5, "is_staff": True})
    assert calls == {"UpdateItem": 1}
    assert (changed.name, changed.picture, changed.last_login_at, changed.is_staff) == ("Anna", "", 5, True)
    assert (changed.created_at, changed.updated_at) == (NOON_MS, NOON_MS + 5_000)
    assert users.get_user_by_id(ann.user_id) == changed
    assert "pic" not in (judge.stored_user(ann.user_id) or {})


def test_only_what_an_update_knows_can_be_changed(judge, users):
    ann = judge.user("ann@example.com")
    for name in ("user_id", "subscription_plan_id", "is_active", "token_version", "nm"):
        with pytest.raises(ValueError, match=name):
            users.update_user(ann.user_id, {name: 1})
    with pytest.raises(ValueError, match="is_active"):
        users.create_user({"email": "bob@example.com", "is_active": False})


def test_another_address_and_google_account_change_hands_with_their_guards(judge, users):
    ann = judge.user("ann@example.com", google_id="108")
    with judge.counted() as calls:
        users.update_user(ann.user_id, {"email": "Anna@example.com", "google_id": "200", "name": "Anna"})
    assert calls == {"GetItem": 1, "TransactWriteItems": 1}
    found = users.get_user_by_email("anna@example.com")
    assert found == users.get_user_by_google_id("200") == users.get_user_by_id(ann.user_id)
    assert (found.name, found.google_id) == ("Anna", "200")
    assert not users.user_exists("ann@example.com")
    assert users.get_user_by_email("ann@example.com") is None
    assert users.get_user_by_google_id("108") is None


def test_a_google_account_is_linked_and_let_go_of(judge, users):
    ann = judge.user("ann@example.com")
    users.update_user(ann.user_id, {"google_id": "108"})
    check_people(judge)
    assert users.update_user(ann.user_id, {"google_id": None}).google_id is None
    assert users.create_user({"email": "bob@example.com", "google_id": "108"}).google_id == "108"


def test_what_somebody_else_has_is_not_to_be_had(judge, users):
    ann = judge.user("ann@example.com", google_id="108")
    judge.user("bob@example.com", google_id="200")
    before = judge.stored_user(ann.user_id)
    with pytest.raises(EmailTaken):
        users.update_user(ann.user_id, {"email": "BOB@example.com"})
    with pytest.raises(GoogleIdTaken):
        users.update_user(ann.user_id, {"google_id": "200", "name": "Anna"})
    assert judge.stored_user(ann.user_id) == before


def test_nobody_is_changed_who_is_not_there(judge, users):
    for change in (
        partial(users.update_user, 5, {"name": "x"}),
        partial(users.update_user, 5, {"email": "x@example.com"}),
        partial(users.activate_user, 5),
        partial(users.deactivate_user, 5),
        partial(users.update_subscription_plan, 5, PRO),
        partial(users.administrate, 5, is_staff=True),
        partial(users.delete_user, 5),
    ):
        with pytest.raises(UserNotFound):
            change()
    assert judge.stored_user(5) is None


def test_who_is_switched_off_has_no_token_any_more_also_after_coming_back(judge, users):
    ann = judge.user("ann@example.com")
    off = users.deactivate_user(ann.user_id)
    assert (off.is_active, off.token_version) == (False, 1)
    on = users.activate_user(ann.user_id)
    assert (on.is_active, on.token_version) == (True, 1)


# ---- plans of users --------------------------------------------------------------------------------------------------


def test_another_plan_counts_the_user_there(judge, users):
    ann = judge.user("ann@example.com")
    with judge.counted() as calls:
        assert users.update_subscription_plan(ann.user_id, PRO) == users.get_user_by_id(ann.user_id)
    assert calls == {"GetItem": 2, "TransactWriteItems": 1}
    assert counts(judge) == [0, 1, 0]
    with judge.counted() as calls:
        users.update_subscription_plan(ann.user_id, PRO)
    assert calls == {"GetItem": 1}


def test_a_plan_that_is_missing_or_takes_nobody_changes_nothing(judge, users):
    judge.plan(plan_id=7, name="Old", is_active=False)
    ann = judge.user("ann@example.com")
    with pytest.raises(PlanNotFound):
        users.update_subscription_plan(ann.user_id, 99)
    with pytest.raises(PlanInactive):
        users.update_subscription_plan(ann.user_id, 7)
    assert users.get_user_by_id(ann.user_id) == ann
    assert judge.stored_plan(99) is None


def test_what_an_administrator_changes_of_a_user_is_one_write(judge, users):
    ann = judge.user("ann@example.com")
    with judge.counted() as calls:
        changed = users.administrate(ann.user_id, plan_id=PRO, is_active=False, is_staff=True)
    assert calls == {"GetItem": 1, "TransactWriteItems": 1}
    assert changed == users.get_user_by_id(ann.user_id)
    assert (changed.subscription_plan_id, changed.is_active, changed.is_staff, changed.token_version) == (
        PRO, False, True, 1,
    )  # fmt: skip


def test_a_user_whose_plan_is_gone_gets_another_one_or_leaves(judge, users):
    """Only damage explains it; it must not keep anybody."""
    ann, bob = judge.user("ann@example.com"), judge.user("bob@example.com")
    for user in (ann, bob):
        judge.put_items({**judge.stored_user(user.user_id), "plan": 99})
    assert users.update_subscription_plan(ann.user_id, PRO).subscription_plan_id == PRO
    users.delete_user(bob.user_id)
    assert judge.stored_plan(99) is None
    judge.put_items({**judge.stored_plan(FREE), "uct": 0})  # as it was damaged for these two


# ---- users who leave -------------------------------------------------------------------------------------------------


def test_who_leaves_frees_address_google_account_and_plan_and_leaves_the_purge_behind(judge, users):
    ann = judge.user("ann@example.com", google_id="108")
    task = Task(
        task_id="01K71V2JG0A1B2C3D4E5F6G7H8", kind="user_purge", created_at=1, updated_at=1, expires_at=2_000_000_000,
    )  # fmt: skip
    with judge.counted() as calls:
        assert users.delete_user(ann.user_id, with_writes=[Put(items.TASK, task)]) == ann
    assert calls == {"GetItem": 1, "TransactWriteItems": 1}
    assert counts(judge) == [0, 0, 0]
    assert judge.item(items.TASK.key(task_id=task.task_id)) is not None
    assert not [key for key in keys_of(judge) if "ann" in key[0] or "108" in key[0] or str(ann.user_id) in key[0]]
    later = users.create_user({"email": "ann@example.com", "google_id": "108"})
    assert later.user_id > ann.user_id


def test_who_changed_the_plan_meanwhile_leaves_the_plan_of_then(judge, users, monkeypatch):
    ann = judge.user("ann@example.com")
    users.update_subscription_plan(ann.user_id, PRO)
    monkeypatch.setattr(type(users), "get_user_by_id", lambda *_: ann)  # as somebody read it before
    users.delete_user(ann.user_id)
    assert counts(judge) == [0, 0, 0]


def test_after_five_who_were_quicker_a_change_gives_up(judge, users, monkeypatch, faults):
    ann = judge.user("ann@example.com")
    monkeypatch.setattr(type(users), "get_user_by_id", lambda *_: ann)
    refused = [{"Code": "ConditionalCheckFailed", "Item": to_item(items.USER.item(ann))}, {"Code": "None"}]
    faults.error("TransactionCanceledException", times=10, reasons=refused)
    for change in (partial(users.update_subscription_plan, ann.user_id, PRO), partial(users.delete_user, ann.user_id)):
        with pytest.raises(Conflict):
            change()
