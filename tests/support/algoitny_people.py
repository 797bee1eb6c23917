"""Users and plans of AlgoItny in a test: what is stored of them, and what has to agree."""

from collections import Counter

import httpx

from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.models.plans import SubscriptionPlan, name_key
from lambda_src.services.algoitny.models.users import User
from lambda_src.services.algoitny.users.repository import UserRepository
from lambda_src.services.algoitny.users.service import UserService
from tests.support.algoitny import PlayedJudge

type Told = tuple[int, str | None]
"""Status and code of an answer."""


def users_of(judge: PlayedJudge) -> UserRepository:
    return judge.part(UserService).users


def told(answer: httpx.Response) -> Told:
    return answer.status_code, answer.json().get("code") if answer.content else None


def keys_of(judge: PlayedJudge) -> set[tuple[str, str]]:
    return {(item["PK"], item["SK"]) for item in judge.items()}


def stored_users(judge: PlayedJudge) -> list[User]:
    return [items.USER.model(item) for item in judge.items() if item.get("tp") == "usr"]


def stored_plans(judge: PlayedJudge) -> list[SubscriptionPlan]:
    return [items.PLAN.model(item) for item in judge.items() if item.get("tp") == "plan"]


def check_people(judge: PlayedJudge) -> None:
    """Users, guards of addresses, Google accounts and names, and the counts of plans say the same."""
    users, plans = stored_users(judge), stored_plans(judge)
    guards = {item["PK"]: item.get("uid", item.get("pln")) for item in judge.items() if item.get("tp") == "uniq"}
    expected = {items.EMAIL_GUARD.key(email=user.email).values["PK"]: user.user_id for user in users}
    for user in users:
        if user.google_id is not None:
            expected[items.GOOGLE_GUARD.key(google_id=user.google_id).values["PK"]] = user.user_id
    for plan in plans:
        expected[items.PLAN_NAME_GUARD.key(name_key=name_key(plan.name)).values["PK"]] = plan.plan_id
    assert guards == expected
    on_plans = Counter(user.subscription_plan_id for user in users)
    assert {plan.plan_id: plan.user_count for plan in plans} == {plan.plan_id: on_plans[plan.plan_id] for plan in plans}
    indexed = {items.USER.key_of(user).values["PK"]: items.USER.index_keys_of(user) for user in users}
    assert indexed == {
        item["PK"]: {name: value for name, value in item.items() if name[:3] == "GSI"}
        for item in judge.items()
        if item.get("tp") == "usr"
    }
