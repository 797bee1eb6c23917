"""Routes of accounts, for administrators."""

import re
from typing import Annotated, Any, Final

from fastapi import Path
from pydantic import AfterValidator, BaseModel, BeforeValidator, StrictBool
from starlette.responses import Response

from lambda_src.dynamo.store import Store
from lambda_src.runtime.bodies import RequestBody
from lambda_src.runtime.routing import Given, JsonAnswer, Router
from lambda_src.services.yoto_smart_stream.accounts.repository import MAX_USER_ID
from lambda_src.services.yoto_smart_stream.accounts.service import AccountService
from lambda_src.services.yoto_smart_stream.bodies import USER_SHAPE, Cursor, Limit, UserBody, page_body
from lambda_src.services.yoto_smart_stream.names import valid_email, valid_username
from lambda_src.services.yoto_smart_stream.principals import Admin
from lambda_src.services.yoto_smart_stream.tables import USERS_OLDEST_FIRST

_DIGITS: Final = re.compile(r"[1-9][0-9]{0,15}")


def _checked_digits(text: Any) -> Any:
    """Only what is written as we write it: Pydantic also takes `%0A7`, `+7` and `7.0` for a number."""
    if not isinstance(text, str) or _DIGITS.fullmatch(text) is None:
        raise ValueError("This is not the id of a user")
    return text


type UserId = Annotated[int, Path(ge=1, le=MAX_USER_ID), BeforeValidator(_checked_digits)]
type Username = Annotated[str, AfterValidator(valid_username)]
type Email = Annotated[str, AfterValidator(valid_email)]


class UserPage(BaseModel):
    items: list[UserBody]
    count: int
    next_cursor: str | None


class NewUser(RequestBody):
    """The password is one that the user has to replace."""

    username: Username
    password: str
    email: Email | None = None
    is_admin: StrictBool = False


class UserChange(RequestBody):
    """Fields that are absent stay as they are. email: null removes it."""

    email: Email | None = None
    password: str = ""
    is_active: StrictBool = True
    is_admin: StrictBool = False


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
