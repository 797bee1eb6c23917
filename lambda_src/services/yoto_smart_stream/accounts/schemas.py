"""Bodies of accounts."""

import re
from typing import Annotated, Any, Final

from fastapi import Path
from pydantic import AfterValidator, BaseModel, BeforeValidator, StrictBool

from lambda_src.runtime.bodies import Shape
from lambda_src.services.yoto_smart_stream.accounts.repository import MAX_USER_ID
from lambda_src.services.yoto_smart_stream.bodies import RequestBody, Timestamp
from lambda_src.services.yoto_smart_stream.models import UserRecord
from lambda_src.services.yoto_smart_stream.names import valid_email, valid_username

_DIGITS: Final = re.compile(r"[1-9][0-9]{0,15}")


def _checked_digits(text: Any) -> Any:
    """Only what is written as we write it: Pydantic also takes `%0A7`, `+7` and `7.0` for a number."""
    if not isinstance(text, str) or _DIGITS.fullmatch(text) is None:
        raise ValueError("This is not the id of a user")
    return text


type UserId = Annotated[int, Path(ge=1, le=MAX_USER_ID), BeforeValidator(_checked_digits)]
type Username = Annotated[str, AfterValidator(valid_username)]
type Email = Annotated[str, AfterValidator(valid_email)]


class UserBody(BaseModel):
    id: int
    username: str
    email: str | None
    is_active: bool
    is_admin: bool
    must_change_password: bool
    created_at: Timestamp
    updated_at: Timestamp


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


USER_SHAPE: Final = Shape[UserRecord](UserBody)
