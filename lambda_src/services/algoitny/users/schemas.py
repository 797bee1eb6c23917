"""Bodies of requests and answers about users."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field, StrictBool

from lambda_src.runtime.bodies import ChangeBody, Shape
from lambda_src.services.algoitny.bodies import ListBody, Timestamp, timestamp
from lambda_src.services.algoitny.models.stored import MAX_ID
from lambda_src.services.algoitny.users.service import Profile


class UserBody(BaseModel):
    """A user, to that user and to administrators. The plan of administrators reads `Admin`."""

    id: int
    email: str
    name: str
    picture: str
    is_admin: bool
    is_active: bool
    subscription_plan_id: int
    subscription_plan_name: str
    subscription_plan_description: str
    all_consents_given: bool
    created_at: Timestamp
    last_login_at: Timestamp | None


class UsageTodayBody(BaseModel):
    hint: int
    execution: int


class ListedUserBody(UserBody):
    usage_today: UsageTodayBody


class UsersBody(ListBody):
    results: list[ListedUserBody]


class UserChange(ChangeBody):
    """is_active: false ends every session of the user."""

    subscription_plan_id: Annotated[int, Field(ge=1, le=MAX_ID, strict=True)] = 0
    is_active: StrictBool = True
    is_staff: StrictBool = False


def maybe_timestamp(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else timestamp(milliseconds)


USER_SHAPE: Final = Shape[Profile](
    UserBody,
    {
        "id": "user.user_id",
        "is_admin": "is_admin",
        "subscription_plan_name": "plan_name",
        "subscription_plan_description": "plan.description",
        "created_at": lambda profile: timestamp(profile.user.created_at),
        "last_login_at": lambda profile: maybe_timestamp(profile.user.last_login_at),
        **{
            name: f"user.{name}"
            for name in ("email", "name", "picture", "is_active", "subscription_plan_id", "all_consents_given")
        },
    },
)


def listed(profile: Profile, usage: Mapping[str, int]) -> dict[str, Any]:
    """A user in a list of administrators. usage: actions of today, by their names."""
    return {**USER_SHAPE(profile), "usage_today": usage}
