"""What is written of a user, and what an address is."""

import re
from collections.abc import Mapping
from typing import Any, Final, Required, TypedDict

from lambda_src.errors import InvalidInput
from lambda_src.services.algoitny.models.users import normalised_email

MAX_EMAIL: Final = 254
MAX_NAME: Final = 255
_EMAIL: Final = re.compile(r"[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+")


class _Details(TypedDict, total=False):
    name: str
    picture: str
    google_id: str | None
    is_staff: bool
    privacy_agreed_at: int | None
    terms_agreed_at: int | None
    code_ownership_agreed_at: int | None
    last_login_at: int | None


class UserChanges(_Details, total=False):
    """What changes of a user by itself. Plan and activity have methods of their own."""

    email: str


class NewUser(_Details, total=False):
    """What is known of somebody new. user_id: where it does not come from the counter."""

    email: Required[str]
    user_id: int
    subscription_plan_id: int


def checked(given: Mapping[str, Any], known: Any) -> dict[str, Any]:
    """A dictionary that mypy did not see made. known: its TypedDict. Raises ValueError for what that lacks."""
    unknown = given.keys() - known.__annotations__.keys()
    if unknown:
        raise ValueError(f"{known.__name__} knows no {sorted(unknown)}")
    return dict(given)


def valid_email(text: str) -> str:
    """An address as accounts are found by it. Raises InvalidInput."""
    address = normalised_email(text)
    if len(address) > MAX_EMAIL or _EMAIL.fullmatch(address) is None:
        raise InvalidInput("This is not an e-mail address")
    return address
