"""Routes of the own account."""

from typing import Any, Final

from lambda_src.runtime.routing import Given, Router
from lambda_src.services.algoitny.account import schemas
from lambda_src.services.algoitny.account.schemas import CONSENT_TIMES_SHAPE, CONSENTS_SHAPE
from lambda_src.services.algoitny.account.service import AccountService
from lambda_src.services.algoitny.principals import Member
from lambda_src.services.algoitny.tasks.schemas import ACCEPTED_SHAPE, AcceptedBody
from lambda_src.services.algoitny.users.schemas import USER_SHAPE, UserBody
from lambda_src.services.algoitny.users.service import UserService

router: Final = Router(tags=["account"])


@router.get("/api/account/me", response_model=UserBody)
def read_me(users: Given[UserService], caller: Member) -> dict[str, Any]:
    """The caller, as stored this instant."""
    return USER_SHAPE(users.profile(caller.user))


@router.patch("/api/account/me", response_model=UserBody)
def rename_me(
    users: Given[UserService], account: Given[AccountService], caller: Member, body: schemas.NameChange
) -> dict[str, Any]:
    """Choose another name; public runs from now on carry it."""
    return USER_SHAPE(users.profile(account.rename(caller, body.name)))


@router.delete("/api/account", status_code=202, response_model=AcceptedBody)
def delete_account(account: Given[AccountService], caller: Member, body: schemas.Confirmation) -> dict[str, Any]:
    """Remove the caller at once, and in the background all runs and usage."""
    return ACCEPTED_SHAPE(account.leave(caller, body.confirm))


@router.patch("/api/account/plan", response_model=UserBody)
def choose_plan(
    users: Given[UserService], account: Given[AccountService], caller: Member, body: schemas.PlanChoice
) -> dict[str, Any]:
    """Choose a plan that needs nobody's approval."""
    return USER_SHAPE(users.profile(account.choose_plan(caller, body.plan_id, body.plan)))


@router.post("/api/account/consents", response_model=schemas.AgreedBody)
def give_consents(account: Given[AccountService], caller: Member, body: schemas.Agreement) -> dict[str, Any]:
    """Agree to all documents; less is none."""
    user = account.agree(caller, privacy=body.privacy_agreed, terms=body.terms_agreed, code=body.code_ownership_agreed)
    return {"message": "Your consents were saved", "consents": CONSENT_TIMES_SHAPE(user)}


@router.get("/api/account/consents", response_model=schemas.ConsentsBody)
def read_consents(caller: Member) -> dict[str, Any]:
    """When the caller agreed to which document."""
    return CONSENTS_SHAPE(caller.user)
