"""Routes of the own account, and of users for administrators."""

from functools import partial
from typing import Annotated, Any, Final, Self

from fastapi import Query
from pydantic import AfterValidator, BaseModel, Field, StrictBool, model_validator

from lambda_src.errors import InvalidInput
from lambda_src.runtime.bodies import ChangeBody, RequestBody
from lambda_src.runtime.routing import Given, Router
from lambda_src.services.algoitny import bodies
from lambda_src.services.algoitny.bodies import Cursor, Limit, ListBody, PathId, QueryId, Timestamp
from lambda_src.services.algoitny.errors import ConsentsRequired
from lambda_src.services.algoitny.models.stored import MAX_ID
from lambda_src.services.algoitny.models.users import MAX_EMAIL, MAX_NAME, User
from lambda_src.services.algoitny.principals import Administrator, Member
from lambda_src.services.algoitny.usage.service import UsageService
from lambda_src.services.algoitny.users.service import UserBody, UserService

type Text = Annotated[str, Query(max_length=254, description="An address, or a part of address or name")]


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


class NameChange(RequestBody):
    name: Annotated[str, AfterValidator(partial(bodies.one_line, most=MAX_NAME))]


class Confirmation(RequestBody):
    confirm: str = Field(max_length=MAX_EMAIL + 2, description="The e-mail address of the account")


class PlanChoice(RequestBody):
    """One of both."""

    plan: str | None = Field(None, max_length=100, description="Its name")
    plan_id: int | None = Field(None, ge=1, le=MAX_ID, strict=True)

    @model_validator(mode="after")
    def _check_that_one_is_named(self) -> Self:
        if (self.plan is None) == (self.plan_id is None):
            raise InvalidInput("Name the plan by `plan` or by `plan_id`")
        return self


class Agreement(RequestBody):
    privacy_agreed: StrictBool = False
    terms_agreed: StrictBool = False
    code_ownership_agreed: StrictBool = False


class ConsentTimesBody(BaseModel):
    privacy_agreed_at: Timestamp | None
    terms_agreed_at: Timestamp | None
    code_ownership_agreed_at: Timestamp | None


class ConsentsBody(ConsentTimesBody):
    all_consents_given: bool


class AgreedBody(BaseModel):
    message: str
    consents: ConsentTimesBody


account_router: Final = Router(tags=["account"])
router: Final = Router(tags=["users"])


@account_router.get("/api/account/me", response_model=UserBody)
def read_me(users: Given[UserService], caller: Member) -> dict[str, Any]:
    """The caller, as stored this instant."""
    return users.shown(caller.user)


@account_router.patch("/api/account/me", response_model=UserBody)
def rename_me(users: Given[UserService], caller: Member, body: NameChange) -> dict[str, Any]:
    """Choose another name; public runs from now on carry it."""
    return users.shown(users.users.update_user(caller.user_id, {"name": body.name}))


@account_router.delete("/api/account", status_code=202, response_model=bodies.AcceptedBody)
def delete_account(users: Given[UserService], caller: Member, body: Confirmation) -> dict[str, Any]:
    """Remove the caller at once, and in the background all runs and usage."""
    return bodies.ACCEPTED_SHAPE(users.leave(caller, body.confirm))


@account_router.patch("/api/account/plan", response_model=UserBody)
def choose_plan(users: Given[UserService], caller: Member, body: PlanChoice) -> dict[str, Any]:
    """Choose a plan that needs nobody's approval."""
    return users.shown(users.choose_plan(caller, body.plan_id, body.plan))


@account_router.post("/api/account/consents", response_model=AgreedBody)
def give_consents(users: Given[UserService], caller: Member, body: Agreement) -> dict[str, Any]:
    """Agree to all documents; less is none."""
    if not all(body.model_dump().values()):
        raise ConsentsRequired
    return {"message": "Your consents were saved", "consents": _consent_times(users.agree(caller))}


@account_router.get("/api/account/consents", response_model=ConsentsBody)
def read_consents(caller: Member) -> dict[str, Any]:
    """When the caller agreed to which document."""
    return {**_consent_times(caller.user), "all_consents_given": caller.user.all_consents_given}


def _consent_times(user: User) -> dict[str, Any]:
    return {name: bodies.timestamp(getattr(user, name)) for name in ConsentTimesBody.model_fields}


@router.get("/api/admin/users", response_model=UsersBody)
def list_users(
    users: Given[UserService], usage: Given[UsageService], _caller: Administrator, *,
    plan_id: QueryId = None, q: Text = "", limit: Limit = 20, cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """Users, newest first, with what they used today. A page of a search may be short and have a cursor."""
    page = users.search(plan_id=plan_id, text=q, limit=limit, cursor=cursor)
    today = usage.of_users([user.user_id for user in page.items])
    return bodies.list_body(page, [{**users.shown(user), "usage_today": today[user.user_id]} for user in page.items])


@router.get("/api/admin/users/{user_id}", response_model=UserBody)
def read_user(users: Given[UserService], _caller: Administrator, user_id: PathId) -> dict[str, Any]:
    """A user as stored this instant."""
    return users.shown(users.users.stored_user(user_id))


@router.patch("/api/admin/users/{user_id}", response_model=UserBody)
def change_user(users: Given[UserService], caller: Administrator, user_id: PathId, body: UserChange) -> dict[str, Any]:
    """Change what is given; it holds at once."""
    given = body.model_dump(exclude_unset=True)
    return users.shown(users.administrate(user_id, by=caller, plan_id=given.pop("subscription_plan_id", None), **given))


@router.delete("/api/admin/users/{user_id}", status_code=202, response_model=bodies.AcceptedBody)
def delete_user(users: Given[UserService], caller: Administrator, user_id: PathId) -> dict[str, Any]:
    """Remove a user at once, and in the background what the user leaves behind."""
    return bodies.ACCEPTED_SHAPE(users.dismiss(user_id, by=caller))
