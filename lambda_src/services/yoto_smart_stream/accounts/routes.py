"""Routes of accounts, for administrators."""

from typing import Any, Final

from starlette.responses import Response

from lambda_src.dynamo.store import Store
from lambda_src.runtime.routing import Given, JsonAnswer, Router
from lambda_src.services.yoto_smart_stream.accounts.schemas import (
    USER_SHAPE,
    NewUser,
    UserBody,
    UserChange,
    UserId,
    UserPage,
)
from lambda_src.services.yoto_smart_stream.accounts.service import AccountService
from lambda_src.services.yoto_smart_stream.bodies import Cursor, Limit, page_body
from lambda_src.services.yoto_smart_stream.principals import Admin
from lambda_src.services.yoto_smart_stream.tables import USERS_OLDEST_FIRST

router: Final = Router(tags=["accounts"])


@router.get("/api/admin/users", response_model=UserPage)
def list_users(
    store: Given[Store],
    caller: Admin,  # noqa: ARG001 -- nobody else may
    limit: Limit = 50,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """All users, oldest first."""
    page = store.page(USERS_OLDEST_FIRST, limit=limit, cursor=cursor)
    return page_body(page, list(map(USER_SHAPE, page.items)))


@router.post("/api/admin/users", status_code=201, response_model=UserBody)
def create_user(accounts: Given[AccountService], caller: Admin, body: NewUser) -> Response:
    """Add a user, who has to choose another password before anything else."""
    user = accounts.create(**body.model_dump(), by=caller)
    return JsonAnswer(USER_SHAPE(user), status_code=201, headers={"Location": f"/api/admin/users/{user.user_id}"})


@router.get("/api/admin/users/{user_id}", response_model=UserBody)
def read_user(
    accounts: Given[AccountService],
    caller: Admin,  # noqa: ARG001 -- nobody else may
    user_id: UserId,
) -> dict[str, Any]:
    """A user as stored this instant."""
    return USER_SHAPE(accounts.of_id(user_id))


@router.patch("/api/admin/users/{user_id}", response_model=UserBody)
def change_user(accounts: Given[AccountService], caller: Admin, user_id: UserId, body: UserChange) -> dict[str, Any]:
    """Change what is given. Another password, and being active or an administrator or not, void all tokens so far."""
    return USER_SHAPE(accounts.change(user_id, body.model_dump(exclude_unset=True), by=caller))


@router.delete("/api/admin/users/{user_id}", status_code=204)
def delete_user(accounts: Given[AccountService], caller: Admin, user_id: UserId) -> None:
    """Remove a user. The files of the user stay, for administrators to see to."""
    accounts.delete(user_id, by=caller)
