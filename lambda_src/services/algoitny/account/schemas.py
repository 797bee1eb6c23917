"""Bodies of requests and answers about the own account."""

from functools import partial
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, Field, StrictBool, model_validator

from lambda_src.errors import InvalidInput
from lambda_src.runtime.bodies import RequestBody, Shape
from lambda_src.services.algoitny.bodies import Timestamp, one_line
from lambda_src.services.algoitny.models.stored import MAX_ID
from lambda_src.services.algoitny.models.users import User
from lambda_src.services.algoitny.users.rules import MAX_EMAIL, MAX_NAME
from lambda_src.services.algoitny.users.schemas import maybe_timestamp


class NameChange(RequestBody):
    name: Annotated[str, AfterValidator(partial(one_line, most=MAX_NAME))]


class Confirmation(RequestBody):
    confirm: Annotated[str, Field(max_length=MAX_EMAIL + 2, description="The e-mail address of the account")]


class PlanChoice(RequestBody):
    """One of both."""

    plan: Annotated[str | None, Field(max_length=100, description="Its name")] = None
    plan_id: Annotated[int, Field(ge=1, le=MAX_ID, strict=True)] | None = None

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


_TIMES: Final = {
    "privacy_agreed_at": lambda user: maybe_timestamp(user.privacy_agreed_at),
    "terms_agreed_at": lambda user: maybe_timestamp(user.terms_agreed_at),
    "code_ownership_agreed_at": lambda user: maybe_timestamp(user.code_ownership_agreed_at),
}
CONSENT_TIMES_SHAPE: Final = Shape[User](ConsentTimesBody, {**_TIMES})
CONSENTS_SHAPE: Final = Shape[User](ConsentsBody, {**_TIMES})
