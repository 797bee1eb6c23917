"""Routes of users, for administrators."""

from typing import Annotated, Any, Final

from fastapi import Query

from lambda_src.runtime.routing import Given, Router
from lambda_src.services.algoitny.bodies import Cursor, Limit, PathId, QueryId, list_body
from lambda_src.services.algoitny.principals import Administrator
from lambda_src.services.algoitny.tasks.schemas import ACCEPTED_SHAPE, AcceptedBody
from lambda_src.services.algoitny.usage.service import UsageService
from lambda_src.services.algoitny.users.schemas import USER_SHAPE, UserBody, UserChange, UsersBody, listed
from lambda_src.services.algoitny.users.service import UserService

type Text = Annotated[str, Query(max_length=254, description="An address, or a part of address or name")]

router: Final = Router(tags=["users"])


@router.get("/api/admin/users", response_model=UsersBody)
def list_users(
    users: Given[UserService],
    usage: Given[UsageService],
    caller: Administrator,  # noqa: ARG001 -- nobody else may
    *,
    plan_id: QueryId = None,
    q: Text = "",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Users, newest first, with what they used today. A page of a search may be short and have a cursor."""
    page = users.search(plan_id=plan_id, text=q, limit=limit, cursor=cursor)
    today = usage.of_users([user.user_id for user in page.items])
    return list_body(page, [listed(users.profile(user), today[user.user_id]) for user in page.items])


@router.get("/api/admin/users/{user_id}", response_model=UserBody)
def read_user(
    users: Given[UserService],
    caller: Administrator,  # noqa: ARG001 -- nobody else may
    user_id: PathId,
) -> dict[str, Any]:
    """A user as stored this instant."""
    return USER_SHAPE(users.profile(users.of_id(user_id)))


@router.patch("/api/admin/users/{user_id}", response_model=UserBody)
def change_user(users: Given[UserService], caller: Administrator, user_id: PathId, body: UserChange) -> dict[str, Any]:
    """Change what is given; it holds at once."""
    given = body.model_dump(exclude_unset=True)
    user = users.administrate(
        user_id,
        by=caller,
        plan_id=given.get("subscription_plan_id"),
        is_active=given.get("is_active"),
        is_staff=given.get("is_staff"),
    )
    return USER_SHAPE(users.profile(user))


@router.delete("/api/admin/users/{user_id}", status_code=202, response_model=AcceptedBody)
def delete_user(users: Given[UserService], caller: Administrator, user_id: PathId) -> dict[str, Any]:
    """Remove a user at once, and in the background what the user leaves behind."""
    return ACCEPTED_SHAPE(users.dismiss(user_id, by=caller))
