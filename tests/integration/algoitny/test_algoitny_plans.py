"""Plans as they are stored, and as requests meet them: read once a minute, unlimited for administrators."""

from functools import partial

import pytest

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.errors import Conflict
from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.errors import PlanInUse, PlanNameTaken, PlanNotFound
from lambda_src.services.algoitny.models.users import Principal
from lambda_src.services.algoitny.plans.service import PlanCatalog
from tests.support.algoitny import ADMIN, FREE, PRO
from tests.support.algoitny_people import check_people, stored_plans, users_of
from tests.support.racing import Meeting, at_once


@pytest.fixture
def meeting(dynamodb_client):
    return Meeting(Boto3Client(dynamodb_client))


@pytest.fixture
def judge(new_judge, meeting):
    judge = new_judge(engine=meeting)
    yield judge
    check_people(judge)


@pytest.fixture
def catalog(judge):
    return judge.part(PlanCatalog)


@pytest.fixture
def plans(catalog):
    return catalog.plans


def forget_plans(judge):
    for plan in stored_plans(judge):
        judge.remove(items.PLAN.key_of(plan))
        judge.remove(items.PLAN_NAME_GUARD.key(name_key=plan.name.lower()))
    judge.remove(items.COUNTER.key(name="plan_id"))


# ---- the default plans -----------------------------------------------------------------------------------------------


def test_the_default_plans_are_made_once(judge, plans):
    forget_plans(judge)
    at_once([plans.ensure_defaults] * 4)
    made = plans.list_plans()
    assert [(each.plan_id, each.name, each.max_hints_per_day, each.max_executions_per_day) for each in made] == [
        (FREE, "Free", 5, 50), (PRO, "Pro", 30, 200), (ADMIN, "Admin", -1, -1),
    ]  # fmt: skip
    assert [each.is_self_service for each in made] == [True, False, False]
    assert [each.can_register_problems for each in made] == [False, False, True]
    with judge.counted() as calls:
        plans.ensure_defaults()
    assert calls == {"Query": 1}
    assert plans.create_plan({"name": "Team"}).plan_id == 4


def test_default_plans_leave_what_is_there_as_it_is(judge, plans):
    """An id or a name that is taken: by plans that were moved here, or that somebody changed."""
    forget_plans(judge)
    judge.plan(plan_id=2, name="Basic", max_hints_per_day=1)
    judge.plan(plan_id=9, name="ADMIN")
    plans.ensure_defaults()
    assert [(each.plan_id, each.name) for each in plans.list_plans()] == [(1, "Free"), (2, "Basic"), (9, "ADMIN")]
    assert plans.create_plan({"name": "Team"}).plan_id == 10


# ---- names and ids ---------------------------------------------------------------------------------------------------


def test_a_name_is_one_plans_in_any_case(judge, plans):
    with judge.counted() as calls:
        team = plans.create_plan({"name": "Team", "max_problems": 3})
    assert calls == {"UpdateItem": 1, "TransactWriteItems": 1}
    assert plans.get_plan_by_name(" TEAM ") == team == plans.get_plan(team.plan_id)
    with pytest.raises(PlanNameTaken):
        plans.create_plan({"name": "tEAM"})
    with pytest.raises(PlanNameTaken):
        plans.update_plan(PRO, {"name": "TEAM"})
    assert plans.get_plan_by_name("nothing") is None
    assert plans.get_plan_by_name("") is None
    assert plans.get_plan(0) is None


def test_a_plan_of_another_name_gives_its_old_one_back(judge, plans):
    with judge.counted() as calls:
        plans.update_plan(PRO, {"name": "Expert", "max_hints_per_day": 40})
    assert calls == {"GetItem": 1, "TransactWriteItems": 1}
    expert = plans.get_plan_by_name("expert")
    assert (expert.plan_id, expert.max_hints_per_day) == (PRO, 40)
    assert plans.get_plan_by_name("Pro") is None
    assert plans.update_plan(PRO, {"name": "EXPERT"}).name == "EXPERT"
    assert plans.create_plan({"name": "Pro"}).name == "Pro"


def test_a_plain_change_is_one_request(judge, plans):
    with judge.counted() as calls:
        changed = plans.update_plan(PRO, {"description": "", "is_self_service": True})
    assert calls == {"UpdateItem": 1}
    assert changed == plans.get_plan(PRO)
    assert changed.is_self_service
    with pytest.raises(ValueError, match="user_count"):
        plans.update_plan(PRO, {"user_count": 0})
    with pytest.raises(ValueError, match="plan_id"):
        plans.create_plan({"name": "x", "plan_id": 9})


def test_of_many_who_take_one_name_one_gets_it(judge, plans, meeting):
    calls = [partial(plans.create_plan, {"name": ("Team", "TEAM")[number % 2]}) for number in range(8)]
    meeting.at("TransactWriteItems", 8)
    assert sum(at_once([partial(goes_through, call) for call in calls])) == 1


def test_a_plan_is_removed_with_its_name_once_nobody_is_on_it(judge, plans):
    ann = judge.user("ann@example.com", plan_id=PRO)
    with pytest.raises(PlanInUse) as refused:
        plans.delete_plan(PRO)
    assert refused.value.members == {"user_count": 1}
    users_of(judge).update_subscription_plan(ann.user_id, FREE)
    with judge.counted() as calls:
        plans.delete_plan(PRO)
    assert calls == {"GetItem": 1, "TransactWriteItems": 1}
    for gone in (partial(plans.delete_plan, PRO), partial(plans.update_plan, PRO, {"price": 1})):
        with pytest.raises(PlanNotFound):
            gone()
    assert plans.get_plan_by_name("Pro") is None


def test_who_renames_a_plan_as_it_was_before_is_told(judge, plans, monkeypatch):
    old = plans.get_plan(PRO)
    plans.update_plan(PRO, {"name": "Expert"})
    monkeypatch.setattr(type(plans), "get_plan", lambda *_: old)
    for late in (
        partial(plans.update_plan, PRO, {"name": "Master"}),
        partial(plans.update_plan, PRO, {"name": "PRO"}),
        partial(plans.delete_plan, PRO),
    ):
        with pytest.raises(Conflict):
            late()


def test_nobody_gets_on_a_plan_while_it_goes(judge, plans, meeting):
    """Either the plan stays and counts the user, or it goes and the user stays where they were."""
    users = users_of(judge)
    for _ in range(3):
        plan = plans.create_plan({"name": "Team"})
        ann = judge.user(f"{plan.plan_id}@example.com")
        meeting.at("TransactWriteItems", 2)
        at_once([
            partial(goes_through, plans.delete_plan, plan.plan_id),
            partial(goes_through, users.update_subscription_plan, ann.user_id, plan.plan_id),
        ])  # fmt: skip
        check_people(judge)
        if plans.get_plan(plan.plan_id) is not None:
            users.update_subscription_plan(ann.user_id, FREE)
            plans.delete_plan(plan.plan_id)


def goes_through(write, *args):
    try:
        write(*args)
    except (PlanInUse, PlanNameTaken, PlanNotFound):
        return False
    return True


# ---- the catalog -----------------------------------------------------------------------------------------------------


def test_plans_are_read_once_a_minute(judge, catalog):
    with judge.counted() as calls:
        for _ in range(3):
            assert [plan.name for plan in catalog.all()] == ["Free", "Pro", "Admin"]
            assert catalog.find(PRO) is not None
            assert catalog.find_by_name("PRO") is not None
        judge.clock.forward(seconds=59)
        catalog.all()
    assert calls == {"Query": 1}
    judge.put_items({**judge.stored_plan(PRO), "mh": 31})
    judge.clock.forward(seconds=1)
    assert catalog.find(PRO).max_hints_per_day == 31


def test_a_plan_that_is_new_is_found_at_once(judge, catalog):
    catalog.all()
    judge.plan(plan_id=7, name="Team")
    assert catalog.find(7).name == "Team"
    judge.plan(plan_id=8, name="School")
    assert catalog.find_by_name("school").plan_id == 8
    assert catalog.find(99) is None
    assert catalog.find_by_name("nothing") is None


def test_a_clock_that_goes_back_does_not_keep_plans_for_ever(judge, catalog):
    catalog.all()
    judge.clock.forward(hours=-1)
    with judge.counted() as calls:
        catalog.all()
    assert calls == {"Query": 1}


def test_a_plan_holds_for_its_users_and_nothing_limits_administrators(judge, catalog):
    ann, boss = judge.user("ann@example.com"), judge.admin()
    plan = catalog.of(Principal(ann, is_admin=False))
    assert (plan.name, plan.daily_limit("hint"), plan.daily_limit("execution")) == ("Free", 5, 50)
    most = catalog.of(Principal(boss, is_admin=True))
    assert (most.name, most.daily_limit("hint"), most.daily_limit("execution"), most.max_problems) == (
        "Admin", -1, -1, -1,
    )  # fmt: skip
    assert most.can_view_all_problems
    assert most.can_register_problems


def test_who_is_on_a_plan_that_is_gone_is_on_free(judge, catalog):
    assert catalog.plan_of(99).name == "Free"


def test_what_is_offered_is_active_and_never_admin(judge, catalog):
    judge.plan(plan_id=7, name="Old", is_active=False)
    judge.plan(plan_id=8, name="Basic")
    assert [plan.name for plan in catalog.offered()] == ["Basic", "Free", "Pro"]
